"""A network in two halves: features, the last spatial map, and the head on them. No files here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import timm
import torch
from timm.models.vgg import ConvMlp
from torch import Tensor, nn
from torch.nn import functional

# Imported for telling timm about them.
from modelzoo.backbones import alexnet, cnn13, nasnet_mobile, yolov8  # noqa: F401
from modelzoo.backbones.heads import HEADS, HeadedNetwork, drop_head
from modelzoo.backbones.table import BackboneRow, find_backbone, require_package

# Share of a new batch in the running statistics that evaluation uses. Keras keeps 0.99 of the old
# ones (0.01 here), which takes hundreds of steps to forget a start, and a short training on a few
# hundred smears ends before: training accuracy is high and validation accuracy is chance, as in
# muduli2025's EfficientNet-B0 (98.8 % and 28.9 %). After 50 steps from a random start, evaluation
# loss was 1.7 at 0.01, worse than chance, and 0.000 at 0.1.
BATCH_NORM_MOMENTUM = 0.1

DEPTHS = 3  # sizes of map that methods of several depths use: 1/8, 1/16 and 1/32 of the image


class Backbone(nn.Module):
    """One row's network, split so that `forward` is `head` of `features`.

    Attributes:
        row: What is published of it.
        network: timm's network, or one of ours with timm's methods; its state is what is saved.
    """

    def __init__(self, row: BackboneRow, network: nn.Module) -> None:
        super().__init__()
        self.row = row
        self.network = network
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = BATCH_NORM_MOMENTUM
            elif isinstance(module, ConvMlp):
                assert isinstance(module.fc1, nn.Conv2d)
                module.fc1 = WholeMapConv(module.fc1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of normalised images (N, 3, H, W)."""
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """The last spatial map (N, C, H, W) of normalised images (N, 3, H, W)."""
        features: Tensor = self._call("forward_features", x)
        return features

    def stages(self, x: Tensor) -> list[Tensor]:
        """The last map of each of the DEPTHS coarsest sizes, finest first; `features` is the last.

        In one pass over normalised images (N, 3, H, W); each map is (N, C, h, w) with its own size.
        """
        features, maps = self._call("forward_intermediates", x)
        last_by_size = {each.shape[2:]: each for each in [*maps, features]}
        return list(last_by_size.values())[-DEPTHS:]

    def head(self, features: Tensor) -> Tensor:
        """Logits (N, K) of features (N, C, H, W)."""
        logits: Tensor = self._call("forward_head", features)
        return logits

    def embed(self, features: Tensor) -> Tensor:
        """The inputs (N, D) of the classifier for these features, in training with dropout."""
        vectors: Tensor = self._call("forward_head", features, pre_logits=True)
        return vectors

    @property
    def classifier(self) -> nn.Linear:
        """The last layer: `classifier(embed(features))` is `head(features)` in evaluation."""
        layer = self._call("get_classifier")
        assert isinstance(layer, nn.Linear)
        return layer

    def pool(self, features: Tensor) -> Tensor:
        """What a head is trained on where the rest is frozen, (N, D) of features (N, C, H, W).

        The inputs of the first layer of a head that a paper put there, of the classifier otherwise.
        """
        if isinstance(self.network, HeadedNetwork):
            return self.network.pool(features)
        return self.embed(features)

    @property
    def top(self) -> nn.Sequential | None:
        """The layers of a paper's head, on `pool`; None where the head is the network's own."""
        return self.network.top if isinstance(self.network, HeadedNetwork) else None

    def head_parameters(self) -> list[nn.Parameter]:
        """The weights that no ImageNet weights are for: of a paper's head, or of the classifier."""
        return list((self.classifier if self.top is None else self.top).parameters())

    @property
    def channels(self) -> int:
        """How many maps `features` has."""
        network = self.network
        if isinstance(network, HeadedNetwork):
            network = network.body
        channels = network.num_features
        assert isinstance(channels, int)
        return channels

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels as the network's ImageNet weights expect them, on the device they are on.

        Args:
            pixels: (N, H, W, 3) uint8, RGB.

        Returns:
            (N, 3, H, W) float32, in channels-last memory.
        """
        mean = torch.tensor(self.row.mean, device=pixels.device) * 255
        std = torch.tensor(self.row.std, device=pixels.device) * 255
        return pixels.float().sub_(mean).div_(std).permute(0, 3, 1, 2)

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        # timm has no type for "a network with forward_features": this is the edge to it.
        return getattr(self.network, method)(*args, **kwargs)


class WholeMapConv(nn.Conv2d):
    """A convolution, computed as one matrix product where its kernel covers the whole map.

    oneDNN copies the 411 MB of VGG's first dense layer into another order in each pass, forward
    and backward: an explanation of one image took 2.2 s instead of 0.4 (one core).
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        rows, columns = conv.kernel_size
        rows, columns = conv.kernel_size
        super().__init__(conv.in_channels, conv.out_channels, (rows, columns), device="meta")
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) of (N, C', H, W)."""
        if x.shape[2:] != self.weight.shape[2:]:
            return super().forward(x)
        weight = self.weight
        if not weight.is_contiguous():  # channels last: as it lies in memory, so not copied
            x, weight = x.permute(0, 2, 3, 1), weight.permute(0, 2, 3, 1)
        return functional.linear(x.flatten(1), weight.flatten(1), self.bias)[..., None, None]


def create_backbone(name: str, n_classes: int, *, head: str = "own", seed: int = 0) -> Backbone:
    """A backbone with random weights, which `seed` decides; in training mode.

    Args:
        name: A key of `BACKBONES`.
        n_classes: Outputs of the last layer.
        head: `own`, or a key of `HEADS`.
        seed: Decides the weights.

    Raises:
        UserError: No backbone is called `name`, or the package that builds it is not installed.
    """
    row = find_backbone(name)
    with seeded(seed):
        return Backbone(row, _build(row, n_classes, head))


def create_empty_backbone(name: str, n_classes: int, *, head: str = "own") -> Backbone:
    """A backbone whose weights take no memory (on torch's `meta` device) until some are loaded.

    Raises:
        UserError: No backbone is called `name`, or the package that builds it is not installed.
    """
    row = find_backbone(name)
    with torch.device("meta"):
        return Backbone(row, _build(row, n_classes, head))


def _build(row: BackboneRow, n_classes: int, head: str) -> nn.Module:
    """The row's network, with its own head or another one."""
    require_package(row)
    network: nn.Module = timm.create_model(row.architecture, num_classes=n_classes)
    return network if head == "own" else _put_head(network, head, n_classes)


def _put_head(network: nn.Module, head: str, n_classes: int) -> HeadedNetwork:
    channels = network.num_features
    assert isinstance(channels, int)
    return HeadedNetwork(drop_head(network), HEADS[head], channels, n_classes)


def fill_backbone(backbone: Backbone, tensors: dict[str, Tensor]) -> None:
    """Give `backbone` copies of `tensors`, by name, as float32 where they are of less or more.

    Batch norms' counts of batches may be missing: files of before 2018 have none.

    Raises:
        ValueError: A tensor is missing, unknown or of another shape; nothing was changed.
    """
    wanted = backbone.network.state_dict()
    missing = [
        name for name in wanted if name not in tensors and not name.endswith("num_batches_tracked")
    ]
    unknown = [name for name in tensors if name not in wanted]
    wrong = [
        name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    for names, trouble in ((missing, "missing"), (unknown, "unknown"), (wrong, "of another shape")):
        if names:
            raise ValueError(f"{len(names)} tensors are {trouble}, the first {names[0]}")
    copies = {name: value.to(wanted[name].dtype, copy=True) for name, value in tensors.items()}
    backbone.network.load_state_dict(copies, assign=True)


def replace_head(backbone: Backbone, head: str, n_classes: int, *, seed: int) -> None:
    """Give `backbone` a new head of `n_classes` outputs, random by `seed`.

    Args:
        backbone: With its own head.
        head: `own` replaces the last layer alone; a key of `HEADS` puts that head on the features.
        n_classes: Outputs.
        seed: Decides the new weights.
    """
    with seeded(seed):
        if head == "own":
            backbone._call("reset_classifier", n_classes)
        else:
            backbone.network = _put_head(backbone.network, head, n_classes)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block torch's CPU numbers follow `seed`; afterwards all is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed: it seeds GPUs too
        yield
