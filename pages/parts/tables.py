"""Tables that pages share: the leaderboard, the settings, and the runs that have no scores."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.leaderboard import (
    Leaderboard,
    LeaderboardRow,
    describe_score,
    leaderboard_table,
)
from modelzoo.evaluation.scores import METRICS
from modelzoo.evaluation.settings import SETTING_HELP, differing_settings, say_settings

STATE_COLOURS = {"queued": "gray", "training": "blue", "stopped": "orange", "failed": "red"}
FIGURE_SPACE = "\N{FIGURE SPACE}"  # as wide as a digit
WHOLE_ROWS = 15  # a longer table scrolls in itself
BADGES = {True: "ImageNet", False: "no ImageNet weights", None: "not known"}


def leaderboard(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> None:
    """The runs with every score and its interval; `no ImageNet weights` is a badge.

    Args:
        rows: Of one split, best first.
        names: By run id.
    """
    table = pd.DataFrame(
        [
            {
                "model": names[row.run_id],
                "accuracy": _sortable(row.accuracy),
                "weights": [BADGES[row.has_imagenet]],
                **{
                    name: _sortable(row.evaluation.scores[name])
                    for name in METRICS
                    if name != "accuracy"
                },
                "ms": row.ms_per_image,
                "parameters": row.parameters / 1e6,
                "seconds": row.seconds,
                "recipe": row.recipe,
                "run": row.run_id,
                "notes": " ".join(row.notes),
            }
            for row in rows
        ]
    )
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(rows) <= WHOLE_ROWS else "auto",
        key="leaderboard",
        alt="Leaderboard: one row a run with every score and its 95 % interval.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "weights": column.MultiselectColumn(
                "Started from",
                options=list(BADGES.values()),
                color=["#1B7F5C", "#B84E00", "#6B6B6B"],
                help="A backbone that starts at random learns far less from few images.",
            ),
            **{
                name: column.TextColumn(
                    metric.title, help=f"{metric.help} In brackets the 95 % interval."
                )
                for name, metric in METRICS.items()
            },
            "ms": column.NumberColumn(
                "ms an image", format="%.1f", help="One image at a time, median, where it trained."
            ),
            "parameters": column.NumberColumn(
                "Parameters", format="%.1f M", help="Weights of the network, in millions."
            ),
            "seconds": column.NumberColumn(
                "Trained in", format="%.0f s", help="Seconds of all phases of the training."
            ),
            "recipe": column.TextColumn("Recipe", help="The named settings it was trained with."),
            "run": column.TextColumn("Run", help="The run's folder."),
            "notes": column.TextColumn("Notes", help="What to know before trusting the row."),
        },
    )
    offer_csv(leaderboard_table(rows), f"leaderboard-{rows[0].split_id}")


def settings(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> None:
    """What differs between the settings of the runs, and whether anything does."""
    st.subheader("Is it the backbone that makes the difference?")
    table = differing_settings({row.run_id: row.config for row in rows})
    st.markdown(say_settings(table))
    if len(table.columns) == 1:
        return
    table.insert(0, "model", [names[row.run_id] for row in rows])
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(rows) <= WHOLE_ROWS else "auto",
        key="settings",
        alt="The settings in which the runs differ: one row a run, one column a setting.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "run": column.TextColumn("Run", help="The run's folder."),
            **{
                name: column.Column(
                    str(name).replace("_", " ").capitalize(), help=SETTING_HELP[name]
                )
                for name in table.columns
                if name in SETTING_HELP
            },
        },
    )
    offer_csv(table, f"settings-{rows[0].split_id}")


def offer_csv(table: pd.DataFrame, name: str, label: str = "Table as CSV") -> None:
    """A button that saves `table` as `<name>.csv`."""
    st.download_button(
        label,
        table.to_csv(index=False),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{name}",
        on_click="ignore",
    )


def unfinished(board: Leaderboard) -> None:
    """The runs without scores, with their state and why; nothing when there are none."""
    if not board.unfinished and not board.problems:
        return
    st.markdown("**Runs without scores**")
    for run in board.unfinished:
        colour = STATE_COLOURS.get(run.state, "gray")
        st.markdown(f":{colour}-badge[{run.state}] **{run.title}** `{run.run_id}`: {run.sentence}")
    for run_id, sentence in board.problems.items():
        st.markdown(f":red-badge[damaged] `{run_id}`: {sentence}")


def _sortable(score: Score) -> str:
    """The score in words, padded: sorted by its letters, a column is sorted by its values."""
    text = describe_score(score)
    if math.isnan(score.value):
        return text
    return text.rjust(len(text) + len("100.0 ") - text.index("%"), FIGURE_SPACE)
