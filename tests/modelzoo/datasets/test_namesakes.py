"""Images that are called alike: one image saved twice is used once, others are all used."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from modelzoo.datasets.opening import open_dataset
from tests.modelzoo.datasets.conftest import write_noise

Draw = Callable[[int], Image.Image]
REASON = "duplicate name: another of its class differs only in folder or extension"


def field(seed: int) -> Image.Image:
    """A picture with structures of several pixels."""
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3))


def cell(seed: int) -> Image.Image:
    """A cell that is cut out on black, of nearly one outline whatever the seed."""
    rows, columns = np.indices((96, 96)) - 48
    inside = np.hypot(rows, columns) < 30 + seed
    pixels = 6 * (np.asarray(field(seed), np.float64) - 128) + 140
    return Image.fromarray(np.where(inside[..., None], pixels.clip(40, 255), 0).astype(np.uint8))


@pytest.mark.parametrize("draw", [field, cell])
def test_namesakes_of_other_content_are_all_used(store: Path, tmp_path: Path, draw: Draw) -> None:
    for folder in ("one/all", "two/all"):
        (tmp_path / "cnmc" / folder).mkdir(parents=True)
    draw(1).save(tmp_path / "cnmc/one/all/UID_1_1_1_all.bmp")
    draw(2).save(tmp_path / "cnmc/two/all/UID_1_1_1_all.bmp")
    draw(3).save(tmp_path / "cnmc/one/all/UID_2_1_1_all.png")
    draw(4).save(tmp_path / "cnmc/one/all/UID_2_1_1_all.jpg")

    dataset = open_dataset(tmp_path / "cnmc", store=store)

    assert len(dataset.images) == 4
    assert dataset.skipped == ()


@pytest.mark.parametrize("draw", [field, cell])
@pytest.mark.parametrize(
    ("name", "px"),
    [
        ("two/all/UID_1_1_1_all.bmp", 96),
        ("two/all/UID_1_1_1_all.png", 96),
        ("one/all/UID_1_1_1_all.jpg", 96),
        ("one/all/UID_1_1_1_all.tif", 128),
    ],
)
def test_one_image_saved_twice_is_used_once(
    store: Path, tmp_path: Path, draw: Draw, name: str, px: int
) -> None:
    for folder in ("one/all", "two/all"):
        (tmp_path / "cnmc" / folder).mkdir(parents=True)
    draw(1).save(tmp_path / "cnmc/one/all/UID_1_1_1_all.bmp")
    draw(1).resize((px, px)).save(tmp_path / "cnmc" / name)
    draw(9).save(tmp_path / "cnmc/two/all/UID_9_1_1_all.bmp")

    dataset = open_dataset(tmp_path / "cnmc", store=store)

    assert dataset.ids == ("one/all/UID_1_1_1_all.bmp", "two/all/UID_9_1_1_all.bmp")
    assert [(each.id, each.reason) for each in dataset.skipped] == [(name, REASON)]


def test_files_of_one_name_in_two_folders_of_a_table_are_two_images(
    store: Path, tmp_path: Path
) -> None:
    write_noise(tmp_path / "set", ["p1/01.png", "p2/01.png", "p2/01.jpg"])
    lines = "p1/01.png,a\np2/01.png,a\np2/01.jpg,a\n"
    (tmp_path / "set/t.csv").write_text(f"path,label\n{lines}")

    dataset = open_dataset(tmp_path / "set/t.csv", store=store)

    assert dataset.ids == ("p1/01.png", "p2/01.jpg", "p2/01.png")


def test_flat_images_that_differ_in_brightness_are_two(store: Path, tmp_path: Path) -> None:
    (tmp_path / "set/a").mkdir(parents=True)
    for name, grey in (("1.png", 100), ("1.bmp", 200), ("2.png", 100), ("2.bmp", 100)):
        Image.new("RGB", (32, 32), (grey,) * 3).save(tmp_path / "set/a" / name)

    assert open_dataset(tmp_path / "set", store=store).ids == ("a/1.bmp", "a/1.png", "a/2.bmp")
