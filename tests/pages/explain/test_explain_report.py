"""The explanation of one image as a file: whole, alone, and its numbers those of `predict`."""

import base64
import csv
import io
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from modelzoo.__main__ import app as zoo
from tests.modelzoo.reporting.read_html import Element, read_html, read_table
from tests.pages.explain.opened import open_explain
from tests.patience import PATIENCE_SECONDS

NAME = '<img src=x onerror=y>"\u202e.png'


def _page(file: str, name: str) -> None:
    from pathlib import Path

    import streamlit as st

    from pages.lens.display import Display
    from pages.sections.explain.cell_methods import CELL_METHODS, GridMethod
    from pages.sections.explain.grid import look, wait_for_more
    from pages.sections.explain.image import Subject
    from pages.sections.explain.report import make_explanation
    from pages.shell.pictures import Picture
    from pages.shell.prediction import OWN
    from pages.shell.reads import list_models
    from xai.methods.table import METHODS

    picture = Picture(name, Path(file).read_bytes())
    models = [model for model in list_models() if not model.is_reference]
    methods: list[GridMethod] = [
        METHODS["grad-cam"],
        METHODS["hires-cam"],
        CELL_METHODS["cells-left-out"],
    ]
    grid = look(picture, models, methods, OWN)
    while grid.waiting:
        wait_for_more(grid)
        grid = look(picture, models, methods, OWN)
    subject = Subject(picture, part_by_run={"lite0": "train"})
    st.session_state["html"] = make_explanation(grid, subject, Display(outlines=True))


@pytest.fixture
def page(home: Path, smear: bytes) -> Element:
    file = home / "smear.png"
    file.write_bytes(smear)
    app = AppTest.from_function(
        _page, args=(str(file), NAME), default_timeout=PATIENCE_SECONDS
    ).run()
    assert not app.exception
    return read_html(app.session_state["html"])


def test_an_explanation_is_one_file(home: Path, page: Element) -> None:
    assert "<img src=x onerror=y>" in page.all("h1")[0].text
    assert "\u202e" not in page.text
    titles = ["Image", "Predictions", "Attribution maps", "Models", "Limits"]
    assert [each.text for each in page.all("h2")] == titles
    images = page.all("img")
    # The image, two maps of two methods with a scale each; cells have a table.
    assert len(images) == 1 + 2 * (2 + 1)
    for image in images:
        kind, _, content = image.attributes["src"].partition(",")
        assert kind == "data:image/png;base64"
        Image.open(io.BytesIO(base64.b64decode(content))).verify()
        assert image.attributes["alt"]
    assert not page.all("script")
    assert not page.all("link")
    assert "not for diagnosis" in page.text
    assert "EfficientNet-Lite0: This image is in the training set of this run" in page.text
    for name in ("lite0", "b0-random"):
        assert (home / "runs" / name).exists()
        assert f"{name}" in page.text
    assert "Values in logits of EfficientNet-B0, Leave one cell out (exact)" in page.text


def test_probabilities_are_those_that_predict_writes(home: Path, page: Element) -> None:
    _, rows = read_table(page, "Probabilities of all classes")
    shown = {(row[0].text, row[1].text): row[2].text for row in rows}
    for run, title in (("lite0", "EfficientNet-Lite0"), ("b0-random", "EfficientNet-B0")):
        out = home / f"{run}.csv"
        arguments = ["predict", "--run", run, str(home / "smear.png"), "--out", str(out)]
        assert not CliRunner().invoke(zoo, arguments).exit_code
        (predicted,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
        for key, value in predicted.items():
            if key.startswith("p:"):
                percent = float(shown[title, key[2:]].removesuffix(" %"))
                assert percent == pytest.approx(100 * float(value), abs=0.11)


def test_the_page_offers_it(home: Path) -> None:
    app = open_explain()

    assert not app.exception
    assert "Explanation as HTML" in [button.label for button in app.download_button]
