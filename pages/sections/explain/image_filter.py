"""Which images of the data sets are listed: by class, split part and correctness. No torch."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from modelzoo.datasets.splits import Part
from modelzoo.text import shorten_all
from pages.sections.explain.models import CLASS_LETTERS
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.reads import Model, predicted_by_image

ANY_CLASS, ANY_PART, ANY_PREDICTION = "any class", "any set", "any prediction"
DISAGREE = "models disagree"
PART_TITLES: dict[str, Part] = {
    "training set": "train",
    "validation set": "validation",
    "test set": "test",
}

# Condition on the predictions (one class per model) and the true class.
CORRECTNESS: dict[str, Callable[[Sequence[str], str], bool]] = {
    ANY_PREDICTION: lambda predictions, truth: True,
    "all correct": lambda predictions, truth: all(each == truth for each in predictions),
    "some wrong": lambda predictions, truth: any(each != truth for each in predictions),
    "all wrong": lambda predictions, truth: all(each != truth for each in predictions),
    DISAGREE: lambda predictions, truth: len(set(predictions)) > 1,
}


def choose_filter(models: Sequence[Model]) -> list[str]:
    """Ids of the images that match, in order; with a sentence where none does.

    Args:
        models: Whose data sets and predictions count.
    """
    rows = {image_id: row for model in models for image_id, row in model.rows.items()}
    classes = sorted({row.label for row in rows.values()})
    titles = {ANY_CLASS: ANY_CLASS} | shorten_all(classes, CLASS_LETTERS)
    parts = [ANY_PART, *PART_TITLES]
    for key, there, what in (
        ("class", titles.values(), "Class"),
        ("part", parts, "Split part"),
        ("correctness", CORRECTNESS, "Correctness"),
    ):
        warn_if_gone(key, there, what)
    by_class, by_part, by_correctness = st.columns(3)
    label = by_class.selectbox(
        "Class",
        list(titles),
        format_func=titles.__getitem__,
        key="class",
        bind="query-params",
        help="The true class of the images.",
    )
    part_title = by_part.selectbox(
        "Split part",
        parts,
        key="part",
        bind="query-params",
        help="The set that the image is in for every model shown.",
    )
    correctness = by_correctness.selectbox(
        "Correctness",
        list(CORRECTNESS),
        key="correctness",
        bind="query-params",
        help="Whether the predictions of the models shown are correct, as each run stored them "
        "after its training.",
    )
    part = PART_TITLES.get(part_title)
    found = sorted(
        image_id
        for image_id, row in rows.items()
        if label in (ANY_CLASS, row.label)
        and (part is None or all(model.part(image_id) == part for model in models))
    )
    if correctness != ANY_PREDICTION:
        predicted = _read_predicted(models)
        truths = {image_id: rows[image_id].label for image_id in found}
        found = match_correctness(truths, list(predicted.values()), correctness)
        if correctness == DISAGREE and len(predicted) < 2:
            st.info("One model alone cannot disagree; choose two or more.")
            return found
    if not found:
        st.info(
            "No image matches for the models shown; choose another class, split part or "
            "correctness."
        )
    return found


def match_correctness(
    truths: Mapping[str, str], predicted: Sequence[Mapping[str, str]], wanted: str
) -> list[str]:
    """Ids of the images whose predictions are as `wanted`; without any prediction none is.

    Args:
        truths: The true class by image id.
        predicted: For each model, the predicted class by image id.
        wanted: A key of `CORRECTNESS`.
    """
    matches = CORRECTNESS[wanted]
    predictions = {
        image_id: [each[image_id] for each in predicted if image_id in each] for image_id in truths
    }
    return [
        image_id
        for image_id, truth in truths.items()
        if predictions[image_id] and matches(predictions[image_id], truth)
    ]


def _read_predicted(models: Sequence[Model]) -> dict[str, dict[str, str]]:
    """Predicted classes by run id; a run without predictions is left out, with a sentence."""
    predicted = {}
    for model in models:
        with error_in_place():
            predicted[model.run.id] = predicted_by_image(model)
    return predicted
