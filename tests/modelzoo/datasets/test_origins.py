"""Where class, subject and part are from in the folders that people have."""

from pathlib import Path

import pytest

from modelzoo.datasets.doubts import Links, doubt_parts, doubt_split, find_doubts
from modelzoo.datasets.opening import open_dataset
from tests.modelzoo.datasets.conftest import write_noise


def test_raabins_two_test_folders_are_one_part_with_a_note(store: Path, tmp_path: Path) -> None:
    write_noise(
        tmp_path / "raabin",
        [
            f"{top}/{label}/0.png"
            for top in ("Train", "TestA", "TestB")
            for label in ("Basophil", "Monocyte")
        ],
    )

    dataset = open_dataset(tmp_path / "raabin", store=store)

    assert dataset.classes == ("Basophil", "Monocyte")
    assert [image.part for image in dataset.images] == ["test"] * 4 + ["train"] * 2
    assert dataset.notes == ()
    mixed = "The folders TestA and TestB are one test set, so a score mixes them."
    assert mixed in doubt_parts(dataset, Links.of(dataset, ()))
    assert doubt_split(dataset, "given") == (mixed,)
    # A split that does not use these parts mixes nothing.
    assert mixed not in find_doubts(dataset, Links.of(dataset, ()), {})
    assert mixed not in doubt_split(dataset, "grouped")


def test_pbc_has_eight_classes(store: Path, tmp_path: Path) -> None:
    few = ["basophil", "eosinophil", "erythroblast", "ig"]
    names = [*few, "lymphocyte", "monocyte", "neutrophil", "platelet"]
    root = tmp_path / "PBC_dataset_normal_DIB"
    write_noise(root, [f"PBC_dataset_normal_DIB/{name}/{name[:2].upper()}_1.jpg" for name in names])

    dataset = open_dataset(root, store=store)

    assert dataset.layout == "PBC"
    assert list(dataset.classes) == names
    assert "immature granulocytes" in dataset.notes[0]


def test_each_layout_says_what_it_took_from_where(store: Path, tmp_path: Path) -> None:
    for folder, names, expected in [
        (
            "a",
            ["x/UID_1_1_1_all_copy.png", "y/z.png", "y/w.png"],
            ("first folder", "file name", ""),
        ),
        ("b", ["train/x/1.png", "test/x/2.png"], ("folder inside", "", "first folder")),
        ("c", ["p1/x/1.png", "p1/y/1.png", "p2/x/1.png", "p2/y/1.png"], ("second", "first", "")),
        ("d", ["UID_H1_1_1_hem.png", "UID_2_1_1_all.png"], ("file name", "file name", "")),
    ]:
        write_noise(tmp_path / folder, names)
        origins = open_dataset(tmp_path / folder, store=store).origins
        assert origins.layout
        for found, part in zip((origins.label, origins.group, origins.part), expected, strict=True):
            assert part in found
            assert bool(part) == bool(found)


@pytest.mark.parametrize("names", [("train", "test"), ("Train_1", "Test-2"), ("dev", "test2")])
def test_parts_may_lie_in_the_classes_or_above_them(
    store: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    first, second = names
    inside = [f"{label}/{name}/{n}.png" for label in "ab" for name in names for n in "12"]
    above = [f"{name}/{label}/{n}.png" for label in "ab" for name in names for n in "12"]
    write_noise(tmp_path / "inside", inside)
    write_noise(tmp_path / "above", above)
    for folder in ("inside", "above"):
        dataset = open_dataset(tmp_path / folder, store=store)
        assert dataset.classes == ("a", "b")
        for image in dataset.images:
            is_test = second in image.id
            assert image.part == (
                "test" if is_test else "validation" if first == "dev" else "train"
            )


@pytest.mark.parametrize("tops", [("patient_1", "patient_2"), ("slide 1", "slide 2"), ("pat07",)])
def test_patients_inside_the_classes_are_subjects(
    store: Path, tmp_path: Path, tops: tuple[str, ...]
) -> None:
    names = [
        f"{label}/{top}/x/{n}.png" for label in ("Benign", "Pro") for top in tops for n in "12"
    ]
    write_noise(tmp_path / "data", names)

    dataset = open_dataset(tmp_path / "data", store=store)

    assert dataset.classes == ("Benign", "Pro")
    assert {image.group for image in dataset.images} == set(tops)
    assert dataset.origins.group == "second folder"
    assert "read as subjects" in dataset.notes[0]
