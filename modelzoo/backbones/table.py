"""One row a backbone: its names, its weights, how it wants its pixels. No torch here."""

from dataclasses import dataclass
from typing import Literal

from modelzoo.errors import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneRow:
    """Published facts of one backbone."""

    name: str  # the key everywhere: config, folders, links
    title: str  # as papers print it
    timm_name: str | None  # exact `architecture.tag` of its ImageNet weights; None: not in timm
    input_px: int
    mean: tuple[float, float, float]  # of R, G, B in [0, 1]
    std: tuple[float, float, float]
    crop: float  # share of the resized side that ImageNet's evaluation keeps
    interpolation: Literal["bilinear", "bicubic"]
    parameters: int  # with 1000 classes, batch-norm statistics not counted
    licence: str  # of the ImageNet weights
    last_map: str  # module of `network` whose output is the last spatial map
    in_muduli2025: bool = True


_ROWS = (
    BackboneRow(
        name="tf_efficientnet_lite0",
        title="EfficientNet-Lite0",
        timm_name="tf_efficientnet_lite0.in1k",
        input_px=224,
        mean=HALF,
        std=HALF,
        crop=0.875,
        interpolation="bicubic",
        parameters=4_652_008,
        licence="apache-2.0",
        last_map="bn2",
        in_muduli2025=False,
    ),
)

BACKBONES: dict[str, BackboneRow] = {row.name: row for row in _ROWS}


def find_backbone(name: str) -> BackboneRow:
    """The row called `name`.

    Raises:
        UserError: There is none.
    """
    if name not in BACKBONES:
        raise UserError(f"Backbone {name!r} is unknown; give one of {', '.join(BACKBONES)}.")
    return BACKBONES[name]
