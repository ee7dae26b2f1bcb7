"""Which column of a table is path, label, group and part, and what is said of the others."""

from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.doubts import Links, doubt_parts, find_doubts
from modelzoo.datasets.opening import check_trainable, open_dataset
from modelzoo.datasets.splitting import make_split
from modelzoo.errors import UserError

IMAGES = [f"{label}/{n}.png" for label in ("Benign", "Pro") for n in range(3)]


def write_table(folder: Path, **columns: list[str]) -> Path:
    """A table of the six smears with these columns, beside the path and, if not given, a label."""
    values = {"path": IMAGES, "label": ["no"] * 3 + ["yes"] * 3, **columns}
    pd.DataFrame(values).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


@pytest.mark.parametrize("name", ["part", "split", "Sub-Set", "fold", "partition"])
@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ("ABABAB", "A and B"),
        ("123451", "1, 2, 3 and 2 more"),
        (["monday batch", "", "NA", "", "", ""], "monday batch"),
    ],
)
def test_a_column_without_any_parts_is_not_used(
    smears: Path, store: Path, name: str, values: str, listed: str
) -> None:
    dataset = open_dataset(write_table(smears, **{name: list(values)}), store=store)

    assert {image.part for image in dataset.images} == {None}
    said = f"The column {name} holds {listed}, not train, validation and test, and is not used."
    assert said in dataset.notes
    assert not any("1 column is not used" in note for note in dataset.notes)  # said once


def test_parts_are_read_from_the_column_that_holds_them(smears: Path, store: Path) -> None:
    table = write_table(
        smears, part=["left lung"] * 6, split=[""] * 6, set=["train", "train", "test"] * 2
    )

    dataset = open_dataset(table, store=store)

    assert [image.part for image in dataset.images] == ["train", "train", "test"] * 2
    assert dataset.origins.part == "column set"
    assert dataset.notes == (
        "The column part holds left lung, not train, validation and test, and is not used.",
        "Columns are read by their names: set as part.",
        "1 column is not used: split.",
    )


@pytest.mark.parametrize("name", ["part", "split", "fold"])
def test_parts_beside_other_values_are_a_sentence_with_a_way_out(
    smears: Path, store: Path, name: str
) -> None:
    table = write_table(smears, **{name: ["train", "test", "holdout", "", "NA", "tets"]})

    with pytest.raises(UserError) as error:
        open_dataset(table, store=store)

    assert f"{table} has holdout and tets in its column {name}" in str(error.value)
    assert "--columns part= to read no parts" in str(error.value)
    dataset = open_dataset(table, store=store, columns="part=")
    assert {image.part for image in dataset.images} == {None}
    assert dataset.notes == (f"1 column is not used: {name}.",)


def test_a_column_that_is_named_for_parts_must_hold_them(smears: Path, store: Path) -> None:
    table = write_table(smears, batch=["A"] * 6)

    with pytest.raises(UserError, match="has A in its column batch, which are no parts"):
        open_dataset(table, store=store, columns="part=batch")


def test_a_table_may_be_read_without_its_subjects(smears: Path, store: Path) -> None:
    table = write_table(smears, patient=["1"] * 6)

    dataset = open_dataset(table, store=store, columns="group=")

    assert {image.group for image in dataset.images} == {None}
    assert dataset.notes == ("1 column is not used: patient.",)


@pytest.mark.parametrize(
    "name", ["patient name", "Patient-ID", "PATIENT_NO", "subjectID", "Subject  Nr", "Participant"]
)
def test_a_patient_is_found_before_a_slide(smears: Path, store: Path, name: str) -> None:
    table = write_table(smears, slide=["s"] * 6, **{name: ["1", "1", "2"] * 2})

    dataset = open_dataset(table, store=store)

    assert {image.group for image in dataset.images} == {"1", "2"}
    assert dataset.notes == (
        f"Columns are read by their names: {name} as group.",
        "1 column is not used: slide.",
    )


