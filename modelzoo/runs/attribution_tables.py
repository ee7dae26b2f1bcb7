"""quality.csv and validity.csv: how far the attribution maps of a run can be trusted."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modelzoo.errors import UserError
from modelzoo.files import read_text, write_text

if TYPE_CHECKING:
    # pandas is 50 MB, and a run that waits for its turn reads no table: it is imported where used.
    import pandas as pd
from modelzoo.runs.file_names import QUALITY, VALIDITY
from modelzoo.runs.old_names import OLD_COLUMNS, rename_quality

# One row per method and measure; `None` in a column of floats is an empty cell.
QUALITY_COLUMNS: dict[str, type] = {
    "method": str,
    "measure": str,
    "value": float,
    "ci_low": float,
    "ci_high": float,
    "random": float,
    "centre": float,
    "blurred": float,
    "win_share": float,
    "gain": float,
    "gain_ci_low": float,
    "area": float,
    "images": int,
    "groups": int,
}


VALIDITY_COLUMNS: dict[str, type] = dict.fromkeys(
    ("method", "refusal", "same_as", "ignores_class", "empty_share", "gap_share", "sentence"), str
)


def write_judgement(
    path: Path, quality: Sequence[Mapping[str, object]], validity: Sequence[Mapping[str, object]]
) -> None:
    """Write quality.csv and validity.csv of the run in folder `path`.

    Args:
        path: The run's folder.
        quality: Rows with the keys of `QUALITY_COLUMNS`.
        validity: Rows with the keys of `VALIDITY_COLUMNS`.
    """
    write_text(path / QUALITY, _format_rows(quality, QUALITY_COLUMNS))
    write_text(path / VALIDITY, _format_rows(validity, VALIDITY_COLUMNS))


def _format_rows(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read_quality(path: Path) -> "pd.DataFrame | None":
    """The columns of `QUALITY_COLUMNS`, one row per method and measure.

    None: the maps of the run were never evaluated.

    Raises:
        UserError: The file is damaged.
    """
    return _read_table(path / QUALITY, QUALITY_COLUMNS, rename_quality)


def read_validity(path: Path) -> "pd.DataFrame | None":
    """The columns of `VALIDITY_COLUMNS`, all text, one row per method; None: never examined.

    Raises:
        UserError: The file is damaged.
    """
    return _read_table(path / VALIDITY, VALIDITY_COLUMNS, lambda table: table)


def _read_table(
    file: Path, columns: dict[str, type], rename: Callable[["pd.DataFrame"], "pd.DataFrame"]
) -> "pd.DataFrame | None":
    import pandas as pd

    old = {name: columns[new] for name, new in OLD_COLUMNS.items() if new in columns}
    texts = [name for name, kind in columns.items() if kind is str]
    counts = [name for name, kind in columns.items() if kind is int]
    try:
        content = io.StringIO(read_text(file))
        # Whole numbers as floats first: pandas casts an infinite one without a word.
        kinds = {name: float if kind is int else kind for name, kind in (columns | old).items()}
        table = rename(pd.read_csv(content, dtype=kinds))[list(columns)]
        numbers = table.drop(columns=texts).to_numpy(np.float64)
        if np.isinf(numbers).any() or (table[counts] % 1 != 0).any(axis=None):  # nor nan
            raise ValueError("a number that is not finite, or a count that is not whole")
        return table.fillna(dict.fromkeys(texts, "")).astype(dict.fromkeys(counts, "int64"))
    except FileNotFoundError:
        return None
    except (UserError, ValueError, TypeError, KeyError, csv.Error, OverflowError) as error:
        raise UserError(
            f"{file} is damaged; remove it, or run `python -m xai quality` again."
        ) from error
