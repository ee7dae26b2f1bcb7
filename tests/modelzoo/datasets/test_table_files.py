"""A CSV or Parquet table of images: its file, its lines and its cells."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.layouts.table_columns import may_be_used
from modelzoo.datasets.layouts.table_reading import read_table
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
        ("path,label\n", "has no rows"),
        ("", "is empty; give a table with the columns path and label"),
        ("\ufeff\n , \n", "is empty"),
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


def test_a_folder_has_no_columns(smears: Path, store: Path) -> None:
    with pytest.raises(UserError, match="is a folder, which has no columns"):
        open_dataset(smears, store=store, columns="label=dx")


def test_a_table_of_gigabytes_is_not_read(smears: Path, store: Path) -> None:
    with (smears / "table.csv").open("wb") as out:
        out.truncate(5_000_000_000)  # a hole, which takes no room on the disk
    with pytest.raises(UserError, match=r"has 5\.0 GB, more than a table of images needs"):
        open_dataset(smears / "table.csv", store=store)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_more_rows_than_images_is_not_read(
    smears: Path, store: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("modelzoo.datasets.layouts.table_reading.MOST_ROWS", 3)
    for rows in (3, 4):
        frame = pd.DataFrame({"path": ["Pro/0.png"] * rows, "label": "a"})
        frame.to_csv(smears / f"{rows}.csv", index=False)
        frame.to_parquet(smears / f"{rows}.parquet")

    assert len(open_dataset(smears / f"3{suffix}", store=store).skipped) == 2  # listed twice
    with pytest.raises(UserError, match="has more than 3 rows, more than a table of images needs"):
        open_dataset(smears / f"4{suffix}", store=store)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_only_columns_that_may_be_used_are_read(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"x 1": ["1"], "Image-ID": ["a.png"], "dx": ["a"], "x 2": ["2"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")

    is_wanted = partial(may_be_used, named=(("label", "dx"),))
    table, names = read_table(tmp_path / f"t{suffix}", is_wanted)

    assert table.columns.tolist() == ["Image-ID", "dx"]
    assert table.to_numpy().tolist() == [["a.png", "a"]]
    assert names == ["x 1", "Image-ID", "dx", "x 2"]


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ";"), ("t.csv", "\t"), ("t.tsv", "\t")])
def test_columns_may_be_parted_by_semicolons_or_tabs(
    smears: Path, store: Path, name: str, separator: str
) -> None:
    rows = ["path,label,set", "Pro/0.png,a, Dev", "Pro/1.png,b,test_2"]
    text = "\ufeff" + "\n".join(rows).replace(",", separator)
    (smears / name).write_text(text, encoding="utf-8")
    images = open_dataset(smears / name, store=store).images
    assert [(image.label, image.part) for image in images] == [("a", "validation"), ("b", "test")]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_first_line_may_state_the_separator(smears: Path, store: Path, first: str) -> None:
    (smears / "t.csv").write_text(f"\ufeff{first}\r\npath;label\r\nPro/0.png;a\r\n")

    assert open_dataset(smears / "t.csv", store=store).classes == ("a",)
    (smears / "t.csv").write_text(f"{first}\npath;label\nPro/0.png;a;b\n")
    with pytest.raises(UserError, match="has 3 cells in line 3 and 2 columns"):
        open_dataset(smears / "t.csv", store=store)


@pytest.mark.parametrize(("name", "what"), [("a.zip", "unpack it"), ("a.xlsx", "as CSV")])
def test_what_must_be_unpacked_or_saved_is_said(
    smears: Path, store: Path, name: str, what: str
) -> None:
    (smears / name).write_bytes(b"PK")
    with pytest.raises(UserError, match=what):
        open_dataset(smears / name, store=store)


# Lines


@pytest.mark.parametrize(
    "lines",
    ["Pro/0.png,a,7,\nPro/1.png,b,8,\n", "Pro/0.png,a,7\n,,\n \nPro/1.png,b,8,,,\n,,,,,\n\n"],
)
@pytest.mark.parametrize("header", ["path,label,group", "path,label,group,"])
def test_separators_at_the_end_of_a_line_shift_nothing(
    smears: Path, store: Path, header: str, lines: str
) -> None:
    (smears / "t.csv").write_text(f"{header}\n{lines}")

    dataset = open_dataset(smears / "t.csv", store=store)

    assert [(i.id, i.label, i.group) for i in dataset.images] == [
        ("Pro/0.png", "a", "7"),
        ("Pro/1.png", "b", "8"),
    ]
    assert (dataset.notes, dataset.skipped) == ((), ())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("Pro/0.png,a,7\nPro/1.png,b, type 2,8\n", "has 4 cells in line 3 and 3 columns"),
        ("1,Pro/0.png,a,7\n2,Pro/1.png,b,8\n", "has 4 cells in line 2 (and 1 more line) and 3"),
        ("Pro/0.png,a,7\n\nPro/1.png,b\n", "has 2 cells in line 4 and 3 columns"),
        ("Pro/0.png\n", "has 1 cell in line 2 and 3 columns"),
        ('"Pro/0.png\n",a,7\nPro/1.png,b\n', "has 2 cells in line 4 and 3 columns"),
    ],
)
def test_a_line_of_another_length_is_named(
    smears: Path, store: Path, lines: str, said: str
) -> None:
    (smears / "t.csv").write_text(f"path,label,group\n{lines}")

    with pytest.raises(UserError) as error:
        open_dataset(smears / "t.csv", store=store)

    assert said in str(error.value)


@pytest.mark.parametrize("lines", ['Pro/0.png,"a\nPro/1.png,b\n', 'Pro/0.png,"a"b\n'])
def test_a_quotation_mark_that_does_not_close_is_a_sentence(
    smears: Path, store: Path, lines: str
) -> None:
    (smears / "t.csv").write_text(f"path,label\n{lines}")

    with pytest.raises(UserError, match="close every quotation mark"):
        open_dataset(smears / "t.csv", store=store)


def test_quoted_cells_may_hold_separators_and_lines(smears: Path, store: Path) -> None:
    (smears / "t.csv").write_text('path,label,note\r\nPro/0.png, "a, ""b""","x\ny"\r\n')

    dataset = open_dataset(smears / "t.csv", store=store)

    assert dataset.classes == ('a, "b"',)


