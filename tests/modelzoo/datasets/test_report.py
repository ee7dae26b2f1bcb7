"""What is said of a data set, against sets of which everything is known."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modelzoo.datasets.doubts import Links, find_crossing, find_doubts
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.preparing import Prepared, prepare
from modelzoo.datasets.report import Report, make_report


def noise(seed: int, px: int = 64) -> npt.NDArray[np.uint8]:
    """Smooth noise: a field like no other."""
    coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((px, px), Image.Resampling.BICUBIC))


def write(root: Path, images: dict[str, int], px: int = 64) -> Path:
    """Image id -> seed of its noise."""
    for name, seed in images.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(seed, px)).save(root / name)
    return root


def report(root: Path, store: Path) -> Report:
    return make_report(prepare(root, store=store))


def test_copies_between_given_parts_are_counted_and_doubted(tmp_path: Path, store: Path) -> None:
    root = write(
        tmp_path / "data",
        {f"train/{label}/{n}.png": 10 * k + n for k, label in enumerate("ab") for n in range(4)}
        | {"test/a/x.png": 0, "test/a/y.png": 50, "test/b/z.png": 11, "test/b/w.png": 51},
    )

    found = report(root, store)

    assert [(row.part, row.images, row.copied, row.shared) for row in found.parts] == [
        ("train", 8, 0, 0),
        ("test", 4, 2, 2),
    ]
    assert any(
        doubt.startswith("2 of the 4 given test images are copies") for doubt in found.doubts
    )
    assert [(row.name, row.train, row.validation, row.test) for row in found.classes] == [
        ("a", 4, 0, 2),
        ("b", 4, 0, 2),
    ]
    (crossing,) = found.crossings
    assert (crossing.across, crossing.images) == ("parts", 4)
    assert set(crossing.examples) == {
        ("test/a/x.png", "train/a/0.png"),
        ("test/b/z.png", "train/b/1.png"),
    }
    assert found.origins.part == "first folder"


def test_subjects_in_several_given_parts_are_doubted(tmp_path: Path, store: Path) -> None:
    root = write(tmp_path / "data", {f"{n}.png": n for n in range(4)})
    rows = [(f"{n}.png", "ab"[n % 2], ("Ann", "Ben", "Ann", "Cem")[n], part)
            for n, part in enumerate(("train", "train", "test", "test"))]  # fmt: skip
    columns = ["path", "label", "subject", "split"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "t.csv", index=False)

    found = report(root / "t.csv", store)

    assert (found.parts[1].copied, found.parts[1].shared) == (0, 1)
    assert any(
        doubt.startswith("1 of the 2 given test images is of a subject that training has")
        for doubt in found.doubts
    )


def test_parts_that_share_nothing_are_not_doubted(tmp_path: Path, store: Path) -> None:
    names = [
        f"{part}/{label}/{n}.png" for part in ("train", "test") for label in "ab" for n in "123"
    ]
    found = report(write(tmp_path / "data", dict(zip(names, range(20), strict=False))), store)
    assert found.doubts == ()
    assert found.crossings == ()
    assert [row.copied for row in found.parts] == [0, 0]


def test_a_class_that_a_part_lacks_is_doubted(tmp_path: Path, store: Path) -> None:
    names = ["train/a/1.png", "train/b/2.png", "train/c/3.png", "test/a/4.png", "test/b/5.png"]
    found = report(write(tmp_path / "data", dict(zip(names, range(20), strict=False))), store)
    assert found.doubts == (
        "Few images: c 1, a 2 and b 2; training needs 5 of each class.",
        "c has no test images.",
    )


@pytest.mark.parametrize(("folder", "part"), [("train", "test"), ("test", "train")])
def test_given_parts_without_test_or_training_are_doubted(
    tmp_path: Path, store: Path, folder: str, part: str
) -> None:
    names = [f"{folder}/{label}/{n}.png" for label in "ab" for n in "12345"]
    found = report(write(tmp_path / "data", dict(zip(names, range(20), strict=False))), store)
    assert found.doubts == (
        f"No image is given the part {part}, so the split given cannot be used; choose another.",
    )


def test_of_many_classes_three_are_named(tmp_path: Path, store: Path) -> None:
    names = ["train/a/1.png", *(f"test/{label}/2.png" for label in "bcdefghi")]
    found = report(write(tmp_path / "data", dict(zip(names, range(20), strict=False))), store)
    assert "b, c, d and 5 more have no training images." in found.doubts
    assert found.doubts[0].startswith("Few images: a 1, b 1, c 1 and 6 more; training needs")


def test_subjects_of_a_table_with_one_image_in_common(tmp_path: Path, store: Path) -> None:
    root = write(tmp_path / "data", {"1.png": 1, "2.png": 2, "3.png": 3, "4.png": 1})
    rows = [
        ("1.png", "a", "Ann"),
        ("2.png", "a", "Ben"),
        ("3.png", "b", "Cem"),
        ("4.png", "a", "Dan"),
    ]
    pd.DataFrame(rows, columns=["path", "label", "patient_id"]).to_csv(root / "t.csv", index=False)

    found = report(root / "t.csv", store)

    assert found.origins.group == "column patient_id"
    assert (found.of_subjects, found.groups) == (4, 3)
    assert found.largest_groups == (("Ann", 2),)
    assert "1.png and 4.png of Ann and Dan" in found.doubts[0]
    assert "a from two and b from one" in found.doubts[1]
    assert found.copies == 2


def test_an_overlap_of_two_classes_is_doubted(tmp_path: Path, store: Path) -> None:
    coarse = np.random.default_rng(5).integers(0, 256, (60, 60, 3), np.uint8)
    slide = Image.fromarray(coarse).resize((400, 400), Image.Resampling.BICUBIC)
    write(tmp_path / "data", {"a/1.png": 1, "b/2.png": 2}, px=224)
    slide.crop((0, 0, 224, 224)).save(tmp_path / "data/a/3.png")
    slide.crop((90, 60, 314, 284)).save(tmp_path / "data/b/4.png")

    found = report(tmp_path / "data", store)

    assert found.overlaps == 1
    (crossing,) = found.crossings
    assert (crossing.across, crossing.images) == ("classes", 2)
    assert found.doubts[0].startswith("2 images of different classes overlap")


def test_files_that_give_a_class_away_are_doubted(tmp_path: Path, store: Path) -> None:
    write(tmp_path / "data", {f"a/{n}.png": n for n in range(12)})
    write(tmp_path / "data", {f"b/{n}.png": 100 + n for n in range(12)}, px=80)

    found = report(tmp_path / "data", store)

    assert found.doubts == (
        "Nearly all files of a class differ from those of every other class (of a and b in size): "
        "a model can tell the class by that instead of by the cells.",
    )
    assert [(each.width, each.images) for each in found.formats] == [(64, 12), (80, 12)]


def doubt_on_files(root: Path, store: Path, **names: dict[str, int]) -> str:
    """The doubt on a set of 40 noise images of each class, with so many of each extension.

    `png` with a figure behind is of that many pixels a side; `grey.png` is grey.
    """
    for index, (label, numbers) in enumerate(names.items()):
        ends = [end for end, number in numbers.items() for _ in range(number)]
        for n, end in enumerate(ends):
            px = int(re.sub(r"\D", "", end) or 64)
            image = Image.fromarray(noise(100 * index + n, px))
            (root / label).mkdir(parents=True, exist_ok=True)
            end = re.sub(r"\d", "", end)
            (image.convert("L") if "grey" in end else image).save(root / label / f"{n}.{end}")
    dataset = open_dataset(root, store=store)
    found = find_doubts(dataset, Links((), ()), {image: image for image in dataset.ids})
    return "".join(found).removeprefix("Nearly all files of a class differ from those of every ")


@pytest.mark.parametrize(
    ("a", "b", "differ"),
    [
        ({"jpg": 20}, {"jpeg": 20}, ""),
        ({"tif": 20}, {"tiff": 10, "TIF": 10}, ""),
        ({"jpg": 20}, {"jfif": 20}, ""),
        ({"jpg": 20}, {"png": 20}, "of a and b in file type"),
        ({"png": 20}, {"grey.png": 20}, "of a and b in mode"),
        ({"png": 20}, {"grey.bmp": 20}, "of a and b in mode and file type"),
        ({"png": 20}, {"png80": 20, "png": 1}, "of a and b in size"),  # one common file
        ({"png": 19, "png80": 1}, {"png80": 19, "png": 1}, "of a and b in size"),
        ({"png": 17, "png80": 3}, {"png80": 17, "png": 3}, ""),
        ({"png": 10, "png80": 10}, {"png80": 20}, ""),
        ({"png80": 10, "jpg": 10}, {"jpg80": 10, "png": 10},
         "of a and b in size, mode and file type together"),
        ({f"png{64 + n}": 1 for n in range(20)}, {f"png{90 + n}": 1 for n in range(20)}, ""),
    ],
)  # fmt: skip
def test_what_gives_a_class_away_is_named(
    tmp_path: Path, store: Path, a: dict[str, int], b: dict[str, int], differ: str
) -> None:
    doubt = doubt_on_files(tmp_path / "data", store, a=a, b=b)
    assert doubt.startswith(f"other class ({differ}): " if differ else "")
    assert bool(doubt) == bool(differ)


def test_a_file_type_is_that_of_the_content(tmp_path: Path, store: Path) -> None:
    """Files of two classes that are called .jpg, in one of which all are PNG."""
    doubt_on_files(tmp_path / "data", store, a={"png": 20}, b={"jpg": 20})
    for file in (tmp_path / "data/a").iterdir():
        file.rename(file.with_suffix(".jpg"))
    dataset = open_dataset(tmp_path / "data", store=store)
    (doubt,) = find_doubts(dataset, Links((), ()), {image: image for image in dataset.ids})
    assert "(of a and b in file type)" in doubt


def test_folders_that_are_no_classes_are_doubted(tmp_path: Path, store: Path) -> None:
    for names in (("fold_0", "fold_1"), ("patient 7", "patient 8"), ("images", "a")):
        root = write(tmp_path / names[0], {f"{name}/{k}.png": k for k, name in enumerate(names)})
        assert "named like a fold, part, patient or date" in report(root, store).doubts[0]


def test_what_was_left_out_is_counted_by_reason_with_examples(tmp_path: Path, store: Path) -> None:
    images = {f"{label}/{n}.png": 10 * k + n for k, label in enumerate("ab") for n in range(5)}
    root = write(tmp_path / "data", images)
    for n in range(5):
        (root / "a" / f"{n}.txt").touch()
    (root / "b" / "half.png").write_bytes((root / "b" / "4.png").read_bytes()[:200])

    found = report(root, store)

    assert [(each.reason, each.count) for each in found.left_out] == [
        ("not an image by its extension", 5),
        ("it is truncated", 1),
    ]
    assert found.left_out[0].examples == ("a/0.txt", "a/1.txt", "a/2.txt")
    assert found.doubts == ()  # files that are no images are not missed


def test_one_bar_never_goes_back(tmp_path: Path, store: Path) -> None:
    images = {f"{label}/{n}.png": 10 * k + n for k, label in enumerate("ab") for n in range(6)}
    root = write(tmp_path / "data", images)
    seen: list[tuple[int, int]] = []

    prepared = prepare(root, store=store, progress=lambda _, *work: seen.append(work))

    assert isinstance(prepared, Prepared)
    assert seen == sorted(seen)
    assert len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]


def test_a_stop_ends_the_work_and_loses_nothing(tmp_path: Path, store: Path) -> None:
    root = write(
        tmp_path / "data",
        {f"{label}/{n}.png": 3 * k + n for k, label in enumerate("ab") for n in range(3)},
    )

    def stop(step: str, done: int, total: int) -> None:
        if step == "finding overlaps":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(root, store=store, progress=stop)
    assert report(root, store).images == 6


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(st.integers(0, 4), min_size=1, max_size=9),
    values=st.lists(st.sampled_from(["x", "y", ""]), min_size=9, max_size=9),
)
def test_crossings_are_those_of_every_pair(contents: list[int], values: list[str]) -> None:
    """The images named are those that a comparison of all pairs names."""
    ids = [f"{k}" for k in range(len(contents))]
    value = {name: v for name, v in zip(ids, values, strict=False) if v}
    groups = [tuple(i for i, c in zip(ids, contents, strict=True) if c == k) for k in range(5)]
    links = Links(tuple(group for group in groups if len(group) > 1), ())

    found = {image for pair in find_crossing(links, value) for image in pair}

    every = {
        name
        for group in groups
        for first in group
        for second in group
        if value.get(first, "") != value.get(second, "") and first in value and second in value
        for name in (first, second)
    }
    assert found == every