@pytest.mark.parametrize("other", ["group", "slide", "Sample ID"])
@pytest.mark.parametrize("name", ["patient_id", "Subject", "case no"])
def test_people_come_before_groups_and_what_parts_these_is_a_doubt(
    smears: Path, store: Path, name: str, other: str
) -> None:
    table = write_table(smears, **{other: list("aabbcc"), name: ["1", "2", "3", "3", "4", ""]})

    dataset = open_dataset(table, store=store)

    assert [image.group for image in dataset.images] == ["1", "2", "3", "3", "4", None]
    assert dataset.doubts == (
        f"The column {other} is not used, and 2 of its values have images of several subjects of "
        f"the column {name}: a split keeps those of one {name} together, not those of one {other}; "
        f"where {other} names the people, give --columns group={other}.",
    )
    turned = open_dataset(table, store=store, columns=f"group={other}")
    assert [image.group for image in turned.images] == list("aabbcc")
    assert turned.doubts == ()  # each person has one group, and is kept together with it
    assert open_dataset(table, store=store, columns="group=").doubts == ()


def test_a_group_without_people_is_still_read(smears: Path, store: Path) -> None:
    dataset = open_dataset(write_table(smears, group=list("aabbcc"), slide=["s"] * 6), store=store)

    assert [image.group for image in dataset.images] == list("aabbcc")
    (doubt,) = dataset.doubts
    assert doubt.startswith("The column slide is not used, and 1 of its values has images of")


def test_an_empty_column_of_people_is_passed_over(smears: Path, store: Path) -> None:
    table = write_table(smears, patient=["", "NA"] * 3, group=list("aabbcc"))

    dataset = open_dataset(table, store=store)

    assert [image.group for image in dataset.images] == list("aabbcc")
    assert "1 column is not used: patient." in dataset.notes


def test_what_only_contains_the_word_patient_is_no_subject(smears: Path, store: Path) -> None:
    dataset = open_dataset(write_table(smears, patient_age=["40"] * 6), store=store)

    assert {image.group for image in dataset.images} == {None}
    assert dataset.notes == ("1 column is not used: patient_age.",)


@pytest.mark.parametrize(
    "name", ["image_id", "filename", "File Name", "file", "image", "Image-Path", "img_name"]
)
def test_paths_may_be_called_after_images_and_files(smears: Path, store: Path, name: str) -> None:
    (smears / "t.csv").write_text(f"{name},label\nPro/0.png,a\nPro/1.png,b\n")

    dataset = open_dataset(smears / "t.csv", store=store)

    assert dataset.ids == ("Pro/0.png", "Pro/1.png")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("picture,label", "lacks a column called path or alike (columns: picture, label)"),
        ("picture,label", "by --columns path=NAME."),
        ("path,finding", "lacks a column called label or alike (columns: path, finding)"),
        ("path,finding", "by --columns label=NAME."),
        ("a,b", "lacks columns called path and label or alike (columns: a, b)"),
        ("a,b", "by --columns path=NAME,label=NAME."),
    ],
)
def test_columns_that_are_not_found_are_asked_for_and_no_others(
    smears: Path, store: Path, header: str, said: str
) -> None:
    (smears / "t.csv").write_text(f"{header}\nPro/0.png,a\n")

    with pytest.raises(UserError) as error:
        open_dataset(smears / "t.csv", store=store)

    assert said in str(error.value)


@pytest.mark.parametrize(
    ("header", "name"),
    [("path,label,label,x", "label"), ("path,path ,label,x", "path"), ("path,label,x,x", "x")],
)
def test_a_name_of_two_columns_is_a_sentence(
    smears: Path, store: Path, header: str, name: str
) -> None:
    (smears / "t.csv").write_text(f"{header}\nPro/0.png,a,b,c\n")

    with pytest.raises(UserError, match=f"has more than one column called {name}; give each"):
        open_dataset(smears / "t.csv", store=store)


