"""The first card of Home: a smear, the map of the model that comes with BlastLens, its limits."""

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from modelzoo import paths
from modelzoo.evaluation.rows import read_row
from modelzoo.runs.folder import read_run
from pages.sections.home.smear import choose_cautious, describe_limits
from pages.shell.reads import list_reference_models
from tests.pages.explain.opened import alt_texts
from tests.pages.opened import open_page, text_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs; there is none."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    # Each run of an AppTest is the first of a server, which begins again, and a click is lost.
    monkeypatch.setattr(
        "pages.shell.entry.PagesManager", SimpleNamespace(uses_pages_directory=False)
    )
    return tmp_path


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    return app.file_uploader[0].set_value((name, content, "image/png")).run()


def noise(width: int, height: int) -> bytes:
    """What no model was trained on."""
    out = BytesIO()
    Image.effect_noise((width, height), 90).save(out, "PNG")
    return out.getvalue()


def test_a_fresh_machine_shows_what_a_real_model_makes_of_a_sample(home: Path) -> None:
    app = open_page()

    assert not app.exception
    said = text_of(app)
    assert "#### EfficientNet-Lite0 predicts Pre (" in said
    assert "Out of distribution" not in said  # the sample is chosen so
    assert "A synthetic smear, drawn by BlastLens: no person's blood." in said
    assert "Trained and tested on 3,023 fields of one hospital." in said
    assert "95.2 % (95 % CI 61.1–99.6 %)" in said
    assert any(alt.startswith("Grad-CAM of EfficientNet-Lite0. ") for alt in alt_texts(app))
    assert not (home / "runs").exists()


def test_an_upload_is_predicted_in_place_with_the_warning_that_it_needs(home: Path) -> None:
    app = upload(open_page(), "mine.png", noise(300, 200))

    assert not app.exception
    assert app.error[0].value.startswith("Out of distribution for this model: do not interpret")
    assert "mine.png, your image. The models are given the middle square; 33 %" in text_of(app)
    assert "mine.png, your image." in alt_texts(app)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken"])
def test_an_upload_that_is_no_image_is_a_sentence(home: Path, content: bytes) -> None:
    app = upload(open_page(), "notes.png", content)

    assert not app.exception
    assert [each.value for each in app.error if "notes.png cannot be used" in each.value]
    assert not alt_texts(app)


def test_an_upload_goes_on_to_explain_and_is_there_when_one_comes_back(home: Path) -> None:
    app = upload(open_page(), "mine.png", noise(64, 64))

    explained = next(b for b in app.button if b.label.startswith("All models")).click().run()
    said = text_of(explained)
    back = explained.switch_page("pages/home.py").run()

    assert not explained.exception
    assert "`mine.png`: an upload, true class unknown" in said
    assert "mine.png, your image." in alt_texts(back)
    next(b for b in back.button if b.label == "Remove it").click().run()
    assert "A synthetic smear, drawn by BlastLens" in text_of(back)


def test_an_image_of_a_link_takes_the_place_of_one_from_home(home: Path) -> None:
    app = open_page("explain")
    app.session_state["carried-image"] = ("mine.png", noise(64, 64))
    carried = text_of(app.run())
    app.query_params["image"] = "a.png"
    linked = text_of(app.run())

    assert "`mine.png`: an upload" in carried
    assert "mine.png" not in linked
    assert "carried-image" not in app.session_state


def test_the_model_that_claims_least_is_asked_and_says_what_it_is_worth() -> None:
    models = list_reference_models()
    row = read_row(read_run(paths.reference_folder() / "lite0-background"))

    assert choose_cautious(models).run.id == "lite0-background"
    assert choose_cautious(models[::-1]).run.id == "lite0-background"
    assert describe_limits(row, 3023) == (
        "Trained and tested on 3,023 fields of one hospital. EfficientNet-Lite0 has an accuracy of "
        "95.2 % (95 % CI 61.1–99.6 %) on ALL image data set, background-cluster split, seed 0: "
        "1,367 test images in 5 groups. Smears of other laboratories may differ."
    )
