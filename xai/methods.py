"""One row a method: what it is, what it costs, when not to trust it. No torch, no methods here."""

from dataclasses import dataclass
from typing import Literal

from xai.errors import UserError

Family = Literal["class activation map", "gradients"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What is known of one method before it runs."""

    name: str  # the key everywhere: links, files, commands
    title: str  # as papers print it
    family: Family
    paper: str
    url: str
    reads: str  # how to read its map, one sentence
    cost: str  # in passes through the network
    needs: str
    is_signed: bool  # whether it shows evidence against
    not_valid: str  # when its map misleads, one sentence


_ROWS = (
    Method(
        name="grad-cam",
        title="Grad-CAM",
        family="class activation map",
        paper="Selvaraju et al. 2017",
        url="https://arxiv.org/abs/1610.02391",
        reads="Where the last features speak for the class; evidence against it is not shown.",
        cost="one pass forward, the head backward",
        needs="the last features and the head",
        is_signed=False,
        not_valid="Its fields are coarse and each has seen most of the image: a spot outlines no "
        "cell.",
    ),
    Method(
        name="grad-cam-plus-plus",
        title="Grad-CAM++",
        family="class activation map",
        paper="Chattopadhyay et al. 2018",
        url="https://arxiv.org/abs/1710.11063",
        reads="As Grad-CAM, from what speaks for the class alone, so that each of several cells "
        "shows; its logits are weighted and do not add up to the answer.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        needs="the last features and the head",
        is_signed=False,
        not_valid="A feature that speaks for the class here and against it there counts as for it, "
        "so the map spreads.",
    ),
    Method(
        name="integrated-gradients",
        title="Integrated Gradients",
        family="gradients",
        paper="Sundararajan et al. 2017",
        url="https://arxiv.org/abs/1703.01365",
        reads="What each pixel added to the class's logit or took from it, against an image of one "
        "even grey; all values sum to the difference between the two.",
        cost="32 to 256 passes forward and backward",
        needs="gradients with respect to the pixels",
        is_signed=True,
        not_valid="Colours near that grey count for little wherever they are, and single pixels "
        "are noisy: read regions.",
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in _ROWS}

# Made from the same features and gradients, so that whoever asks for one has paid for all.
ONE_PASS = ("grad-cam", "grad-cam-plus-plus")


def find_method(name: str) -> Method:
    """The row called `name`.

    Raises:
        UserError: There is none.
    """
    if name not in METHODS:
        raise UserError(f"Method {name!r} is unknown; give one of {', '.join(METHODS)}.")
    return METHODS[name]
