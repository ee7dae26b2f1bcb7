"""What is scored as one: an image, a group or a patient. Predictions in, predictions out.

The predictions of a unit are one row like those of an image, so that whatever scores, compares or
draws images does the same with groups and patients.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from modelzoo.datasets.splits import PART_WORDS, Split
from modelzoo.errors import UserError
from modelzoo.runs.folder import Run
from modelzoo.runs.predictions import Predictions
from modelzoo.runs.records import read_patients
from modelzoo.text import count

Unit = Literal["image", "group", "patient"]
UNITS: tuple[Unit, ...] = get_args(Unit)


def average_units(predictions: Predictions, unit_by_image: Mapping[str, str]) -> Predictions:
    """One row for each unit, with the mean of its images' probabilities (Kittler et al. 1998).

    Images of a unit in several parts, or of several classes, make a row for each part and class. A
    row has the id of its first image, and where that stood. Logits are the logarithms of the means,
    so that a softmax gives the means again.

    Args:
        predictions: Of images; those without a label are left as they are.
        unit_by_image: Unit of each image id; one that is missing is a unit of its own.
    """
    members: dict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for row, image in enumerate(predictions.images):
        label = int(predictions.labels[row])
        unit = unit_by_image.get(image) if label >= 0 else None
        # An image that is a unit of its own is no member of a unit that has its name.
        key = ("", image) if unit is None else (unit, "")
        members[(*key, predictions.parts[row], label)].append(row)
    rows = list(members.values())
    first = [min(each, key=lambda row: predictions.images[row]) for each in rows]
    K = len(predictions.classes)
    probabilities = np.zeros((len(rows), K), np.float32)
    for index, each in enumerate(rows):
        probabilities[index] = predictions.probabilities[each].mean(0, dtype=np.float64)
    return Predictions(
        tuple(predictions.images[row] for row in first),
        tuple(predictions.parts[row] for row in first),
        predictions.labels[first] if first else predictions.labels,
        predictions.classes,
        np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)),
        probabilities,
    )


def find_units(run: Run, split: Split, per: Unit) -> dict[str, str]:
    """The group or the patient of each image; of images none, since each is a unit of its own.

    A copy belongs to its original's; an image whose patient is not known is left out.

    Args:
        run: Its folder says which patient each image is of.
        split: Of the run, with its groups.
        per: What is scored as one.

    Raises:
        UserError: No patients are known, and why.
    """
    if per == "image":
        return {}
    if per == "group":
        return {row.image: row.group for row in split.rows}
    from modelzoo.datasets.copies import original_of  # OpenCV, which no other score needs

    patients = read_patients(run.path)
    if patients is None:
        raise UserError(
            f"Run {run.id!r} does not say which patient an image is of, so it cannot be scored per "
            "patient; train it again, or score it per image or per group."
        )
    if not any(patients.values()):
        raise UserError(
            f"The data set of run {run.id!r} names no patients, so it cannot be scored per "
            "patient; score it per image or per group."
        )
    found = {row.image: patients.get(original_of(row.image), "") for row in split.rows}
    return {image: patient for image, patient in found.items() if patient}


def check_unit(name: str) -> Unit:
    """The unit of this name.

    Raises:
        UserError: There is none.
    """
    for unit in UNITS:
        if unit == name:
            return unit
    raise UserError(f"Unit {name!r} is unknown; give one of {', '.join(UNITS)}.")


def describe_units(
    predictions: Predictions, unit_by_image: Mapping[str, str], per: Unit, part: str
) -> str:
    """What is averaged, over how many images, and which units were divided or have one image.

    Args:
        predictions: Of the images of one part.
        unit_by_image: From `find_units`.
        per: What is scored as one: group or patient.
        part: train, validation or test.
    """
    labels_by_unit: dict[str, set[int]] = defaultdict(set)
    alone = 0
    for image, label in zip(predictions.images, predictions.labels.tolist(), strict=True):
        if label >= 0 and image in unit_by_image:
            labels_by_unit[unit_by_image[image]].add(label)
        alone += label >= 0 and image not in unit_by_image
    images = int((predictions.labels >= 0).sum())
    sentences = [
        f"Scored per {per}: the probabilities of the images of one {per} are averaged, which makes "
        f"{count(len(labels_by_unit), per)} of "
        f"{count(images - alone, f'{PART_WORDS[part]} image')}."
    ]
    if several := sum(len(labels) > 1 for labels in labels_by_unit.values()):
        verb, whom = ("holds", "is") if several == 1 else ("hold", "are")
        sentences.append(
            f"{count(several, per)} {verb} images of several classes and {whom} divided by class."
        )
    if alone:
        verb = "stands" if alone == 1 else "stand"
        sentences.append(
            f"{count(alone, 'image')} of no known {per} {verb} for "
            f"{'itself' if alone == 1 else 'themselves'}."
        )
    return " ".join(sentences)
