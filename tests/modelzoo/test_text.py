"""Numbers and names as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.text import (
    confidence_interval,
    fraction,
    join_few,
    one_line,
    percent,
    shorten,
    shorten_all,
)


@pytest.mark.parametrize(
    ("share", "whole", "tenths"),
    [
        (0.0, "0 %", "0.0 %"),
        (1e-9, "0.1 %", "0.1 %"),
        (0.004, "0.4 %", "0.4 %"),
        (0.006, "1 %", "0.6 %"),
        (0.5, "50 %", "50.0 %"),
        (0.994, "99 %", "99.4 %"),
        (0.9999, "99.9 %", "99.9 %"),
        (1.0, "100 %", "100.0 %"),
    ],
)
def test_a_share_is_rounded_by_one_rule(share: float, whole: str, tenths: str) -> None:
    assert percent(share, 0) == whole
    assert percent(share) == tenths


def test_of_many_names_three_are_said() -> None:
    assert join_few(["a"]) == "a"
    assert join_few(list("abcd")) == "a, b, c and d"
    assert join_few(list("abcde")) == "a, b, c and 2 more"


@given(st.floats(0, 1), st.integers(0, 1))
def test_certainty_is_never_claimed_by_rounding(share: float, decimals: int) -> None:
    said = float(percent(share, decimals).removesuffix(" %"))

    assert (said == 0) == (share == 0)
    assert (said == 100) == (share == 1)
    assert said == pytest.approx(100 * share, abs=0.5)


@given(st.floats(0, 1))
def test_an_area_has_three_decimals_and_is_one_only_without_error(area: float) -> None:
    said = fraction(area)

    assert len(said) == len("0.995")
    assert (float(said) == 1) == (area == 1)
    assert float(said) == pytest.approx(area, abs=1e-3)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (-1.0, "\N{MINUS SIGN}1.000"),
        (-0.99999, "\N{MINUS SIGN}0.999"),
        (-0.12, "\N{MINUS SIGN}0.120"),
        (-0.0001, "0.000"),
        (0.12, "0.120"),
    ],
)
def test_a_score_below_zero_has_a_minus_sign(score: float, said: str) -> None:
    assert fraction(score) == said


def test_an_interval_ends_at_100_only_where_it_does() -> None:
    assert confidence_interval(0.969, 1) == "95 % CI 96.9–100.0 %"
    assert confidence_interval(0.5, 0.9999) == "95 % CI 50.0–99.9 %"


def test_a_long_name_keeps_both_ends() -> None:
    assert shorten("Pre", 12) == "Pre"
    assert shorten("leukaemia, subtype B1", 13) == "leukaemi…e B1"
    assert shorten("two\nlines", 12) == "two\\nlines"


@given(st.sets(st.text(), max_size=6), st.integers(12, 30))
def test_shortened_names_fit_and_stay_apart(names: set[str], letters: int) -> None:
    short = shorten_all(names, letters)

    assert set(short) == names
    assert len(set(short.values())) == len(names)
    assert all(len(text) <= letters and one_line(text) == text for text in short.values())


def test_names_that_differ_in_the_middle_only_differ_in_a_hash() -> None:
    first, second, other = "a" * 20 + "1" + "a" * 20, "a" * 20 + "2" + "a" * 20, "Pre"

    short = shorten_all([first, second, other], 16)

    assert short[other] == "Pre"
    assert short[first] != short[second]
    assert short[first].startswith("aaaaaaaaa…")
    assert shorten_all([first, other], 16)[first] == "aaaaaaaaaa…aaaaa"


def test_what_cannot_be_seen_is_spelt_out_on_one_line() -> None:
    assert one_line("a\nb\x1b[31m\u202ec") == "a\\nb\\x1b[31m\\u202ec"
    assert one_line("👩\u200d🔬 אב é") == "👩\u200d🔬 אב é"
