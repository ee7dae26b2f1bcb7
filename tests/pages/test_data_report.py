"""What the pages Home and Train show of the classes of a data set."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.sections.data.classes import CLASSES, PICTURE_PX, fit_width
from pages.shell.gallery import whole_thumbnail
from tests.pages.opened import open_path, text_of
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path / "runs"


def open_function(function: Callable[..., None], *args: str) -> AppTest:
    """A page whose script is the body of a function."""
    return AppTest.from_function(function, args=args, default_timeout=PATIENCE_SECONDS).run()


def write_class(folder: Path, name: str, sizes: list[tuple[int, int]]) -> None:
    """Noise of these widths and heights."""
    (folder / name).mkdir(parents=True)
    for index, (width, height) in enumerate(sizes):
        noise = np.random.default_rng([*name.encode(), index]).integers(0, 255, (height, width, 3))
        Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{index}.png")


def test_the_classes_of_a_folder_are_counted_with_samples_of_each(
    folder: Path, tmp_path: Path
) -> None:
    write_class(tmp_path / "images", "Benign", [(96, 32)])
    write_class(tmp_path / "images", "Pro", [(32, 64)] * 6)

    app = open_path(str(tmp_path / "images"))

    assert not app.exception
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt == "Images of each class. Benign 1 and Pro 6."
    assert "The data set gives no parts." in text_of(app)
    assert "Pro :small[(4 of 6 images)]" in text_of(app)
    alts = [each.proto.imgs[0].alt for each in app.image]
    shown = [alt for alt in alts if alt.startswith("Class ")]
    assert shown[0] == "Class Benign, image Benign/0.png"
    assert len([alt for alt in shown if alt.startswith("Class Pro, image Pro/")]) == 4


def test_samples_are_shown_whole_in_their_proportions(tmp_path: Path) -> None:
    write_class(tmp_path, "a", [(96, 32), (32, 64)])

    wide, narrow = (whole_thumbnail(str(tmp_path / "a" / f"{n}.png"), 0, 48, 0) for n in (0, 1))

    assert [Image.open(BytesIO(content)).size for content, _ in (wide, narrow)] == [
        (48, 16),
        (24, 48),
    ]
    assert [fit_width(aspect) for _, aspect in (wide, narrow)] == [PICTURE_PX, PICTURE_PX // 2]
    assert fit_width(1 / 100_000) == 1


def test_another_seed_shows_other_samples(folder: Path, tmp_path: Path) -> None:
    write_class(tmp_path / "images", "Benign", [(32, 32)] * 20)
    write_class(tmp_path / "images", "Pro", [(32, 32)] * 20)

    first, other = (open_path(str(tmp_path / "images"), sample_seed=seed) for seed in ("0", "3"))

    alts = [[each.proto.imgs[0].alt for each in app.image] for app in (first, other)]
    assert alts[0] != alts[1]
    assert "Drawn at random with seed 3;" in text_of(other)


def draw_samples_of(data: str, lost: str) -> None:
    """A page with samples alone, of a data set of which one file has gone since."""
    from pathlib import Path

    from modelzoo.datasets.opening import open_dataset
    from pages.sections.data.classes import draw_samples

    dataset = open_dataset(Path(data), store=Path(data).with_name("store"))
    (Path(data) / lost).unlink(missing_ok=True)
    draw_samples(dataset, key="sample", seed=0)


def test_a_sample_whose_file_has_gone_is_said_in_its_place(tmp_path: Path) -> None:
    write_class(tmp_path / "images", "Benign", [(32, 32)])
    write_class(tmp_path / "images", "Pro", [(32, 32)] * 2)

    page = open_function(draw_samples_of, str(tmp_path / "images"), "Pro/1.png")

    assert not page.exception
    assert len(page.image) == 2
    assert "Pro/1.png cannot be shown" in page.caption[0].value


def draw_classes_of_a_page(data: str) -> None:
    """A page with samples alone, of the second page of classes."""
    from pathlib import Path

    from modelzoo.datasets.opening import open_dataset
    from pages.sections.data.classes import draw_samples

    draw_samples(
        open_dataset(Path(data), store=Path(data).with_name("store")), key="sample", seed=0
    )


def test_of_many_classes_some_are_shown_at_a_time(tmp_path: Path) -> None:
    for number in range(CLASSES + 1):
        write_class(tmp_path / "images", f"class {number}", [(32, 32)])

    page = open_function(draw_classes_of_a_page, str(tmp_path / "images"))

    assert not page.exception
    assert len(page.image) == CLASSES


def draw_report_of_a_split(data: str, split: str) -> None:
    """A page with the report of a data set as the form of Train shows it."""
    from pathlib import Path
    from typing import Any

    from modelzoo.config.train_config import read_recipe
    from modelzoo.datasets.preparing import prepare
    from pages.sections.data.report import draw_report
    from pages.sections.train.form import describe_planned

    options: dict[str, Any] = {"data": data, "split": split, "seed": 5}
    prepared = prepare(Path(data), store=Path(data).with_name("store"))
    planned = describe_planned(prepared, read_recipe("quick", **options))
    draw_report(prepared, key="train", planned=planned)


def test_the_report_on_train_shows_the_parts_of_the_split_that_is_chosen(tmp_path: Path) -> None:
    for name in ("Benign", "Pro"):
        write_class(tmp_path / "images", name, [(32, 32)] * 20)

    page = open_function(draw_report_of_a_split, str(tmp_path / "images"), "random")
    not_given = open_function(draw_report_of_a_split, str(tmp_path / "images"), "given")

    assert not page.exception
    (chart,) = page.get("plotly_chart")
    # 20 images of each class: 20 % are tested, and of all 10 % validated.
    assert chart.proto.alt == (
        "Images of each class. Training set: Benign 14 and Pro 14. Validation set: Benign 2 and "
        "Pro 2. Test set: Benign 4 and Pro 4."
    )
    assert "Drawn at random with seed 5;" in text_of(page)
    assert not not_given.exception
    assert not_given.error
    assert not_given.get("plotly_chart")[0].proto.alt.startswith("Images of each class. Benign 20")


def test_a_pipe_among_the_images_is_left_out_and_waited_for_by_nobody(
    folder: Path, tmp_path: Path
) -> None:
    write_class(tmp_path / "images", "Benign", [(32, 32)] * 2)
    write_class(tmp_path / "images", "Pro", [(32, 32)] * 2)
    os.mkfifo(tmp_path / "images" / "Pro" / "pipe.jpg")

    app = open_path(str(tmp_path / "images"))

    assert not app.exception
    assert "cannot be shown" in text_of(app)