def test_columns_without_a_name_are_numbered_and_said(smears: Path, store: Path) -> None:
    (smears / "t.csv").write_text(",path,label,\n0,Pro/0.png,a,x\n1,Pro/1.png,b,\n")

    dataset = open_dataset(smears / "t.csv", store=store)

    assert dataset.ids == ("Pro/0.png", "Pro/1.png")
    assert dataset.notes == ("2 columns are not used: unnamed column 1, unnamed column 4.",)


# Cells


def test_subjects_that_are_not_known_are_no_subject(smears: Path, store: Path) -> None:
    subjects = ["NA", "unknown", "", "?", " N/A", "7"]
    rows = [
        {"path": f"{label}/{n}.png", "label": label, "patient": subjects.pop()}
        for label in ("Benign", "Pro")
        for n in range(3)
    ]
    pd.DataFrame(rows).to_csv(smears / "t.csv", index=False)

    dataset = open_dataset(smears / "t.csv", store=store)

    assert [image.group for image in dataset.images] == ["7", None, None, None, None, None]
    assert (
        "5 lines of 6 name no subject: the column patient is empty or '?' or 'N/A' or 'NA' or "
        "'unknown' there."
    ) in dataset.notes


@pytest.mark.parametrize("other", ["p\u00e90", "pe\u03010", "PE\u03010"])
def test_a_subject_in_another_case_or_form_is_one(smears: Path, store: Path, other: str) -> None:
    subjects = ["P\u00e90", "P\u00e90", other, "P1", "", "NA"]
    frame = pd.DataFrame(
        {
            "path": [f"{label}/{n}.png" for label in ("Benign", "Pro") for n in range(3)],
            "label": list("aaabbb"),
            "patient": subjects,
        }
    )
    frame.to_csv(smears / "t.csv", index=False)

    dataset = open_dataset(smears / "t.csv", store=store)

    assert [image.group for image in dataset.images] == ["P\u00e90"] * 3 + ["P1", None, None]
    assert (
        "1 subject is written in ways that differ in case or Unicode form only, such as P\u00e90 "
        f"and {other}; they are taken as one, P\u00e90."
    ) in dataset.notes


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_whole_numbers_are_one_subject_with_and_without_a_decimal(
    smears: Path, store: Path, suffix: str
) -> None:
    frame = pd.DataFrame(
        {
            "path": [f"{label}/{n}.png" for label in ("Benign", "Pro") for n in range(3)],
            "label": [0, 0, 0, 1, 1, 1],
            "patient": [1, 1, None, 2, 2, 10],
        }
    )
    frame.to_csv(smears / "t.csv", index=False)
    frame.to_parquet(smears / "t.parquet")
    table = smears / f"t{suffix}"
    if suffix == ".csv":
        table.write_text(table.read_text().replace("0,1.0", "0,1", 1))

    dataset = open_dataset(table, store=store)

    assert [image.group for image in dataset.images] == ["1", "1", None, "2", "2", "10"]
    assert dataset.classes == ("0", "1")
    assert "Whole numbers are read without .0 (columns: patient)." in dataset.notes


