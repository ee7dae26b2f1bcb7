"""What a person is asked about a data set: kept by a click, read again, said in the data card."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from modelzoo import paths
from modelzoo.__main__ import app as zoo
from modelzoo.datasets.answers import QUESTIONS, keep_answers, read_kept_answers
from tests.pages.opened import open_path, text_of
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path


def _page(dataset_id: str) -> None:
    from pages.sections.data.answers import ask_about

    ask_about(dataset_id, key="home")


def open_form(dataset_id: str = "abc123") -> AppTest:
    app = AppTest.from_function(_page, args=(dataset_id,), default_timeout=PATIENCE_SECONDS)
    app.session_state["about-home"] = True  # the expander, which a person opens
    return app.run()


def test_answers_are_kept_on_a_click_and_read_again(home: Path) -> None:
    app = open_form()
    assert [each.label for each in app.text_area] == [each.title for each in QUESTIONS.values()]
    assert all(not each.value for each in app.text_area)
    app.text_area[0].set_value("One clinic, <b>2019</b>\nconsecutive")
    assert not paths.answers_folder().exists()  # only the click keeps them

    app.button[0].click().run()

    assert not app.exception
    assert [each.value for each in app.success] == ["The answers are saved."]
    kept = {"source": "One clinic, <b>2019</b>\nconsecutive"}
    assert read_kept_answers(paths.answers_folder(), "abc123") == kept
    again = open_form()
    assert again.text_area[0].value == kept["source"]
    assert "1 answer of 11 kept" in text_of(again)
    assert open_form("def456").text_area[0].value == ""


def test_a_damaged_file_of_answers_is_a_sentence(home: Path) -> None:
    file = keep_answers(paths.answers_folder(), "abc123", {"source": "x"})
    file.write_text("source = ", encoding="utf-8")

    damaged = open_form()

    assert not damaged.exception
    assert "is no TOML" in damaged.error[0].value
    assert not damaged.text_area
    assert file.read_text(encoding="utf-8") == "source = "


def test_home_asks_and_the_data_card_says_what_was_answered(home: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("Benign", "Pro"):
        (home / "images" / name).mkdir(parents=True)
        for index in range(2):
            noise = generator.integers(0, 255, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(noise).save(home / "images" / name / f"{index}.png")

    app = open_path(str(home / "images"))

    assert not app.exception
    assert "About these images: what a report asks of a person" in [
        each.label for each in app.expander
    ]
    found = re.search(r"data set `(\w+)`", text_of(app))
    assert found
    keep_answers(paths.answers_folder(), found[1], {"source": "One <clinic>\n2019"})
    card = home / "card.md"
    answer = CliRunner().invoke(zoo, ["data", str(home / "images"), "--card", str(card)])
    assert answer.exit_code == 0, answer.output
    text = card.read_text(encoding="utf-8")
    assert r"- Source: One \<clinic\> 2019" in text
    assert "- De-identification and ethics: not given (How, and who approved it.)" in text
