"""Operating points: some classes against the rest at one threshold, and what that would mean."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import streamlit as st

from modelzoo.evaluation.operating_words import (
    describe_choice,
    describe_frequencies,
    describe_limits,
    describe_rates,
    describe_scores,
    describe_values,
)
from modelzoo.evaluation.predictive_values import check_prevalence, frequencies, predictive_values
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.run_thresholds import OperatingPoint
from modelzoo.text import join_few
from pages.figures.frame import config
from pages.figures.people import people_alt, people_grid
from pages.sections.compare.figures import describe_source, name_file
from pages.sections.compare.kept_point import draw_kept
from pages.sections.compare.operating_choices import Asked, choose_point
from pages.sections.compare.operating_table import draw_table
from pages.sections.compare.risk_coverage import draw_risk_coverage
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.scores import read_operating_points
from pages.shell.text import plain


def draw_operating_point(
    rows: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    *,
    calibrated: bool,
) -> None:
    """The operating point of one run in words and as 1,000 people, and of all runs in a table.

    Args:
        rows: At least one, all of one split, best first.
        names: By run id.
        file_format: Of a figure that is saved.
        calibrated: Whether scores are of scaled probabilities, where a run has a temperature.
    """
    st.subheader("Operating point")
    asked = choose_point(rows)
    row = _choose_run(rows)
    if asked.positive:
        _draw_points(rows, row, names, asked, file_format, calibrated)
    else:
        st.info(
            "Choose the classes that count as positive; the others are negative.",
            icon=":material/rule:",
        )
    draw_risk_coverage(row, names[row.run_id], file_format, calibrated=calibrated)


def _draw_points(
    rows: Sequence[LeaderboardRow],
    row: LeaderboardRow,
    names: Mapping[str, str],
    asked: Asked,
    file_format: str,
    calibrated: bool,
) -> None:
    """One run in words and as people, all of them in a table."""
    points, problems = read_operating_points(
        [each.run_id for each in rows],
        asked.positive,
        asked.criterion,
        asked.wanted,
        calibrated=calibrated,
    )
    _say_problems(problems, names)
    with error_in_place():
        if asked.prevalence is not None:
            check_prevalence(asked.prevalence)
        if point := points.get(row.run_id):
            words = f"{names[row.run_id]}: {describe_choice(point)} {describe_rates(point)}"
            st.markdown(plain(words))
            if calibrated:
                st.caption(describe_scores(point))
            for note in point.notes:
                st.warning(plain(note), icon=":material/warning:")
            _draw_people(row, point, asked.prevalence, file_format)
            draw_kept(row.run_id, point)
        if drawn := [each for each in rows if each.run_id in points]:
            draw_table(drawn, points, names, asked.prevalence)


def _say_problems(problems: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Why runs have no operating point, each sentence once."""
    runs_by_sentence: dict[str, list[str]] = defaultdict(list)
    for run_id, sentence in problems.items():
        runs_by_sentence[sentence].append(names[run_id])
    for sentence, runs in runs_by_sentence.items():
        st.error(plain(f"{join_few(runs)}: {sentence}"), icon=":material/error:")


def _choose_run(rows: Sequence[LeaderboardRow]) -> LeaderboardRow:
    """The run that is drawn; the best without a choice, and no widget where it is alone."""
    by_id = {row.run_id: row for row in rows}
    warn_if_gone("point_run", by_id, "Run")
    if len(rows) == 1:
        return rows[0]
    chosen = st.selectbox(
        "Run at its operating point",
        by_id,
        index=None,  # a link without a choice must not move when runs are added
        placeholder=f"{rows[0].run_id} (highest accuracy of these)",
        key="point_run",
        bind="query-params",
    )
    return by_id[chosen] if chosen else rows[0]


def _draw_people(
    row: LeaderboardRow, point: OperatingPoint, prevalence: float | None, file_format: str
) -> None:
    """Predictive values in words, and 1,000 people as a picture."""
    used = point.share if prevalence is None else prevalence
    if not 0 < used < 1:
        st.caption(
            "All test images are of one side, so there is no share to take for a prevalence; "
            "set one."
        )
        return
    values = predictive_values(point.rates, used)
    words = [describe_values(values, is_set=prevalence is not None)]
    if prevalence is None:
        words.append("Set the prevalence of your patients: predictive values depend on it.")
    elif 0 < point.share < 1:
        at_share = predictive_values(point.rates, point.share)
        words.append(describe_values(at_share, is_set=False))
    expected = frequencies(point.rates, used)
    is_scaled = point.temperature is not None
    source = describe_source(row, calibrated=is_scaled)
    figure = people_grid(expected, prevalence=used, source=source)
    by_picture, by_words = st.columns([3, 2])
    with by_picture:
        if figure:
            st.plotly_chart(
                figure,
                key="people",
                config=config(
                    name_file(f"people-{row.run_id}", row, calibrated=is_scaled), file_format
                ),
                alt=people_alt(expected),
            )
    with by_words:
        st.markdown(plain(describe_frequencies(expected)))
        st.markdown(plain(" ".join(words)))
        st.markdown(plain(" ".join(describe_limits((*point.choice.positive, *point.negative)))))
