"""The systems of the four papers, one row each, with what differs from the paper here and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from modelzoo.backbones.table import BACKBONES
from modelzoo.config.train_config import TrainConfig, read_recipe
from modelzoo.datasets.splits import SplitKind
from modelzoo.papers.claims import Claim, find_claims
from modelzoo.runs.ensembles import Weighting, title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper: its data set, how it divided it, and what holds for all of its systems here."""

    name: str  # the key everywhere
    title: str
    published: str
    dataset: str
    classes: tuple[str, ...]  # a word of each class's name, in lower case, in the order of search
    split: SplitKind  # nearest to the paper's own
    split_note: str  # what the paper says of its split
    differs: tuple[str, ...]  # a sentence each


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One network of a paper, trained in one way."""

    paper: str
    name: str  # as in claims.csv
    optimizer: str  # as in claims.csv; empty where the paper does not say
    recipe: str
    backbone: str
    parameters: int  # with the classes of the paper's data set
    differs: tuple[str, ...] = ()  # beyond what holds for the paper
    # Of an ensemble: its backbones, whose first one is `backbone`, and how it weighs them.
    members: tuple[str, ...] = ()
    weighting: Weighting = "equal"

    @property
    def key(self) -> str:
        """Tells it from all others: `muduli2025/vgg16/adam`."""
        return f"{self.paper}/{self.name}/{self.optimizer or 'unstated'}"

    @property
    def title(self) -> str:
        """The backbone as papers print it, with the optimizer; of an ensemble its backbones."""
        if self.members:
            return title_of(self.members, self.weighting)
        optimizer = self.optimizer_title if self.optimizer else "optimizer not stated"
        return f"{BACKBONES[self.backbone].title}, {optimizer}"

    @property
    def optimizer_title(self) -> str:
        """The optimizer as papers print it."""
        return _OPTIMIZERS[self.optimizer]

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the paper claims of it."""
        return find_claims(self.paper, self.name, self.optimizer)

    @property
    def config(self) -> TrainConfig:
        """Its recipe."""
        return read_recipe(self.recipe, backbone=self.backbone)

    @property
    def all_differs(self) -> tuple[str, ...]:
        """What differs from the paper here, and why, a sentence each."""
        return (*PAPERS[self.paper].differs, *self.differs)


_OPTIMIZERS = {
    "": "not stated",
    "adam": "Adam",
    "adamax": "Adamax",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adadelta": "Adadelta",
}

_ALL = "ALL image data set (Aria et al. 2021)"
_FOUR = ("benign", "early", "pro", "pre")  # `Early Pre-B` has two of them: the first counts

_PAPERS = (
    Paper(
        name="muduli2025",
        title="Muduli et al. 2025",
        published="Array 26, 100397",
        dataset=_ALL,
        classes=_FOUR,
        split="leaky-validation",
        split_note="649 of 3,242 images are the test; the rest is doubled by changed copies, and "
        "519 of those 5,186 validate (Table 1): validation images are copies of training images.",
        differs=(
            "Pixels are normalised as the ImageNet weights expect; the paper scales them to 0 to "
            "1.",
            "Patience and factor of early stopping and of the falling rate are not stated; 5 "
            "epochs, 2 epochs and 0.2 are chosen.",
            "Accuracy is the share of correct images; the paper's equation 1 divides by TP + FP + "
            "FN, which is none for images of one class each.",
            "The recipe's split is random, with validation images that are no copies; the paper's "
            "is leaky-validation, where 8 % of all images with their copies validate here, and 9 % "
            "in the paper.",
        ),
    ),
    Paper(
        name="anand2025",
        title="Anand et al. 2025",
        published="Scientific Reports, 9 August 2025",
        dataset=_ALL,
        classes=_FOUR,
        split="leaky-augmented",
        split_note="Classes are filled up to 1,500 images by flips and a right turn, and then "
        "divided 80 to 20: copies of test images are trained on.",
        differs=(
            "The learning rate is not stated; 0.001 is chosen for a start at random, and 0.0001 "
            "for ImageNet weights.",
            "The input size is not stated; 224 px is chosen. A validation part is not stated; a "
            "tenth is kept to choose the epoch.",
            "The recipe's split is random, with copies of training images alone; the paper's is "
            "leaky-augmented.",
        ),
    ),
    Paper(
        name="yaseen2025",
        title="Yaseen et al. 2025",
        published="EfficientNet-B3 with fastai",
        dataset=_ALL,
        classes=_FOUR,
        split="random",
        split_note="Not stated; 99.84 % is 650 of 651 images, so a random fifth is likely.",
        differs=(
            "Split, input size and batch size are not stated; a random fifth, 224 px and 64, "
            "fastai's default, are chosen.",
            "The network is derived: timm's EfficientNet-B3 with fastai's head has exactly the "
            "paper's 12,278,312 parameters, 1,669,376 of them trainable.",
            "The paper's mixed precision is float16; here it is what the device is fastest in, and "
            "float16 where `--precision float16` asks for it, on a GPU.",
        ),
    ),
    Paper(
        name="pushpalatha2024",
        title="Pushpalatha et al. 2024",
        published="ResNet50 and EfficientNet-B3 on C-NMC",
        dataset="C-NMC 2019",
        classes=("hem", "all"),
        split="random",
        split_note="Not stated, and not by subject; the challenge's own is by subject.",
        differs=(
            "Split, dropout and the strengths of L1 and L2 are not stated; a random fifth, 0.45, "
            "0.00001 and 0.0001 are chosen. Batch size is not stated; 32 is chosen.",
            "L1 and L2 count for both dense layers of the head; the paper has them on the first.",
            "The paper's accuracy is the mean of its test and validation accuracy; here it is of "
            "the test alone, since the validation images choose the epoch.",
            "Whether the networks' own layers are trained is not stated; they are.",
        ),
    ),
)
PAPERS: dict[str, Paper] = {paper.name: paper for paper in _PAPERS}

