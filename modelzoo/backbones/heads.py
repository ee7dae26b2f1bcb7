"""Heads that papers put on a network's features in place of its own. No files here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DENSE_UNITS = 256  # of pushpalatha2024's head
FASTAI_UNITS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One kind of head: how it pools, and the layers on what it pooled."""

    pool: Callable[[Tensor], Tensor]  # features (N, C, H, W) -> (N, D)
    wider: int  # D / C
    layers: Callable[[int, int], list[nn.Module]]  # D, classes -> layers, the last one linear


class HeadedNetwork(nn.Module):
    """A network's features with another head on them, with the methods that timm's have.

    Attributes:
        body: timm's network, or one of ours, without its own head.
        top: The layers on the pooled features (N, D); the last one is linear.
    """

    def __init__(self, body: nn.Module, head: Head, channels: int, n_classes: int) -> None:
        super().__init__()
        self.body = body
        self._pool = head.pool
        self.top = nn.Sequential(*head.layers(channels * head.wider, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W)."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """The last spatial map (N, C, h, w)."""
        features: Tensor = self._body("forward_features", x)
        return features

    def forward_intermediates(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last spatial map, and those of every depth."""
        found: tuple[Tensor, list[Tensor]] = self._body("forward_intermediates", x)
        return found

    def pool(self, features: Tensor) -> Tensor:
        """(N, D) of features (N, C, h, w): what `top` takes."""
        return self._pool(features)

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, K) of features (N, C, h, w), or the inputs of the last layer."""
        pooled = self.pool(features)
        logits: Tensor = (self.top[:-1] if pre_logits else self.top)(pooled)
        return logits

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.top[-1]

    def _body(self, method: str, x: Tensor) -> Any:
        return getattr(self.body, method)(x)


def drop_head(network: nn.Module) -> nn.Module:
    """`network`, one of timm's or with its methods, without its own head; changed in place."""
    network.reset_classifier(0)  # type: ignore[operator]  # timm has no type for such a network
    if hasattr(network, "pre_logits"):  # the dense layers of VGG and AlexNet
        network.pre_logits = nn.Identity()
    return network


def _pool_max(features: Tensor) -> Tensor:
    # Not adaptive_max_pool2d, for which DeepLIFT's rule is not written.
    return F.max_pool2d(features, list(features.shape[2:])).flatten(1)


def _pool_both(features: Tensor) -> Tensor:
    return torch.cat([_pool_max(features), F.adaptive_avg_pool2d(features, 1).flatten(1)], dim=1)


def _fastai_layers(inputs: int, n_classes: int) -> list[nn.Module]:
    # fastai's `create_head` with its defaults (`lin_ftrs=512`, `ps=0.5`, batch norm first).
    return [
        nn.BatchNorm1d(inputs),
        nn.Dropout(0.25),
        nn.Linear(inputs, FASTAI_UNITS, bias=False),
        nn.ReLU(),
        nn.BatchNorm1d(FASTAI_UNITS),
        nn.Dropout(0.5),
        nn.Linear(FASTAI_UNITS, n_classes, bias=False),
    ]


def _dense_layers(inputs: int, n_classes: int) -> list[nn.Module]:
    # Keras' momentum of 0.99 is PyTorch's 0.01. The dropout's rate is not stated; 0.45 is chosen.
    return [
        nn.BatchNorm1d(inputs, eps=0.001, momentum=0.01),
        nn.Linear(inputs, DENSE_UNITS),
        nn.ReLU(),
        nn.Dropout(0.45),
        nn.Linear(DENSE_UNITS, n_classes),
    ]


# One row per head but the network's own; the keys are `TrainConfig.head`'s.
HEADS: dict[str, Head] = {
    "fastai": Head(pool=_pool_both, wider=2, layers=_fastai_layers),  # yaseen2025
    "dense": Head(pool=_pool_max, wider=1, layers=_dense_layers),  # pushpalatha2024
}
