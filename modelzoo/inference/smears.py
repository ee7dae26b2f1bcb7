"""What a run predicts for a whole smear: its middle square, or its fields joined again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelzoo.datasets.fields import Field, describe_cut
from modelzoo.inference.trained import LoadedRun, Piece, predict_files
from modelzoo.text import capital, percent

Probabilities = npt.NDArray[np.float32]
Scale = Callable[[Probabilities], Probabilities]  # of probabilities (N, K), as calibration does


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class Smear:
    """What a run predicts for one image file; fields that were cut are the unit, not cells."""

    file: Path
    probabilities: Probabilities  # (n, K) of the fields, (1, K) of the middle square, (0, K)
    ood_percentiles: npt.NDArray[np.float32]  # (n,), in [0, 100]
    fields: tuple[Field, ...] = ()  # none: it was not cut
    outside: float = 0.0  # share of the image's area that was not looked at, [0, 1)
    size: tuple[int, int] = (0, 0)  # width and height in pixels
    reason: str = ""  # why it could not be read

    @property
    def mean(self) -> Probabilities:
        """(K,) mean probabilities over the fields, each counted once."""
        mean: Probabilities = self.probabilities.mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean

    @property
    def predicted(self) -> int:
        """Index of the class with the highest mean probability."""
        return int(self.mean.argmax())

    @property
    def ood_percentile(self) -> float:
        """The median over the fields, in [0, 100]."""
        return float(np.median(self.ood_percentiles))

    @property
    def field_shares(self) -> npt.NDArray[np.float64]:
        """(K,) shares of the fields that are predicted as each class, in [0, 1]."""
        n, classes = self.probabilities.shape
        counts = np.bincount(self.probabilities.argmax(axis=1), minlength=classes)
        shares: npt.NDArray[np.float64] = counts / n
        return shares


def predict_smears(
    trained: LoadedRun,
    files: Sequence[Path],
    *,
    field_px: int = 0,
    scale: Scale | None = None,
    batch_size: int = 16,
) -> Iterator[list[Smear]]:
    """As `predict_files`, with the fields of an image joined; after each pass the smears it ended.

    A list is empty where a pass was within one large smear.

    Args:
        trained: The run.
        files: Of images.
        field_px: As in `predict_files`.
        scale: Of the probabilities of each field, before they are joined; None: as they are.
        batch_size: Squares in one forward pass.
    """
    pieces: list[Piece] = []
    held: list[tuple[Probabilities, np.float32]] = []
    for new, batch in predict_files(trained, files, field_px=field_px, batch_size=batch_size):
        probabilities = scale(batch.probabilities) if scale else batch.probabilities
        answers = zip(probabilities, batch.ood_percentile, strict=True)
        ended = []
        for piece in new:
            pieces.append(piece)
            if not piece.reason:
                held.append(next(answers))
            if piece.is_last:
                ended.append(join_pieces(pieces, held, len(trained.classes)))
                pieces, held = [], []
        yield ended


def join_pieces(
    pieces: Sequence[Piece], answers: Sequence[tuple[Probabilities, np.float32]], classes: int
) -> Smear:
    """The smear of all pieces of one file.

    Args:
        pieces: Of the file.
        answers: Probabilities (K,) and OOD percentile of each piece; none of one without pixels.
        classes: K.
    """
    first = pieces[0]
    return Smear(
        first.file,
        np.array([p for p, _ in answers], np.float32).reshape(-1, classes),
        np.array([percentile for _, percentile in answers], np.float32),
        tuple(piece.field for piece in pieces if piece.field),
        first.outside,
        first.size,
        first.reason,
    )


def describe_smear(smear: Smear, classes: Sequence[str]) -> str:
    """What was done with a smear that was cut and what its fields say; "" of others."""
    if not smear.fields:
        return ""
    shares = smear.field_shares
    listed = ", ".join(
        f"{classes[index]} {percent(shares[index])}"
        for index in np.argsort(-shares, kind="stable")
        if shares[index]
    )
    return (
        f"{capital(describe_cut(smear.fields))}. Predicted classes, as shares of the fields: "
        f"{listed}. Probabilities are means over the fields, which are not cells or patients."
    )
