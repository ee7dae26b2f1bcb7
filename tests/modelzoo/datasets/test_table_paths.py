"""The files that the cells of a table mean."""

import shutil
from pathlib import Path

import pytest

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import open_dataset
from modelzoo.errors import UserError
from tests.modelzoo.datasets.conftest import write_noise


def open_table(folder: Path, store: Path, *paths: str) -> Dataset:
    """The data set of a table in `folder` that lists these paths."""
    lines = "".join(f'"{path}",{"ab"[number % 2]}\n' for number, path in enumerate(paths))
    (folder / "table.csv").write_text(f"path,label\n{lines}")
    return open_dataset(folder / "table.csv", store=store)


def test_paths_may_be_whole_and_addresses_of_files(store: Path, tmp_path: Path) -> None:
    root = tmp_path / "some smears"
    write_noise(root, ["a/1 é.png", "a/2.png", "a/3.png"])
    url = (root / "a/1 é.png").as_uri()
    assert "%20" in url

    dataset = open_table(
        root, store, url, f"file://localhost{root}/a/2.png".replace(" ", "%20"), f"{root}/a/3.png"
    )

    assert dataset.ids == ("a/1 é.png", "a/2.png", "a/3.png")
    assert dataset.notes == ()


def test_addresses_are_not_fetched_and_say_so(smears: Path, store: Path) -> None:
    dataset = open_table(smears, store, "Pro/0.png", "https://host/a.png", "S3://bucket/b.png")

    assert dataset.ids == ("Pro/0.png",)
    assert {each.reason for each in dataset.skipped} == {
        "an address, from which nothing is fetched; give the path of a file"
    }


def test_a_name_that_no_file_can_have_is_left_out(smears: Path, store: Path) -> None:
    dataset = open_table(smears, store, "Pro/0.png", "Pro/\0.png", "n" * 300)

    assert dataset.ids == ("Pro/0.png",)
    assert len(dataset.skipped) == 2


@pytest.mark.parametrize("name", ["im_001", "im_001.png", "images/im_001", "./im_001"])
def test_a_name_without_folder_or_extension_is_found(
    store: Path, tmp_path: Path, name: str
) -> None:
    write_noise(tmp_path / "set", ["images/im_001.png", "images/im_002.png"])

    dataset = open_table(tmp_path / "set", store, name)

    assert dataset.ids == ("images/im_001.png",)
    assert dataset.notes == (f"1 image is found by its name, such as {name} at images/im_001.png.",)


def test_names_that_fit_several_files_are_left_out_with_a_sentence(
    store: Path, tmp_path: Path
) -> None:
    write_noise(tmp_path / "set", ["x/1.png", "y/1.png", "x/2.png", "2.jpg", "x/3.png", "x/3.bmp"])

    dataset = open_table(tmp_path / "set", store, "1", "1.png", "2", "x/3", "x/2.png")

    assert dataset.ids == ("2.jpg", "x/2.png")  # "2" is a path but for its extension
    assert [each.id for each in dataset.skipped] == ["1", "1.png", "x/3"]
    assert {each.reason for each in dataset.skipped} == {
        "its name fits several files; give it with folder and extension"
    }
    assert (
        "3 names fit several files, such as 1: x/1.png and y/1.png; give folder and extension, too."
    ) in dataset.notes


def test_masks_of_the_same_name_do_not_count(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "set", ["images/1.png", "masks/1.png", "images/2.png", "masks/2.png"])

    dataset = open_table(tmp_path / "set", store, "1", "2")

    assert dataset.ids == ("images/1.png", "images/2.png")


def test_a_file_that_is_listed_is_taken_whatever_else_is_called_so(
    smears: Path, store: Path
) -> None:
    shutil.copy(smears / "Pro/0.png", smears / "0.png")

    dataset = open_table(smears, store, "0.png", "Benign/1.png")

    assert dataset.ids == ("0.png", "Benign/1.png")
    assert dataset.notes == ()


def test_two_names_of_one_file_are_one_image(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "set", ["images/1.png"])
    (tmp_path / "set/t.csv").write_text("image_id,label\n1,a\nimages/1.png,b\n")

    with pytest.raises(UserError, match="listed with the labels a and b"):
        open_dataset(tmp_path / "set/t.csv", store=store)


def test_a_name_that_is_nowhere_keeps_its_reason(smears: Path, store: Path) -> None:
    dataset = open_table(smears, store, "Pro/0.png", "nowhere")

    assert [(each.id, each.reason) for each in dataset.skipped] == [
        ("nowhere", "could not be read: no such file or directory")
    ]


@pytest.mark.parametrize(
    ("on_disk", "listed"),
    [("Fl\u00e4che", "Fla\u0308che"), ("Fla\u0308che", "Fl\u00e4che")],
)
def test_a_name_in_another_form_of_unicode_is_found(
    store: Path, tmp_path: Path, on_disk: str, listed: str
) -> None:
    root = tmp_path / f"set {on_disk}"
    write_noise(root, [f"{on_disk}/1.png", f"{on_disk}/2 {on_disk}.png", "3.png"])
    whole = f"{tmp_path}/set {listed}/{listed}/1.png"

    dataset = open_table(root, store, f"{listed}/1.png", f"{listed}/2 {listed}.png", "3.png")

    assert set(dataset.ids) == {f"{on_disk}/1.png", f"{on_disk}/2 {on_disk}.png", "3.png"}
    assert dataset.notes == (
        "2 images are found by names in another form of Unicode, such as "
        f"{listed}/1.png at {on_disk}/1.png.",
    )
    assert open_table(root, store, whole, "3.png").ids == ("3.png", f"{on_disk}/1.png")
    assert f"{on_disk}/2 {on_disk}.png" in open_table(root, store, f"2 {listed}", "3.png").ids


def test_a_name_in_another_case_is_found_where_it_is_the_only_one(
    store: Path, tmp_path: Path
) -> None:
    names = ["Pro/1.jpg", "Pro/2.jpg", "Pro/2.Jpg", "x/Pro/1.JPG", "Pro/3.png", "y/3.PNG"]
    write_noise(tmp_path / "set", names)

    dataset = open_table(tmp_path / "set", store, "pro/1.JPG", "Pro/2.JPG", "3.PNG", "Pro/3.png")

    assert dataset.ids == ("Pro/1.jpg", "Pro/3.png", "y/3.PNG")  # in its own case, in any folder
    assert [(each.id, each.reason) for each in dataset.skipped] == [
        ("Pro/2.JPG", "its name fits several files; give it with folder and extension")
    ]
    assert "1 image is found by its name in another case, such as pro/1.JPG at Pro/1.jpg." in (
        dataset.notes
    )
    assert "1 image is found by its name, such as 3.PNG at y/3.PNG." in dataset.notes
