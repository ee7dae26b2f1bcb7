"""What is known of the images without a network: a random forest on a few colour numbers."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from modelzoo.datasets.background import background_pixels, find_background_clusters
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.groups import find_groups
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.overlaps import FIELD_PX
from modelzoo.datasets.splits import Split, SplitKind
from modelzoo.datasets.splitting import make_split
from modelzoo.datasets.store import open_pixels
from modelzoo.evaluation.by_split import SeedScore, over_folds
from modelzoo.evaluation.intervals import Evaluation, Score, evaluate
from modelzoo.papers.beside import ALL_FOLDS
from modelzoo.parallel import worker_threads
from modelzoo.runs.predictions import Predictions

SEEDS = range(3)  # of background clusters three folds, which test each
SPLITS: tuple[SplitKind, ...] = ("random", "grouped", "background")
TREES = 500


def write_baselines(folder: Path, *, store: Path, out: Path) -> None:
    """Write the test scores of both forests on each split and seed to `out`, as CSV."""
    dataset = open_dataset(folder, store=store)
    pixels = open_pixels(dataset, input_px=FIELD_PX, store=store).values
    groups = find_groups(dataset, store=store)
    clusters = find_background_clusters(dataset, store=store, groups=groups)
    with worker_threads() as pool:
        inputs = {
            "colour": np.stack(list(pool.map(_six_numbers, pixels))),
            "background": np.stack(list(pool.map(_of_background, pixels))),
        }
    records: list[dict[str, object]] = []
    for kind in SPLITS:
        found: dict[str, list[Evaluation]] = defaultdict(list)
        for seed in SEEDS:
            split = make_split(
                dataset,
                kind,
                groups=groups,
                clusters=clusters if kind == "background" else {},
                seed=seed,
                test_share=0.2,
                validation_share=0.1,
            )
            for name, values in inputs.items():
                evaluation = _evaluate(values, dataset, split, seed)
                found[name].append(evaluation)
                records.append(
                    {
                        "baseline": name,
                        "split": kind,
                        "seed": seed,
                        "split_id": split.id,
                        "test_images": evaluation.images,
                        "test_groups": len(evaluation.groups),
                        **_scores(evaluation.scores),
                    }
                )
        if kind == "background":
            records += [_pool(name, evaluations) for name, evaluations in found.items()]
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def _six_numbers(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Mean and standard deviation of red, green and blue over the whole field."""
    return np.concatenate([rgb.mean((0, 1)), rgb.std((0, 1))])


def _of_background(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The same over the pixels in which no cell is."""
    values = background_pixels(rgb)
    return np.concatenate([values.mean(0), values.std(0)])


def _evaluate(
    values: npt.NDArray[np.float64], dataset: Dataset, split: Split, seed: int
) -> Evaluation:
    """One forest on one split: its test scores with their intervals over groups."""
    row_by_id = {image: row for row, image in enumerate(dataset.ids)}
    labels = np.array([dataset.classes.index(image.label) for image in dataset.images])
    train, test = ([row_by_id[image] for image in split.ids(part)] for part in ("train", "test"))
    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=-1)
    forest.fit(values[train], labels[train])
    probabilities = forest.predict_proba(values[test]).astype(np.float32)
    predictions = Predictions(
        tuple(split.ids("test")),
        ("test",) * len(test),
        labels[test],
        dataset.classes,
        np.log(np.maximum(probabilities, 1e-6)),
        probabilities,
    )
    return evaluate(predictions, split.unit_by_image)


def _pool(name: str, folds: list[Evaluation]) -> dict[str, object]:
    """The line of one forest on background clusters over all folds."""
    return {
        "baseline": name,
        "split": "background",
        "seed": ALL_FOLDS,
        "split_id": "",
        "test_images": sum(each.images for each in folds),
        "test_groups": sum(len(each.groups) for each in folds),
        **_scores(over_folds([[each] for each in folds])),
    }


def _scores(scores: Mapping[str, Score] | Mapping[str, SeedScore]) -> dict[str, object]:
    record: dict[str, object] = {}
    for metric in ("accuracy", "balanced_accuracy", "f1", "auc"):
        score = scores[metric]
        record |= {
            metric: round(score.value, 4),
            f"{metric}_ci_low": round(score.ci_low, 4),
            f"{metric}_ci_high": round(score.ci_high, 4),
        }
    return record
