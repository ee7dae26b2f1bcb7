"""One row a method: what it is, what it costs, when not to trust it. No torch, no methods here."""

from dataclasses import dataclass
from typing import Literal

from xai.errors import UserError

Family = Literal["class activation map", "gradients", "perturbation"]


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
    Method(
        name="saliency",
        title="Saliency",
        family="gradients",
        paper="Simonyan et al. 2013",
        url="https://arxiv.org/abs/1312.6034",
        reads="Where a small change of a pixel would move the class's logit most, up or down: what "
        "the network is sensitive to, in logits a unit of colour, not what the answer is made of.",
        cost="one pass forward and backward",
        needs="gradients with respect to the pixels",
        is_signed=False,
        not_valid="It is as noisy as the gradient, says nothing of for or against, and its values "
        "add up to nothing: do not compare their size with that of other methods.",
    ),
    Method(
        name="smoothgrad",
        title="SmoothGrad",
        family="gradients",
        paper="Smilkov et al. 2017",
        url="https://arxiv.org/abs/1706.03825",
        reads="As Saliency, of the mean gradient over 32 copies with noise of 15 % of the image's "
        "range, so that what depends on single pixels averages out.",
        cost="32 passes forward and backward, one forward",
        needs="gradients with respect to the pixels",
        is_signed=False,
        not_valid="It explains noisy copies, which the network may take for another class, and its "
        "values add up to nothing.",
    ),
    Method(
        name="gradient-shap",
        title="GradientSHAP",
        family="gradients",
        paper="Lundberg and Lee 2017",
        url="https://arxiv.org/abs/1705.07874",
        reads="What each pixel added to the class's logit or took from it, against the mean of "
        "eight even colours; the values sum to the difference within the error told.",
        cost="64 passes forward and backward, nine forward",
        needs="gradients with respect to the pixels",
        is_signed=True,
        not_valid="64 random points leave an error in the sum: read its size first, and regions "
        "rather than pixels.",
    ),
    Method(
        name="deep-lift",
        title="DeepLIFT",
        family="gradients",
        paper="Shrikumar et al. 2017",
        url="https://arxiv.org/abs/1704.02685",
        reads="What each pixel added to the class's logit or took from it, against an image of one "
        "even grey, by how much each activation changed; all values sum to the difference.",
        cost="four passes forward, two backward",
        needs="activations that are known functions of one value, maxima or products",
        is_signed=True,
        not_valid="Two networks that answer alike may get different maps, since it depends on how "
        "the layers are written down.",
    ),
    Method(
        name="guided-backprop",
        title="Guided Backprop",
        family="gradients",
        paper="Springenberg et al. 2015",
        url="https://arxiv.org/abs/1412.6806",
        reads="Edges and grains that excite the ReLUs on the way to the class, in logits a unit "
        "of colour; evidence against it is dropped at every layer.",
        cost="two passes forward, one backward",
        needs="ReLUs and no other activation: not EfficientNet",
        is_signed=True,
        not_valid="It draws much the same edges for every class and for random weights (Adebayo et "
        "al. 2018): it shows the image more than the decision.",
    ),
    Method(
        name="guided-grad-cam",
        title="Guided Grad-CAM",
        family="gradients",
        paper="Selvaraju et al. 2017",
        url="https://arxiv.org/abs/1610.02391",
        reads="The edges of Guided Backprop within the spots of Grad-CAM.",
        cost="three passes forward, one backward, and the head's",
        needs="ReLUs and no other activation (not EfficientNet), the last features and the head",
        is_signed=True,
        not_valid="Its fine lines come from Guided Backprop, which hardly depends on the class: "
        "only the choice of region does. Its values add up to nothing.",
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        family="perturbation",
        paper="Zeiler and Fergus 2014",
        url="https://arxiv.org/abs/1311.2901",
        reads="How much of the class's logit is lost where a grey window of a seventh of the side "
        "hides the image, spread over the window; below 0 the logit rose.",
        cost="about 170 passes forward",
        needs="answers alone",
        is_signed=True,
        not_valid="A grey square is nothing the network has seen, and evidence that stands in two "
        "places is missed, as hiding one leaves the other.",
    ),
    Method(
        name="kernel-shap",
        title="KernelSHAP",
        family="perturbation",
        paper="Lundberg and Lee 2017",
        url="https://arxiv.org/abs/1705.07874",
        reads="What each of about 48 regions of similar colour added to the class's logit or took "
        "from it, averaged over which others are seen; all sum to the difference from even grey.",
        cost="514 passes forward",
        needs="answers alone",
        is_signed=True,
        not_valid="Images with grey holes are none the network has seen, the regions are drawn by "
        "colour and not by the network, and the draws are noisy: on a smear maps of two seeds "
        "correlated at 0.67, so trust only what stands out.",
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
