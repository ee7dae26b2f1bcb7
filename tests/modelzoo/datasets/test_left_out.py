"""How many files were left out: folders are none, and a file that is listed twice is one."""

from pathlib import Path

import pytest
from PIL import Image

from modelzoo.datasets.doubts import Links, find_doubts
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.preparing import prepare
from modelzoo.datasets.report import make_report
from modelzoo.datasets.words import describe_left_out
from modelzoo.errors import UserError
from tests.modelzoo.datasets.conftest import write_noise


def test_folders_that_are_left_out_are_no_files(store: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_noise(root, [f"{label}/{number}.png" for label in ("Pre", "Pro") for number in range(3)])
    for empty in ("Early", "Benign"):
        (root / empty).mkdir()
    (root / "Pro" / "again").symlink_to(root / "Pre")
    for number in range(8):
        (root / "Pro" / f"note{number}.png").write_text("no image")

    dataset = open_dataset(root, store=store)

    assert [each.id for each in dataset.skipped if each.id.endswith("/")] == [
        "Benign/", "Early/", "Pro/again/",
    ]  # fmt: skip
    assert len(dataset.left_out_files) == 8
    assert describe_left_out(dataset) == "8 files and 3 folders"
    doubts = find_doubts(dataset, Links.of(dataset, ()), {})
    assert "8 files are left out and 6 used; see the reasons." in doubts


def test_links_to_folders_in_use_stay_folders_inside_a_wrapper(store: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_noise(root, [f"archive/{label}/1.png" for label in ("Pre", "Pro")])
    (root / "archive/Pro/again").symlink_to(root / "archive/Pre")

    dataset = open_dataset(root, store=store)

    assert [each.id for each in dataset.skipped] == ["Pro/again/"]
    assert dataset.left_out_files == ()


def test_files_alone_are_counted_where_none_can_be_used(store: Path, tmp_path: Path) -> None:
    for label in ("Pre", "Pro"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(3):
            Image.new("F", (32, 32), number).save(tmp_path / f"data/{label}/{number}.tif")

    with pytest.raises(UserError, match=r"\(6 left out, 6 because: its pixels are floating-point"):
        open_dataset(tmp_path / "data", store=store)


@pytest.mark.parametrize(
    ("column", "values", "reason", "doubt"),
    [
        ("part", ("train", "test"), "listed with the parts test and train", ""),
        (
            "label",
            ("Pre", "Pro"),
            "listed with the labels Pre and Pro",
            "2 images are left out because the same image has two labels; other labels may be "
            "wrong, too.",
        ),
    ],
)
def test_a_file_that_is_listed_twice_is_one_file(
    store: Path, tmp_path: Path, column: str, values: tuple[str, str], reason: str, doubt: str
) -> None:
    names = [f"{number}.png" for number in range(8)]
    write_noise(tmp_path, names)
    rows = [{"path": name, "label": "Pre", "part": "train"} for name in names]
    rows += [{**row, column: values[1]} for row in rows[:2]]
    rows.append(rows[5])  # the same line again: the file is used all the same
    lines = ["path,label,part", *(",".join(row.values()) for row in rows)]
    (tmp_path / "table.csv").write_text("\n".join(lines))

    prepared = prepare(tmp_path / "table.csv", store=store)

    assert [each.id for each in prepared.dataset.left_out_files] == ["0.png", "1.png"]
    assert describe_left_out(prepared.dataset) == "2 files and 1 line"
    report = make_report(prepared)
    assert {each.reason: each.count for each in report.left_out} == {reason: 2, "listed twice": 1}
    assert not doubt or doubt in report.doubts
    assert not any("3 files" in each or "4 files" in each for each in report.doubts)
