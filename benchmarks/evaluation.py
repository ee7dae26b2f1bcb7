"""Do intervals and comparisons keep what they promise? Simulations of known truth.

`python -m benchmarks.evaluation [--data-sets 1000] [--out bench/evaluation.json]`

Drawn are data sets of groups of images (67 of up to 3, 25 of up to 6, 12 of up to 8) of four
classes, each image right with a known probability, images of one group right together by a
beta-binomial law with correlation 0.1 or 0.5, classes alike or one of them rare (5 %):
  coverage    how often an interval promised for 95 % holds the truth, beside the percentile
              bootstrap over groups of earlier versions, and how wide it is
  best of 10  how often the interval of the highest of ten equal models holds it
  false       how often any two of six equal models differ at 5 %, beside the highest against each
              other by the bootstrap
  power       how often a model is told from one that is 5, 10 and 20 points better, among four
Prints Markdown tables for `docs/statistics.md`.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from modelzoo.evaluation.areas import auc_by_class
from modelzoo.evaluation.clustered import (
    F1,
    PRECISION,
    SENSITIVITY,
    jackknife_interval,
    macro_interval,
    score_interval,
    wilson_interval,
)
from modelzoo.evaluation.comparison import pair_differences, simultaneous_interval
from modelzoo.evaluation.intervals import Evaluation
from modelzoo.evaluation.metrics import accuracy as accuracy_of
from modelzoo.evaluation.metrics import (
    cohen_kappa,
    macro_f1,
    macro_precision,
    macro_sensitivity,
)

Cells = npt.NDArray[np.int64]  # (G, K, K)
Ends = tuple[float, float]
SHAPES = ((67, 3), (25, 6), (12, 8))
ACCURACIES = (0.70, 0.90, 0.97, 0.99)
CORRELATIONS = (0.1, 0.5)
CLASSES = 4
RESAMPLES = 300


def main() -> None:
    """Simulate, print the tables, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("bench/evaluation.json"))
    options = parser.parse_args()
    n = options.data_sets
    found = {"coverage": list_coverage(n), "auc": list_auc(n), "comparison": list_compared(n)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"data_sets": n, **found}, indent=1))


def list_coverage(n: int) -> list[dict[str, object]]:
    """Coverage and width of each score on each shape."""
    print(
        "| groups | classes | accuracy | correlation | accuracy | sensitivity | precision | F1 |",
        end="",
    )
    print(" kappa | accuracy, bootstrap | F1, bootstrap |")
    print("|" + " --- |" * 11)
    records = []
    for groups, most in SHAPES:
        for rare in (0.25, 0.05):
            for accuracy in ACCURACIES:
                for correlation in CORRELATIONS:
                    record = _cover(n, groups, most, rare, accuracy, correlation)
                    records.append(record)
                    print(_line(record), flush=True)
    return records


def _line(record: dict[str, object]) -> str:
    cells = [
        f"{record['groups']} of up to {record['most']}",
        "one rare" if record["rare"] == 0.05 else "alike",
        f"{record['accuracy']:.2f}",
        f"{record['correlation']}",
    ]
    held, width = record["held"], record["width"]
    assert isinstance(held, dict)
    assert isinstance(width, dict)
    cells += [f"{held[name]:.3f} ({width[name]:.0f})" for name in held]
    return f"| {' | '.join(cells)} |"


def _cover(
    n: int, groups: int, most: int, rare: float, accuracy: float, correlation: float
) -> dict[str, object]:
    random = np.random.default_rng(
        [groups, int(100 * rare), int(100 * accuracy), int(10 * correlation)]
    )
    truth = _truth(rare, accuracy)
    held: dict[str, int] = defaultdict(int)
    width: dict[str, float] = defaultdict(float)
    for _ in range(n):
        cells = draw(random, groups, most, rare, accuracy, correlation)
        ends: dict[str, Ends] = {
            "accuracy": score_interval(accuracy_of, cells)[1:],
            "sensitivity": macro_interval(cells, SENSITIVITY)[1:],
            "precision": macro_interval(cells, PRECISION)[1:],
            "F1": macro_interval(cells, F1)[1:],
            "kappa": score_interval(cohen_kappa, cells, lowest=-1)[1:],
            **_bootstrap(cells, random),
        }
        for name, (low, high) in ends.items():
            held[name] += low - 1e-9 <= truth[name.partition(",")[0]] <= high + 1e-9
            width[name] += 100 * (high - low)
    return {
        "groups": groups,
        "most": most,
        "rare": rare,
        "accuracy": accuracy,
        "correlation": correlation,
        "held": {name: held[name] / n for name in held},
        "width": {name: width[name] / n for name in width},
    }


