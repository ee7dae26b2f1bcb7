"""predictions.parquet: the logits and probabilities of a run by image."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelzoo.errors import UserError
from modelzoo.files import damaged_file, replacing
from modelzoo.runs.file_names import PREDICTIONS


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
    """Write predictions.parquet: image, part, label, then a logit and a probability a class."""
    import pandas as pd

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
    with replacing(path / PREDICTIONS) as temporary:
        table.to_parquet(temporary, index=False)


def read_predictions(path: Path) -> Predictions:
    """The run's predictions.

    Raises:
        UserError: The file is missing or damaged.
    """
    import pandas as pd

    file = path / PREDICTIONS
    try:
        table = pd.read_parquet(file)
        classes = tuple(
            column.removeprefix("p:") for column in table.columns if column.startswith("p:")
        )
        index_by_name = {name: index for index, name in enumerate(classes)}
        return Predictions(
            tuple(table["image"]),
            tuple(table["part"]),
            np.array([index_by_name.get(name, -1) for name in table["label"]], np.int64),
            classes,
            table[[f"logit:{name}" for name in classes]].to_numpy(np.float32),
            table[[f"p:{name}" for name in classes]].to_numpy(np.float32),
        )
    except FileNotFoundError:
        raise UserError(f"{file} is missing; resume the run to have it written.") from None
    except (ValueError, KeyError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise damaged_file(file) from error
