"""The scores of a run's predictions on one part, with what a reader must know to judge them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelzoo.datasets.splits import LEAKY, PART_WORDS, PARTS, Split, count_leaked
from modelzoo.datasets.words import describe_fold
from modelzoo.errors import UserError
from modelzoo.evaluation.by_class import ClassScores, score_classes
from modelzoo.evaluation.calibration import Reliability, measure_reliability
from modelzoo.evaluation.class_notes import (
    ClassFacts,
    describe_class,
    describe_classes,
    describe_never_predicted,
    find_class_facts,
    list_never_predicted,
)
from modelzoo.evaluation.delong import AreaDifference, area_differences
from modelzoo.evaluation.intervals import Evaluation, evaluate, tally
from modelzoo.evaluation.units import Unit, average_units, describe_units, find_units
from modelzoo.runs.file_names import PREDICTIONS, SPLIT, TRIAL
from modelzoo.runs.folder import Run
from modelzoo.runs.predictions import Predictions, read_predictions
from modelzoo.runs.records import read_data, read_split
from modelzoo.text import count

Read = Callable[[Path], Predictions]  # the predictions of a run's folder


def evaluate_run(
    run: Run, *, part: str = "test", read: Read = read_predictions, per: Unit = "image"
) -> Evaluation:
    """The scores of the predictions of `run` on one part.

    Args:
        run: Its folder.
        part: train, validation or test.
        read: Its predictions; `read_calibrated` scales their probabilities.
        per: What is scored as one.

    Raises:
        UserError: There is no such part; its split or predictions are missing or damaged, or no
            patients are known and it is asked for them.
    """
    _require_part(part)
    evaluation, _ = score_part(run, read_split(run.path), read(run.path), part, per)
    return evaluation


def evaluate_classes(
    run: Run, *, part: str = "test", read: Read = read_predictions, per: Unit = "image"
) -> list[tuple[ClassScores, str]]:
    """The scores of each class of `run` on one part, and what they rest on, in short.

    Args and errors are those of `evaluate_run`.
    """
    split, images, groups = _read_part(run, part, read)
    found, classes = tally(_average(run, split, images, per), groups), images.classes
    scores = score_classes(found, classes)
    facts = _find_facts(split, images, groups, found.confusion_by_group)
    return [(each, describe_class(its, part)) for each, its in zip(scores, facts, strict=True)]


def evaluate_calibration(
    run: Run,
    *,
    part: str = "test",
    target: str | None = None,
    read: Read = read_predictions,
    per: Unit = "image",
) -> Reliability | None:
    """The reliability of the probabilities of `run` on one part; None: no image has a label.

    Args:
        run: As the others, and errors, those of `evaluate_run`.
        part: The same.
        target: A class against the rest, of which a run without it has none; None: the predicted
            class, right or wrong.
        read: The same.
        per: The same.
    """
    split, images, groups = _read_part(run, part, read)
    found = tally(_average(run, split, images, per), groups)
    if target is None:
        return measure_reliability(found)
    classes = images.classes
    return measure_reliability(found, classes.index(target)) if target in classes else None


def _read_part(run: Run, part: str, read: Read) -> tuple[Split, Predictions, dict[str, str]]:
    """The split of a run, its predictions of one part, and the group of each image."""
    _require_part(part)
    split, predictions = read_split(run.path), read(run.path).only(part)
    require_same_images(run, split, predictions, part)
    return split, predictions, split.unit_by_image


def _average(run: Run, split: Split, images: Predictions, per: Unit) -> Predictions:
    """The rows that are scored, of `images` of one part."""
    return images if per == "image" else average_units(images, find_units(run, split, per))


def _find_facts(
    split: Split,
    images: Predictions,
    groups: Mapping[str, str],
    of_units: npt.NDArray[np.int64],
) -> list[ClassFacts]:
    """What the scores of each class rest on: images, and the classes that units are predicted as.

    Args:
        split: Of the run.
        images: Predictions of the part that is scored.
        groups: Of each image.
        of_units: (G, K, K), their true class by predicted class.
    """
    if of_units.sum() == (images.labels >= 0).sum():  # each image is scored by itself
        return find_class_facts(split, images.classes, of_units)
    of_images = tally(images, groups).confusion_by_group
    facts = find_class_facts(split, images.classes, of_images)
    predicted = of_units.sum((0, 1)).tolist()
    return [replace(each, predicted=n) for each, n in zip(facts, predicted, strict=True)]


def score_part(
    run: Run, split: Split, predictions: Predictions, part: str, per: Unit = "image"
) -> tuple[Evaluation, list[ClassFacts]]:
    """As `evaluate_run`, of a split and predictions that have been read, and what it rests on."""
    images = predictions.only(part)
    require_same_images(run, split, images, part)
    groups = split.unit_by_image
    units = find_units(run, split, per)
    evaluation = evaluate(images if per == "image" else average_units(images, units), groups)
    facts = _find_facts(split, images, groups, evaluation.confusion_by_group)
    notes = describe_classes(facts, part)
    if never := list_never_predicted(facts, part):
        notes.append(describe_never_predicted(never))
    notes += describe_fold(split, run.config.seed)
    if leaked := count_leaked(split, part):
        notes.insert(0, describe_leak(leaked, len(images.images), part))
    if run.config.split in LEAKY:
        notes.insert(0, LEAKY[run.config.split])
    if per != "image":
        notes.insert(0, describe_units(images, units, per, part))
    notes += [*read_doubts(run), *evaluation.notes]
    evaluation = replace(evaluation, notes=tuple(notes), per=per)
    if per == "image":
        return evaluation, facts
    scored = [
        units.get(image, image)
        for image, label in zip(images.images, images.labels.tolist(), strict=True)
        if label >= 0
    ]
    return replace(evaluation, averaged=len(scored), undivided=len(set(scored))), facts


def compare_areas(
    runs: Sequence[Run],
    target: str | None,
    *,
    read: Read = read_predictions,
    per: Unit = "image",
) -> list[AreaDifference]:
    """The differences in AUC between every two runs on their test parts, by their place in `runs`.

    Args:
        runs: Evaluated, at least two.
        target: A class against the rest; None: the macro-average.
        read: As of `evaluate_run`.
        per: The same.

    Returns:
        None where the class has no image inside or outside, or the runs were not tested on the
        same images with the same labels.

    Raises:
        UserError: A split or predictions are missing or damaged.
    """
    tallies = []
    for run in runs:
        split = read_split(run.path)
        predictions = _average(run, split, read(run.path).only("test"), per)
        order = np.argsort(np.array(predictions.images, np.str_))
        groups = split.unit_by_image
        tallies.append((predictions, order, tally(predictions, groups)))
    first, by_name, found = tallies[0]
    images, labels = np.array(first.images, np.str_)[by_name], first.labels[by_name]
    for predictions, order, _ in tallies[1:]:
        is_alike = predictions.classes == first.classes and np.array_equal(
            np.array(predictions.images, np.str_)[order], images
        )
        if not is_alike or not np.array_equal(predictions.labels[order], labels):
            return []
    if (labels < 0).any() or target not in (None, *first.classes):
        return []
    return area_differences(
        labels,
        [predictions.probabilities[order] for predictions, order, _ in tallies],
        found.group[by_name],
        None if target is None else first.classes.index(target),
    )


def _require_part(part: str) -> None:
    if part not in PARTS:
        raise UserError(f"Part {part!r} is unknown; give one of {', '.join(PARTS)}.")


def read_doubts(run: Run) -> tuple[str, ...]:
    """What was probably wrong with the run's data set, or that this is not known."""
    try:
        return tuple(read_data(run.path).doubts)
    except UserError as error:
        return (f"{error} What is doubtful about the data set is not known.",)


