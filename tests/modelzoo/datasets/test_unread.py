"""Files that may be images and are not read, among images and alone."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from modelzoo.datasets import unread
from modelzoo.datasets.images import ImageError, decode_image
from modelzoo.datasets.listing import list_images
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.preparing import prepare
from modelzoo.datasets.report import make_report
from modelzoo.datasets.unread import find_unread, kind_of, why_unread
from modelzoo.errors import UserError
from tests.modelzoo.datasets.conftest import write_noise

IMAGES = [f"{label}/{number}.png" for label in ("Pre", "Pro") for number in range(3)]
DICOM = b"\0" * 128 + b"DICM" + b"\0" * 40


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def encoded(image_format: str) -> bytes:
    out = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)).save(
        out, image_format
    )
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("Pre/7.dcm", DICOM, "DICOM (.dcm), which is not read; convert to PNG or TIFF"),
        ("Pre/7.SVS", b"", "a whole slide (.svs), which is not read; export its fields as"),
        ("scans/7.czi", b"", "a microscope's own format (.czi), which is not read; export"),
        ("7.heic", b"", "HEIF (.heic), which is not read; convert"),
        ("Pre/7.nef", b"", "a raw file of a camera (.nef), which is not read; convert"),
        ("Pre/more.zip", b"PK", "an archive (.zip), which is not read; unpack it"),
        ("Pre/IM7", DICOM, "DICOM without an extension, which is not read; convert to PNG"),
        ("Pre/1.2.840.113.7", DICOM, "DICOM without an extension, which is not read; convert"),
        ("Pre/7", encoded("JPEG"), "JPEG without an extension, which is not read; give its name"),
        ("7", encoded("PNG"), "PNG without an extension, which is not read; give its name the"),
    ],
)
def test_what_may_be_an_image_is_said_with_what_to_do(
    store: Path, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    write_noise(tmp_path / "data", IMAGES)
    write(tmp_path / "data", {name: content})

    dataset = open_dataset(tmp_path / "data", store=store)

    assert list(dataset.ids) == IMAGES
    said = {each.id: each.reason for each in dataset.skipped}
    assert said[name].startswith(reason)
    assert dataset.notes == (f"1 file left out, such as {name}: {said[name]}.",)


def test_what_is_no_image_is_not_said(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data", IMAGES)
    others = {"README": b"Smears", "Pre/notes.txt": b"", "Pro/LICENSE": b"", "Pro/a.xml": b"<a/>"}
    write(tmp_path / "data", others | {"Pro/empty": b"", "Pre/BM": b"BM"})

    dataset = open_dataset(tmp_path / "data", store=store)

    assert {each.reason for each in dataset.skipped} == {"not an image by its extension"}
    assert dataset.notes == ()


def test_many_such_files_are_doubted_and_counted_by_kind(store: Path, tmp_path: Path) -> None:
    write_noise(tmp_path / "data/inner", IMAGES)
    write(tmp_path / "data/inner", {f"Pre/{n}.dcm": DICOM for n in range(4)})
    write(tmp_path / "data/slides", {"1.svs": b"", "2.svs": b""})

    prepared = prepare(tmp_path / "data", store=store)

    assert prepared.dataset.root == tmp_path / "data/inner"
    assert prepared.dataset.notes == (
        "4 files left out, such as Pre/0.dcm: DICOM (.dcm), which is not read; convert to PNG or "
        "TIFF.",
        "2 files left out, such as ../slides/1.svs: a whole slide (.svs), which is not read; "
        "export its fields as PNG or TIFF.",
    )
    doubts = make_report(prepared).doubts
    assert "6 files are left out and 6 used; see the reasons." in doubts


def test_a_folder_of_such_files_alone_is_a_sentence(store: Path, tmp_path: Path) -> None:
    write(tmp_path / "data", {f"{label}/{n}.dcm": DICOM for label in "ab" for n in range(6)})
    with pytest.raises(
        UserError, match=r"holds 12 files and no images \(12 files left out, such as a/0.dcm: DICOM"
    ):
        open_dataset(tmp_path / "data", store=store)


def test_a_table_of_such_files_is_a_sentence(store: Path, tmp_path: Path) -> None:
    write(tmp_path, {"1.svs": encoded("TIFF")})
    write_noise(tmp_path, ["2.png"])
    table = pd.DataFrame({"path": ["1.svs", "2.png"], "label": ["a", "b"]})
    table.to_csv(tmp_path / "t.csv", index=False)

    dataset = open_dataset(tmp_path / "t.csv", store=store)

    assert dataset.ids == ("2.png",)
    assert dataset.skipped[0].reason.startswith("a whole slide (.svs), which is not read")


def test_files_without_an_extension_are_opened_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "MOST_OPENED", 3)
    root = write(tmp_path, {f"{n}": DICOM for n in range(5)})

    found = find_unread(root, [f"{n}" for n in range(5)])

    assert [reason.split()[0] for reason in found.values()] == ["DICOM"] * 3 + ["without"] * 2


def test_the_first_bytes_of_what_is_read_are_known() -> None:
    for image_format in ("JPEG", "PNG", "TIFF", "GIF", "WEBP"):
        assert kind_of(encoded(image_format)).upper() == image_format
    assert kind_of(b"") == kind_of(b"PK\3\4") == why_unread("1.png") == why_unread("1") == ""


def test_prediction_passes_over_no_such_file(tmp_path: Path) -> None:
    """It is listed, and refused by what it is before it is read whole."""
    names = {"1.dcm": DICOM, "2": DICOM, "3": encoded("PNG"), "4.zip": b"PK", "5.txt": b""}
    write(tmp_path, names)
    write_noise(tmp_path, ["6.png"])

    files = list_images(tmp_path)

    assert [file.name for file in files] == ["1.dcm", "2", "3", "6.png"]
    for name in ("1.dcm", "2"):
        with pytest.raises(ImageError, match=r"cannot be used: it is DICOM.*, which is not read"):
            decode_image(tmp_path / name)
    assert decode_image(tmp_path / "3").size == (20, 20)
