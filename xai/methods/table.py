"""One row per method: its function, its cost, when not to trust it. No torch, no maps here."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from xai.errors import UserError

Unit = Literal["logits", "share"]
# What a function may be given: of one image (1, 3, H, W) and its target, or of several at once.
Input = Literal[
    "model", "image", "target", "features", "gradients", "contrast_gradients", "targets"
]
OF_AN_IMAGE: tuple[Input, ...] = ("model", "image", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What is known of one method before it runs."""

    name: str  # the key everywhere: links, files, commands
    title: str  # as papers print it
    paper: str
    url: str
    reads: str  # how to read its map, one sentence
    cost: str  # in passes through the network, in words
    passes: float  # what it takes, in passes of one image forward; to say the time beforehand
    function: str  # its dotted name, so that this table needs no torch
    inputs: tuple[Input, ...] = OF_AN_IMAGE  # its arguments, in order
    why_not: str = ""  # dotted name of a function: model -> why it has no such map, or None
    is_class_specific: bool = True  # whether the map depends on the class that is explained
    is_signed: bool = False  # whether it shows negative attribution
    unit: Unit  # share: its numbers mean nothing beside another map's, so the map is drawn as 100 %
    not_valid: str  # when its map misleads, one sentence

    @property
    def starts_from_features(self) -> bool:
        """Whether it works on the last features, (N, h, w) maps of N images at once."""
        return "features" in self.inputs

    @property
    def is_one_pass(self) -> bool:
        """Whether the last features and their gradients are all it needs of the network."""
        return self.starts_from_features and "model" not in self.inputs

    def refusal(self, model: object) -> str | None:
        """Why this method is not right for `model`, in a sentence; None: it is.

        Args:
            model: A `xai.types.SplitModel`. A blank image goes through it where needed.
        """
        if not self.why_not:
            return None
        reason: str | None = load_function(self.why_not)(model)
        return reason


def load_function(name: str) -> Any:
    """The function with this dotted name; its module is imported now."""
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)


