"""quality.csv and validity.csv of a run: written, read back, damaged."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from modelzoo.errors import UserError
from modelzoo.runs.attribution_tables import (
    QUALITY_COLUMNS,
    read_quality,
    read_validity,
    write_judgement,
)
from modelzoo.runs.file_names import QUALITY, VALIDITY

QUALITY_ROW = {
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
    "gain_ci_low": None,
    "area": None,
    "images": 12,
    "groups": 9,
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

    quality, validity = read_quality(tmp_path), read_validity(tmp_path)

    assert quality is not None
    assert validity is not None
    assert len(quality) == 2
    (found, _) = quality.to_dict("records")
    assert {name: None if pd.isna(value) else value for name, value in found.items()} == QUALITY_ROW
    assert quality["images"].dtype == int
    assert quality["gain"].dtype == float  # though all of it is empty
    assert validity.to_dict("records") == [VALIDITY_ROW]


def test_a_run_that_was_never_judged_has_none(tmp_path: Path) -> None:
    assert read_quality(tmp_path) is None
    assert read_validity(tmp_path) is None


def test_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    write_judgement(tmp_path, [], [])

    quality = read_quality(tmp_path)

    assert quality is not None
    assert quality.columns.tolist() == list(QUALITY_COLUMNS)
    assert quality.empty


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"method,measure\ngrad-cam,deletion\n"])
@pytest.mark.parametrize(
    ("name", "read"),
    [(QUALITY, read_quality), (VALIDITY, read_validity)],
)
def test_a_damaged_table_is_a_sentence(
    tmp_path: Path, content: bytes, name: str, read: Callable[[Path], object]
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UserError, match=f"{name} is damaged; remove it, or run"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "value"), [("value", "ci_high"), ("images", "1.5"), ("groups", "")]
)
def test_a_number_that_is_none_is_a_sentence(tmp_path: Path, column: str, value: str) -> None:
    write_judgement(tmp_path, [QUALITY_ROW | {column: value}], [])

    with pytest.raises(UserError, match=r"quality\.csv is damaged"):
        read_quality(tmp_path)
