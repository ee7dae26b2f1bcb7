"""A CSV or Parquet table of images: its columns, and what is said of them."""

from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import open_dataset
from modelzoo.errors import UserError


def reasons(dataset: Dataset) -> dict[str, str]:
    return {entry.id: entry.reason for entry in dataset.skipped}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_names_labels_groups_and_parts(smears: Path, store: Path, suffix: str) -> None:
    rows = [
        {"path": "Benign/0.png", "label": "NA", "group": "007", "part": "train"},
        {"path": "Benign/1.png", "label": "NA", "group": "007", "part": "val"},
        {"path": "Pro/0.png", "label": "blast", "group": "", "part": "test"},
        {"path": "Pro/0.png", "label": "blast", "group": "", "part": "test"},
        {"path": "Pro/1.png", "label": "blast", "group": "", "part": "test"},
        {"path": "Pro/1.png", "label": "NA", "group": "", "part": "test"},
        {"path": "Pro/2.png", "label": "", "group": "", "part": "test"},
        {"path": "Pro/gone.png", "label": "NA", "group": "", "part": "test"},
        {"path": "../other.png", "label": "NA", "group": "", "part": "test"},
    ]
    table = smears / f"table{suffix}"
    frame = pd.DataFrame(rows)
    if suffix == ".csv":
        frame.to_csv(table, index=False)
    else:
        frame.to_parquet(table)

    dataset = open_dataset(table, store=store)

    assert [(i.id, i.label, i.group, i.part) for i in dataset.images] == [
        ("Benign/0.png", "NA", "007", "train"),
        ("Benign/1.png", "NA", "007", "validation"),
        ("Pro/0.png", "blast", None, "test"),
    ]
    assert [(entry.id, entry.reason) for entry in dataset.skipped] == [
        ("../other.png", "outside the table's folder"),
        ("Pro/0.png", "listed twice"),
        ("Pro/1.png", "listed with the labels NA and blast"),
        ("Pro/1.png", "listed with the labels NA and blast"),
        ("Pro/2.png", "no label"),
        ("Pro/gone.png", "could not be read: no such file or directory"),
    ]


