"""quality.csv and validity.csv of a run: written, read back, damaged."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from modelzoo import runs
from modelzoo.errors import UserError

QUALITY = {
    "method": "grad-cam", "measure": "turn_spread", "value": 0.25, "low": 0.1, "high": 0.4,
    "random": 0.9, "centre": None, "blurred": 0.0, "better": None, "lead": None, "lead_low": None,
    "area": None, "images": 12, "groups": 9,
}  # fmt: skip
VALIDITY = {
    "method": "eigen-cam", "refusal": "", "same_as": "grad-cam hires-cam", "ignores_class": "yes",
    "empty_share": "0.0", "gap_share": "", "sentence": "The same map, “always”, for every class.",
}  # fmt: skip


def test_what_was_written_is_read_back_with_its_types(tmp_path: Path) -> None:
    runs.write_judgement(tmp_path, [QUALITY, QUALITY], [VALIDITY])

    quality, validity = runs.read_quality(tmp_path), runs.read_validity(tmp_path)

    assert quality is not None
    assert validity is not None
    assert len(quality) == 2
    (found, _) = quality.to_dict("records")
    assert {name: None if pd.isna(value) else value for name, value in found.items()} == QUALITY
    assert quality["images"].dtype == int
    assert quality["lead"].dtype == float  # though all of it is empty
    assert validity.to_dict("records") == [VALIDITY]


def test_a_run_that_was_never_judged_has_none(tmp_path: Path) -> None:
    assert runs.read_quality(tmp_path) is None
    assert runs.read_validity(tmp_path) is None


def test_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    runs.write_judgement(tmp_path, [], [])

    quality = runs.read_quality(tmp_path)

    assert quality is not None
    assert quality.columns.tolist() == list(runs.QUALITY_COLUMNS)
    assert quality.empty


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"method,measure\ngrad-cam,deletion\n"])
@pytest.mark.parametrize(
    ("name", "read"),
    [(runs.QUALITY, runs.read_quality), (runs.VALIDITY, runs.read_validity)],
)
def test_a_damaged_table_is_a_sentence(
    tmp_path: Path, content: bytes, name: str, read: Callable[[Path], object]
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UserError, match=f"{name} is damaged; remove it, or run"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "value"), [("value", "high"), ("images", "1.5"), ("groups", "")]
)
def test_a_number_that_is_none_is_a_sentence(tmp_path: Path, column: str, value: str) -> None:
    runs.write_judgement(tmp_path, [QUALITY | {column: value}], [])

    with pytest.raises(UserError, match=r"quality\.csv is damaged"):
        runs.read_quality(tmp_path)