def test_numbers_with_other_decimals_and_leading_zeros_stay(smears: Path, store: Path) -> None:
    (smears / "t.csv").write_text("path,label,case\nPro/0.png,007,1.0\nPro/1.png,008,1.5\n")

    dataset = open_dataset(smears / "t.csv", store=store)

    assert [(i.label, i.group) for i in dataset.images] == [("007", "1.0"), ("008", "1.5")]
    assert not any("Whole numbers" in note for note in dataset.notes)


def test_blanks_around_cells_are_left_out_with_a_note(smears: Path, store: Path) -> None:
    (smears / "t.csv").write_text(
        "path,label,group\nPro/0.png ,a,7\nPro/1.png,a ,7\t\nPro/2.png,b c,7\n"
    )

    dataset = open_dataset(smears / "t.csv", store=store)

    assert [(i.id, i.label) for i in dataset.images] == [
        ("Pro/0.png", "a"),
        ("Pro/1.png", "a"),
        ("Pro/2.png", "b c"),
    ]
    assert dataset.notes == ("Blanks around 3 cells are left out (columns: path, label, group).",)


@pytest.mark.parametrize(("lines", "is_said"), [(10, True), (9, False)])
def test_a_subject_for_each_line_is_perhaps_none(
    write_image: Callable[..., Path], tmp_path: Path, store: Path, lines: int, is_said: bool
) -> None:
    for seed in range(lines):
        write_image(f"t/{seed}.png", seed=seed)
    rows = "".join(f"{n}.png,a,C{n}\n" for n in range(lines))
    (tmp_path / "t/t.csv").write_text(f"path,label,case_id\n{rows}")

    notes = open_dataset(tmp_path / "t/t.csv", store=store).notes

    assert any("case_id has another value in each line" in note for note in notes) == is_said


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("label", ("a", "b"), "listed with the labels a and b"),
        ("part", ("train", "test"), "listed with the parts test and train"),
        ("group", ("7", "8"), "listed with the subjects 7 and 8"),
    ],
)
def test_lines_that_contradict_each_other_are_both_left_out(
    smears: Path, store: Path, column: str, values: tuple[str, str], said: str
) -> None:
    rows = [
        {"path": "Pro/0.png", "label": "a", "part": "train", "group": "7", column: value}
        for value in values
    ]
    rows.append({"path": "Pro/1.png", "label": "a", "part": "train", "group": "7"})
    pd.DataFrame(rows).to_csv(smears / "t.csv", index=False)

    dataset = open_dataset(smears / "t.csv", store=store)

    assert dataset.ids == ("Pro/1.png",)
    assert [each.reason for each in dataset.skipped] == [said] * 2


def test_lines_of_one_image_add_to_each_other(smears: Path, store: Path) -> None:
    (smears / "t.csv").write_text(
        "path,label,group,part\n./Pro/0.png,Pre,,val\nPro/0.png,pre,7,\nPro\\0.png,,7,Valid\n"
    )

    dataset = open_dataset(smears / "t.csv", store=store)

    assert [(i.label, i.group, i.part) for i in dataset.images] == [("Pre", "7", "validation")]
    assert [each.reason for each in dataset.skipped] == ["listed twice", "no label"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("Pro/8.png,Pre\nPro/9.png,Pre\n", "2 left out because: could not be read: no such file"),
        ("../1.png,Pre\n../2.png,Pre\n,Pre\n", "2 left out because: outside the table's folder"),
        ("Pro/0.png,Pre\n", "1 left out because: listed with the labels Pre and Pro"),
    ],
)
def test_a_class_without_an_image_is_a_doubt(
    smears: Path, store: Path, lines: str, said: str
) -> None:
    good = "Pro/0.png,Pro\nPro/1.png,Pro\nBenign/0.png,Benign\nBenign/9.png,benign\n"
    (smears / "t.csv").write_text(f"path,label\n{good}{lines}")

    dataset = open_dataset(smears / "t.csv", store=store)

    (doubt,) = dataset.doubts
    assert doubt.startswith(f"The class Pre has no image that can be used: {said}")
    (smears / "t.csv").write_text(f"path,label\n{good}")
    assert open_dataset(smears / "t.csv", store=store).doubts == ()
