"""Do intervals of calibration errors hold, and does a temperature from few errors harm?

`python -m benchmarks.calibration [--data-sets 1000] [--out bench/calibration.json]`

Drawn are data sets of groups of images (67 of up to 3, 25 of up to 6, 12 of up to 8) of four
classes. Half the variance of the logits is the group's, and an image takes a random number of its
group for its own so often that outcomes of equal probability have correlation 0.1 or 0.5. The truth
is the softmax of the logits at a temperature: 1 is ideal calibration, above it a model is
overconfident.
  coverage     how often the interval of the ECE that is promised for 95 % holds the true error,
               beside the jackknife of earlier versions
  temperature  the log loss of new images at the temperature that validation images give, less that
               at 1, with and without drawing it towards 1
Prints Markdown tables for `docs/statistics.md`.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, softmax

from modelzoo.evaluation.calibration_interval import error_interval
from modelzoo.evaluation.clustered import jackknife_interval
from modelzoo.evaluation.losses import LEAST_PROBABILITY, calibration_error
from modelzoo.evaluation.temperature import fit_temperature

Floats = npt.NDArray[np.float64]
SHAPES = ((67, 3), (25, 6), (12, 8))
CORRELATIONS = (0.1, 0.5)
SCALES = (2.0, 5.0, 10.0)  # of the logits
TEMPERATURES = (1.0, 1.3, 2.5)  # ideal, slightly off, strongly off
CLASSES = 4
NEW_IMAGES = 20_000


def main() -> None:
    """Simulate, print the tables, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("bench/calibration.json"))
    options = parser.parse_args()
    n = options.data_sets
    found = {"coverage": list_coverage(n), "temperature": list_temperatures(n // 5)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"data_sets": n, **found}, indent=1))


def draw(
    random: np.random.Generator,
    groups: int,
    most: int,
    correlation: float,
    scale: float,
    off: float,
) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.int64]]:
    """Group (N,), logits (N, K) and true class (N,) of one data set."""
    group = np.repeat(np.arange(groups), random.integers(1, most + 1, groups))
    N = len(group)
    of_group = random.normal(size=(groups, CLASSES))[group]
    logits = scale * math.sqrt(0.5) * (of_group + random.normal(size=(N, CLASSES)))
    shared = random.random(N) < math.sqrt(correlation)
    drawn = np.where(shared, random.random(groups)[group], random.random(N))
    # The likeliest class first, so that images of one number are right together.
    order = np.argsort(-logits, axis=1)
    reached = np.take_along_axis(softmax(logits / off, axis=1), order, axis=1).cumsum(1)
    place = (drawn[:, None] > reached).sum(1).clip(max=CLASSES - 1)
    return group, logits, order[np.arange(N), place]


def list_coverage(n: int) -> list[dict[str, float]]:
    """Coverage and width of the interval of the ECE, and how often it begins at 0."""
    print(
        "| groups | share right | correlation | true ECE | coverage (width) | begins at 0 ", end=""
    )
    print("| median of the debiased ECE | ECE as it is | jackknife (width) |")
    print("|" + " --- |" * 9)
    records = []
    for groups, most in SHAPES:
        for scale in SCALES:
            for correlation in CORRELATIONS:
                for off in TEMPERATURES:
                    record = _cover(n, groups, most, correlation, scale, off)
                    records.append(record)
                    print(_line(record), flush=True)
    return records