def test_numbers_in_a_parquet_table_are_names(smears: Path, store: Path) -> None:
    table = smears / "table.parquet"
    pd.DataFrame(
        {"path": ["Pro/0.png", "Pro/1.png"], "label": [0, 1], "group": [None, "a"]}
    ).to_parquet(table)

    dataset = open_dataset(table, store=store)

    assert dataset.classes == ("0", "1")
    assert [image.group for image in dataset.images] == [None, "a"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("picture,label\na.png,Pro\n", "has no column path"),
        ("path,label\n", "has no rows"),
        ("", "could not be read as a table"),
        ("path,label,part\na.png,Pro,holdout\n", "has the part 'holdout'"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, store: Path, content: str, sentence: str
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(content)

    with pytest.raises(UserError, match=sentence):
        open_dataset(table, store=store)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_damaged_table_is_a_sentence(tmp_path: Path, store: Path, suffix: str) -> None:
    table = tmp_path / f"table{suffix}"
    table.write_bytes(b"\xff\xfe\x00broken")

    with pytest.raises(UserError, match="could not be read as a table"):
        open_dataset(table, store=store)


def test_columns_of_other_names_are_read_and_the_rest_is_said(smears: Path, store: Path) -> None:
    table = smears / "table.csv"
    frame = pd.DataFrame(
        {
            "Filename": [f"{label}/{n}.png" for label in ("Benign", "Pro") for n in (1, 2)],
            "Diagnosis": ["no", "no", "yes", "yes"],
            "Patient ID": ["7", "7", "8", "9"],
            "Split": ["train", "train", "test", "train"],
            "age": 40,
            "slide": "a",
        }
    )
    frame.to_csv(table, index=False)

    dataset = open_dataset(table, store=store)

    assert [(each.label, each.group, each.part) for each in dataset.images] == [
        ("no", "7", "train"), ("no", "7", "train"), ("yes", "8", "test"), ("yes", "9", "train"),
    ]  # fmt: skip
    assert dataset.notes == (
        "Columns are read by their names: Filename as path, Diagnosis as label, Patient ID as "
        "group, Split as part.",
        "2 columns are not used: age, slide.",
    )


def test_numbered_folds_are_no_parts(smears: Path, store: Path) -> None:
    table = smears / "table.csv"
    table.write_text("path,label,fold\nBenign/1.png,a,0\nPro/1.png,b,1\nPro/2.png,b,2\n")

    dataset = open_dataset(table, store=store)

    assert {image.part for image in dataset.images} == {None}
    assert dataset.notes == (
        "The column fold holds folds, not train, validation and test, and is not used.",
    )
    table.write_text("path,label,split,fold\nBenign/1.png,a,train,0\nPro/1.png,b,test,1\n")
    assert open_dataset(table, store=store).notes == (
        "Columns are read by their names: split as part.",
        "1 column is not used: fold.",
    )


def test_columns_can_be_named(smears: Path, store: Path) -> None:
    table = smears / "table.csv"
    pd.DataFrame(
        {
            "path": ["Pro/0.png", "Pro/1.png"],
            "label": ["x", "x"],
            "dx": ["a", "b"],
            "MRN": ["7", "8"],
            "fold": ["train", "test"],
        }
    ).to_csv(table, index=False)

    dataset = open_dataset(table, store=store, columns=" label=dx , group=MRN")

    assert [(i.label, i.group, i.part) for i in dataset.images] == [
        ("a", "7", "train"),
        ("b", "8", "test"),
    ]
    assert dataset.notes == (
        "Columns are read by their names: fold as part.",
        "1 column is not used: label.",
    )
    assert dataset.origins.label == "column dx"
    assert dataset.origins.group == "column MRN"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("label=diagnose", "has no column 'diagnose' for label (columns: path, label)"),
        ("label", "cannot be used; give such as label=dx"),
        ("label=a,label=b", "each once"),
        ("colour=label", "with path, label, group or part in front"),
    ],
)
def test_columns_that_cannot_be_named(smears: Path, store: Path, columns: str, reason: str) -> None:
    (smears / "table.csv").write_text("path,label\nPro/0.png,a\n")
    with pytest.raises(UserError) as error:
        open_dataset(smears / "table.csv", store=store, columns=columns)
    assert reason in str(error.value)


def test_a_folder_has_no_columns(smears: Path, store: Path) -> None:
    with pytest.raises(UserError, match="is a folder, which has no columns"):
        open_dataset(smears, store=store, columns="label=dx")


def test_a_table_of_gigabytes_is_not_read(smears: Path, store: Path) -> None:
    with (smears / "table.csv").open("wb") as out:
        out.truncate(5_000_000_000)  # a hole, which takes no room on the disk
    with pytest.raises(UserError, match=r"has 5\.0 GB, more than a table of images needs"):
        open_dataset(smears / "table.csv", store=store)


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ";"), ("t.csv", "\t"), ("t.tsv", "\t")])
def test_columns_may_be_parted_by_semicolons_or_tabs(
    smears: Path, store: Path, name: str, separator: str
) -> None:
    rows = ["path,label,set", "Pro/0.png,a, Dev", "Pro/1.png,b,test_2"]
    text = "\ufeff" + "\n".join(rows).replace(",", separator)
    (smears / name).write_text(text, encoding="utf-8")
    images = open_dataset(smears / name, store=store).images
    assert [(image.label, image.part) for image in images] == [("a", "validation"), ("b", "test")]


@pytest.mark.parametrize(("name", "what"), [("a.zip", "unpack it"), ("a.xlsx", "as CSV")])
def test_what_must_be_unpacked_or_saved_is_said(
    smears: Path, store: Path, name: str, what: str
) -> None:
    (smears / name).write_bytes(b"PK")
    with pytest.raises(UserError, match=what):
        open_dataset(smears / name, store=store)