# Parameters with 4 classes, in the order of the paper's Table 2.
_TEN = {
    "vgg16": 134_276_932,
    "vgg19": 139_586_628,
    "resnet50": 23_516_228,
    "xception": 20_815_148,
    "resnet152": 58_152_004,
    "efficientnet_b0": 4_012_672,
    "nasnet_mobile": 4_237_206,
    "densenet169": 12_491_140,
    "densenet121": 6_957_956,
    "efficientnetv2_b0": 5_863_828,
}
_SEVEN = ("vgg16", "vgg19", "resnet50", "xception", "resnet152", "densenet169", "efficientnetv2_b0")
_OF_BACKBONE = {
    "efficientnet_b0": (
        "The paper's last epoch has training accuracy 98.79 % and validation accuracy 28.90 % "
        "(Table 3): batch statistics that follow too slowly (Keras keeps 99 % of the old ones a "
        "step), not a weak backbone. Here a new batch counts a tenth, and it does not collapse.",
    ),
    "nasnet_mobile": ("The paper's Table 2 gives it 23 million parameters; it has 5.3 million.",),
}


def _muduli(backbone: str, optimizer: str) -> System:
    return System(
        paper="muduli2025",
        name=backbone,
        optimizer=optimizer,
        recipe="muduli2025" if optimizer == "adam" else f"muduli2025-{optimizer}",
        backbone=backbone,
        parameters=_TEN[backbone],
        differs=_OF_BACKBONE.get(backbone, ()),
    )


def _anand(name: str, backbone: str, optimizer: str, recipe: str, n: int, *why: str) -> System:
    return System(
        paper="anand2025",
        name=name,
        optimizer=optimizer,
        recipe=f"anand2025-{recipe}",
        backbone=backbone,
        parameters=n,
        differs=why,
    )


_CNN13 = (
    "The paper counts thirteen convolutions in five blocks and gives the first one two; 2, 2, 3, 3 "
    "and 3 are derived. The rate of the dropout is not stated; 0.5 is chosen.",
)
_F1 = (
    "Its Table 6 has F1 0.952 below both precision 0.962 and recall 0.967, which the F1 of these "
    "two cannot be; it may be another average."
)
_TRANSFER = "Optimizer and initial weights are not stated; Adam and ImageNet's are chosen."


def _ensemble(weighting: Weighting) -> System:
    return System(
        paper="pushpalatha2024",
        name=f"ensemble_{weighting}",
        optimizer="adamax",
        recipe="pushpalatha2024",
        backbone="resnet50",
        parameters=24_037_186 + 11_093_290,
        differs=(
            "The paper gives the ensemble as its result; how it is joined and what it scores is "
            "not stated. Here it is the mean of the probabilities.",
        ),
        members=("resnet50", "efficientnet_b3"),
        weighting=weighting,
    )


SYSTEMS: tuple[System, ...] = (
    *(_muduli(backbone, "adam") for backbone in _TEN),
    *(_muduli(backbone, each) for backbone in _SEVEN for each in ("sgd", "rmsprop", "adadelta")),
    _anand("cnn13", "cnn13", "adam", "cnn13", 8_379_892, *_CNN13, _F1),
    _anand("cnn13", "cnn13", "adamax", "cnn13-adamax", 8_379_892, *_CNN13),
    _anand("resnet50", "resnet50", "", "resnet50", 23_516_228, _TRANSFER),
    _anand(
        "yolov8",
        "yolov8n_cls",
        "",
        "yolov8",
        1_443_412,
        "Size, optimizer and initial weights are not stated; the smallest, Adam and a random start "
        "are chosen, since the published weights are a pickle, which is not read here.",
    ),
    System(
        paper="yaseen2025",
        name="efficientnet_b3",
        optimizer="adam",
        recipe="yaseen2025",
        backbone="efficientnet_b3",
        parameters=12_278_312,
    ),
    *(
        System(
            paper="pushpalatha2024",
            name=backbone,
            optimizer="adamax",
            recipe="pushpalatha2024",
            backbone=backbone,
            parameters=parameters,
        )
        for backbone, parameters in (
            ("resnet50", 24_037_186),
            ("vgg16", 14_847_554),
            ("efficientnet_b3", 11_093_290),
            ("alexnet", 2_536_514),
        )
    ),
    _ensemble("equal"),
    _ensemble("validation"),
)


def find_paper(recipe: str) -> Paper | None:
    """The paper that `recipe` is of; None: of none."""
    return next((PAPERS[each.paper] for each in SYSTEMS if each.recipe == recipe), None)


def match_classes(classes: Sequence[str], paper: Paper) -> dict[str, str] | None:
    """The paper's words for its classes, each with the data set's name; None: they are others.

    Args:
        classes: Names as folders give them, such as `[Malignant] early Pre-B`.
        paper: Whose words are looked for.
    """
    left = list(classes)
    found = {}
    for word in paper.classes:
        of_word = [name for name in left if word in name.casefold()]
        if len(of_word) != 1 and word != paper.classes[-1]:
            return None
        if not of_word:
            return None
        found[word] = of_word[0]
        left.remove(of_word[0])
    return None if left else found
