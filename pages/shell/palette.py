"""One colour for a class, one for a backbone, the same on every page. No figures here."""

from collections.abc import Iterable
from dataclasses import dataclass

# Okabe and Ito 2008 (jfly.uni-koeln.de/color), told apart by colour-blind people; black and yellow
# are left out, since one of them is lost on a light page and the other on a dark one.
CLASS_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
OTHER = "#8A8A8A"


@dataclass(frozen=True, slots=True)
class Style:
    """How a backbone is drawn: colour, and shapes for those who do not see it."""

    colour: str
    symbol: str  # Plotly's name of the marker
    dash: str  # Plotly's name of the line


@dataclass(frozen=True, slots=True)
class PartStyle:
    """How the images of a part are drawn: colour, and a pattern for those who do not see it."""

    colour: str
    pattern: str  # Plotly's name of it; empty: none


# One hue, lighter from part to part: they are pieces of one data set. None: of no part.
PART_STYLES: dict[str | None, PartStyle] = {
    "train": PartStyle("#6F4BB8", ""),
    "validation": PartStyle("#8E78C8", "/"),
    "test": PartStyle("#A892D8", "x"),
    None: PartStyle("#8060C8", ""),
}
# One hue a family; members differ in lightness, marker and line.
BACKBONE_STYLES = {
    "vgg16": Style("#D55E00", "circle", "solid"),
    "vgg19": Style("#F0A050", "circle-open", "dash"),
    "resnet50": Style("#0072B2", "square", "solid"),
    "resnet152": Style("#56B4E9", "square-open", "dash"),
    "densenet121": Style("#00805C", "diamond", "solid"),
    "densenet169": Style("#5DBB8A", "diamond-open", "dash"),
    "efficientnet_b0": Style("#B0508A", "triangle-up", "solid"),
    "efficientnetv2_b0": Style("#E08FC0", "triangle-up-open", "dash"),
    "tf_efficientnet_lite0": Style("#8060C8", "triangle-down", "dot"),
    "xception": Style("#A07800", "star", "solid"),
    "nasnet_mobile": Style("#808080", "x", "dot"),
    "efficientnet_b3": Style("#8E3FA8", "triangle-left", "dash"),
    "alexnet": Style("#C04040", "pentagon", "solid"),
    "cnn13": Style("#607030", "hexagon", "dot"),
    "yolov8n_cls": Style("#5070C0", "cross", "dashdot"),
}


def class_colours(classes: Iterable[str]) -> dict[str, str]:
    """Colour by class, in the order of their names: the same set looks the same everywhere."""
    return {
        name: CLASS_COLOURS[index] if index < len(CLASS_COLOURS) else OTHER
        for index, name in enumerate(sorted(classes))
    }


def backbone_style(backbone: str) -> Style:
    """How `backbone` is drawn; grey for one that is not known."""
    return BACKBONE_STYLES.get(backbone, Style(OTHER, "circle", "dashdot"))
