"""A table inside a folder is said, and how it is used."""

import shlex
from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.opening import open_dataset
from modelzoo.errors import UserError
from tests.modelzoo.datasets.conftest import write_noise

IMAGES = [f"{label}/{label}_{n}.png" for label in ("Pre", "Pro") for n in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_noise(tmp_path / "my set", IMAGES)
    return tmp_path / "my set"


def frame(cells: str, **columns: list[int]) -> pd.DataFrame:
    """A table of the images by their id, name or stem."""
    paths = map(Path, IMAGES)
    names = {"id": IMAGES, "name": [path.name for path in paths]}
    names["stem"] = [name.removesuffix(".png") for name in names["name"]]
    return pd.DataFrame({"image": names[cells], **columns})


@pytest.mark.parametrize("cells", ["id", "name", "stem"])
@pytest.mark.parametrize("name", ["labels.csv", "Labels.TSV", "t.parquet", "t.pq"])
def test_a_table_that_lists_the_images_is_said(
    folder: Path, store: Path, cells: str, name: str
) -> None:
    table = frame(cells, label=[0, 0, 0, 1, 1, 1])
    if name.lower().endswith("sv"):
        table.to_csv(folder / name, index=False, sep="," if name.endswith("csv") else "\t")
    else:
        table.to_parquet(folder / name)

    dataset = open_dataset(folder, store=store)

    command = f"python -m modelzoo data {shlex.quote(str(folder / name))}"
    assert dataset.notes == (
        f"{name} lists images of this folder and is not used; where it says what they are, give "
        f"it in place of the folder: {command}.",
    )


def test_a_column_that_would_not_be_known_is_named_in_the_command(
    folder: Path, store: Path
) -> None:
    frame("name").rename(columns={"image": "new names"}).to_csv(folder / "labels.csv")

    (note,) = open_dataset(folder, store=store).notes

    assert note.endswith("--columns 'path=new names'.")


@pytest.mark.parametrize("images", ["", "smears/", "a/b/"])
def test_a_table_above_the_folder_that_is_gone_into_is_said(
    store: Path, tmp_path: Path, images: str
) -> None:
    write_noise(tmp_path / "set" / images, IMAGES)
    frame("stem").to_csv(tmp_path / "set/labels.csv", index=False)

    (note,) = open_dataset(tmp_path / "set", store=store).notes

    assert note.startswith("labels.csv lists images of this folder")


def test_images_without_classes_are_advised_to_use_their_table(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "flat", ["x_1.png", "x_2.png"])
    (tmp_path / "flat/truth.csv").write_text("id;dx\nx_1;a\nx_2;b\n")

    with pytest.raises(UserError) as error:
        open_dataset(tmp_path / "flat", store=store)

    assert "holds 2 images but no classes. truth.csv lists images" in str(error.value)
    assert str(error.value).endswith(f"{tmp_path}/flat/truth.csv --columns path=id.")


def test_a_workbook_may_list_them(folder: Path, store: Path) -> None:
    (folder / "labels.xlsx").write_bytes(b"PK")

    (note,) = open_dataset(folder, store=store).notes

    assert note.startswith("labels.xlsx is a workbook, which is not read; where it lists")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"name,count\nPro,3\nPre,3\n",
        b"image,label\nother_1.png,a\nother_2.png,b\nPre_0.png,c\n",
        b'image,"label\nPre_0.png',
        b"PAR1",
    ],
)
@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_other_tables_are_no_matter(folder: Path, store: Path, content: bytes, name: str) -> None:
    (folder / name).write_bytes(content)

    assert open_dataset(folder, store=store).notes == ()


def test_a_table_without_rows_or_texts_is_no_matter(folder: Path, store: Path) -> None:
    frame("name")[:0].to_parquet(folder / "a.parquet")
    pd.DataFrame({"n": [1, 2]}).to_parquet(folder / "b.parquet")

    assert open_dataset(folder, store=store).notes == ()


def test_numbers_that_count_lines_are_no_names(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "set", ["a/1.png", "a/2.png", "b/3.png"])
    (tmp_path / "set/counts.csv").write_text("n,cells\n1,7\n2,8\n3,9\n")

    assert open_dataset(tmp_path / "set", store=store).notes == ()


def test_tables_of_single_classes_are_not_looked_into(folder: Path, store: Path) -> None:
    frame("name").to_csv(folder / "Pro/labels.csv", index=False)

    assert open_dataset(folder, store=store).notes == ()