def test_columns_that_are_spelt_alike_are_told_apart(smears: Path, store: Path) -> None:
    table = write_table(smears, **{"Patient ID": ["1"] * 6, "patient_id": ["2"] * 6})

    dataset = open_dataset(table, store=store)

    assert {image.group for image in dataset.images} == {"1"}
    assert "1 column is not used: patient_id." in dataset.notes


@pytest.mark.parametrize("name", ["path", "image", None])
def test_the_index_of_a_parquet_table_may_hold_the_paths(
    smears: Path, store: Path, name: str | None
) -> None:
    frame = pd.DataFrame({"label": list("aab")}, index=pd.Index(IMAGES[:3], name=name))
    frame.to_parquet(smears / "t.parquet")
    frame.to_csv(smears / "t.csv")

    for table in ("t.parquet", "t.csv"):
        assert open_dataset(smears / table, store=store).ids == tuple(IMAGES[:3])


def test_images_inside_a_parquet_table_are_not_taken_for_paths(smears: Path, store: Path) -> None:
    pd.DataFrame({"image": [{"bytes": b"x", "path": "a.png"}], "label": ["a"]}).to_parquet(
        smears / "t.parquet"
    )

    with pytest.raises(UserError, match="holds images themselves in its column image"):
        open_dataset(smears / "t.parquet", store=store)


def test_classes_that_are_called_like_patients_are_advised_on_columns(
    smears: Path, store: Path
) -> None:
    dataset = open_dataset(write_table(smears, label=["Case 1"] * 3 + ["Case 2"] * 3), store=store)

    (doubt, *_) = find_doubts(dataset, Links.of(dataset, ()), {i: i for i in dataset.ids})

    assert "named like a fold, part, patient or date: name the column of the classes" in doubt


def test_what_a_table_does_not_say_is_asked_of_the_table(smears: Path, store: Path) -> None:
    table = write_table(smears, part=["train"] * 5 + [""])
    dataset = open_dataset(table, store=store)

    with pytest.raises(UserError) as error:
        make_split(
            dataset, "given", groups={}, clusters={}, seed=0, test_share=0.2, validation_share=0.1
        )
    with pytest.raises(UserError) as too_few:
        check_trainable(dataset)

    assert f"{table} gives 1 of 6 images no part" in str(error.value)
    assert f"{table} holds 6 images" in str(too_few.value)


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
        "The column fold holds 0, 1 and 2, not train, validation and test, and is not used.",
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
        ("part", "cannot be used; give such as label=dx"),
        ("label=,group=", "Only group= and part= may be left empty"),
        ("label=a,label=b", "each once"),
        ("colour=label", "with path, label, group or part in front"),
    ],
)
def test_columns_that_cannot_be_named(smears: Path, store: Path, columns: str, reason: str) -> None:
    (smears / "table.csv").write_text("path,label\nPro/0.png,a\n")
    with pytest.raises(UserError) as error:
        open_dataset(smears / "table.csv", store=store, columns=columns)
    assert reason in str(error.value)


@pytest.mark.parametrize(("name", "noun"), [("Slide ID", "slide"), ("patient", "subject")])
def test_slides_are_not_called_subjects(smears: Path, store: Path, name: str, noun: str) -> None:
    parts = ["train", "train", "test"] * 2
    table = write_table(smears, part=parts, **{name: ["7", "7", "7", "8", "8", ""]})
    dataset = open_dataset(table, store=store)

    doubts = doubt_parts(dataset, Links.of(dataset, ()))

    assert (
        f"1 of the 2 given test images is of a {noun} that training has, too: a score on them says "
        "little about new patients."
    ) in doubts
    assert f"1 line of 6 name no {noun}: the column {name} is empty there." in dataset.notes
    dataset = open_dataset(write_table(smears, **{name: list("aabbcc")}), store=store)
    groups = {image.id: str(image.group) for image in dataset.images}
    assert any(
        doubt.startswith(f"Few {noun}s: no from two and yes from two;")
        for doubt in find_doubts(dataset, Links.of(dataset, ()), groups)
    )
