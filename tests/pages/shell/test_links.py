"""Old links open as what they mean today."""

import pytest
from hypothesis import given
from hypothesis.strategies import dictionaries, lists, sampled_from, text

from pages.shell.links import NUMBERS, OLD_KEYS, OLD_PATTERNS, OLD_TITLES, read_link
from tests.pages.opened import open_page

PAGES = ("home", "compare", "explain", "papers", "train")


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [
        (page, {old: ["7"]}, {new: ["7"]})
        for page, keys in OLD_KEYS.items()
        for old, new in keys.items()
    ]
    + [
        (page, {key: [old]}, {key: [new]})
        for (page, key), titles in OLD_TITLES.items()
        for old, new in titles.items()
    ]
    + [
        ("compare", {"cell": ["a: Pre said to be Pro"]}, {"entry": ["a: Pre predicted as Pro"]}),
        (
            "compare",
            {"split": ["all: in, held-out looks, seed 0, abc123"]},
            {"split": ["all: in, background-cluster split, seed 0, abc123"]},
        ),
        (
            "compare",
            {"split": ["my group split, group split, seed 0, abc123"]},
            {"split": ["my group split, grouped split, seed 0, abc123"]},
        ),
    ],
)
def test_an_old_link_means_what_it_meant(
    page: str, old: dict[str, list[str]], new: dict[str, list[str]]
) -> None:
    assert read_link(page, old) == new
    assert read_link(page, new) == new  # once is enough: a page that began again goes on


def test_a_key_is_renamed_on_its_own_page_alone() -> None:
    assert read_link("explain", {"drawn": ["a"], "right": ["2"]}) == {
        "drawn": ["a"],
        "right": ["2"],
    }


def test_the_new_key_wins_over_the_old() -> None:
    assert read_link("explain", {"ask": ["What if"], "view": ["x"]}) == {"view": ["x"]}


KEYS = [*{key for keys in OLD_KEYS.values() for pair in keys.items() for key in pair}]
KEYS += [*NUMBERS, *(key for _, key in (*OLD_TITLES, *OLD_PATTERNS)), "run", "data", "image"]


@given(sampled_from(PAGES), dictionaries(sampled_from(KEYS), lists(text(), min_size=1)))
def test_any_link_is_read_and_reading_it_twice_changes_nothing(
    page: str, asked: dict[str, list[str]]
) -> None:
    once = read_link(page, asked)

    assert read_link(page, once) == once
    assert all(key not in OLD_KEYS.get(page, {}) for key in once)


@pytest.mark.parametrize("value", ["Infinity", "-inf", "nan", "1" + "0" * 400, "1e999", "\0", ""])
def test_a_number_that_is_none_leaves_the_link(value: str) -> None:
    assert read_link("train", {"train_epochs": [value], "train_data": ["x"]}) == {
        "train_data": ["x"]
    }


def test_a_page_opens_with_an_old_link_and_shows_the_new_one() -> None:
    app = open_page("train", train_split="look", watch="none")

    assert not app.exception
    assert app.selectbox(key="train_split").value == "background"
    assert app.query_params["train_split"] == "background"
    assert "none of this link is not here" in app.warning[0].value


def test_an_image_whose_name_has_two_lines_can_be_linked() -> None:
    assert read_link("explain", {"image": ["a\nb.jpg"]}) == {"image": ["a\nb.jpg"]}
