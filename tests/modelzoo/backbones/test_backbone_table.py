import subprocess
import sys

import pytest
import timm

from modelzoo.backbones.backbone import create_backbone, create_empty_backbone
from modelzoo.backbones.table import BACKBONES, BackboneRow, find_backbone
from modelzoo.errors import UserError


def test_the_ten_of_muduli2025_and_lite0_are_there_in_the_order_of_its_table() -> None:
    assert [row.name for row in BACKBONES.values() if row.in_muduli2025] == [
        "vgg16",
        "vgg19",
        "resnet50",
        "xception",
        "resnet152",
        "efficientnet_b0",
        "nasnet_mobile",
        "densenet169",
        "densenet121",
        "efficientnetv2_b0",
    ]
    assert list(BACKBONES)[10:] == [
        "tf_efficientnet_lite0",
        "efficientnet_b3",
        "alexnet",
        "cnn13",
        "yolov8n_cls",
    ]


@pytest.mark.parametrize(
    "row", [row for row in BACKBONES.values() if row.timm_name], ids=lambda row: row.name
)
def test_a_row_says_what_timm_says_of_its_weights(row: BackboneRow) -> None:
    assert row.timm_name is not None
    published = timm.get_pretrained_cfg(row.timm_name, allow_unregistered=False)
    assert published is not None

    assert (row.mean, row.std) == (published.mean, published.std)
    assert (row.crop, row.interpolation) == (published.crop_pct, published.interpolation)
    assert row.licence == published.license
    assert published.num_classes == 1000
    assert bool(row.url) == (published.hf_hub_id is None)
    # muduli2025 gave every network 224 px, which EfficientNetV2-B0 is tested at and not trained at.
    sizes = {published.input_size[1], (published.test_input_size or published.input_size)[1]}
    assert row.input_px in sizes


def test_an_unknown_backbone_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'vgg61' is unknown; give one of vgg16, vgg19"):
        find_backbone("vgg61")


def test_a_package_that_is_not_installed_is_named_with_its_licence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelzoo.backbones.table.find_spec", lambda name: None)

    for build in (create_backbone, create_empty_backbone):
        with pytest.raises(UserError, match=r"ultralytics.*AGPL-3\.0.*`pip install ultralytics`"):
            build("yolov8n_cls", 4)
    assert create_empty_backbone("cnn13", 4).row.name == "cnn13"


def test_the_table_is_read_without_torch() -> None:
    code = "import sys, modelzoo.backbones.table; assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)
