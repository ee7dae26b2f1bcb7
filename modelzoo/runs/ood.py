"""ood.csv: how far validation and test images lie outside the training images of a run."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from modelzoo.files import damaged_file, read_text, write_text
from modelzoo.runs.file_names import OOD

_COLUMNS = ("image", "ood_percentile")


def write_ood(path: Path, percentile_by_image: Mapping[str, float]) -> None:
    """Write ood.csv of the run in folder `path`.

    Args:
        path: The run's folder.
        percentile_by_image: By image id, in [0, 100], as of `inference.neighbours.ood_percentile`.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((image, f"{value:.4f}") for image, value in percentile_by_image.items())
    write_text(path / OOD, out.getvalue())


def read_ood(path: Path) -> dict[str, float] | None:
    """OOD percentile by image id; None: a run of an older version, which kept none.

    Raises:
        UserError: The file is damaged.
    """
    file = path / OOD
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(file))))
        found = {row[_COLUMNS[0]]: float(row[_COLUMNS[1]]) for row in rows}
    except FileNotFoundError:
        return None
    except (csv.Error, KeyError, ValueError, TypeError) as error:
        raise damaged_file(file) from error
    if len(found) < len(rows) or not all(0 <= value <= 100 for value in found.values()):
        raise damaged_file(file)
    return found


def describe_missing_ood(run_id: str) -> str:
    """What to do where a run has no OOD percentiles of its test images."""
    return (
        f"How far the test images of {run_id} are out of distribution is not kept with it, as with "
        "runs of older versions and ensembles; where its images are at hand, `python -m modelzoo "
        f"ood {run_id}` computes it."
    )