_ROWS = (
    Method(
        name="grad-cam",
        title="Grad-CAM",
        paper="Selvaraju et al. 2017",
        url="https://arxiv.org/abs/1610.02391",
        reads="Where the last features raise the class's logit; negative attribution is not shown.",
        cost="one pass forward, the head backward",
        passes=2,
        function="xai.methods.cam.grad_cam",
        inputs=("features", "gradients"),
        unit="logits",
        not_valid="Its grid cells are coarse and each depends on most of the image, so a spot "
        "outlines no blood cell.",
    ),
    Method(
        name="grad-cam-plus-plus",
        title="Grad-CAM++",
        paper="Chattopadhyay et al. 2018",
        url="https://arxiv.org/abs/1710.11063",
        reads="As Grad-CAM, from positive gradients alone, so that each of several cells shows; "
        "its values are weighted and do not sum to the logit.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        function="xai.methods.cam.grad_cam_plus_plus",
        inputs=("features", "gradients"),
        unit="logits",
        not_valid="A channel with positive gradients in one place and negative ones in another "
        "counts as positive in both, so the map spreads.",
    ),
    Method(
        name="hires-cam",
        title="HiResCAM",
        paper="Draelos and Carin 2020",
        url="https://arxiv.org/abs/2011.08891",
        reads="What each grid cell of the last features adds to the class's logit or takes from "
        "it, by its own gradient.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        function="xai.methods.cam.hires_cam",
        inputs=("features", "gradients"),
        is_signed=True,
        unit="logits",
        not_valid="Before a global average pool its positive part is Grad-CAM's map, so there the "
        "agreement of the two is no independent evidence.",
    ),
    Method(
        name="xgrad-cam",
        title="XGrad-CAM",
        paper="Fu et al. 2020",
        url="https://arxiv.org/abs/2008.02312",
        reads="As Grad-CAM, but a channel's weight is its gradient where it is active, so that the "
        "grid cells, before the ReLU, sum to the logit's linear part.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        function="xai.methods.cam.xgrad_cam",
        inputs=("features", "gradients"),
        unit="logits",
        not_valid="Before a global average pool it is Grad-CAM's map; a channel whose values "
        "cancel gets an unbounded weight.",
    ),
    Method(
        name="layer-cam",
        title="LayerCAM",
        paper="Jiang et al. 2021",
        url="https://doi.org/10.1109/TIP.2021.3089943",
        reads="As HiResCAM, from positive gradients alone.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        function="xai.methods.cam.layer_cam",
        inputs=("features", "gradients"),
        unit="logits",
        not_valid="It leaves out the negative gradients in each place, so the map spreads.",
    ),
    Method(
        name="layer-cam-depths",
        title="Multi-layer LayerCAM",
        paper="Jiang et al. 2021",
        url="https://doi.org/10.1109/TIP.2021.3089943",
        reads="The strongest of LayerCAM's maps at 1/32, 1/16 and 1/8 of the image, each scaled by "
        "its own maximum: finer borders.",
        cost="one pass forward and backward",
        passes=3,
        function="xai.methods.features.multi_layer_cam",
        why_not="xai.methods.features.why_not_multi_layer",
        unit="share",
        not_valid="Each depth is scaled to its own maximum, so a depth without evidence is drawn "
        "as boldly as one with it.",
    ),
    Method(
        name="finer-cam",
        title="Finer-CAM",
        paper="Zhang et al. 2025",
        url="https://arxiv.org/abs/2501.11309",
        reads="As Grad-CAM, of the class's logit less those of up to three classes closest to it: "
        "what distinguishes the class from them.",
        cost="one pass forward, the head backward, shared with Grad-CAM",
        passes=2,
        function="xai.methods.cam.grad_cam",
        inputs=("features", "contrast_gradients"),
        unit="logits",
        not_valid="It explains a difference: evidence that all these classes share is left out, "
        "however strong it is.",
    ),
    Method(
        name="eigen-cam",
        title="Eigen-CAM",
        paper="Muhammad and Yeasin 2020",
        url="https://arxiv.org/abs/2008.00299",
        reads="Where the last features are strongest, whatever class they raise.",
        cost="one pass forward, shared with Grad-CAM",
        passes=2,
        function="xai.methods.cam.eigen_cam",
        inputs=("features",),
        is_class_specific=False,
        is_signed=True,
        unit="share",
        not_valid="The map does not depend on the class, so it explains no prediction.",
    ),
    Method(
        name="ablation-cam",
        title="Ablation-CAM",
        paper="Desai and Ramaswamy 2020",
        url="https://doi.org/10.1109/WACV45572.2020.9093360",
        reads="As Grad-CAM, but a channel's weight is what the class's logit loses without it.",
        cost="one pass forward, the head once for each channel; behind a global average pool none",
        passes=3,
        function="xai.methods.head.ablation_cam",
        inputs=("model", "features", "gradients", "targets"),
        unit="share",
        not_valid="A channel's loss is multiplied with the channel again, so a strong channel "
        "counts twice.",
    ),
    Method(
        name="recipro-cam",
        title="Recipro-CAM",
        paper="Byun and Lee 2022",
        url="https://arxiv.org/abs/2209.14074",
        reads="The class's probability when the features of one grid cell alone are left.",
        cost="one pass forward, the head once for each grid cell",
        passes=2,
        function="xai.methods.head.recipro_cam",
        inputs=("model", "features", "targets"),
        unit="share",
        not_valid="The head was not trained on features of a single grid cell, so the map may show "
        "its bias.",
    ),
    Method(
        name="score-cam",
        title="Score-CAM",
        paper="Wang et al. 2020",
        url="https://arxiv.org/abs/1910.01279",
        reads="As Grad-CAM, but a channel's weight is the class's logit on the image masked by "
        "that channel. Fast: 88 channels are evaluated, the others are predicted from them, and "
        "more are evaluated until a correlation with the exact map of 0.95 can be promised.",
        cost="89 passes forward, more where channels are hard to predict",
        passes=89,
        function="xai.methods.score_cam.fast_score_cam",
        unit="share",
        not_valid="The network was not trained on masked images; where their logits spread widely "
        "the map is unreliable.",
    ),
    Method(
        name="score-cam-exact",
        title="Score-CAM, exact",
        paper="Wang et al. 2020",
        url="https://arxiv.org/abs/1910.01279",
        reads="Score-CAM with every channel evaluated.",
        cost="one pass forward for each channel, up to 2,048",
        passes=1000,
        function="xai.methods.score_cam.exact_score_cam",
        unit="share",
        not_valid="The network was not trained on masked images; where their logits spread widely "
        "the map is unreliable.",
    ),
    Method(
        name="integrated-gradients",
        title="Integrated Gradients",
        paper="Sundararajan et al. 2017",
        url="https://arxiv.org/abs/1703.01365",
        reads="What each pixel added to the class's logit or took from it, against an image of one "
        "even grey; all values sum to the difference between the two.",
        cost="32 to 256 passes forward and backward",
        passes=200,
        function="xai.methods.gradients.integrated_gradients",
        is_signed=True,
        unit="logits",
        not_valid="Colours near that grey count for little wherever they are, and single pixels "
        "are noisy: read regions.",
    ),
    Method(
        name="saliency",
        title="Saliency",
        paper="Simonyan et al. 2013",
        url="https://arxiv.org/abs/1312.6034",
        reads="Where a small change of a pixel would move the class's logit most, up or down: what "
        "the network is sensitive to, in logits a unit of colour, not what the logit is made of.",
        cost="one pass forward and backward",
        passes=3,
        function="xai.methods.gradients.saliency",
        unit="share",
        not_valid="It is as noisy as the gradient, has no sign, and its values sum to nothing that "
        "is known: do not compare their size with that of other methods.",
    ),
    Method(
        name="smoothgrad",
        title="SmoothGrad",
        paper="Smilkov et al. 2017",
        url="https://arxiv.org/abs/1706.03825",
        reads="As Saliency, of the mean gradient over 32 copies with noise of 15 % of the image's "
        "range, so that what depends on single pixels averages out.",
        cost="32 passes forward and backward, one forward",
        passes=96,
        function="xai.methods.gradients.smooth_grad",
        unit="share",
        not_valid="It explains noisy copies, which the network may take for another class, and its "
        "values sum to nothing that is known.",
    ),
    Method(
        name="gradient-shap",
        title="GradientSHAP",
        paper="Lundberg and Lee 2017",
        url="https://arxiv.org/abs/1705.07874",
        reads="What each pixel added to the class's logit or took from it, against the mean of "
        "eight even colours; the values sum to the difference within the error given.",
        cost="64 passes forward and backward, nine forward",
        passes=200,
        function="xai.methods.gradients.gradient_shap",
        is_signed=True,
        unit="logits",
        not_valid="64 random points leave an error in the sum: read its size first, and regions "
        "rather than pixels.",
    ),
    Method(
        name="deep-lift",
        title="DeepLIFT",
        paper="Shrikumar et al. 2017",
        url="https://arxiv.org/abs/1704.02685",
        reads="What each pixel added to the class's logit or took from it, against an image of one "
        "even grey, by how much each activation changed; all values sum to the difference.",
        cost="four passes forward, two backward",
        passes=6,
        function="xai.methods.deeplift.deep_lift",
        is_signed=True,
        unit="logits",
        not_valid="Two networks that compute the same function may get different maps, since the "
        "rule depends on how it is written in layers.",
    ),
    Method(
        name="guided-backprop",
        title="Guided Backprop",
        paper="Springenberg et al. 2015",
        url="https://arxiv.org/abs/1412.6806",
        reads="Edges and grains that excite the ReLUs on the way to the class, in logits a unit "
        "of colour; negative gradients are dropped at every layer.",
        cost="two passes forward, one backward",
        passes=3,
        function="xai.methods.guided.guided_backprop",
        why_not="xai.methods.guided.why_not_guided",
        is_signed=True,
        unit="share",
        not_valid="It draws much the same edges for every class and for random weights (Adebayo et "
        "al. 2018): it shows the image more than the decision.",
    ),
    Method(
        name="guided-grad-cam",
        title="Guided Grad-CAM",
        paper="Selvaraju et al. 2017",
        url="https://arxiv.org/abs/1610.02391",
        reads="The edges of Guided Backprop within the spots of Grad-CAM.",
        cost="three passes forward, one backward, and the head's",
        passes=6,
        function="xai.methods.guided.guided_grad_cam",
        why_not="xai.methods.guided.why_not_guided",
        is_signed=True,
        unit="share",
        not_valid="Its fine lines come from Guided Backprop, which hardly depends on the class: "
        "only the choice of region does. Its values sum to nothing that is known.",
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        paper="Zeiler and Fergus 2014",
        url="https://arxiv.org/abs/1311.2901",
        reads="How much of the class's logit is lost where a grey window of a seventh of the side "
        "hides the image, spread over the window; below 0 the logit rose.",
        cost="about 170 passes forward",
        passes=170,
        function="xai.methods.occlusion.occlusion",
        is_signed=True,
        unit="share",
        not_valid="The network was not trained on images with a grey square, and evidence that is "
        "present in two places is missed, as hiding one leaves the other.",
    ),
    Method(
        name="kernel-shap",
        title="KernelSHAP",
        paper="Lundberg and Lee 2017",
        url="https://arxiv.org/abs/1705.07874",
        reads="What each of about 48 regions of similar colour added to the class's logit or took "
        "from it, averaged over which others are seen; all sum to the difference from even grey.",
        cost="514 passes forward",
        passes=520,
        function="xai.methods.kernel_shap.kernel_shap",
        is_signed=True,
        unit="logits",
        not_valid="The network was not trained on images with grey holes, the regions follow "
        "colour and not the network, and the draws are noisy: on a smear maps of two seeds "
        "correlated at 0.67, so rely on the strongest regions only.",
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in _ROWS}

# Made from the same features and gradients: once one is computed, the others cost little more.
ONE_PASS = tuple(row.name for row in _ROWS if row.is_one_pass)


def find_method(name: str) -> Method:
    """The row called `name`.

    Raises:
        UserError: There is none.
    """
    if name not in METHODS:
        raise UserError(f"Method {name!r} is unknown; give one of {', '.join(METHODS)}.")
    return METHODS[name]