def describe_leak(leaked: int, images: int, part: str = "test") -> str:
    """What it means that images have others of their group in what the model has seen.

    Args:
        leaked: How many, at least 1.
        images: All of them.
        part: Theirs: validation or test.
    """
    verb = "shares its" if leaked == 1 else "share their"
    seen = "training or validation images" if part == "test" else "training images"
    return (
        f"{leaked} of the {count(images, f'{part} image')} {verb} group with {seen} (one patient, "
        "a copy, or an overlapping field), so the scores may be too high for new patients."
    )


def require_same_images(run: Run, split: Split, predictions: Predictions, part: str) -> None:
    """Pass where split and predictions are of the same images with the same labels.

    Of others no score would be true: groups would be missing, and intervals too narrow.

    Raises:
        UserError: They differ, or there are no images.
    """
    words = PART_WORDS[part]
    if part == "test" and run.has(TRIAL):
        raise UserError(
            f"Run {run.id!r} is a trial of a sweep, and its test images were left out on purpose; "
            "evaluate its validation part, or train its settings again to test them."
        )
    label_by_image = {row.image: row.label for row in split.rows if row.part == part}
    if not label_by_image:
        raise UserError(f"Run {run.id!r} has no {words} images; train it again with some.")
    classes = (*predictions.classes, None)  # index -1: the label is not known
    predicted = dict(
        zip(predictions.images, (classes[index] for index in predictions.labels), strict=True)
    )
    if predicted.keys() != label_by_image.keys() or any(
        label not in (None, label_by_image[image]) for image, label in predicted.items()
    ):
        raise UserError(
            f"The {words} images of run {run.id!r} in {SPLIT} and in {PREDICTIONS} are not the "
            "same, so it cannot be scored; put the files back that belong together, or train the "
            "run again."
        )
