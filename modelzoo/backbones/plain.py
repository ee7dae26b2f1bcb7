"""What networks share that are one layer after another."""

from torch import Tensor, nn


def last_of_each_size(layers: nn.Sequential, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What `layers` make of images (N, 3, H, W), and the last map of each size on the way."""
    maps: list[Tensor] = []
    for layer in layers:
        before, x = x, layer(x)
        if maps and x.shape[2:] == before.shape[2:]:
            maps[-1] = x
        else:
            maps.append(x)
    return x, maps
