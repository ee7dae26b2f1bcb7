"""Faithfulness of the maps of runs, as `python -m xai quality` measured it. No torch."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.runs.attribution_tables import read_quality
from pages.sections.compare.figures import name_file
from pages.shell.errors import error_in_place
from pages.shell.reads import find_folder
from pages.shell.tables import WHOLE_ROWS, offer_csv
from pages.shell.text import plain
from xai.faithfulness.table import (  # noqa: TID253  # no torch behind
    MEASURES,
    PUBLISHED,
    TOGETHER,
    Summary,
)
from xai.methods.table import METHODS  # noqa: TID253  # a table: no torch behind it
from xai.say.verdict import describe_runs  # noqa: TID253  # no torch behind

# What can be chosen; the rest is in the CSV.
CHOICES = ("insertion", "deletion", "nucleus_energy", "cytoplasm_energy", "background_energy")


def draw_faithfulness(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], split_title: str
) -> None:
    """The maps of each run beside baseline maps; or how to evaluate them.

    Args:
        rows: Of one split, best first.
        names: By run id.
        split_title: Whose test set the maps are of.
    """
    st.subheader("Faithfulness of attribution maps")
    found = {row.run_id: each for row in rows if (each := _read(row.run_id))}
    missing = [row.run_id for row in rows if row.run_id not in found]
    if not found:
        st.markdown(
            "The maps of no run shown have been evaluated yet. These commands do it, one per "
            "run; the default of 100 images takes minutes per method, `--n 10` less:"
        )
        _offer_commands(missing)
        return
    measure = _choose_measure()
    shown = {
        run_id: [each for each in summaries if each.measure == measure]
        for run_id, summaries in found.items()
    }
    if not any(shown.values()):
        st.info("No run shown has this measure; choose another.")
        return
    st.markdown(_describe(shown))
    _draw_table(shown, names, measure)
    st.caption(f"Test images of {plain(split_title)}. {_describe_measure(measure)}")
    offer_csv(_all_rows(found, names), name_file("faithfulness", rows[0]))
    if missing:
        with st.expander(f"Not evaluated yet: {', '.join(plain(names[each]) for each in missing)}"):
            _offer_commands(missing)


def _read(run_id: str) -> list[Summary]:
    """What was found of the run's maps; nothing where they were not evaluated."""
    found: list[Summary] = []
    with error_in_place():
        found = read_quality(find_folder(run_id), Summary) or []
    return [each for each in found if each.method in METHODS and each.measure in MEASURES]


def _offer_commands(run_ids: Sequence[str]) -> None:
    folder = paths.runs_folder()
    lines = [f"python -m xai quality --run {shlex.quote(str(folder / each))}" for each in run_ids]
    st.code("\n".join(lines), language="bash", wrap_lines=True)


def _choose_measure() -> str:
    chosen = st.segmented_control(
        "Measure",
        list(CHOICES),
        default=CHOICES[0],
        required=True,
        format_func=lambda name: MEASURES[name].title,
        key="map_metric",
        bind="query-params",
        wrap=True,
        help="  \n".join(f"**{MEASURES[name].title}**: {MEASURES[name].help}" for name in CHOICES),
    )
    return chosen or CHOICES[0]


def _describe(shown: Mapping[str, Sequence[Summary]]) -> str:
    """One line per method, in the order of `METHODS`."""
    of_method = {
        method: [each for found in shown.values() for each in found if each.method == method]
        for method in METHODS
    }
    return "  \n".join(plain(describe_runs(found)) for found in of_method.values() if found)


def _draw_table(
    shown: Mapping[str, Sequence[Summary]], names: Mapping[str, str], measure: str
) -> None:
    """One row per run and method."""
    table = pd.DataFrame(
        [
            {
                "Model": names[run_id],
                "Map": METHODS[each.method].title,
                MEASURES[measure].title: _with_interval(each),
                "Random": each.random,
                "Centre": each.centre,
                "Blurred": each.blurred,
                "p, random": each.p_random,
                "p, centre": each.p_centre,
                "p, blurred": each.p_blurred,
                "Share of area": each.area,
                "Better than all three": None if each.win_share is None else 100 * each.win_share,
                "Images": each.images,
                "Groups": each.groups,
            }
            for run_id, found in shown.items()
            for each in found
        ]
    ).dropna(axis="columns", how="all")
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= WHOLE_ROWS else "auto",
        key="maps",
        alt=f"{MEASURES[measure].title}: one row per run and method, beside random, centre and "
        "blurred maps.",
        column_config={
            "Model": column.TextColumn(pinned=True),
            **{
                name: column.NumberColumn(format="%.2f", help=text)
                for name, text in (
                    ("Random", "Copies of the map moved elsewhere in the image, their mean."),
                    ("Centre", "A spot in the middle of every image."),
                    ("Blurred", "What is dark in the blurred image: nuclei, whatever they mean."),
                    ("Share of area", "What a map spread evenly over the image would have."),
                )
            },
            **{
                f"p, {name}": column.NumberColumn(
                    format="%.3f", help=f"Of the gain over the {words}, corrected."
                )
                for name, words in (
                    ("random", "moved copies"),
                    ("centre", "centre map"),
                    ("blurred", "blurred map"),
                )
            },
            "Better than all three": column.NumberColumn(
                format="%.0f %%", help="Share of images whose map is better than all three."
            ),
        },
    )


def _describe_measure(measure: str) -> str:
    """What is measured, which way is better, and how the table is read."""
    row = MEASURES[measure]
    sentences = [row.help]
    if row.up_is_better is not None:
        sentences += [
            f"{'Higher' if row.up_is_better else 'Lower'} is better.",
            "p: of the mean gain over a baseline map, image by image, by random signs of the "
            "groups, two-sided; corrected for the three maps"
            f"{' and for insertion and deletion' if measure in TOGETHER else ''}, not for the "
            "methods and runs of the table.",
        ]
    sentences.append(
        "In brackets the 95 % CI over groups (Student's t); images of one group have none."
    )
    if measure == "nucleus_energy":
        sentences.append(PUBLISHED)
    return " ".join(sentences)


def _with_interval(summary: Summary) -> str:
    """`0.64 (0.55–0.70)`; the mean alone where all images belong to one group."""
    mean = f"{summary.value:.2f}"
    if summary.ci_low is None or summary.ci_high is None:
        return mean
    return f"{mean} ({summary.ci_low:.2f}–{summary.ci_high:.2f})"


def _all_rows(found: Mapping[str, Sequence[Summary]], names: Mapping[str, str]) -> pd.DataFrame:
    """Every measure of every run and method."""
    return pd.DataFrame(
        [
            {"model": names[run_id], "run": run_id} | asdict(each)
            for run_id, summaries in found.items()
            for each in summaries
        ]
    )
