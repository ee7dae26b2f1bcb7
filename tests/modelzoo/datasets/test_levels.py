"""Which level of folders holds the classes, where a tree is not as regular as it was meant."""

from pathlib import Path

import pytest

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import open_dataset
from tests.modelzoo.datasets.conftest import write_noise


def opened(root: Path, store: Path, *names: str) -> Dataset:
    """The images that are named; of a name that ends in a slash, three in that folder."""
    ids = [id for name in names for id in _spell(name)]
    write_noise(root, ids)
    return open_dataset(root, store=store)


def _spell(name: str) -> list[str]:
    return [f"{name}{number}.png" for number in range(3)] if name.endswith("/") else [name]


def below(tops: str, classes: str) -> list[str]:
    return [f"{top}/{label}/" for top in tops.split() for label in classes.split()]


# Persons, folds and batches above the classes


@pytest.mark.parametrize("tops", ["Smith Jones Meier", "apr mai mar", "fold_1 fold_2", "P01 P02"])
@pytest.mark.parametrize("odd", ["{}/Pre/", "{}/loose.png", "loose.png"])
def test_folders_above_the_same_classes_are_no_classes_where_one_has_something_more(
    store: Path, tmp_path: Path, tops: str, odd: str
) -> None:
    more = odd.format(tops.split()[0])

    dataset = opened(tmp_path / "data", store, *below(tops, "Benign Early"), more)

    assert dataset.layout == "classes in every folder"
    assert dataset.classes == (("Benign", "Early", "Pre") if "Pre" in odd else ("Benign", "Early"))
    assert [each.id for each in dataset.skipped] == ([] if "Pre" in odd else [more])


def test_a_loose_image_in_a_part_leaves_its_subjects_and_images_as_they_are(
    store: Path, tmp_path: Path
) -> None:
    names = [*below("train/P1 test/P2", "Benign Early"), "train/P1/loose.png"]
    people = opened(tmp_path / "people", store, *names)
    names = [*below("train/images test/images", "Benign Early"), "train/loose.png"]
    images = opened(tmp_path / "images", store, *names)

    assert people.classes == images.classes == ("Benign", "Early")
    assert {image.group for image in people.images} == {"P1", "P2"}


@pytest.mark.parametrize(
    ("names", "inner"),
    [
        (
            [*below("Berlin", "Benign Early"), *below("Tehran", "Benign_cells Early_cells")],
            "Benign, Benign_cells, Early and Early_cells",
        ),
        (below("Smith Jones", "round small"), "round and small"),
    ],
)
def test_a_level_that_may_hold_the_classes_is_doubted(
    store: Path, tmp_path: Path, names: list[str], inner: str
) -> None:
    dataset = opened(tmp_path / "data", store, *names)

    (doubt,) = dataset.doubts
    assert f"folders called {inner}: if the latter are the classes" in doubt


@pytest.mark.parametrize(
    "names",
    [
        below("Benign Pro", "week1 week2"),
        below("A B", "40x 100x"),
        [*below("A", "week1 week2"), "B/"],
        below("Smith", "Benign Early"),  # a wrapper
    ],
)
def test_folders_that_are_the_classes_are_not_doubted(
    store: Path, tmp_path: Path, names: list[str]
) -> None:
    assert opened(tmp_path / "data", store, *names).doubts == ()


# A folder around all


@pytest.mark.parametrize(
    ("wrapper", "loose"),
    [
        ("archive", "preview.png"),
        ("archive", "archive/preview.png"),
        ("Main Dataset", "preview.png"),
        ("archive/data", "archive/preview.png"),
        ("archive/data", "preview.png"),
    ],
)
def test_a_folder_around_all_classes_is_entered_whatever_lies_loose(
    store: Path, tmp_path: Path, wrapper: str, loose: str
) -> None:
    root = tmp_path / "data"

    dataset = opened(root, store, *(f"{wrapper}/{label}/" for label in ("Benign", "Pro")), loose)

    assert dataset.root == root / wrapper
    assert dataset.images_by_class == {"Benign": 3, "Pro": 3}
    (left_out,) = dataset.skipped
    assert (dataset.root / left_out.id).resolve() == root / loose


def test_pbc_is_known_in_its_folder_beside_a_preview(store: Path, tmp_path: Path) -> None:
    kinds = "basophil eosinophil erythroblast ig lymphocyte monocyte neutrophil platelet"
    names = below("PBC_dataset_normal_DIB", kinds)

    assert opened(tmp_path / "data", store, *names, "preview.jpg").layout == "PBC"


# Classes that are missing


def test_a_single_class_is_doubted(store: Path, tmp_path: Path) -> None:
    dataset = opened(tmp_path / "data", store, "Pro/", "Pro/more/")

    assert dataset.classes == ("Pro",)
    assert dataset.doubts == (
        "All images that can be used are of one class, Pro; training needs at least two, each in a "
        "folder of its own or named in a table.",
    )


def test_a_class_of_which_no_image_can_be_used_is_doubted(store: Path, tmp_path: Path) -> None:
    (tmp_path / "data/Early").mkdir(parents=True)
    for name in "12":
        (tmp_path / f"data/Early/{name}.png").write_text("no image")

    dataset = opened(tmp_path / "data", store, "Benign/", "Pro/")

    assert dataset.doubts == (
        "The class Early has no image that can be used: 2 left out because: it is no image of a "
        "known format.",
    )


@pytest.mark.parametrize(
    ("tops", "what"),
    [("train test", "the folders of the parts"), ("Original Segmented", "Original")],
)
def test_whole_folders_beside_those_that_are_used_are_doubted(
    store: Path, tmp_path: Path, tops: str, what: str
) -> None:
    dataset = opened(tmp_path / "data", store, *below(tops, "Benign Early"), "Pre/", "Pro/more/")

    assert dataset.classes == ("Benign", "Early")
    assert dataset.doubts == (
        f"Pre (3 images) and Pro (3 images) lie beside {what} and are not used: where a class is "
        "meant, its images are missing.",
    )
    assert sum(each.reason == f"beside {what}" for each in dataset.skipped) == 6
