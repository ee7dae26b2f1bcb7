"""What folders are taken for: parts, subjects, folds, classes, or nothing, which is said."""

from pathlib import Path

import pytest

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.doubts import Links, doubt_parts
from modelzoo.datasets.layouts.names import names_class, names_no_class, names_subject, part_of
from modelzoo.datasets.opening import open_dataset
from modelzoo.errors import UserError
from tests.modelzoo.datasets.conftest import write_noise


@pytest.fixture
def opened(store: Path, tmp_path: Path) -> "Opened":
    return Opened(tmp_path / "data", store)


class Opened:
    """Opens a folder that holds the images that are named."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.store = store

    def __call__(self, *folders: str, names: str = "12") -> Dataset:
        write_noise(self.root, [f"{folder}/{name}.png" for folder in folders for name in names])
        return open_dataset(self.root, store=self.store)


def parts(dataset: Dataset) -> dict[str, str | None]:
    """The part of the first image in each folder."""
    return {image.id.rpartition("/")[0]: image.part for image in reversed(dataset.images)}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("training_set", "train"),
        ("train_data", "train"),
        ("TrainingData", "train"),
        ("data_train", "train"),
        ("trainset", "train"),
        ("test_images", "test"),
        ("Test-Set 2", "test"),
        ("TestB", "test"),
        ("holdout", None),  # test to some, validation to others
        ("val_split", "validation"),
        ("dev", "validation"),
        ("tested", None),
        ("trainee", None),
        ("contest", None),
        ("valley", None),
        ("attest_images", None),
    ],
)
def test_a_part_is_known_by_its_word_whatever_stands_beside_it(name: str, part: str | None) -> None:
    assert part_of(name) == part


def test_names_of_folders_are_told_apart() -> None:
    classes = "Benign Early Pre Pro all hem ig basophil L1 Class_A 0 1 AML x_early"

    assert not any(map(names_no_class, classes.split()))
    assert not any(map(names_subject, classes.split()))
    assert all(
        map(
            names_no_class,
            ["fold_1", "foldA", "Site_B", "Patient_07", "2024-01-31", "40x", "raw", "test"],
        )
    )
    assert all(map(names_subject, ["P01", "patient 3", "Case_12", "slide7", "Donor B", "pat-a4"]))
    assert names_class("WBC_benign_cells")
    assert not names_class("small")


def test_sets_called_training_set_and_test_set_are_parts(opened: Opened) -> None:
    dataset = opened("training_set/Pre", "training_set/Pro", "test_images/Pre", "test_images/Pro")

    assert dataset.classes == ("Pre", "Pro")
    assert set(parts(dataset).values()) == {"train", "test"}
    assert dataset.notes == ()


# Class folders with folders in them


@pytest.mark.parametrize("inner", [("40x", "100x"), ("raw", "augmented"), ("left", "right")])
def test_folders_of_one_class_are_not_its_classes(opened: Opened, inner: tuple[str, str]) -> None:
    dataset = opened(*(f"{label}/{name}" for label in ("Benign", "Pro") for name in inner))

    assert dataset.classes == ("Benign", "Pro")
    assert dataset.notes == (
        f"The folders {' and '.join(sorted(inner))} give neither class, subject nor part, and are "
        "not used.",
    )


@pytest.mark.parametrize("tops", [("fold_a", "Fold B"), ("HospA", "HospB"), ("site_x", "site_y")])
def test_folds_and_sites_above_classes_are_no_subjects(
    opened: Opened, tops: tuple[str, str]
) -> None:
    dataset = opened(*(f"{top}/{label}" for top in tops for label in ("Benign", "Pro")))

    assert dataset.classes == ("Benign", "Pro")
    assert {image.group for image in dataset.images} == {None}
    assert dataset.notes[0].endswith("the folder above is not used.")


def test_raw_and_augmented_above_classes_are_no_subjects(opened: Opened) -> None:
    dataset = opened("raw/Benign", "raw/Pro", "augmented/Benign", "augmented/Pro")

    assert dataset.classes == ("Benign", "Pro")
    assert {image.group for image in dataset.images} == {None}


def test_patients_of_different_classes_are_patients_still(opened: Opened) -> None:
    dataset = opened("patient_1/Benign", "patient_2/Pro", "patient_3/Pro", "patient_3/benign")

    assert dataset.images_by_class == {"Benign": 4, "Pro": 4}
    assert {image.group for image in dataset.images} == {"patient_1", "patient_2", "patient_3"}


def test_many_folders_of_the_same_classes_are_subjects(opened: Opened) -> None:
    people = [
        f"{name}son"
        for name in ["Abel", "Carl", "Dick", "Erik", "Fred", "Gord", "Hank", "Jack", "Karl", "Lars"]
    ]

    dataset = opened(*(f"{one}/{label}" for one in people for label in ("benign", "pro")))

    assert {image.group for image in dataset.images} == set(people)
    assert dataset.notes[0].endswith("the folder above is the subject.")


def test_parts_inside_classes_count_only_where_all_images_lie_in_them(opened: Opened) -> None:
    dataset = opened("Pre/train", "Pre/test", "Pro/train", "Pro/test", "Pro")

    assert {image.part for image in dataset.images} == {None}
    assert dataset.notes == (
        "Folders inside those of the classes are called like parts (test and train), but 2 images "
        "lie beside them: these parts are not used.",
    )


def test_a_cross_validation_of_folders_asks_for_one_of_them(opened: Opened) -> None:
    folders = [
        f"fold_{fold}/{part}/{label}"
        for fold in (1, 2)
        for part in ("train", "test")
        for label in ("Pre", "Pro")
    ]

    with pytest.raises(UserError, match=r"2 times \(fold_1 and fold_2\).*such as .*fold_1\."):
        opened(*folders)

    assert set(parts(open_dataset(opened.root / "fold_1", store=opened.store)).values()) == {
        "train",
        "test",
    }


# Parts beside classes


@pytest.mark.parametrize("where", ["Test", "test_images"])
def test_a_flat_folder_of_test_images_leaves_the_classes_usable(opened: Opened, where: str) -> None:
    dataset = opened("Benign", "Pro", where)

    assert dataset.images_by_class == {"Benign": 2, "Pro": 2}
    assert [each.reason for each in dataset.skipped] == [
        "in a folder called like a part, without a class"
    ] * 2
    assert dataset.notes == (
        f"The folder {where} is called like a part and holds no folders of classes: its 2 images "
        "cannot be used.",
    )


def test_an_empty_folder_of_a_part_is_no_part(opened: Opened) -> None:
    (opened.root / "Test").mkdir(parents=True)

    dataset = opened("Benign", "Pro")

    assert dataset.classes == ("Benign", "Pro")
    assert {image.part for image in dataset.images} == {None}


def test_training_folders_beside_a_flat_test_folder_are_used_with_a_word(opened: Opened) -> None:
    dataset = opened("train/Benign", "train/Pro", "test")

    assert dataset.images_by_class == {"Benign": 2, "Pro": 2}
    assert "The folder test is called like a part" in dataset.notes[0]


def test_classes_beside_a_test_folder_of_the_same_classes_are_training(opened: Opened) -> None:
    dataset = opened("Benign", "Pro", "test/benign", "test/pro")

    assert dataset.images_by_class == {"Benign": 4, "Pro": 4}
    assert parts(dataset) == {
        "Benign": "train", "Pro": "train", "test/benign": "test", "test/pro": "test",
    }  # fmt: skip
    assert "Benign and Pro beside test are read as the training part." in dataset.notes


def test_subjects_inside_parts_are_subjects(opened: Opened) -> None:
    folders = [
        f"{part}/P{number}/{label}"
        for number, part in enumerate(("train", "train", "test"))
        for label in ("Pre", "Pro")
    ]

    dataset = opened(*folders)

    assert dataset.classes == ("Pre", "Pro")
    assert {(image.part, image.group) for image in dataset.images} == {
        ("train", "P0"), ("train", "P1"), ("test", "P2"),
    }  # fmt: skip

    assert (dataset.origins.label, dataset.origins.group) == (
        "folder inside that of the subject", "folder inside that of the part",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "origin"),
    [
        ("{part}/{label}/{subject}", "folder inside that of the class"),
        ("{label}/{part}/{subject}", "third folder"),
        ("{part}/{subject}/{label}", "folder inside that of the part"),
    ],
)
def test_subjects_in_both_given_parts_are_said_wherever_their_folders_lie(
    opened: Opened, folder: str, origin: str
) -> None:
    dataset = opened(
        *(
            folder.format(part=part, label=label, subject=subject)
            for part in ("train", "test")
            for label in ("Pre", "Pro")
            for subject in ("patient_1", "patient_2")
        )
    )

    assert {image.group for image in dataset.images} == {"patient_1", "patient_2"}
    assert dataset.origins.group == origin
    assert not any("is not used" in note or "are not used" in note for note in dataset.notes)
    assert doubt_parts(dataset, Links.of(dataset, ())) == (
        "8 of the 8 given test images are of subjects that training has, too: a score on them says "
        "little about new patients.",
    )


# Loose images


@pytest.mark.parametrize(
    "tops", [("train", "test"), ("Train", "TestA", "Test-B"), ("Original", "Segmented"), ("",)]
)
def test_every_image_that_lies_beside_the_folders_is_left_out_with_a_reason(
    opened: Opened, tops: tuple[str, ...]
) -> None:
    write_noise(opened.root, ["loose1.jpg", "preview.png"])

    dataset = opened(*(f"{top}/{label}".strip("/") for top in tops for label in ("Pre", "Pro")))

    loose = [each for each in dataset.skipped if "/" not in each.id]
    assert [each.id for each in loose] == ["loose1.jpg", "preview.png"]
    assert {each.reason for each in loose} == {"not in the folder of a class"}
    assert len(dataset.images) + len(dataset.skipped) == 4 * len(tops) + 2


# Names of files that hold the class


def test_names_like_those_of_all_idb_in_folders_of_classes_are_of_these_classes(
    opened: Opened,
) -> None:
    write_noise(opened.root, [f"{top}/im{n}_0.png" for top in ("Pre", "Pro") for n in (1, 2)])

    dataset = open_dataset(opened.root, store=opened.store)

    assert dataset.layout == "class folders"
    assert dataset.classes == ("Pre", "Pro")


def test_names_of_all_idb_keep_the_part_of_their_folder(opened: Opened) -> None:
    write_noise(opened.root, ["train/Im001_1.jpg", "train/Im002_0.jpg", "test/Im003_1.jpg"])

    dataset = open_dataset(opened.root, store=opened.store)

    assert [(image.label, image.part) for image in dataset.images] == [
        ("ALL", "test"), ("ALL", "train"), ("normal", "train"),
    ]  # fmt: skip


def test_blanks_around_the_name_of_a_class_folder_are_left_out_with_a_note(opened: Opened) -> None:
    dataset = opened("Pre ", "Pro", "Pro /more", names="1")

    assert dataset.images_by_class == {"Pre": 1, "Pro": 2}
    assert "Blanks around the name of the class Pre are left out." in dataset.notes


def test_a_class_of_damaged_files_is_a_doubt(smears: Path, store: Path) -> None:
    (smears / "Early").mkdir()
    for number in range(2):
        (smears / f"Early/{number}.png").write_bytes(b"no image")

    dataset = open_dataset(smears, store=store)

    (doubt,) = dataset.doubts
    assert doubt.startswith("The class Early has no image that can be used: 2 left out because: ")