def draw(
    random: np.random.Generator,
    groups: int,
    most: int,
    rare: float,
    accuracy: float,
    correlation: float,
) -> Cells:
    """(G, K, K), groups of one class each; every class has one at least."""
    shares = [rare, *[(1 - rare) / (CLASSES - 1)] * (CLASSES - 1)]
    others = random.choice(CLASSES, groups - CLASSES, p=shares)
    classes = np.concatenate([np.arange(CLASSES), others])
    sizes = random.integers(1, most + 1, groups)
    spread = (1 - correlation) / correlation
    right = random.binomial(sizes, random.beta(accuracy * spread, (1 - accuracy) * spread, groups))
    cells = np.zeros((groups, CLASSES, CLASSES), np.int64)
    cells[np.arange(groups), classes, classes] = right
    wrong = (classes + random.integers(1, CLASSES, groups)) % CLASSES
    cells[np.arange(groups), classes, wrong] += sizes - right
    return cells


def _truth(rare: float, accuracy: float) -> dict[str, float]:
    """The scores of the law that `draw` draws from."""
    shares = np.array([rare, *[(1 - rare) / (CLASSES - 1)] * (CLASSES - 1)])
    cells = np.tile((1 - accuracy) / (CLASSES - 1) * shares[:, None], (1, CLASSES))
    np.fill_diagonal(cells, accuracy * shares)
    return {
        "accuracy": accuracy,
        "sensitivity": float(macro_sensitivity(cells)),
        "precision": float(macro_precision(cells)),
        "F1": float(macro_f1(cells)),
        "kappa": float(cohen_kappa(cells)),
    }


def _bootstrap(cells: Cells, random: np.random.Generator) -> dict[str, Ends]:
    """Percentile intervals over groups, as versions before had them; Wilson's without width."""
    groups = len(cells)
    drawn = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES)
    resampled = np.tensordot(drawn, cells, 1).astype(float)
    accuracies = np.trace(resampled, axis1=1, axis2=2) / resampled.sum((1, 2))
    ends = {}
    for name, values in (("accuracy", accuracies), ("F1", macro_f1(resampled))):
        low, high = np.quantile(values, [0.025, 0.975])
        if high - low < 1e-9:
            low, high = wilson_interval(float(values[0]), groups)
        ends[f"{name}, bootstrap"] = (float(low), float(high))
    return ends


def list_auc(n: int) -> list[dict[str, object]]:
    """Coverage of the interval of an AUC of two classes, binormal with an effect of the group."""
    print("\n| groups | AUC | correlation | coverage | width in points |")
    print("|" + " --- |" * 5)
    records: list[dict[str, object]] = []
    for groups, most in SHAPES:
        for area in (0.80, 0.95, 0.99):
            for correlation in CORRELATIONS:
                held, width = _cover_auc(n, groups, most, area, correlation)
                records.append(
                    {
                        "groups": groups,
                        "most": most,
                        "auc": area,
                        "correlation": correlation,
                        "held": held,
                        "width": width,
                    }
                )
                print(
                    f"| {groups} of up to {most} | {area} | {correlation} | {held:.3f} | "
                    f"{width:.0f} |",
                    flush=True,
                )
    return records


def _cover_auc(
    n: int, groups: int, most: int, area: float, correlation: float
) -> tuple[float, float]:
    random = np.random.default_rng([groups, int(100 * area), int(10 * correlation)])
    shift = math.sqrt(2) * float(stats.norm.ppf(area))
    held, width = 0, 0.0
    for _ in range(n):
        label = np.concatenate([[0, 0, 1, 1], random.integers(0, 2, groups - 4)])
        sizes = random.integers(1, most + 1, groups)
        group = np.repeat(np.arange(groups), sizes)
        noise = random.normal(size=groups)[group] * math.sqrt(correlation)
        noise += random.normal(size=len(group)) * math.sqrt(1 - correlation)
        scores = stats.norm.cdf(noise + shift * label[group])
        probabilities = np.stack([1 - scores, scores], 1)
        weights = np.ones((len(group), groups + 1))
        weights[:, :groups] = group[:, None] != np.arange(groups)
        areas = auc_by_class(label[group], probabilities, weights)[1]
        fewer = int(min(label.sum(), groups - label.sum()))
        low, high = jackknife_interval(float(areas[-1]), areas[:-1], fewer)
        held += low <= area <= high
        width += 100 * (high - low)
    return held / n, width / n


