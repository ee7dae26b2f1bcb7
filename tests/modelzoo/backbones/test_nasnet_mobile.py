import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modelzoo.backbones import nasnet_mobile
from modelzoo.backbones.nasnet_mobile import NASNetMobile

NORMAL = [f"cell_{index}" for index in (0, 1, 2, 3, 6, 7, 8, 9, 12, 13, 14, 15)]
REDUCTION = ["cell_stem_0", "cell_stem_1", "reduction_cell_0", "reduction_cell_1"]
HALVED = ["cell_stem_1", "cell_0", "cell_6", "cell_12"]  # whose earlier input is twice as large


def names_in_cadenes_file() -> set[str]:
    """The keys of nasnetamobile-7e03cead.pth, from their description."""
    norm = ("weight", "bias", "running_mean", "running_var")
    names = {"conv0.conv.weight", "last_linear.weight", "last_linear.bias"}
    names |= {f"conv0.bn.{part}" for part in norm}
    for cell in NORMAL + REDUCTION:
        fitted = ["conv_1x1"]
        if cell in HALVED:
            names |= {f"{cell}.path_{index}.conv.weight" for index in (1, 2)}
            names |= {f"{cell}.final_path_bn.{part}" for part in norm}
        elif cell != "cell_stem_0":
            fitted.append("conv_prev_1x1")
        for layer in fitted:
            names |= {f"{cell}.{layer}.conv.weight"}
            names |= {f"{cell}.{layer}.bn.{part}" for part in norm}
        normal = ["0_left", "0_right", "1_left", "1_right", "4_left"]
        reduction = ["0_left", "0_right", "1_right", "2_right", "4_left"]
        for branch in normal if cell in NORMAL else reduction:
            for half in (1, 2):
                start = f"{cell}.comb_iter_{branch}"
                names |= {f"{start}.separable_{half}.depthwise_conv2d.weight"}
                names |= {f"{start}.separable_{half}.pointwise_conv2d.weight"}
                names |= {f"{start}.bn_sep_{half}.{part}" for part in norm}
    return names


def test_the_tensors_are_those_of_cadenes_file() -> None:
    with torch.device("meta"):
        tensors = NASNetMobile().state_dict()

    # A file of early 2018 has no counts of batches.
    named = {name for name in tensors if not name.endswith("num_batches_tracked")}
    assert len(named) == 1126
    assert named == names_in_cadenes_file()
    assert sum(tensors[name].numel() for name in named) == 5_326_716  # with 36,738 statistics
    right = tensors["cell_stem_0.comb_iter_0_right.separable_1.pointwise_conv2d.weight"]
    assert right.shape == (11, 32, 1, 1)


def noise(count: int, seed: int) -> Tensor:
    """(count,) numbers of mean 0 and variance 1 that any version of torch makes alike."""
    wave = torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898 + seed) * 43758.5453
    return (wave - wave.floor() - 0.5) * 12**0.5


def fill_by_formula(network: nn.Module) -> None:
    """Weights that anyone can make again, as large as a random start's."""
    for index, (name, value) in enumerate(sorted(network.state_dict().items())):
        if not value.is_floating_point():
            continue
        numbers = noise(value.numel(), index).reshape(value.shape)
        if value.ndim > 1:
            value.copy_(numbers * (2 / value[0].numel()) ** 0.5)
        elif name.endswith("running_var") or re.search(r"bn(_sep_\d)?\.weight$", name):
            value.copy_(1 + 0.2 * numbers)
        else:
            value.copy_(0.1 * numbers)


def test_features_and_logits_are_those_of_the_published_port() -> None:
    network = NASNetMobile(num_classes=5).eval()
    fill_by_formula(network)
    x = noise(3 * 16 * 16, 0).reshape(1, 3, 16, 16)
    x = F.interpolate(x, (224, 224), mode="bicubic").float()

    with torch.inference_mode():
        features = network.forward_features(x)
        logits = network.forward_head(features)

    # From pytorchcv 0.0.74's nasnet_4a1056, which runs Cadene's file, with its tensors renamed.
    diagonal = torch.tensor([24439.09, 39457.81, 51780.66, 56429.82, 53740.12, 41849.31, 27808.21])
    published = torch.tensor([[-141838.25, -70375.97, 52550.25, 23035.65, 41391.92]])
    assert torch.allclose(features.mean(dim=1)[0].diagonal(), diagonal, rtol=1e-4)
    assert torch.allclose(logits, published, rtol=1e-4)


@pytest.mark.parametrize(("px", "map_px"), [(128, 4), (150, 5), (33, 1)])
def test_any_size_runs_and_is_halved_five_times_rounded_up(px: int, map_px: int) -> None:
    network = NASNetMobile(num_classes=2).eval()

    with torch.inference_mode():
        features = network.forward_features(torch.zeros(1, 3, px, px))

    assert features.shape == (1, 1056, map_px, map_px)
    assert features.min() >= 0


def same(x: Tensor, kernel: int, value: float) -> Tensor:
    """TensorFlow's SAME padding by its definition, for stride 2."""
    pads = []
    for side in (x.shape[3], x.shape[2]):
        total = max((-(-side // 2) - 1) * 2 + kernel - side, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (8, 9), (9, 8)])
def test_strides_pad_as_tensorflow_does(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0)) - 5

    for kernel in (5, 7):
        separable = nasnet_mobile._Separable(3, 4, kernel, 2)
        depthwise = separable.depthwise_conv2d
        expected = F.conv2d(same(x, kernel, 0), depthwise.weight, stride=2, groups=3)
        assert torch.allclose(separable(x), separable.pointwise_conv2d(expected), atol=1e-6)
    largest = F.max_pool2d(same(x, 3, -torch.inf), 3, 2)
    assert torch.equal(nasnet_mobile._maximum(x), largest)
    counted = F.avg_pool2d(same(torch.ones_like(x), 3, 0), 3, 2)
    average = F.avg_pool2d(same(x, 3, 0), 3, 2) / counted
    assert torch.allclose(nasnet_mobile._average(x, stride=2), average, atol=1e-6)
