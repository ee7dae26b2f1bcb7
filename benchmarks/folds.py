"""How often the interval of a mean over folds of background clusters holds the truth.

    python -m benchmarks.folds

Each cluster has a share of right answers of its own, from a beta distribution; each fold tests one
cluster of each class. Beside it the interval of one fold alone. The result stands in
`docs/statistics.md`.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from modelzoo.evaluation.clustered import folds_interval, score_interval
from modelzoo.evaluation.metrics import METRICS

DATA_SETS = 1000
CLASSES, FEWEST, MOST = 4, 60, 300  # images of a cluster


def main() -> None:
    """Print the table."""
    print("| folds | accuracy | correlation | of the mean | one fold |")
    print("| --- | --- | --- | --- | --- |")
    for folds in (2, 4):
        for accuracy in (0.7, 0.9, 0.97):
            for correlation in (0.05, 0.1, 0.3):
                mean, one = _cover(folds, accuracy, correlation)
                cells = (folds, f"{accuracy:.2f}", correlation, _show(*mean), _show(*one))
                print("| " + " | ".join(map(str, cells)) + " |")


def _show(covered: float, width: float) -> str:
    return f"{covered:.3f} ({100 * width:.0f})"


def _cover(
    folds: int, accuracy: float, correlation: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Coverage and mean width of both intervals."""
    random = np.random.default_rng(0)
    measure = METRICS["accuracy"].from_confusion
    assert measure
    covered, widths = np.zeros(2), np.zeros(2)
    for _ in range(DATA_SETS):
        drawn = list(_draw(random, folds, accuracy, correlation))
        values = np.array([float(measure(cells.sum(0).astype(float))) for cells in drawn])
        _, *alone = score_interval(measure, drawn[0])
        for index, (low, high) in enumerate((folds_interval(values), alone)):
            covered[index] += low <= accuracy <= high
            widths[index] += high - low
    mean, one = zip((covered / DATA_SETS).tolist(), (widths / DATA_SETS).tolist(), strict=True)
    return mean, one


def _draw(
    random: np.random.Generator, folds: int, accuracy: float, correlation: float
) -> Iterator[npt.NDArray[np.int64]]:
    """Of each fold the confusion matrices of its clusters, (CLASSES, CLASSES, CLASSES)."""
    strength = (1 - correlation) / correlation
    for _ in range(folds):
        cells = np.zeros((CLASSES, CLASSES, CLASSES), np.int64)
        for label in range(CLASSES):
            images = int(random.integers(FEWEST, MOST + 1))
            share = random.beta(accuracy * strength, (1 - accuracy) * strength)
            right = random.binomial(images, share)
            cells[label, label, label] = right
            cells[label, label, (label + 1) % CLASSES] = images - right
        yield cells


if __name__ == "__main__":
    main()
