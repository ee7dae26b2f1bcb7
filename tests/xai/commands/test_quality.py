"""`python -m xai quality` on a small run: what it leaves, prints and refuses."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.splits import Split, draw_evenly
from modelzoo.inference.trained import load_run, predict
from modelzoo.runs.attribution_tables import read_quality, read_validity
from modelzoo.runs.file_names import QUALITY
from modelzoo.runs.records import read_split, write_hashes, write_split
from tests.xai.small_runs import write_small_runs
from xai.__main__ import app
from xai.commands.evaluating import QUICK
from xai.explain import explain
from xai.faithfulness.judge import judge
from xai.faithfulness.report import QualityReport
from xai.faithfulness.stability import randomise
from xai.faithfulness.table import MEASURES, Summary
from xai.methods.table import METHODS
from xai.on_runs.summary import summarise
from xai.smear.segment import WORK_PX, segment_cells


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_small_runs(home)
    return home


@pytest.fixture(scope="module")
def judged(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run's folder after the command, and what that said."""
    folder = tmp_path_factory.mktemp("judged") / "lite0-64"
    shutil.copytree(trained / "runs" / "lite0-64", folder)
    arguments = ("--run", str(folder), "--methods", "grad-cam, guided-backprop", "--n", "3")
    return folder, CliRunner().invoke(app, ["quality", *arguments])


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Path:
    """A copy of all that a test may spoil."""
    shutil.copytree(trained, tmp_path / "home")
    for config in tmp_path.glob("home/runs/*/config.toml"):
        text = config.read_text()
        config.write_text(text.replace(str(trained / "data"), str(tmp_path / "home" / "data")))
    return tmp_path / "home"


@pytest.fixture
def command(home: Path) -> Callable[..., Result]:
    def run(*more: str, run: str = "lite0-64") -> Result:
        return CliRunner().invoke(app, ["quality", "--run", str(home / "runs" / run), *more])

    return run


def test_the_scores_are_those_of_the_library(judged: tuple[Path, Result]) -> None:
    folder, answer = judged
    assert answer.exit_code == 0, answer.output
    model = load_run(folder)
    test = [row for row in read_split(folder).rows if row.part == "test"]
    reports: dict[str, list[QualityReport]] = {}
    for row in draw_evenly(test, 3, seed=0):
        picture = decode_image(Path(model.run.config.data) / row.image)
        pixels = fit_square(picture, 64)
        cells = segment_cells(fit_square(picture, WORK_PX)).resized(64)
        image = model.backbone.normalise(torch.from_numpy(pixels[None]))
        target = int(predict(model, pixels[None]).logits[0].argmax())
        (made,) = explain(model.backbone, image, method="grad-cam", target=target)
        reports[row.image] = [
            judge(
                model.backbone, image, made, nuclei=cells.nuclei, cells=cells.mask,
                randomised=randomise(model.backbone),
            )
        ]  # fmt: skip
    expected = summarise(reports, {row.image: row.group for row in test})

    found = read_quality(folder, Summary)

    assert found is not None
    assert [each.measure for each in found] == [each.measure for each in expected]
    for name in (
        "value",
        "ci_low",
        "ci_high",
        "random",
        "centre",
        "blurred",
        "gain",
        "p_random",
        "p_centre",
        "p_blurred",
        "area",
    ):
        seen, wanted = (
            np.array([getattr(each, name) for each in summaries], dtype=np.float64)
            for summaries in (found, expected)
        )
        # Three images have four signs; where gains are as small as rounding, two may change places.
        np.testing.assert_allclose(seen, wanted, atol=0.26 if name.startswith("p_") else 1e-4)
    assert {each.images for each in found} <= {1, 2, 3}
    assert {each.method for each in found} == {"grad-cam"}


def test_each_quick_method_is_examined(judged: tuple[Path, Result]) -> None:
    folder, _ = judged

    found = read_validity(folder)

    assert found is not None
    records = {each["method"]: each for each in found}
    assert set(records) == {row.name for row in METHODS.values() if row.passes < QUICK}
    assert "score-cam-exact" not in records
    assert records["guided-backprop"]["refusal"]
    assert "hires-cam" in records["grad-cam"]["same_as"].split()
    assert records["eigen-cam"]["ignores_class"] == "yes"


def test_a_table_and_a_sentence_a_method_are_printed(judged: tuple[Path, Result]) -> None:
    folder, answer = judged

    assert "Insertion" in answer.stdout
    assert MEASURES["nucleus_energy"].title in answer.stdout
    assert "is not compared with baseline maps, since " in answer.stdout  # three images
    assert "73.97 %" in answer.stdout
    assert str(folder / QUALITY) in answer.stdout
    assert "Guided Backprop: This network has ReLU6" in answer.stderr
    assert sorted(each.name for each in folder.iterdir() if each.name.startswith(".")) == []


def test_an_image_that_is_damaged_is_said_and_left_out(
    home: Path, command: Callable[..., Result]
) -> None:
    rows = read_split(home / "runs" / "lite0-64").rows
    drawn = draw_evenly([row for row in rows if row.part == "test"], 2, seed=0)
    (home / "data" / drawn[1].image).write_bytes(b"no image")

    answer = command("--methods", "grad-cam", "--n", "2")

    assert answer.exit_code == 0, answer.output
    assert "skipped: " in answer.stderr
    found = read_quality(home / "runs" / "lite0-64", Summary)
    assert found is not None
    assert max(each.images for each in found) == 1


@pytest.mark.parametrize(
    ("arguments", "run", "sentence"),
    [
        ([], "gone", "was not found"),
        ([], "unfinished", "has no trained model yet"),
        (["--methods", "grad-cams"], "lite0-64", "Method 'grad-cams' is unknown; give one of"),
        (["--n", "0"], "lite0-64", "0 images cannot be evaluated; give 1 or more for --n."),
        (["--device", "tpu"], "lite0-64", "Device 'tpu' is not here"),
        (
            ["--methods", "grad-cam", "--n", "1"],
            "lite0-32",
            "No map could be made: An image of this size",
        ),
    ],
)
def test_a_mistake_is_one_sentence(
    home: Path, command: Callable[..., Result], arguments: list[str], run: str, sentence: str
) -> None:
    answer = command(*arguments, run=run)

    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert answer.stderr.count("error: ") == 1
    assert not answer.stdout
    assert not list(home.rglob(QUALITY))


def test_images_that_are_not_there_are_one_sentence(
    home: Path, command: Callable[..., Result]
) -> None:
    (home / "data").rename(home / "moved")
    moved = command()
    run = home / "runs" / "lite0-64"
    rows = read_split(run).rows
    write_split(run, Split(tuple(row for row in rows if row.part != "test")))

    untested = command()

    assert (moved.exit_code, untested.exit_code) == (2, 2)
    assert "data is not there any more; put the data set back" in moved.stderr
    assert "Run 'lite0-64' has no test images" in untested.stderr


def test_earlier_tables_stay_when_nothing_could_be_read(
    home: Path, command: Callable[..., Result]
) -> None:
    run = home / "runs" / "lite0-64"
    (run / QUALITY).write_text("earlier")
    for image in read_split(run).ids("test"):
        (home / "data" / image).write_bytes(b"no image")

    unreadable = command()
    write_hashes(run, {row.image: "0" * 64 for row in read_split(run).rows})
    changed = command()

    assert (unreadable.exit_code, changed.exit_code) == (2, 2)
    assert "None of the 16 test images can be used: " in unreadable.stderr
    assert "it is no image of a known format" in unreadable.stderr
    assert "has changed since the run was trained" in changed.stderr
    assert (run / QUALITY).read_text() == "earlier"
