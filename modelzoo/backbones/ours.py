"""What the networks share that are not timm's."""

from typing import Any

from timm.models import generate_default_cfgs
from torch import Tensor, nn

from modelzoo.backbones.table import BACKBONES


def describe_to_timm(name: str, *, first_conv: str, classifier: str) -> Any:
    """What timm asks of a network before it builds it: the row's facts, and two of its layers.

    Args:
        name: A key of `BACKBONES`.
        first_conv: Name of the first convolution.
        classifier: Name of the last layer.
    """
    row = BACKBONES[name]
    return generate_default_cfgs(
        {
            name: {
                "input_size": (3, row.input_px, row.input_px),
                "crop_pct": row.crop,
                "interpolation": row.interpolation,
                "mean": row.mean,
                "std": row.std,
                "num_classes": 1000,
                "first_conv": first_conv,
                "classifier": classifier,
            }
        }
    )


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
