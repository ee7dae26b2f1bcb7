from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.lens.data import Cell, Scene
from pages.lens.display import Display
from pages.lens.lens import Answer, read_answer
from tests.pages.lens.test_data import IMAGE, TILE

SCENE = Scene(
    image=IMAGE,
    title="a",
    alt="b",
    tiles=(TILE,),
    cells=(Cell("Cell 1", ()), Cell("Cell 2", ())),
)


def test_what_was_done_is_read() -> None:
    events = [
        ("chosen", "run"),
        ("step", 1),
        ("cell", 1),
        ("cell", 0),
        ("display", {"opacity": 0.2, "zoom": None}),
        ("step", 1),
        ("cell", 1),
    ]

    assert read_answer(events, SCENE) == Answer("run", 2, frozenset({0}), Display(opacity=0.2))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chosen", "other"),
        ("chosen", ["run"]),
        ("chosen", {}),
        ("step", 2),
        ("step", "1"),
        ("step", []),
        ("cell", 2),
        ("cell", -1),
        ("cell", "0"),
        ("display", "over"),
        ("display", []),
        ("else", 1),
    ],
)
def test_what_cannot_have_been_done_is_nothing(name: str, value: object) -> None:
    assert read_answer([(name, value)], SCENE) == Answer()


def test_a_page_mounts_the_lens() -> None:
    page = Path(__file__).parents[2] / "browser" / "lens_page.py"

    app = AppTest.from_file(str(page), default_timeout=60).run()

    assert not app.exception
    assert app.text[0].value == "chosen none, image 0"


def test_an_address_that_is_not_understood_is_said() -> None:
    page = Path(__file__).parents[2] / "browser" / "lens_page.py"
    app = AppTest.from_file(str(page), default_timeout=60)
    app.query_params["opacity"] = "7"

    app.run()

    assert app.warning[0].value == "opacity='7' is not shown; opacity is a number from 0 to 1."
