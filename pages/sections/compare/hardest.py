"""Test images with what models predict, the hardest first: of all models, or of one."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from modelzoo.evaluation.hardest import (
    describe_agreement,
    rank_hardest,
    results_table,
)
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.text import count
from pages.sections.compare.cards import card_of_all, card_of_one
from pages.sections.compare.figures import name_file
from pages.shell.gallery import draw_gallery
from pages.shell.links import warn_if_gone
from pages.shell.reads import read_test_predictions
from pages.shell.tables import offer_csv
from pages.shell.text import plain

WRONG, CORRECT = "wrong", "correct"  # stand in links
LIST_CSV = "List as CSV"


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


def choose_model(
    rows: Sequence[LeaderboardRow], *, elsewhere: Collection[str]
) -> LeaderboardRow | None:
    """The one model whose predictions are shown; None: all, and no widget for one row.

    Args:
        rows: Those shown.
        elsewhere: Ids of runs that other choices leave out.
    """
    run_ids = [row.run_id for row in rows]
    warn_if_gone("gallery_run", run_ids, "Run", elsewhere=elsewhere)
    if len(rows) < 2:
        return None
    chosen = st.selectbox(
        "Predictions of",
        run_ids,
        index=None,
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        placeholder="all models shown",
        key="gallery_run",
        bind="query-params",
        help="All models, or one, with its wrong and its correct predictions.",
    )
    return next((row for row in rows if row.run_id == chosen), None)


def choose_outcome(wrong: int, correct: int) -> bool | None:
    """Whether correct (True) or wrong (False) predictions are shown; None: both.

    Args:
        wrong: How many there are.
        correct: The same.
    """
    warn_if_gone("outcome", [WRONG, CORRECT], "Outcome")
    chosen = st.pills(
        "Outcome",
        [WRONG, CORRECT],
        key="outcome",
        bind="query-params",
        help=f"Wrong: {count(wrong, 'image')}, correct: {count(correct, 'image')}. Without a "
        "choice: both.",
    )
    return chosen == CORRECT if chosen else None


def draw_hardest(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    all_ids: Collection[str],
    *,
    calibrated: bool,
) -> None:
    """The test images of `rows`, the hardest first, with the predictions of all or of one.

    Args:
        rows: Those shown.
        names: By run id.
        all_ids: Of every run that was evaluated, shown or not.
        calibrated: Whether their probabilities are scaled.
    """
    st.subheader("Hardest test images")
    if row := choose_model(rows, elsewhere=all_ids):
        _draw_one(row, names, calibrated)
    else:
        _draw_all(rows, names, calibrated)


def _draw_one(row: LeaderboardRow, names: Mapping[str, str], calibrated: bool) -> None:
    """The wrong and the correct predictions of one model, with their probabilities."""
    results = rank_hardest(read_test_predictions([row.run_id], calibrated=calibrated, per=row.per))
    st.markdown(plain(f"{names[row.run_id]}: {describe_agreement(results)}"))
    if not results:
        return
    correct = sum(each.n_correct for each in results)
    outcome = choose_outcome(len(results) - correct, correct)
    shown = [each for each in results if outcome in (None, bool(each.n_correct))]
    st.caption(
        f"{len(shown)} of {count(len(results), 'image')}: wrong predictions before correct ones, "
        "of the wrong those with the highest confidence first, of the correct those with the "
        "lowest. Percentages are the probabilities of the predicted and of the true class."
    )
    if shown:
        draw_gallery(shown, card_of_one, Path(row.config.data), key="hard_page")
    offer_csv(
        results_table(shown, names),
        name_file(f"predictions-{row.run_id}", row, calibrated=calibrated),
        LIST_CSV,
    )


def _draw_all(rows: Sequence[LeaderboardRow], names: Mapping[str, str], calibrated: bool) -> None:
    """The predictions of all models for each image."""
    run_ids = (row.run_id for row in rows)
    results = rank_hardest(read_test_predictions(run_ids, calibrated=calibrated, per=rows[0].per))
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
        draw_gallery(shown, partial(card_of_all, names=names), data, key="hard_page", card_px=280)
    offer_csv(
        results_table(shown, names),
        name_file("hardest-images", rows[0], calibrated=calibrated),
        LIST_CSV,
    )
