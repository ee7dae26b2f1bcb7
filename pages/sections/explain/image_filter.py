"""Which images of the data sets are listed: by class, split part and correctness. No torch."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from modelzoo.datasets.splits import PARTS
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.reads import Model, predicted_by_image

ANY_CLASS, ANY_PART, ANY_ANSWER = "any class", "any set", "any prediction"
DISAGREE = "models disagree"

# What is asked of the answers (one class a model) and the true class.
CORRECTNESS: dict[str, Callable[[Sequence[str], str], bool]] = {
    ANY_ANSWER: lambda answers, truth: True,
    "all correct": lambda answers, truth: all(each == truth for each in answers),
    "some wrong": lambda answers, truth: any(each != truth for each in answers),
    "all wrong": lambda answers, truth: all(each != truth for each in answers),
    DISAGREE: lambda answers, truth: len(set(answers)) > 1,
}


def choose_filter(models: Sequence[Model]) -> list[str]:
    """Ids of the images that match, in order; says so where none does.

    Args:
        models: Whose data sets and answers count.
    """
    rows = {image_id: row for model in models for image_id, row in model.rows.items()}
    classes = [ANY_CLASS, *sorted({row.label for row in rows.values()})]
    parts = [ANY_PART, *PARTS]
    for key, there, what in (
        ("class", classes, "Class"),
        ("part", parts, "Part"),
        ("correctness", CORRECTNESS, "Filter"),
    ):
        warn_if_gone(key, there, what)
    by_class, by_part, by_answers = st.columns(3)
    label = by_class.selectbox(
        "Class", classes, key="class", bind="query-params", help="The true class of the images."
    )
    part = by_part.selectbox(
        "Split part",
        parts,
        key="part",
        bind="query-params",
        help="train: in the training set of every model shown; test: in the test set of all of "
        "them.",
    )
    answers = by_answers.selectbox(
        "Correctness",
        list(CORRECTNESS),
        key="correctness",
        bind="query-params",
        help="Whether the predictions of the models shown are correct, as each run stored them "
        "after its training.",
    )
    found = sorted(
        image_id
        for image_id, row in rows.items()
        if label in (ANY_CLASS, row.label)
        and all(part in (ANY_PART, model.part(image_id)) for model in models)
    )
    if answers != ANY_ANSWER:
        said = _read_answers(models)
        truths = {image_id: rows[image_id].label for image_id in found}
        found = match_correctness(truths, list(said.values()), answers)
        if answers == DISAGREE and len(said) < 2:
            st.info("One model cannot disagree; choose two or more.")
            return found
    if not found:
        st.info(
            "No image matches for the models shown; choose another class, split part or "
            "correctness."
        )
    return found


def match_correctness(
    truths: Mapping[str, str], said: Sequence[Mapping[str, str]], wanted: str
) -> list[str]:
    """Ids of the images whose answers are as `wanted`; one that no model has answered is not.

    Args:
        truths: The true class by image id.
        said: For each model, the class it named by image id.
        wanted: A key of `CORRECTNESS`.
    """
    matches = CORRECTNESS[wanted]
    answers = {
        image_id: [each[image_id] for each in said if image_id in each] for image_id in truths
    }
    return [
        image_id
        for image_id, truth in truths.items()
        if answers[image_id] and matches(answers[image_id], truth)
    ]


def _read_answers(models: Sequence[Model]) -> dict[str, dict[str, str]]:
    """Answers by run; a run without predictions is said and left out."""
    said = {}
    for model in models:
        with error_in_place():
            said[model.run.id] = predicted_by_image(model)
    return said
