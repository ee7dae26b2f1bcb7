import csv
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import check_trainable, open_dataset
from modelzoo.errors import UserError
from tests.modelzoo.datasets.conftest import write_noise


def reasons(dataset: Dataset) -> dict[str, str]:
    return {entry.id: entry.reason for entry in dataset.skipped}


# Folders


def test_folders_name_the_classes(smears: Path, store: Path) -> None:
    dataset = open_dataset(smears, store=store)

    assert dataset.classes == ("Benign", "Pro")
    assert dataset.ids == tuple(f"{label}/{n}.png" for label in ("Benign", "Pro") for n in range(3))
    assert dataset.images_by_class == {"Benign": 3, "Pro": 3}
    assert dataset.skipped == ()
    assert dataset.path("Pro/1.png").is_file()


def test_what_cannot_be_used_is_left_out_with_its_reason(
    smears: Path, store: Path, write_image: Callable[..., Path]
) -> None:
    good = (smears / "Pro/0.png").read_bytes()
    (smears / "Pro/half.png").write_bytes(good[: len(good) // 2])
    (smears / "Pro/text.jpg").write_text("not an image")
    (smears / "Pro/nothing.bmp").touch()
    (smears / "Pro/notes.txt").write_text("seen twice")
    (smears / "Pro/.DS_Store").touch()
    (smears / "Pro/Thumbs.db").touch()
    (smears / "README.md").touch()
    (smears / "Early").mkdir()
    Image.new("F", (2, 2)).save(smears / "Pro/depth.tif")
    write_image("smears/stray.png", seed=99)
    Image.open(smears / "Pro/0.png").save(smears / "Pro/0.bmp")

    dataset = open_dataset(smears, store=store)

    assert dataset.images_by_class == {"Benign": 3, "Pro": 3}
    assert reasons(dataset) == {
        "Early/": "empty class: no image in it can be used",
        "Pro/0.png": "duplicate name: another of its class differs only in folder or extension",
        "Pro/depth.tif": "its pixels are floating-point numbers of unknown range",
        "Pro/half.png": "it is truncated",
        "Pro/nothing.bmp": "it is empty",
        "Pro/notes.txt": "not an image by its extension",
        "Pro/text.jpg": "it is no image of a known format",
        "stray.png": "not in the folder of a class",
    }


def test_a_sound_image_is_kept_when_its_namesake_is_damaged(smears: Path, store: Path) -> None:
    (smears / "Pro/0.bmp").write_text("damaged")

    dataset = open_dataset(smears, store=store)

    assert "Pro/0.png" in dataset.ids


def test_one_content_in_two_classes_is_in_neither(smears: Path, store: Path) -> None:
    shutil.copy(smears / "Pro/0.png", smears / "Benign/same.png")

    dataset = open_dataset(smears, store=store)

    why = "the same content is in the classes Benign and Pro"
    assert reasons(dataset) == {"Pro/0.png": why, "Benign/same.png": why}


def test_segmented_twins_are_left_out_unless_asked_for(
    store: Path, tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    for label in ("Benign", "Pro"):
        write_image(f"all/Original/{label}/1.png", seed=len(label))
        write_image(f"all/Segmented/{label}/1.png", seed=10 * len(label))

    original = open_dataset(tmp_path / "all", store=store)
    segmented = open_dataset(tmp_path / "all", store=store, segmented=True)

    assert original.ids == ("Original/Benign/1.png", "Original/Pro/1.png")
    assert [each.reason for each in original.skipped] == [
        "twin in Segmented, the same field again"
    ] * 2
    assert segmented.ids == ("Segmented/Benign/1.png", "Segmented/Pro/1.png")
    assert segmented.classes == original.classes == ("Benign", "Pro")


def test_segmented_without_such_a_folder_is_an_error(smears: Path, store: Path) -> None:
    with pytest.raises(UserError, match="has no folder Segmented"):
        open_dataset(smears, store=store, segmented=True)


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_folders_of_parts_give_the_parts(
    store: Path, tmp_path: Path, write_image: Callable[..., Path], validation: str
) -> None:
    for seed, folder in enumerate(("train", validation, "test")):
        write_image(f"parts/{folder}/Pro/1.png", seed=seed)
        write_image(f"parts/{folder}/Pre/1.png", seed=10 + seed)

    dataset = open_dataset(tmp_path / "parts", store=store)

    assert dataset.classes == ("Pre", "Pro")
    assert {image.id: image.part for image in dataset.images} == {
        f"{folder}/{label}/1.png": part
        for folder, part in (("train", "train"), (validation, "validation"), ("test", "test"))
        for label in ("Pre", "Pro")
    }


def test_the_one_folder_of_an_archive_is_gone_into(smears: Path, store: Path) -> None:
    dataset = open_dataset(smears.parent, store=store)

    assert dataset.root == smears
    assert dataset.classes == ("Benign", "Pro")


def test_a_link_to_a_class_is_followed(
    smears: Path, store: Path, tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    for seed in range(2):
        write_image(f"elsewhere/{seed}.png", seed=50 + seed)
    (smears / "Pre").symlink_to(tmp_path / "elsewhere")
    (smears / "Pre/round").symlink_to(tmp_path / "elsewhere")

    assert open_dataset(smears, store=store).images_by_class["Pre"] == 2


@pytest.mark.skipif(os.name != "posix", reason="names that are not UTF-8 exist on POSIX only")
def test_a_name_that_is_not_utf8_is_left_out(smears: Path, store: Path) -> None:
    try:
        shutil.copy(smears / "Pro/0.png", os.fsdecode(os.fsencode(smears) + b"/Pro/caf\xe9.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")

    assert reasons(open_dataset(smears, store=store)) == {
        r"Pro/caf\xe9.png": "its name is not UTF-8"
    }


# C-NMC


@pytest.mark.parametrize("flat", [False, True], ids=["folds", "flat"])
def test_cnmc_names_give_class_and_subject(
    store: Path, tmp_path: Path, write_image: Callable[..., Path], flat: bool
) -> None:
    names = ["UID_1_2_1_all.png", "UID_H1_2_1_hem.png", "UID_h3_1_1_hem.png", "UID_h3_1_2_hem.bmp"]
    for seed, name in enumerate(names):
        folder = "" if flat else f"fold_0/{'hem' if 'hem' in name else 'all'}/"
        write_image(f"cnmc/{folder}{name}", seed=seed)

    dataset = open_dataset(tmp_path / "cnmc", store=store)

    assert dataset.layout == "C-NMC"
    assert [(image.label, image.group) for image in dataset.images] == [
        ("all", "1"),
        ("hem", "H1"),
        ("hem", "H3"),
        ("hem", "H3"),
    ]


@pytest.mark.slow
def test_all_names_of_cnmc_give_the_published_counts(
    real_data: Path, store: Path, tmp_path: Path
) -> None:
    root = tmp_path / "cnmc"
    Image.new("RGB", (16, 16)).save(tmp_path / "tiny.bmp")
    tiny = (tmp_path / "tiny.bmp").read_bytes()
    with (real_data / "cnmc2019" / "training_files.csv").open() as table:
        rows = list(csv.DictReader(table))
    for folder in {(row["fold"], row["class"]) for row in rows}:
        root.joinpath(*folder).mkdir(parents=True)
    for number, row in enumerate(rows):  # the number is in the pixels: no two are the same
        path = root / row["fold"] / row["class"] / row["file"]
        path.write_bytes(tiny[:-9] + number.to_bytes(3, "big") + tiny[-6:])

    dataset = open_dataset(root, store=store)

    assert dataset.images_by_class == {"all": 7272, "hem": 3389}
    assert dataset.skipped == ()
    subjects = {
        label: {i.group for i in dataset.images if i.label == label} for label in dataset.classes
    }
    assert {label: len(groups) for label, groups in subjects.items()} == {"all": 47, "hem": 26}
    assert not subjects["all"] & subjects["hem"]
    per_subject = sorted(Counter(image.group for image in dataset.images).values())
    assert (per_subject[0], per_subject[-1]) == (9, 757)
    assert open_dataset(root, store=store) == dataset


def test_the_real_cells_of_cnmc_are_too_few_to_train_on(real_data: Path, store: Path) -> None:
    dataset = open_dataset(real_data / "cnmc2019", store=store)

    assert Counter((image.label, image.group) for image in dataset.images) == {
        ("all", "1"): 6,
        ("all", "11"): 3,
        ("all", "3"): 1,
        ("hem", "H6"): 5,
        ("hem", "H10"): 5,
    }
    with pytest.raises(UserError, match=r"20 images \(all 10 and hem 10\), too few to train on"):
        check_trainable(dataset)


def test_augmented_copies_of_cnmc_belong_to_the_subject_of_their_original(
    smears: Path, store: Path, tmp_path: Path
) -> None:
    for fold, name in (("fold_0/all", "UID_1_0_1_all"), ("fold_1/hem", "UID_H3_2_1_hem")):
        (tmp_path / "cnmc" / fold).mkdir(parents=True)
        for index, end in enumerate(("", "_rot90", "_flip", " (2)")):
            pixels = Image.effect_noise((64, 64), 20 + index + 5 * len(name)).convert("RGB")
            pixels.save(tmp_path / "cnmc" / fold / f"{name}{end}.png")

    dataset = open_dataset(tmp_path / "cnmc", store=store)

    assert dataset.layout == "C-NMC"
    assert dataset.images_by_class == {"all": 4, "hem": 4}
    assert {image.group for image in dataset.images} == {"1", "H3"}


# ALL-IDB, folders above the classes


def test_all_idb_names_give_the_class(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "idb/ALL_IDB1/im", ("Im001_1.jpg", "Im002_0.jpg", "Im003_1.jpg"))
    write_noise(tmp_path / "idb/ALL_IDB2/img", ("Im001_1.tif", "Im002_0.tif"))
    (tmp_path / "idb/ALL_IDB1/xyc").mkdir()
    (tmp_path / "idb/ALL_IDB1/xyc/Im001_1.xyc").write_text("1 2")

    dataset = open_dataset(tmp_path / "idb", store=store)

    assert dataset.layout == "ALL-IDB"
    assert dataset.images_by_class == {"ALL": 3, "normal": 2}
    assert "1 is ALL, 0 normal" in dataset.notes[0]
    assert "give one of the two folders" in dataset.doubts[0]


@pytest.mark.parametrize(
    ("tops", "groups"),
    [
        (("patient_01", "patient_02", "patient_03"), {"patient_01", "patient_02", "patient_03"}),
        (("fold_1", "fold_2"), {None}),
        (("dataset-master", "dataset2-master"), {None}),
    ],
)
def test_a_level_above_the_same_classes_is_no_class(
    store: Path, tmp_path: Path, tops: tuple[str, ...], groups: set[str | None]
) -> None:
    names = [f"{top}/{label}/{n}.png" for top in tops for label in ("Benign", "Pro") for n in "12"]
    write_noise(tmp_path / "data", names)

    dataset = open_dataset(tmp_path / "data", store=store)

    assert dataset.classes == ("Benign", "Pro")
    assert len(dataset.images) == len(names)
    assert {image.group for image in dataset.images} == groups
    assert "are read as the classes" in dataset.notes[0]


# Names of classes


def test_classes_that_differ_in_case_or_unicode_form_are_one_with_a_note(
    store: Path, tmp_path: Path
) -> None:
    folders = [
        "train/Benign", "test/benign", "train/Vorl\u00e4ufer", "test/Vorla\u0308ufer", "train/Pro",
        "test/Pro",
    ]  # fmt: skip
    for number, folder in enumerate(folders):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for index in range(2 + (number == 0)):
            pixels = Image.effect_noise((64, 64), 20 + 5 * number + index).convert("RGB")
            pixels.save(tmp_path / "data" / folder / f"{number}-{index}.png")

    dataset = open_dataset(tmp_path / "data", store=store)

    assert dataset.images_by_class == {"Benign": 5, "Pro": 4, "Vorl\u00e4ufer": 4}
    assert {(image.label, image.part) for image in dataset.images} == {
        (label, part) for label in dataset.classes for part in ("train", "test")
    }
    assert dataset.notes == (
        "The classes Benign and benign differ in case only; they are taken as one, Benign.",
        "The class Vorl\u00e4ufer is written in two Unicode forms; they are taken as one.",
    )
