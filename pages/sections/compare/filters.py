"""Choices of the page Compare: those that concern all its sections, and the score."""

from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_HELP, LeaderboardRow, SplitChoice
from modelzoo.evaluation.units import UNITS, Unit
from modelzoo.text import shorten_all
from pages.figures.frame import FORMATS
from pages.sections.compare.figures import NAME_LETTERS
from pages.shell.calibrated import choose_calibrated, draw_scaling
from pages.shell.links import warn_if_gone
from pages.shell.reads import find_folder
from pages.shell.scores import score_rows, why_not_per
from pages.shell.session import keep_said
from pages.shell.text import plain

DRAWN = 12  # runs in figures: more lines cannot be distinguished


def choose_rows(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """The rows of the data sets and recipes chosen, of any without a choice.

    No widget is drawn for what is the same in all rows.
    """
    datasets = sorted({row.dataset for row in rows})
    recipes = sorted({row.recipe for row in rows})
    of_data = _choose_some("Data set", datasets, "dataset", "Where the images come from.")
    of_recipe = _choose_some(
        "Recipe", recipes, "recipe", "The named configuration that a training started from."
    )
    return [row for row in rows if row.dataset in of_data and row.recipe in of_recipe]


def choose_split(splits: Sequence[SplitChoice], *, elsewhere: Collection[str] = ()) -> SplitChoice:
    """The split chosen; without a choice the first, and no widget where it is alone.

    Args:
        splits: Those that can be chosen, at least one.
        elsewhere: Titles of splits that other choices leave out.
    """
    by_title = {choice.title: choice for choice in splits}
    warn_if_gone("split", by_title, "Split", elsewhere=elsewhere)
    if len(splits) == 1:
        return splits[0]
    chosen = st.selectbox(
        "Test split",
        by_title,
        index=None,  # not the first: a link without a choice must not move when runs are added
        placeholder=f"{splits[0].title} ({_describe_default(splits)})",
        key="split",
        bind="query-params",
        help="Scores can be compared only on the same test images, so one split is shown at a "
        "time.  \n" + "  \n".join(SPLIT_HELP.values()),
    )
    return by_title[chosen] if chosen else splits[0]


def _describe_default(splits: Sequence[SplitChoice]) -> str:
    """Why the first is shown without a choice."""
    return "the split of most runs" if splits[0].runs > splits[1].runs else "shown by default"


def choose_drawn(
    rows: Sequence[LeaderboardRow], *, elsewhere: Collection[str]
) -> list[LeaderboardRow]:
    """The rows that figures show: those chosen, else the best `DRAWN`; in the order of `rows`.

    No widget is drawn for one row.

    Args:
        rows: Best first.
        elsewhere: Ids of runs that other choices leave out.
    """
    run_ids = [row.run_id for row in rows]
    warn_if_gone("runs", run_ids, "Run", elsewhere=elsewhere)
    if len(rows) < 2:
        return list(rows)
    all_or_best = f"all {len(rows)}" if len(rows) <= DRAWN else f"the {DRAWN} best of {len(rows)}"
    chosen = st.multiselect(
        "Runs in the figures",
        run_ids,
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        key="runs",
        bind="query-params",
        max_selections=DRAWN,
        placeholder=all_or_best,
        help="Which runs the figures, the pairs and the images are of. "
        f"Up to {DRAWN}: more lines cannot be distinguished. The leaderboard has every run.",
    )
    return [row for row in rows if row.run_id in chosen] or list(rows[:DRAWN])


def choose_unit(rows: Sequence[LeaderboardRow]) -> Unit:
    """What is scored as one; patients are offered where each run knows those of its images.

    Args:
        rows: Of one split, at least one.
    """
    reason = next(filter(None, (why_not_per(row.run_id, "patient") for row in rows)), "")
    offered = [unit for unit in UNITS if unit != "patient" or not reason]
    hidden = [f"per {unit}" for unit in UNITS if unit not in offered]
    titles = [f"per {unit}" for unit in offered]
    warn_if_gone("per", [*titles, *hidden], "Scoring")
    if hidden and hidden[0] in st.query_params.get_all("per"):
        for sentence, icon in keep_said("per", [(plain(reason), ":material/person_off:")]):
            st.warning(sentence, icon=icon)
    chosen = st.segmented_control(
        "Scored",
        titles,
        default=titles[0],
        required=True,
        key="per",
        bind="query-params",
        help="Per image, or per group of images that belong together (copies, overlapping fields, "
        "one patient), or per patient: the probabilities of a group or patient are the mean over "
        "its test images, and it counts as one in every score, interval, comparison and curve. One "
        "with images of several classes is divided by class. Operating points stay per image."
        + (f"  \nNot per patient here: {plain(reason)}" if reason else ""),
    )
    return offered[titles.index(chosen)] if chosen in titles else "image"


def draw_unit(row: LeaderboardRow) -> None:
    """What is scored as one, and how many there are; nothing of single images."""
    if row.per == "image":
        return
    st.caption(
        f":material/stacks: {plain(row.evaluation.notes[0])} Below, every count of test images is "
        f"one of {row.per}s, and where images are shown the first of each {row.per} stands for it."
    )


def choose_scaling(
    rows: list[LeaderboardRow], drawn: list[LeaderboardRow], names: Mapping[str, str]
) -> tuple[bool, list[LeaderboardRow], list[LeaderboardRow]]:
    """Whether probabilities are calibrated, and `rows` and `drawn` with the scores of them.

    Args:
        rows: Of one split.
        drawn: Those of `rows` that figures show.
        names: By run id.
    """
    calibrated = choose_calibrated(
        "AUC, average precision, Brier score, log loss and ECE, the curves, thresholds and the "
        "probabilities of images follow; what counts predicted classes stays as it is."
    )
    if not calibrated:
        return False, rows, drawn
    draw_scaling({names[row.run_id]: find_folder(row.run_id) for row in drawn})
    scaled = score_rows(rows, calibrated=True, per=rows[0].per)
    ids = {row.run_id for row in drawn}
    return True, scaled, [row for row in scaled if row.run_id in ids]


def choose_metric() -> str:
    """The score that the intervals are drawn for."""
    chosen = st.segmented_control(
        "Score",
        list(METRICS),
        default="accuracy",
        required=True,
        format_func=lambda name: METRICS[name].title,
        key="score",
        bind="query-params",
        wrap=True,  # in a column it would scroll, and hide scores from a phone
        help="  \n".join(f"**{metric.title}**: {metric.full_help}" for metric in METRICS.values()),
    )
    return chosen or "accuracy"


def choose_more_metrics() -> list[str]:
    """The scores that the leaderboard shows beside its own."""
    others = [name for name, metric in METRICS.items() if not metric.is_default]
    titles = [METRICS[name].title for name in others]
    warn_if_gone("more_scores", titles, "Score")
    return st.pills(
        "More scores in the leaderboard",
        others,
        selection_mode="multi",
        format_func=lambda name: METRICS[name].title,
        key="more_scores",
        bind="query-params",
        help="The tables that are saved have every score.",
    )


def choose_format() -> str:
    """The format that figures are exported in."""
    chosen = st.segmented_control(
        "Export format",
        FORMATS,
        default=FORMATS[0],
        required=True,
        key="export",
        bind="query-params",
        help="The camera above each figure saves it. PNG: pixels, for slides. SVG: "
        "lines, sharp at any size, for print.",
    )
    return chosen or FORMATS[0]


def _choose_some(what: str, values: Sequence[str], key: str, text: str) -> Sequence[str]:
    titles = {value: plain(short) for value, short in shorten_all(values, NAME_LETTERS).items()}
    warn_if_gone(key, titles.values(), what)
    if len(values) < 2:
        return values
    return (
        st.pills(
            what,
            values,
            selection_mode="multi",
            format_func=titles.__getitem__,  # a title of pills is Markdown
            key=key,
            bind="query-params",
            help=f"{text} Without a choice: all.",
        )
        or values
    )
