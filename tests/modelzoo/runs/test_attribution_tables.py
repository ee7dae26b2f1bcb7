"""quality.csv and validity.csv of a run: written, read back, damaged."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelzoo.errors import UserError
from modelzoo.runs.attribution_tables import read_quality, read_validity, write_judgement
from modelzoo.runs.file_names import QUALITY, VALIDITY
from modelzoo.runs.old_names import OLD_MEASURES
from xai.faithfulness.table import Summary

QUALITY_ROW: dict[str, Any] = {
    "method": "grad-cam",
    "measure": "rotation_variance",
    "value": 0.25,
    "ci_low": 0.1,
    "ci_high": 0.4,
    "random": 0.9,
    "centre": None,
    "blurred": 0.0,
    "win_share": None,
    "gain": None,
    "area": None,
    "images": 12,
    "groups": 9,
    "p_random": None,
    "p_centre": None,
    "p_blurred": None,
}
VALIDITY_ROW = {
    "method": "eigen-cam",
    "refusal": "",
    "same_as": "grad-cam hires-cam",
    "ignores_class": "yes",
    "empty_share": "0.0",
    "gap_share": "",
    "sentence": "The same map, “always”, for every class.",
}


def test_what_was_written_is_read_back_with_its_types(tmp_path: Path) -> None:
    write_judgement(tmp_path, [QUALITY_ROW, QUALITY_ROW], [VALIDITY_ROW])

    assert read_quality(tmp_path, Summary) == [Summary(**QUALITY_ROW)] * 2
    assert read_validity(tmp_path) == [VALIDITY_ROW]


def test_a_run_that_was_never_judged_has_none(tmp_path: Path) -> None:
    assert read_quality(tmp_path, Summary) is None
    assert read_validity(tmp_path) is None


def test_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    write_judgement(tmp_path, [], [])

    assert read_quality(tmp_path, Summary) == []
    assert read_validity(tmp_path) == []


@dataclass(frozen=True, kw_only=True)
class Later:
    """A record of a later version: a field more, which older files lack, and one less."""

    method: str
    measure: str
    value: float
    p_value: float | None = None


def test_a_column_more_or_less_is_read(tmp_path: Path) -> None:
    write_judgement(tmp_path, [QUALITY_ROW | {"p_value": 0.5}], [VALIDITY_ROW | {"new": "text"}])
    assert read_quality(tmp_path, Summary) == [Summary(**QUALITY_ROW)]
    assert read_validity(tmp_path) == [VALIDITY_ROW | {"new": "text"}]
    later = Later(method="grad-cam", measure="rotation_variance", value=0.25)
    assert read_quality(tmp_path, Later) == [replace(later, p_value=0.5)]

    write_judgement(tmp_path, [QUALITY_ROW], [])

    assert read_quality(tmp_path, Later) == [later]


numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


@given(
    st.lists(
        st.builds(
            Summary,
            method=texts,
            measure=texts.filter(lambda name: name not in OLD_MEASURES),
            **dict.fromkeys(("value", "ci_low", "ci_high"), numbers),
            **dict.fromkeys(("random", "centre", "blurred", "area"), st.none() | numbers),
            **dict.fromkeys(("win_share", "gain", "p_random"), st.none() | numbers),
            **dict.fromkeys(("images", "groups"), st.integers(0, 10**9)),
        ),
        max_size=3,
    )
)
@settings(max_examples=50, deadline=None)
def test_every_summary_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, written: list[Summary]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_judgement(folder, [asdict(each) for each in written], [])

    assert read_quality(folder, Summary) == written


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"method,measure\ngrad-cam,deletion\n"])
@pytest.mark.parametrize(
    ("name", "read"),
    [(QUALITY, lambda path: read_quality(path, Summary)), (VALIDITY, read_validity)],
)
def test_a_damaged_table_is_a_sentence(
    tmp_path: Path, content: bytes, name: str, read: Callable[[Path], object]
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UserError, match=f"{name} is damaged; remove it, or run"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", "ci_high"),
        ("value", ""),
        ("ci_low", "nan"),
        ("gain", "-inf"),
        ("images", "1.5"),
        ("images", "-1"),
        ("groups", ""),
        ("groups", "9" * 5000),
    ],
)
def test_a_number_that_is_none_is_a_sentence(tmp_path: Path, column: str, value: str) -> None:
    write_judgement(tmp_path, [QUALITY_ROW | {column: value}], [])

    with pytest.raises(UserError, match=r"quality\.csv is damaged"):
        read_quality(tmp_path, Summary)
