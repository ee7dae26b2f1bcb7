"""Choices of the page Compare. Each is held by the link, as the words it shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from modelzoo import places, runs
from modelzoo.evaluation.leaderboard import SPLIT_HELP, LeaderboardRow, SplitChoice
from modelzoo.evaluation.scores import METRICS
from pages.parts.plots import FORMATS
from pages.parts.states import say_if_gone

DRAWN = 12  # runs in figures: nobody tells more lines apart


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a run's confusion matrix."""

    run_id: str
    label: str  # the true class
    says: str  # the class with the highest probability


def choose_rows(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """The rows of the data sets and recipes chosen, of any without a choice.

    No widget is drawn for what is the same in all rows.
    """
    datasets = sorted({row.dataset for row in rows})
    recipes = sorted({row.recipe for row in rows})
    of_data = _choose_some("Data set", datasets, "only_data", "Where the images come from.")
    of_recipe = _choose_some(
        "Recipe", recipes, "only_recipe", "The named settings that a training started from."
    )
    return [row for row in rows if row.dataset in of_data and row.recipe in of_recipe]


def choose_split(splits: Sequence[SplitChoice], *, elsewhere: Collection[str] = ()) -> str:
    """The id of the split chosen; without a choice the first, and no widget where it is alone.

    Args:
        splits: Those that can be chosen, at least one.
        elsewhere: Titles of splits that other choices leave out.
    """
    ids = {choice.title: choice.split_id for choice in splits}
    say_if_gone("split", ids, "Split", elsewhere=elsewhere)
    title = splits[0].title
    if len(splits) > 1:
        chosen = st.selectbox(
            "Tested on",
            ids,
            index=None,  # not the first: a link without a choice must not move when runs are added
            placeholder=f"{title} (most runs)",
            key="split",
            bind="query-params",
            help="Scores can be compared only on the same test images, so one split is shown at a "
            "time.  \n" + "  \n".join(SPLIT_HELP.values()),
        )
        title = chosen or title
    return ids[title]


def choose_data(label: str, key: str, *, placeholder: str, start: bool = False) -> str | None:
    """A folder or table of images: one that runs were trained on, the demo's, or a path typed in.

    Args:
        label: Of the widget.
        key: Its name in the link.
        placeholder: Shown while nothing is chosen.
        start: Without a choice give the demo's images, or else the first known.
    """
    known = _list_known_data()
    demo = str(places.demo_folder().resolve())
    first = (demo if demo in known else next(iter(known), None)) if start else None
    chosen: str | None = st.selectbox(
        label,
        known,
        index=None,
        accept_new_options=True,
        placeholder=first or placeholder,
        key=key,
        bind="query-params",
        help="One folder a class; train, val and test folders; C-NMC's folds; or a CSV or Parquet "
        "file with the columns path and label.",
    )
    return chosen or first


def _list_known_data() -> list[str]:
    """Where the runs here found their images, and the demo's smears."""
    found, _ = runs.list_runs(places.runs_folder())
    known = {run.config.data for run in found if run.config.data}
    if places.demo_folder().is_dir():
        known.add(str(places.demo_folder().resolve()))
    return sorted(known)


def choose_drawn(rows: Sequence[LeaderboardRow], *, elsewhere: Collection[str]) -> list[str]:
    """Ids of the runs that figures show: those chosen, else the best `DRAWN`; in the order of rows.

    Args:
        rows: Best first.
        elsewhere: Ids of runs that other choices leave out.
    """
    run_ids = [row.run_id for row in rows]
    say_if_gone("drawn", run_ids, "Run", elsewhere=elsewhere)
    if len(rows) <= DRAWN:
        return run_ids
    chosen = st.multiselect(
        "Runs in the figures",
        run_ids,
        format_func=lambda run_id: run_id,  # it stands in links, so it must not change
        key="drawn",
        bind="query-params",
        max_selections=DRAWN,
        placeholder=f"the {DRAWN} best of {len(rows)}",
        help=f"Up to {DRAWN}: of more, nobody could tell the lines apart. The table has every run.",
    )
    return [run_id for run_id in run_ids if run_id in chosen] or run_ids[:DRAWN]


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
        help="  \n".join(f"**{metric.title}**: {metric.help}" for metric in METRICS.values()),
    )
    return chosen or "accuracy"


def choose_format() -> str:
    """What a figure is saved as."""
    chosen = st.segmented_control(
        "Figures are saved as",
        FORMATS,
        default=FORMATS[0],
        required=True,
        key="figures",
        bind="query-params",
        help="The camera above each figure saves it. PNG: pixels, for slides. SVG: "
        "lines, sharp at any size, for print.",
    )
    return chosen or FORMATS[0]


def name_cell(cell: Cell) -> str:
    """A cell in the words that stand in links."""
    return f"{cell.run_id}: {cell.label} said to be {cell.says}"


def choose_cell(cells: Sequence[Cell], *, elsewhere: Collection[str]) -> Cell | None:
    """The cell of a confusion matrix whose images to show; None: none yet.

    What a click on a matrix chooses; by keyboard the same.

    Args:
        cells: Those of the matrices shown.
        elsewhere: Ids of runs that other choices leave out.
    """
    by_name = {name_cell(cell): cell for cell in cells}
    hidden = [
        name for name in st.query_params.get_all("cell") if name.partition(": ")[0] in elsewhere
    ]
    say_if_gone("cell", by_name, "Cell", elsewhere=hidden)
    chosen = st.selectbox(
        "Images of a cell",
        by_name,
        index=None,
        placeholder="Click a cell of a matrix, or choose one here",
        key="cell",
        bind="query-params",
        help="Which test images to show: the model, their true class, and what the model says. "
        "Type a part of a name to find it.",
    )
    return by_name.get(chosen or "")


def choose_right(images_by_right: Mapping[int, int]) -> int | None:
    """By how many models an image is named right; None: any number.

    Args:
        images_by_right: How many images, for each number of models.
    """
    counts = [str(right) for right in sorted(images_by_right)]
    say_if_gone("right", counts, "Number of models")
    chosen = st.pills(
        "Right by so many models",
        counts,
        key="right",
        bind="query-params",
        help="How many of the models shown name the image right. "
        + ", ".join(
            f"{right}: {images} images" for right, images in sorted(images_by_right.items())
        ),
    )
    return int(chosen) if chosen else None


def _choose_some(what: str, values: Sequence[str], key: str, text: str) -> Sequence[str]:
    say_if_gone(key, values, what)
    if len(values) < 2:
        return values
    return (
        st.pills(
            what,
            values,
            selection_mode="multi",
            key=key,
            bind="query-params",
            help=f"{text} Without a choice: all.",
        )
        or values
    )
