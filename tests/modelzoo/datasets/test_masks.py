"""Masks beside images: which files are left out, which are not, and what is said of both."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.preparing import prepare
from modelzoo.datasets.report import make_report
from tests.modelzoo.datasets.conftest import write_noise

REASON = "a mask, by its name and few colours"


def write_masks(root: Path, names: list[str], values: tuple[int, ...] = (0, 255)) -> None:
    """Round masks, each a little larger; with three values, a nucleus inside."""
    down, right = np.mgrid[:32, :32] - 16
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        radius = np.hypot(down, right)
        pixels = np.full((32, 32), values[0], np.uint8)
        for step, value in enumerate(values[1:]):
            pixels[radius < 8 + number % 5 - 3 * step] = value
        Image.fromarray(pixels).save(root / name)


def left_out(dataset: Dataset) -> list[str]:
    return [each.id for each in dataset.skipped if each.reason == REASON]


IMAGES = [f"{label}/{number}.png" for label in ("Pre", "Pro") for number in range(3)]


@pytest.mark.parametrize(
    "mask",
    [
        "Pro/2_mask.png", "Pro/2_mask_1.png", "Pro/2-Mask.jpg", "Pro/mask_2.jpg", "Pro/seg-2.png",
        "Pro/2_cell_mask.png", "Pro/2_nucleus_gt.tif", "Pro/label 2.png",
        "Pro_mask/2.png", "mask_Pro/2.png", "Pro/Masks/2.png", "masks/Pro/2.png",
        "masks/other name.png", "Ground Truth Segmentation/Pro/2.png", "annotations/Pro/2.png",
        "SegmentationClass/Pro/2.png", "bw/2.png", "binary/Pro/2.png", "Pro_bw/2.png",
        "Pre/2_binary.png",
    ],
)  # fmt: skip
@pytest.mark.parametrize("values", [(0, 255), (0, 1), (0, 128, 255)])
def test_masks_beside_images_are_left_out_with_their_count(
    store: Path, tmp_path: Path, mask: str, values: tuple[int, ...]
) -> None:
    if mask.endswith(".jpg") and values != (0, 255):
        return
    write_noise(tmp_path / "data", IMAGES)
    write_masks(tmp_path / "data", [mask], values)

    dataset = open_dataset(tmp_path / "data", store=store)

    assert list(dataset.ids) == IMAGES
    assert {each.id: each.reason for each in dataset.skipped} == {mask: REASON}
    assert dataset.notes == ("1 mask left out, by name and few colours.",)


@pytest.mark.parametrize("images", ["images", "Images", "all"])
@pytest.mark.parametrize("masks", ["masks", "Ground_truth", "nuclei masks"])
def test_a_folder_of_masks_beside_one_of_images_is_no_class(
    store: Path, tmp_path: Path, images: str, masks: str
) -> None:
    write_noise(tmp_path / "data" / images, IMAGES)
    write_masks(tmp_path / "data" / masks, IMAGES)
    (tmp_path / "data" / masks / "about.txt").touch()

    dataset = open_dataset(tmp_path / "data", store=store)

    assert dataset.root == tmp_path / "data" / images
    assert (dataset.classes, list(dataset.ids)) == (("Pre", "Pro"), IMAGES)
    assert {image.group for image in dataset.images} == {None}
    assert left_out(dataset) == [f"../{masks}/{image}" for image in IMAGES]
    assert all((dataset.root / mask).is_file() for mask in left_out(dataset))
    assert dataset.notes == ("6 masks left out, by name and few colours.",)


def test_masks_inside_given_parts_and_inside_classes(store: Path, tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_noise(tmp_path / "parts" / part / "images", IMAGES)
        write_masks(tmp_path / "parts" / part / "masks", IMAGES)
    files = [(label, number) for label in ("Pre", "Pro") for number in "12"]
    write_noise(tmp_path / "classes", (f"{label}/images/{n}.png" for label, n in files))
    write_masks(tmp_path / "classes", [f"{label}/masks/{n}.png" for label, n in files])

    parts = open_dataset(tmp_path / "parts", store=store)
    classes = open_dataset(tmp_path / "classes", store=store)

    assert parts.classes == classes.classes == ("Pre", "Pro")
    assert [(image.id, image.part) for image in parts.images] == [
        (f"{part}/images/{image}", part) for part in ("test", "train") for image in IMAGES
    ]
    assert (len(left_out(parts)), len(left_out(classes))) == (12, 4)
    assert len(classes.images) == 4


def test_colour_images_are_kept_whatever_they_are_called(store: Path, tmp_path: Path) -> None:
    names = ["Masked/1.png", "Masks/1.png", "Pre/1.png", "Pre/1_mask.png", "Pre/mask_1.png",
             "Pre_seg/1.png", "Pro/masks/7.png"]  # fmt: skip
    write_noise(tmp_path / "data", names)

    dataset = open_dataset(tmp_path / "data", store=store)

    assert list(dataset.ids) == names
    assert dataset.classes == ("Masked", "Masks", "Pre", "Pre_seg", "Pro")
    assert dataset.notes == (
        "The folder masks gives neither class, subject nor part, and is not used.",
        "5 images with many colours are called like masks, such as Masks/1.png: they are used.",
    )


def test_colour_images_among_masks_are_kept_one_by_one(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data", [*IMAGES, "Pre/1_mask.png"])
    write_masks(tmp_path / "data", ["Pre/0_mask.png", "Pro/0_mask.png", "Pro/1_mask.png"])

    dataset = open_dataset(tmp_path / "data", store=store)

    assert list(dataset.ids) == sorted([*IMAGES, "Pre/1_mask.png"])
    assert left_out(dataset) == ["Pre/0_mask.png", "Pro/0_mask.png", "Pro/1_mask.png"]
    assert dataset.notes == (
        "3 masks left out, by name and few colours.",
        "1 image with many colours is called like masks, such as Pre/1_mask.png: it is used.",
    )


def test_a_damaged_mask_is_one_where_others_are(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data/images", IMAGES)
    write_masks(tmp_path / "data/masks", IMAGES)
    (tmp_path / "data/masks" / IMAGES[0]).write_bytes(b"cut")

    dataset = open_dataset(tmp_path / "data", store=store)

    assert list(dataset.ids) == IMAGES
    assert len(left_out(dataset)) == 6


def test_cells_cut_out_are_no_masks(store: Path, tmp_path: Path) -> None:
    """Small ones on black or white, in colour and in grey, saved as JPEG."""
    write_noise(tmp_path / "data", IMAGES)
    purple, grey = (150, 60, 160), (120, 120, 120)
    cells = (
        ("Pre/1_seg.jpg", purple, 0),
        ("Pre/2_seg.jpg", purple, 255),
        ("Pro/1_seg.jpg", grey, 0),
    )
    for name, shade, around in cells:
        noise = np.random.default_rng(0).integers(-20, 20, (64, 64, 1))
        cell = np.hypot(*(np.mgrid[:64, :64] - 32))[..., None] < 7
        pixels = np.where(cell, np.array(shade) + noise, around).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / name)

    dataset = open_dataset(tmp_path / "data", store=store)

    assert len(dataset.images) == len(IMAGES) + 3


def test_a_nearly_empty_mask_saved_as_jpeg_is_one(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data", IMAGES)
    mask = np.zeros((400, 400), np.uint8)
    mask[200:203, 200:203] = 255
    Image.fromarray(mask).save(tmp_path / "data/Pre/1_mask.jpg", quality=85)

    assert len(open_dataset(tmp_path / "data", store=store).images) == len(IMAGES)


def test_a_set_of_nothing_but_masks_is_kept(store: Path, tmp_path: Path) -> None:
    write_masks(tmp_path / "data", ["Pre_mask/1.png", "Pre_mask/2.png", "Pro_mask/3.png"])
    assert len(open_dataset(tmp_path / "data", store=store).images) == 3


def test_the_bar_does_not_go_back_over_masks(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data/images", IMAGES)
    write_masks(tmp_path / "data/masks", IMAGES)
    seen: list[int] = []

    prepared = prepare(
        tmp_path / "data", store=store, progress=lambda _, done, __: seen.append(done)
    )

    assert seen == sorted(seen)
    (found,) = make_report(prepared).left_out
    assert (found.reason, found.count) == (REASON, 6)
    assert not any("left out" in doubt for doubt in make_report(prepared).doubts)


def test_a_mask_whose_name_is_not_utf8_is_left_out_for_that(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data", IMAGES)
    write_masks(tmp_path / "data", ["Pre/1_mask.png", "Pre/2_mask.png"])
    (tmp_path / "data/Pre/2_mask.png").rename(
        tmp_path / "data/Pre" / os.fsdecode(b"0\xff_mask.png")
    )

    dataset = open_dataset(tmp_path / "data", store=store)

    assert [(each.id, each.reason) for each in dataset.skipped] == [
        (r"Pre/0\xff_mask.png", "its name is not UTF-8"),
        ("Pre/1_mask.png", REASON),
    ]


def test_images_of_few_colours_that_are_used_are_doubted(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data", [f"{label}/{n}.jpg" for label in ("Pre", "Pro") for n in "01"])
    write_masks(tmp_path / "data", [f"{label}/{n}_b.png" for label in ("Pre", "Pro") for n in "01"])

    dataset = open_dataset(tmp_path / "data", store=store)

    assert len(dataset.images) == 8
    assert dataset.doubts == (
        "4 of 8 images have few colours, as masks have, such as Pre/0_b.png; take masks out of "
        "the folders.",
    )
