"""predictions.parquet: the logits and probabilities of a run by image."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modelzoo.datasets.splits import PARTS, is_image_id
from modelzoo.errors import UserError
from modelzoo.files import damaged_file, read_bytes, replacing
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.parse import SCHEMA
from modelzoo.text import count, join

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 500_000_000  # 10,000 images of 4 classes are 1 MB
MOST_CELLS = 200_000_000  # of the table: a small file may say one value any number of times


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Predictions:
    """A run's logits and probabilities by image id."""

    images: tuple[str, ...]
    parts: tuple[str, ...]
    labels: npt.NDArray[np.int64]  # (N,), index into `classes`; -1 where the label is unknown
    classes: tuple[str, ...]
    logits: npt.NDArray[np.float32]  # (N, K)
    probabilities: npt.NDArray[np.float32]  # (N, K), rows sum to 1

    def only(self, part: str) -> "Predictions":
        """The predictions of one part."""
        rows = np.flatnonzero(np.array(self.parts) == part)
        return Predictions(
            tuple(self.images[row] for row in rows),
            tuple(self.parts[row] for row in rows),
            self.labels[rows],
            self.classes,
            self.logits[rows],
            self.probabilities[rows],
        )


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions.parquet: image, part, label, then a logit and a probability per class."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = (*predictions.classes, None)  # index -1: no label
    table = pd.DataFrame(
        {
            "image": list(predictions.images),
            "part": list(predictions.parts),
            "label": [names[index] for index in predictions.labels],
        }
    )
    for index, name in enumerate(predictions.classes):
        table[f"logit:{name}"] = predictions.logits[:, index]
        table[f"p:{name}"] = predictions.probabilities[:, index]
    content = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**content.schema.metadata, b"blastlens.schema": str(SCHEMA).encode()}
    with replacing(path / PREDICTIONS) as temporary:
        pq.write_table(content.replace_schema_metadata(metadata), temporary)


def read_predictions(path: Path) -> Predictions:
    """The run's predictions.

    Raises:
        UserError: The file is missing or damaged.
    """
    import pyarrow as pa

    file = path / PREDICTIONS
    try:
        return _parse(_read_table(read_bytes(file, most=MOST_BYTES)))
    except FileNotFoundError:
        raise UserError(f"{file} is missing; resume the run to have it written.") from None
    # Many of pyarrow's errors are of these kinds too, but not all.
    except (ValueError, TypeError, LookupError, OSError, MemoryError, pa.ArrowException) as error:
        raise damaged_file(file, str(error) if isinstance(error, _UnsoundError) else "") from error


def _read_table(content: bytes) -> "pd.DataFrame":
    """The table in a parquet file, checked down to its bytes.

    Raises:
        ValueError: It is too large, or has two columns of one name.
        pyarrow.ArrowException: It is damaged.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(io.BytesIO(content)) as file:
        names = file.schema_arrow.names
        if len(set(names)) < len(names) or file.metadata.num_rows * len(names) > MOST_CELLS:
            raise ValueError("not the table of a run's predictions")
        table = file.read()
    table.validate(full=True)  # else a text that is no UTF-8 is found where it is shown
    found: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return found


class _UnsoundError(ValueError):
    """What is wrong with the rows of a table that has every column, in words."""


def _parse(table: "pd.DataFrame") -> Predictions:
    """The table as records.

    Raises:
        _UnsoundError: A column holds what it cannot.
        ValueError: A column is missing, or holds what no prediction is.
    """
    import pandas as pd

    classes = tuple(name.removeprefix("p:") for name in map(str, table) if name.startswith("p:"))
    images, parts, labels = (table[name].tolist() for name in ("image", "part", "label"))
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite, and refused below
        logits, probabilities = (
            table[[f"{what}:{name}" for name in classes]].to_numpy(np.float32)
            for what in ("logit", "p")
        )
    are_images = all(isinstance(image, str) and is_image_id(image) for image in images)
    if not classes or not are_images:
        raise ValueError("not the predictions of a run")
    if len(set(images)) < len(images):
        raise _UnsoundError("an image has two rows")
    if not set(parts) <= set(PARTS):
        raise _UnsoundError(f"a part is none of {join(PARTS)}")
    if not all(label in classes or pd.isna(label) for label in labels):
        raise _UnsoundError("a label is none of its classes")
    is_number = np.isfinite(logits).all(axis=1) & np.isfinite(probabilities).all(axis=1)
    if not is_number.all():
        rows = count(int((~is_number).sum()), "image")
        raise _UnsoundError(f"{rows} without a finite number for every class")
    is_share = (probabilities >= 0).all(axis=1)
    is_share &= np.isclose(probabilities.sum(axis=1), 1, atol=1e-3)
    if not is_share.all():
        rows = count(int((~is_share).sum()), "image")
        raise _UnsoundError(f"{rows} whose probabilities do not add up to 1")
    index_by_name = {name: index for index, name in enumerate(classes)}
    return Predictions(
        tuple(images),
        tuple(parts),
        np.array([index_by_name.get(label, -1) for label in labels], np.int64),
        classes,
        logits,
        probabilities,
    )
