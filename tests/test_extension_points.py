"""What CONTRIBUTING says of each extension point is enough: something is added so, and used."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics
from streamlit.testing.v1 import AppTest
from torch import Tensor
from typer.testing import CliRunner, Result

from modelzoo.__main__ import app as zoo
from modelzoo.backbones.table import BACKBONES, IMAGENET_MEAN, IMAGENET_STD, BackboneRow
from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts import table as layouts
from modelzoo.datasets.layouts.layout import Layout, Listing, Source
from modelzoo.datasets.opening import open_dataset
from modelzoo.evaluation.areas import Floats, Integers
from modelzoo.evaluation.metrics import METRICS, Metric
from modelzoo.launching.plan import parse_backbones
from modelzoo.runs.predictions import read_predictions
from tests.pages.explain.opened import alt_texts
from tests.pages.opened import ROOT, open_page, text_of
from tests.patience import PATIENCE_SECONDS
from tests.run_folders import make_run
from tests.xai.networks import SmallNetwork
from tests.xai.small_runs import write_small_runs
from xai.__main__ import app as xai
from xai.explain import explain
from xai.methods.table import METHODS

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_small_runs(home)
    return home


@pytest.fixture
def home(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(small_home))
    return small_home


def type_command(app: object, *arguments: str) -> Result:
    answer = CliRunner().invoke(app, arguments)  # type: ignore[arg-type]  # a typer app
    assert answer.exit_code == 0, answer.output
    return answer


def test_a_backbone_is_a_row(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = BackboneRow(
        name="mobilenetv3",
        title="MobileNetV3-Small",
        timm_name="mobilenetv3_small_050.lamb_in1k",
        input_px=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        crop=0.875,
        interpolation="bicubic",
        parameters=1_593_664,
        licence="apache-2.0",
    )
    monkeypatch.setitem(BACKBONES, row.name, row)

    type_command(
        zoo, "train", "--data", str(home / "data"), "--backbone", row.name, "--weights", "none",
        "--input-px", "64", "--epochs", "1", "--split", "random", "--name", "added",
    )  # fmt: skip

    assert row.name not in parse_backbones("ten")
    listed = json.loads(type_command(zoo, "runs", "--json").stdout)
    (record,) = (each for each in listed if each["run"] == "added")
    assert (record["title"], record["state"]) == (row.title, "done")
    explained = open_page("explain", run="added", view="Attribution maps")
    assert not explained.exception
    assert any(f"of {row.title}." in alt for alt in alt_texts(explained))
    weights = json.loads(type_command(zoo, "weights", "--json").stdout)
    assert row.name in {each["backbone"] for each in weights}


def double_cam(features: Tensor, gradients: Tensor) -> Tensor:
    """Twice HiResCAM."""
    return 2 * (features * gradients).sum(dim=1)


def test_a_method_is_a_function_and_a_row(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(
        METHODS["hires-cam"], name="double", title="Double CAM", function=f"{__name__}.double_cam"
    )
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setitem(METHODS, row.name, row)
    network = SmallNetwork().eval()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    (made,) = explain(network, image, method=row.name, target=1)

    (half,) = explain(network, image, method="hires-cam", target=1)
    np.testing.assert_allclose(made.values, 2 * half.values, rtol=1e-6)
    assert row.is_one_pass
    assert row.name in type_command(xai, "methods").stdout
    page = open_page("explain", run="lite0-64", method=row.title, view="Attribution maps")
    assert not page.exception
    assert any(alt.startswith(f"{row.title} of ") for alt in alt_texts(page))


def jaccard(confusion: Floats) -> Floats:
    """Mean over the classes of intersection by union (Jaccard 1901)."""
    correct = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.asarray((correct / (confusion.sum(-1) + confusion.sum(-2) - correct)).mean(-1))


def brier(labels: Integers, probabilities: Floats, weights: Floats) -> Floats:
    """Half the mean squared distance of the probabilities from the true class (Brier 1950)."""
    errors = ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(1) / 2
    return np.asarray(errors @ weights / weights.sum(0))


def half_brier_of_scikit_learn(labels: Integers, probabilities: Floats) -> float:
    by_class = [
        metrics.brier_score_loss(labels == k, probabilities[:, k])
        for k in range(probabilities.shape[1])
    ]
    return float(np.sum(by_class) / 2)


def jaccard_of_scikit_learn(labels: Integers, probabilities: Floats) -> float:
    return float(metrics.jaccard_score(labels, probabilities.argmax(1), average="macro"))


@pytest.mark.parametrize(
    ("row", "oracle"),
    [
        (
            Metric(name="jaccard", title="Jaccard", help="Overlap.", from_confusion=jaccard),
            jaccard_of_scikit_learn,
        ),
        (
            Metric(
                name="brier",
                title="Brier score",
                help="Squared distance.",
                from_probabilities=brier,
                higher_is_better=False,
                unit="",
            ),
            half_brier_of_scikit_learn,
        ),
    ],
)
def test_a_metric_is_a_function_and_a_row(
    row: Metric,
    oracle: Callable[[Integers, Floats], float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.setitem(METRICS, row.name, row)
    tested = read_predictions(make_run(tmp_path / "runs", "net").path).only("test")
    wanted = oracle(tested.labels, tested.probabilities)

    (record,) = json.loads(type_command(zoo, "runs", "--json").stdout)
    scores = json.loads(type_command(zoo, "evaluate", "net", "--json").stdout)
    page = open_page("compare", score=row.title)

    assert record[row.name] == pytest.approx(wanted, abs=1e-6)
    assert record[f"{row.name}_ci_low"] < wanted < record[f"{row.name}_ci_high"]
    assert row.name in json.dumps(scores)
    assert not page.exception
    assert page.segmented_control(key="score").value == row.name
    assert ("Squared distance. Lower is better." in text_of(page)) != row.higher_is_better


def _has_classes_in_names(source: Source) -> bool:
    return bool(source.images) and all("__" in image for image in source.images)


def _by_name(source: Source) -> Listing:
    listing = Listing(source.path, Origins("a file of names", label="file of names"))
    for file in source.files:
        listing.add(file, PurePosixPath(file).stem.partition("__")[0])
    return listing


def test_a_layout_is_a_file_and_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    for name, pixels in zip(("a__1", "a__2", "b__1", "b__2"), noise, strict=True):
        Image.fromarray(pixels).save(tmp_path / "data" / f"{name}.png")
    row = Layout("classes in names", _has_classes_in_names, _by_name)
    monkeypatch.setattr(layouts, "LAYOUTS", (row, *layouts.LAYOUTS))

    dataset = open_dataset(tmp_path / "data", store=tmp_path / "store")

    assert dataset.layout == row.name
    assert [(each.id, each.label) for each in dataset.images] == [
        ("a__1.png", "a"), ("a__2.png", "a"), ("b__1.png", "b"), ("b__2.png", "b"),
    ]  # fmt: skip


def test_a_page_is_a_script_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    (tmp_path / "pages").mkdir()
    for file in (ROOT / "pages").iterdir():
        (tmp_path / "pages" / file.name).symlink_to(file)
    (tmp_path / "pages" / "notes.py").write_text(
        "import streamlit as st\n"
        "from pages.shell.entry import enter_page\n"
        'enter_page("notes")\n'
        'st.title("Notes")\n'
    )
    entry = (ROOT / "streamlit_app.py").read_text(encoding="utf-8")
    line = '        st.Page("pages/notes.py", title="Notes", icon=":material/notes:"),\n'
    begin = entry.index('        st.Page("pages/home.py"')
    (tmp_path / "streamlit_app.py").write_text(entry[:begin] + line + entry[begin:])

    app = AppTest.from_file(str(tmp_path / "streamlit_app.py"), default_timeout=PATIENCE_SECONDS)
    page = app.switch_page("pages/notes.py").run()

    assert not page.exception
    assert page.title[0].value == "Notes"
    assert "Not for diagnosis." in text_of(page)


@pytest.mark.parametrize("what", ["backbone", "method", "metric", "layout", "page"])
def test_contributing_has_a_row_for_each_and_names_places_that_are_there(what: str) -> None:
    table = CONTRIBUTING.split("## Extension points")[1].split("\n\n")[2]
    (row,) = (line for line in table.splitlines() if line.startswith(f"| {what} |"))

    places = [place for place in row.split("`")[1::2] if "/" in place]

    assert places
    for place in places:
        assert (ROOT / place).exists(), place