def _cover(
    n: int, groups: int, most: int, correlation: float, scale: float, off: float
) -> dict[str, float]:
    seed = [groups, int(10 * scale), int(10 * correlation), int(10 * off)]
    random = np.random.default_rng(seed)
    true, right = _truth(scale, off)
    held = before = begins = 0
    width = width_before = 0.0
    errors, debiased = [], []
    for _ in range(n):
        group, logits, labels = draw(random, groups, most, correlation, scale, off)
        confidence, outcome = softmax(logits, axis=1).max(1), logits.argmax(1) == labels
        found = error_interval(confidence, outcome, group)
        held += found.low - 1e-9 <= true <= found.high + 1e-9
        begins += found.low <= 0
        width += found.high - found.low
        without = (group[:, None] != np.arange(groups)).astype(float)
        weights = np.concatenate([without, np.ones((len(group), 1))], axis=1)
        found_without = calibration_error(confidence, outcome, weights)
        low, high = jackknife_interval(float(found_without[-1]), found_without[:-1], groups)
        before += low <= true <= high
        width_before += high - low
        errors.append(float(found_without[-1]))
        debiased.append(found.debiased)
    return {
        "groups": groups,
        "most": most,
        "scale": scale,
        "right": right,
        "correlation": correlation,
        "temperature": off,
        "true": true,
        "held": held / n,
        "width": width / n,
        "begins_at_0": begins / n,
        "debiased": float(np.median(debiased)),
        "error": float(np.median(errors)),
        "jackknife_held": before / n,
        "jackknife_width": width_before / n,
    }


def _truth(scale: float, off: float) -> tuple[float, float]:
    """The true error and the share that is right, of very many images."""
    logits = np.random.default_rng(1).normal(scale=scale, size=(400_000, CLASSES))
    top = logits.argmax(1)
    true = softmax(logits / off, axis=1)[np.arange(len(top)), top]
    return float(np.abs(softmax(logits, axis=1).max(1) - true).mean()), float(true.mean())


def _line(record: dict[str, float]) -> str:
    cells = [
        f"{record['groups']} of up to {record['most']}",
        f"{record['right']:.2f}",
        f"{record['correlation']}",
        f"{record['true']:.3f}",
        f"{record['held']:.3f} ({record['width']:.3f})",
        f"{record['begins_at_0']:.2f}",
        f"{record['debiased']:.3f}",
        f"{record['error']:.3f}",
        f"{record['jackknife_held']:.3f} ({record['jackknife_width']:.3f})",
    ]
    return f"| {' | '.join(cells)} |"


def list_temperatures(n: int) -> list[dict[str, float]]:
    """The log loss of new images after scaling, less that without, in thousandths."""
    print("\n| validation groups | errors among them | true temperature | log loss at 1 ", end="")
    print("| best change | drawn towards 1 | not drawn |")
    print("|" + " --- |" * 7)
    records = []
    for groups, most in SHAPES:
        for scale in (80.0, 25.0, 8.0):
            for off in (0.6, 1.0, 1.5, 2.5):
                record = _scale(n, groups, most, scale, off)
                records.append(record)
                cells = [
                    f"{groups} of up to {most}",
                    f"{record['errors']:.1f}",
                    f"{off}",
                    *(f"{record[key]:.1f}" for key in ("loss", "best", "drawn", "alone")),
                ]
                print(f"| {' | '.join(cells)} |", flush=True)
    return records


def _scale(n: int, groups: int, most: int, scale: float, off: float) -> dict[str, float]:
    random = np.random.default_rng([groups, int(scale), int(10 * off)])
    _, logits, _ = draw(random, NEW_IMAGES, 1, 0.0, scale, off)
    true = softmax(logits / off, axis=1)

    def loss(temperature: float) -> float:
        scaled = log_softmax(logits / temperature, axis=1)
        return 1000 * float(-(true * np.maximum(scaled, math.log(LEAST_PROBABILITY))).sum(1).mean())

    at_one, errors = loss(1.0), []
    drawn, alone = [], []
    for _ in range(n):
        _, of_run, labels = draw(random, groups, most, 0.3, scale, off)
        errors.append(int((of_run.argmax(1) != labels).sum()))
        drawn.append(loss(fit_temperature(of_run, labels)) - at_one)
        alone.append(loss(fit_temperature(of_run, labels, spread=math.inf)) - at_one)
    return {
        "groups": groups,
        "most": most,
        "scale": scale,
        "temperature": off,
        "errors": float(np.mean(errors)),
        "loss": at_one,
        "best": loss(off) - at_one,
        "drawn": float(np.mean(drawn)),
        "alone": float(np.mean(alone)),
    }


if __name__ == "__main__":
    main()
