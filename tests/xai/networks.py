"""Small split networks, and images in which a bright square decides. For tests."""

import pytest
import torch
from torch import Tensor, nn


class SmallNetwork(nn.Module):
    """Two convolutions, and a head with a hidden layer, so that gradients differ by place."""

    def __init__(self, classes: int = 3, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.body = nn.Sequential(
                nn.Conv2d(3, 8, 3, stride=2, padding=1),
                nn.SiLU(),
                nn.Conv2d(8, 16, 3, stride=2, padding=1),
                nn.ReLU(inplace=True),
            )
            self.tail = nn.Sequential(
                nn.AdaptiveAvgPool2d(4),
                nn.Flatten(),
                nn.Linear(256, 16),
                nn.Tanh(),
                nn.Linear(16, classes),
            )

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x)
        return features

    def stages(self, x: Tensor) -> list[Tensor]:
        first = self.body[:2](x)
        return [first, self.body[2:](first)]

    def head(self, features: Tensor) -> Tensor:
        logits: Tensor = self.tail(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


class PooledNetwork(SmallNetwork):
    """Behind the convolutions a global average pool and one linear layer, as in most backbones."""

    def __init__(self, classes: int = 2, seed: int = 0) -> None:
        super().__init__(classes, seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes))


def squares_in_corners(count: int, *, px: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise (count, 3, px, px); those of label 1 have a bright square in the upper left corner."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.3 * torch.randn(count, 3, px, px, generator=generator)
    labels = torch.arange(count) % 2
    images[labels == 1, :, : px // 4, : px // 4] += 2
    return images, labels


def train_on_squares(network: nn.Module) -> nn.Module:
    """`network` trained until it tells images with a square from those without."""
    images, labels = squares_in_corners(64)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    accuracy = (network(images).argmax(1) == labels).float().mean()
    assert accuracy == pytest.approx(1)
    return network.eval()
