"""One row a method: what it is, what it costs, when not to trust it. No torch, no methods here."""

from dataclasses import dataclass
from typing import Literal

from xai.errors import UserError

Family = Literal["class activation map", "gradients", "perturbation"]
Unit = Literal["logits", "share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What is known of one method before it runs."""

    name: str  # the key everywhere: links, files, commands
    title: str  # as papers print it
    family: Family
    paper: str
    url: str
    reads: str  # how to read its map, one sentence
    cost: str  # in passes through the network, in words
    passes: float  # what it takes, in passes of one image forward; to say the time beforehand
    needs: str
    is_signed: bool  # whether it shows evidence against
    unit: Unit  # share: its numbers mean nothing beside another map's, so the map is drawn as 100 %
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
        passes=2,
        needs="the last features and the head",
        is_signed=False,
        unit="logits",
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
        passes=2,
        needs="the last features and the head",
        is_signed=False,
        unit="logits",
        not_valid="A feature that speaks for the class here and against it there counts as for it, "
        "so the map spreads.",
    ),
    Method(
        name="hires-cam",
        title="HiResCAM",
        family="class activation map",
        paper="Draelos and Carin 2020",
        url="https://arxiv.org/abs/2011.08891",
        reads="What each field of the last features adds to the class's logit or takes from it, "
        "each by its own gradient.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        needs="the last features and the head",
        is_signed=True,
        unit="logits",
        not_valid="Before a global average pool its positive part is Grad-CAM's map: agreement of "
        "the two proves nothing there.",
    ),
    Method(
        name="xgrad-cam",
        title="XGrad-CAM",
        family="class activation map",
        paper="Fu et al. 2020",
        url="https://arxiv.org/abs/2008.02312",
        reads="As Grad-CAM, but a channel weighs by its gradient where it is lit, so that the "
        "fields sum to the logit's linear part.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        needs="the last features and the head",
        is_signed=False,
        unit="logits",
        not_valid="Before a global average pool it is Grad-CAM's map; a channel whose values "
        "cancel gets a weight without bounds.",
    ),
    Method(
        name="layer-cam",
        title="LayerCAM",
        family="class activation map",
        paper="Jiang et al. 2021",
        url="https://doi.org/10.1109/TIP.2021.3089943",
        reads="As HiResCAM, from positive gradients alone.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        needs="the last features and the head",
        is_signed=False,
        unit="logits",
        not_valid="It counts what speaks for the class and forgets what speaks against it in the "
        "same place, so the map spreads.",
    ),
    Method(
        name="layer-cam-depths",
        title="LayerCAM, several depths",
        family="class activation map",
        paper="Jiang et al. 2021",
        url="https://doi.org/10.1109/TIP.2021.3089943",
        reads="The strongest of LayerCAM's maps at 1/32, 1/16 and 1/8 of the image, each scaled by "
        "its own maximum: finer borders.",
        cost="one pass forward and backward",
        passes=3,
        needs="maps of several depths",
        is_signed=False,
        unit="share",
        not_valid="Each depth is scaled to its own maximum, so a depth without evidence is drawn "
        "as boldly as one with it.",
    ),
    Method(
        name="finer-cam",
        title="Finer-CAM",
        family="class activation map",
        paper="Zhang et al. 2025",
        url="https://arxiv.org/abs/2501.11309",
        reads="What speaks for the class and not for the up to three classes it is closest to: why "
        "this one and not those.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        needs="the last features and the head",
        is_signed=False,
        unit="logits",
        not_valid="It explains a difference: evidence that all these classes share is left out, "
        "however strong it is.",
    ),
    Method(
        name="eigen-cam",
        title="Eigen-CAM",
        family="class activation map",
        paper="Muhammad and Yeasin 2020",
        url="https://arxiv.org/abs/2008.00299",
        reads="Where the last features are strongest, whatever they speak for.",
        cost="one pass forward, shared with Grad-CAM",
        passes=2,
        needs="the last features",
        is_signed=True,
        unit="share",
        not_valid="The class plays no part: the map is the same for every class, so it explains no "
        "answer.",
    ),
    Method(
        name="ablation-cam",
        title="Ablation-CAM",
        family="class activation map",
        paper="Desai and Ramaswamy 2020",
        url="https://doi.org/10.1109/WACV45572.2020.9093360",
        reads="As Grad-CAM, but a channel weighs by what the class's logit loses without it.",
        cost="one pass forward, the head once for each channel; behind a global average pool none",
        passes=3,
        needs="the last features and the head",
        is_signed=False,
        unit="share",
        not_valid="A channel's loss is multiplied with the channel again, so a strong channel "
        "counts twice.",
    ),
    Method(
        name="recipro-cam",
        title="Recipro-CAM",
        family="class activation map",
        paper="Byun and Lee 2022",
        url="https://arxiv.org/abs/2209.14074",
        reads="How probable the class is to the head when the features of one field alone are "
        "left.",
        cost="one pass forward, the head once for each field",
        passes=2,
        needs="the last features and the head",
        is_signed=False,
        unit="share",
        not_valid="A head that never saw a single field answers out of habit: a map may show its "
        "bias.",
    ),
    Method(
        name="score-cam",
        title="Score-CAM",
        family="class activation map",
        paper="Wang et al. 2020",
        url="https://arxiv.org/abs/1910.01279",
        reads="As Grad-CAM, but a channel weighs by the class's logit on the image masked by that "
        "channel. Fast: 88 channels are tried and the others are guessed from them; the guess's "
        "error is said.",
        cost="89 passes forward",
        passes=89,
        needs="the features and many passes",
        is_signed=False,
        unit="share",
        not_valid="Masked images are like nothing the network has seen; where their logits spread "
        "widely the map means little.",
    ),
    Method(
        name="score-cam-exact",
        title="Score-CAM, exact",
        family="class activation map",
        paper="Wang et al. 2020",
        url="https://arxiv.org/abs/1910.01279",
        reads="Score-CAM with every channel tried.",
        cost="one pass forward for each channel, up to 2,048",
        passes=1000,
        needs="the features and very many passes",
        is_signed=False,
        unit="share",
        not_valid="Masked images are like nothing the network has seen; where their logits spread "
        "widely the map means little.",
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
        passes=200,
        needs="gradients with respect to the pixels",
        is_signed=True,
        unit="logits",
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
        passes=3,
        needs="gradients with respect to the pixels",
        is_signed=False,
        unit="share",
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
        passes=96,
        needs="gradients with respect to the pixels",
        is_signed=False,
        unit="share",
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
        passes=200,
        needs="gradients with respect to the pixels",
        is_signed=True,
        unit="logits",
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
        passes=6,
        needs="activations that are known functions of one value, maxima or products",
        is_signed=True,
        unit="logits",
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
        passes=3,
        needs="ReLUs and no other activation: not EfficientNet",
        is_signed=True,
        unit="share",
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
        passes=6,
        needs="ReLUs and no other activation (not EfficientNet), the last features and the head",
        is_signed=True,
        unit="share",
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
        passes=170,
        needs="answers alone",
        is_signed=True,
        unit="share",
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
        passes=520,
        needs="answers alone",
        is_signed=True,
        unit="logits",
        not_valid="Images with grey holes are none the network has seen, the regions are drawn by "
        "colour and not by the network, and the draws are noisy: on a smear maps of two seeds "
        "correlated at 0.67, so trust only what stands out.",
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in _ROWS}

# Made from the same features and gradients, so that whoever asks for one has paid for all.
ONE_PASS = (
    "grad-cam",
    "grad-cam-plus-plus",
    "hires-cam",
    "xgrad-cam",
    "layer-cam",
    "finer-cam",
    "eigen-cam",
)


def find_method(name: str) -> Method:
    """The row called `name`.

    Raises:
        UserError: There is none.
    """
    if name not in METHODS:
        raise UserError(f"Method {name!r} is unknown; give one of {', '.join(METHODS)}.")
    return METHODS[name]
