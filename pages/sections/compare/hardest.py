"""Test images by how many models are correct."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from modelzoo.evaluation.hardest import (
    ImageResult,
    ModelPrediction,
    describe_agreement,
    rank_hardest,
    results_table,
)
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import count, percent
from pages.sections.compare.figures import name_file
from pages.shell.gallery import Card, draw_gallery
from pages.shell.links import warn_if_gone
from pages.shell.reads import read_test_predictions
from pages.shell.tables import offer_csv
from pages.shell.text import plain


def choose_n_correct(images_by_n_correct: Mapping[int, int]) -> int | None:
    """How many models are correct for an image; None: any number.

    Args:
        images_by_n_correct: How many images, for each number of models.
    """
    counts = [str(correct) for correct in sorted(images_by_n_correct)]
    warn_if_gone("n_correct", counts, "Number of models")
    chosen = st.pills(
        "Number of correct models",
        counts,
        key="n_correct",
        bind="query-params",
        help="How many of the models shown predict the true class. "
        + ", ".join(
            f"{correct}: {count(images, 'image')}"
            for correct, images in sorted(images_by_n_correct.items())
        ),
    )
    return int(chosen) if chosen else None


def draw_hardest(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> None:
    """The test images of `rows`, the hardest first."""
    st.subheader("Hardest test images")
    results = rank_hardest(read_test_predictions(row.run_id for row in rows))
    st.markdown(plain(describe_agreement(results)))
    if not results:
        return
    n_correct = choose_n_correct(Counter(each.n_correct for each in results))
    shown = [each for each in results if n_correct in (None, each.n_correct)]
    st.caption(
        f"{len(shown)} of {count(len(results), 'image')}, the hardest first: those for which "
        "fewest models are correct, and among them those with the highest confidence in a wrong "
        "class. Percentages are the probabilities of the predicted classes."
    )
    if shown:
        data = Path(rows[0].config.data)
        draw_gallery(shown, partial(_card, names=names), data, key="hard_page", card_px=280)
    offer_csv(results_table(shown, names), name_file("hardest-images", rows[0]), "List as CSV")


def _card(result: ImageResult, names: Mapping[str, str]) -> Card:
    by_class: dict[str, list[ModelPrediction]] = {}
    for prediction in result.by_model:
        by_class.setdefault(prediction.predicted, []).append(prediction)
    lines = [
        f"{'**' + plain(name) + '**' if name == result.label else plain(name)}: "
        + ", ".join(f"{plain(names[each.run_id])} {_percent(each)}" for each in by_model)
        for name, by_model in sorted(by_class.items(), key=lambda item: item[0] != result.label)
    ]
    correct = f"{result.n_correct} of {count(len(result.by_model), 'model')} correct"
    return Card(
        result.image,
        f"true class **{plain(result.label)}**, {correct}  \n"
        + "  \n".join(f":small[{line}]" for line in lines),
        f"{result.image}, true class {result.label}, {correct}.",
        _most_confident(result),
    )


def _percent(prediction: ModelPrediction) -> str:
    """Its probability, kept on one line."""
    return percent(prediction.probability, 0).replace(" ", "\N{NO-BREAK SPACE}")


def _most_confident(result: ImageResult) -> tuple[str, ...]:
    """The runs that Explain shows: the most confident wrong and the most confident correct one."""
    chosen = []
    for is_correct in (False, True):
        alike = [each for each in result.by_model if each.is_correct == is_correct]
        if alike:
            chosen.append(max(alike, key=lambda each: each.probability).run_id)
    return tuple(chosen)
