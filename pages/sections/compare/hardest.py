"""Test images by how many models are correct."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
    counts = [str(right) for right in sorted(images_by_n_correct)]
    warn_if_gone("n_correct", counts, "Number of models")
    chosen = st.pills(
        "Number of correct models",
        counts,
        key="n_correct",
        bind="query-params",
        help="How many of the models shown predict the true class. "
        + ", ".join(
            f"{right}: {images} images" for right, images in sorted(images_by_n_correct.items())
        ),
    )
    return int(chosen) if chosen else None


def draw_hardest(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> None:
    """The test images of `rows`, the hardest first."""
    st.subheader("Hardest test images")
    answers = read_test_predictions(row.run_id for row in rows)
    judged = rank_hardest(answers)
    st.markdown(plain(describe_agreement(judged)))
    if not judged:
        return
    right = choose_n_correct(Counter(each.n_correct for each in judged))
    shown = [each for each in judged if right in (None, each.n_correct)]
    st.caption(
        f"{len(shown)} of {len(judged)} images, the hardest first: those for which fewest "
        "models are correct, and among them those with the highest confidence in a wrong class. "
        "Percentages are the probabilities of the predicted classes."
    )
    cards = [_card(each, names) for each in shown]
    if cards:
        draw_gallery(cards, Path(rows[0].config.data), key="hard_page", card_px=280)
    offer_csv(results_table(shown, names), name_file("hardest-images", rows[0]), "List as CSV")


def _card(judged: ImageResult, names: Mapping[str, str]) -> Card:
    by_answer: dict[str, list[ModelPrediction]] = {}
    for saying in judged.by_model:
        by_answer.setdefault(saying.predicted, []).append(saying)
    lines = [
        f"{'**' + plain(says) + '**' if says == judged.label else plain(says)}: "
        + ", ".join(f"{plain(names[each.run_id])} {_percent(each)}" for each in by_model)
        for says, by_model in sorted(by_answer.items(), key=lambda item: item[0] != judged.label)
    ]
    right = f"{judged.n_correct} of {count(len(judged.by_model), 'model')} correct"
    return Card(
        judged.image,
        f"true class **{plain(judged.label)}**, {right}  \n"
        + "  \n".join(f":small[{line}]" for line in lines),
        f"{judged.image}, true class {judged.label}, {right}.",
        _most_confident(judged),
    )


def _percent(saying: ModelPrediction) -> str:
    """Its probability, kept on one line."""
    return percent(saying.probability, 0).replace(" ", "\N{NO-BREAK SPACE}")


def _most_confident(judged: ImageResult) -> tuple[str, ...]:
    """The runs that Explain shows: the most confident wrong and the most confident correct one."""
    chosen = []
    for is_correct in (False, True):
        alike = [each for each in judged.by_model if each.is_correct == is_correct]
        if alike:
            chosen.append(max(alike, key=lambda each: each.probability).run_id)
    return tuple(chosen)
