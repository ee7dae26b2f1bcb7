"""Whether probabilities can be taken at their word: reliability diagrams and calibration errors."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.calibration import Reliability, describe_calibration
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import bin_records, describe_score_briefly
from modelzoo.evaluation.temperature import describe_temperature
from modelzoo.runs.records import Temperature
from modelzoo.text import capital, fraction, join_few, shorten_all
from pages.figures.calibration import (
    WIDTH_PX,
    axes_begin,
    reliability_diagram,
    reliability_diagram_alt,
)
from pages.figures.frame import config
from pages.sections.compare.figures import (
    NAME_LETTERS,
    describe_source,
    name_file,
    styles_by_name,
)
from pages.shell.links import warn_if_gone
from pages.shell.reads import find_folder, read_temperature_of
from pages.shell.scores import read_reliability
from pages.shell.tables import WHOLE_ROWS, offer_csv
from pages.shell.text import plain

PREDICTED = "predicted class"  # stands in links
DIAGRAMS = 6  # at a time: each is a figure of its own


def draw_calibration(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    *,
    calibrated: bool,
) -> None:
    """Diagrams of the first runs, and the errors of all before and after scaling.

    Args:
        rows: At least one, all of one split.
        names: By run id.
        file_format: Of figures that are saved.
        calibrated: Whether the diagrams are of scaled probabilities; the table has both.
    """
    st.subheader("Calibration")
    target = _choose_target(rows)
    run_ids = [row.run_id for row in rows]
    before, after = (
        read_reliability(run_ids, target, calibrated=each, per=rows[0].per)
        for each in (False, True)
    )
    if not before:
        whose = "has a label" if target is None else f"can be scored on {target}"
        st.caption(plain(f"No test image {whose}, so there is nothing to draw."))
        return
    shown = after if calibrated else before
    drawn = [row for row in rows if row.run_id in shown]
    _draw_diagrams(drawn, shown, names, target, file_format, calibrated)
    table = _tabulate(drawn, before, after, names)
    _draw_table(table)
    name = f"calibration-{target or PREDICTED}"
    with st.container(horizontal=True):
        offer_csv(table.drop(columns="temperature_in_words"), name_file(name, rows[0]))
        offer_csv(
            _tabulate_bins(drawn, shown, names),
            name_file(f"{name}-bins", rows[0], calibrated=calibrated),
            "Bins as CSV",
        )


def _choose_target(rows: Sequence[LeaderboardRow]) -> str | None:
    """The class chosen, against the rest; None: the predicted class."""
    classes = sorted({name for row in rows for name in row.evaluation.classes})
    titles = {name: plain(short) for name, short in shorten_all(classes, NAME_LETTERS).items()}
    titles = {PREDICTED: PREDICTED, **titles}
    warn_if_gone("calibration", titles.values(), "Class")
    chosen = st.segmented_control(
        "Probability of",
        list(titles),
        default=PREDICTED,
        required=True,
        format_func=titles.__getitem__,  # a title of this control is Markdown
        key="calibration",
        bind="query-params",
        help="Of the class that is predicted, which is right or wrong, or of one class against the "
        "rest: among images with a probability of 80 %, are 80 of 100 of it?",
    )
    return None if chosen in (None, PREDICTED) else chosen


def _draw_diagrams(
    rows: Sequence[LeaderboardRow],
    shown: Mapping[str, Reliability],
    names: Mapping[str, str],
    target: str | None,
    file_format: str,
    calibrated: bool,
) -> None:
    """One diagram per run, and what its error says."""
    styles = styles_by_name(rows, names)
    low = axes_begin(shown[row.run_id] for row in rows[:DIAGRAMS])
    with st.grid(min_column_width=WIDTH_PX, gap="small"):
        for row in rows[:DIAGRAMS]:
            name, reliability = names[row.run_id], shown[row.run_id]
            key = f"calibration-{row.run_id}"
            with st.container():
                st.plotly_chart(
                    reliability_diagram(
                        reliability,
                        styles[name],
                        name=name,
                        low=low,
                        target=target,
                        source=describe_source(row, calibrated=calibrated),
                    ),
                    key=key,
                    config=config(
                        name_file(f"{key}-{target or PREDICTED}", row, calibrated=calibrated),
                        file_format,
                    ),
                    alt=reliability_diagram_alt(reliability, name, target),
                )
                st.caption(plain(describe_calibration(name, reliability)))
    if len(rows) > DIAGRAMS:
        others = join_few([names[row.run_id] for row in rows[DIAGRAMS:]])
        st.caption(plain(f"Without a diagram: {others}. Choose runs above to see theirs."))
    st.caption(
        "Each point is a bin of about equally many test images; images of equal probability stay "
        "together. Bars: 95 % CI over groups of images (Wilson's). On the dotted line "
        "probabilities are true; below it the model is overconfident."
    )


def _tabulate(
    rows: Sequence[LeaderboardRow],
    before: Mapping[str, Reliability],
    after: Mapping[str, Reliability],
    names: Mapping[str, str],
) -> pd.DataFrame:
    """One row per run: errors as they are and after scaling, what ideal calibration would give."""
    records = []
    for row in rows:
        temperature = read_temperature_of(find_folder(row.run_id))
        record = {
            "model": names[row.run_id],
            "run": row.run_id,
            **_errors("", before[row.run_id]),
        }
        if isinstance(temperature, Temperature):
            record |= {
                **_errors("scaled_", after.get(row.run_id)),
                "temperature": temperature.temperature,
                "validation_images": temperature.images,
                "temperature_in_words": capital(describe_temperature(temperature)),
            }
        else:
            record |= {
                **_errors("scaled_", None),
                "temperature": math.nan,
                "validation_images": 0,
                "temperature_in_words": temperature,
            }
        records.append(record)
    return pd.DataFrame(records)


def _errors(prefix: str, found: Reliability | None) -> dict[str, object]:
    """The errors of one run as columns that begin so; NaN where there are none."""
    nothing = [math.nan] * 8
    values = (
        nothing
        if found is None
        else [
            found.ece.value,
            found.ece.ci_low,
            found.ece.ci_high,
            found.ideal.mean,
            found.ideal.highest,
            found.debiased_ece,
            found.squared_error,
            found.debiased_squared_error,
        ]
    )
    keys = (
        *("ece", "ece_ci_low", "ece_ci_high", "ideal_ece_mean", "ideal_ece_percentile_97_5"),
        *("debiased_ece", "squared_error", "debiased_squared_error"),
    )
    words = "" if found is None else describe_score_briefly("ece", found.ece)
    return {f"{prefix}{key}": value for key, value in zip(keys, values, strict=True)} | {
        f"{prefix}ece_in_words": words
    }


def _draw_table(table: pd.DataFrame) -> None:
    column = st.column_config
    ideal = "Mean, and what 97.5 % of test sets of this size stay below; labels are drawn from "
    shown = pd.DataFrame(
        {
            "model": table["model"],
            "ece": table["ece_in_words"],
            "ideal": _describe_ideal(table, ""),
            "scaled": table["scaled_ece_in_words"],
            "scaled_ideal": _describe_ideal(table, "scaled_"),
            "temperature": table["temperature_in_words"],
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        height="content" if len(shown) <= WHOLE_ROWS else "auto",
        key="calibration-errors",
        alt="Expected calibration error with 95 % CI, before and after temperature scaling, beside "
        "that of ideal calibration: one row per run.",
        column_config={
            "model": column.TextColumn("Model", pinned=True),
            "ece": column.TextColumn(
                "ECE (95 % CI)",
                help="Expected calibration error on the test images, from 0 to 1. Chance raises "
                "it: see the next column. An interval that begins at 0: it cannot be told from "
                "ideal calibration.",
            ),
            "ideal": column.TextColumn(
                "If calibrated",
                help=f"{ideal}the probabilities of the model, those of one group together.",
            ),
            "scaled": column.TextColumn(
                "Scaled: ECE (95 % CI)",
                help="On the test images, after temperature scaling; the temperature was fitted on "
                "the validation images.",
            ),
            "scaled_ideal": column.TextColumn(
                "If calibrated", help=f"{ideal}the scaled probabilities."
            ),
            "temperature": column.TextColumn(
                "Temperature", help="Above 1: the model was overconfident; below 1: underconfident."
            ),
        },
    )


def _describe_ideal(table: pd.DataFrame, prefix: str) -> list[str]:
    """`0.035, up to 0.060`; empty where there is none."""
    pairs = zip(
        table[f"{prefix}ideal_ece_mean"], table[f"{prefix}ideal_ece_percentile_97_5"], strict=True
    )
    return ["" if math.isnan(a) else f"{fraction(a)}, up to {fraction(b)}" for a, b in pairs]


def _tabulate_bins(
    rows: Sequence[LeaderboardRow], shown: Mapping[str, Reliability], names: Mapping[str, str]
) -> pd.DataFrame:
    """One row per run and bin: shares in [0, 1]."""
    return pd.DataFrame(
        [
            {
                "model": names[row.run_id],
                "run": row.run_id,
                **record,
            }
            for row in rows
            for record in bin_records(shown[row.run_id])
        ]
    )