def list_compared(n: int) -> list[dict[str, object]]:
    """False differences between equal models, power, and the interval of the highest of ten."""
    print("\n| groups | accuracy | best of 10 held | alone | false | false, bootstrap |", end="")
    print(" power at 5, 10, 20 points |")
    print("|" + " --- |" * 7)
    records = []
    for groups, most in SHAPES:
        for accuracy in (0.70, 0.90, 0.97):
            random = np.random.default_rng([groups, int(100 * accuracy)])
            best, alone = _cover_best(n, groups, most, accuracy, random)
            false, before = _count_false(n, groups, most, accuracy, random)
            power = [_power(n, groups, most, accuracy, gap, random) for gap in (0.05, 0.1, 0.2)]
            records.append(
                {
                    "groups": groups,
                    "most": most,
                    "accuracy": accuracy,
                    "best_held": best,
                    "best_alone_held": alone,
                    "false": false,
                    "false_bootstrap": before,
                    "power": power,
                }
            )
            print(
                f"| {groups} of up to {most} | {accuracy:.2f} | {best:.3f} | {alone:.3f} | "
                f"{false:.3f} | {before:.3f} | {', '.join(f'{each:.2f}' for each in power)} |",
                flush=True,
            )
    return records


def draw_models(
    random: np.random.Generator, groups: int, most: int, accuracies: Sequence[float]
) -> list[Evaluation]:
    """Models on the same images, of half of whose difficulty they share; groups have an effect."""
    sizes = random.integers(1, most + 1, groups)
    group = np.repeat(np.arange(groups), sizes)

    def noise() -> npt.NDArray[np.float64]:
        of_groups = random.normal(size=groups)[group]
        return math.sqrt(0.3) * of_groups + math.sqrt(0.7) * random.normal(size=len(group))

    shared, models = noise(), []
    for accuracy in accuracies:
        latent = math.sqrt(0.5) * (shared + noise())
        wrong = (latent > stats.norm.ppf(accuracy)).astype(int)
        cells = np.zeros((groups, 2, 2), np.int64)
        np.add.at(cells, (group, np.zeros_like(group), wrong), 1)
        models.append(Evaluation(("a", "b"), {}, tuple(map(str, range(groups))), cells, ()))
    return models


def _accuracies(models: Sequence[Evaluation]) -> npt.NDArray[np.float64]:
    return np.array([np.trace(model.confusion) / model.images for model in models])


def _cover_best(
    n: int, groups: int, most: int, accuracy: float, random: np.random.Generator
) -> tuple[float, float]:
    held = alone = 0
    for _ in range(n):
        models = draw_models(random, groups, most, [accuracy] * 10)
        best = int(_accuracies(models).argmax())
        low, high = simultaneous_interval(models, best)
        held += low <= accuracy <= high
        low, high = simultaneous_interval([models[best]], 0)
        alone += low <= accuracy <= high
    return held / n, alone / n


def _count_false(
    n: int, groups: int, most: int, accuracy: float, random: np.random.Generator
) -> tuple[float, float]:
    false = before = 0
    for _ in range(n):
        models = draw_models(random, groups, most, [accuracy] * 6)
        false += any(pair.is_significant for pair in pair_differences(models))
        before += _differs_by_bootstrap(models, random)
    return false / n, before / n


def _differs_by_bootstrap(models: Sequence[Evaluation], random: np.random.Generator) -> bool:
    """Whether the highest differs from another, as if it had been named before it was seen."""
    best = int(_accuracies(models).argmax())
    groups = len(models[0].groups)
    right = np.array([np.trace(each.confusion_by_group, axis1=1, axis2=2) for each in models])
    images = models[0].confusion_by_group.sum((1, 2))
    drawn = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES).T
    resampled = (right @ drawn) / (images @ drawn)
    gaps = _accuracies(models)[best] - _accuracies(models)
    deviation = np.abs(resampled[best] - resampled - gaps[:, None])
    error = np.sqrt((deviation**2).mean(1))
    varies = error > 1e-9
    if not varies.any():
        return False
    tail = float(stats.t.ppf(0.975, groups - 1) / stats.norm.ppf(0.975))
    tail *= math.sqrt(groups / (groups - 1))
    largest = (deviation[varies] / error[varies, None]).max(0) * tail
    return bool((gaps[varies] / error[varies] > np.quantile(largest, 0.95)).any())


def _power(
    n: int, groups: int, most: int, accuracy: float, gap: float, random: np.random.Generator
) -> float:
    told = 0
    for _ in range(n // 2):
        models = draw_models(random, groups, most, [accuracy, *[accuracy - gap] * 3])
        told += pair_differences(models)[0].is_significant
    return told / (n // 2)


if __name__ == "__main__":
    main()
