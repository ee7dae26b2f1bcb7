"""Faithfulness of attribution maps: rows of the page Explain. torch is imported when drawn."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from modelzoo.runs.attribution_tables import read_validity
from pages.sections.explain.image import Subject
from pages.sections.explain.maps import find_target
from pages.shell import inference
from pages.shell.errors import error_in_place
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.text import plain
from xai.attribution import Attribution, is_same_map  # noqa: TID253  # records: no torch behind them
from xai.errors import UserError as ExplainError  # noqa: TID253  # no torch behind it
from xai.faithfulness.table import MEASURES  # noqa: TID253  # a table: no torch behind it
from xai.methods.table import Method  # noqa: TID253  # a record: no torch behind it

if TYPE_CHECKING:
    from xai.faithfulness.report import QualityReport

HELP = (
    "Pixels are removed (deletion) or restored (insertion) in the order of the map. A faithful map "
    "changes the prediction sooner than 24 copies of itself moved elsewhere (random placement) and "
    "than two maps that do not depend on the model: one of the centre, and one of what is dark. p "
    "is the share of all 25 places that do as well as its own, corrected for both measures."
)
LEFT_OUT = (
    "increase_in_confidence",
    "noise_change",
)  # for one image they add little to the others


def draw_faithfulness(
    model: Model,
    prediction: Prediction,
    subject: Subject,
    methods: Sequence[Method],
    target_name: str,
) -> None:
    """The row of one model: for each map a sentence and the measures that it rests on."""
    with st.container(border=True):
        target = find_target(prediction, target_name)
        if target is None:
            return
        name = prediction.classes[target]
        st.markdown(
            f"#### {plain(model.title)}: faithfulness of its maps for {plain(name)}", help=HELP
        )
        for method in methods:
            with error_in_place():
                _draw_method(model, subject, method, target)


def draw_similarity(
    predicted: Sequence[tuple[Model, Prediction]],
    subject: Subject,
    methods: Sequence[Method],
    target_name: str,
) -> None:
    """Similarity of the maps, between models for each method and between methods for each model."""
    from xai.faithfulness.similarity import agreement

    maps: dict[tuple[str, str], Attribution] = {}
    for model, prediction in predicted:
        name = prediction.class_to_explain(target_name)
        for method in methods if name in prediction.classes else []:
            with suppress(ExplainError):  # said above already
                maps[model.title, method.title] = inference.attribution(
                    model,
                    subject.picture,
                    method=method.name,
                    target=prediction.classes.index(name),
                )
    predicted_by = {model.title: prediction.predicted for model, prediction in predicted}
    rows = [
        {
            "One map": ", ".join(one),
            "Another": ", ".join(other),
            "Rank correlation": agreement(maps[one].values, maps[other].values),
            "Interpretation": _describe_pair(one, other, maps, predicted_by),
        }
        for one, other in combinations(maps, 2)
        if one[0] == other[0] or one[1] == other[1]
    ]
    if rows:
        st.markdown("#### Similarity of the maps")
        st.dataframe(
            pd.DataFrame(rows).sort_values("Rank correlation", ascending=False),
            hide_index=True,
            column_config={"Rank correlation": st.column_config.NumberColumn(format="%.2f")},
            alt="Rank correlation of every two maps of one model or of one method.",
        )


def _describe_pair(
    one: tuple[str, str],
    other: tuple[str, str],
    maps: dict[tuple[str, str], Attribution],
    predicted_by: dict[str, str],
) -> str:
    from xai.faithfulness.similarity import agreement
    from xai.say.verdict import describe_agreement

    if one[0] == other[0]:  # of one model, which has one prediction
        if is_same_map(maps[one], maps[other]):
            return "The same map, so their agreement shows nothing."
        return "Two methods on one model."
    alike = agreement(maps[one].values, maps[other].values)
    return describe_agreement(alike, same_prediction=predicted_by[one[0]] == predicted_by[other[0]])


def _draw_method(model: Model, subject: Subject, method: Method, target: int) -> None:
    from xai.say.verdict import describe_verdict

    place = st.empty()
    bar = place.progress(0.0, f"{method.title}: computing the map …")

    def show(done: int, total: int) -> None:
        bar.progress(min(done / total, 1.0), f"{method.title}: evaluating its map …")

    attribution = inference.attribution(model, subject.picture, method=method.name, target=target)
    report = inference.evaluate_map(
        model,
        subject.picture,
        attribution,
        on_progress=show,
    )
    place.empty()
    st.markdown(f"**{method.title}.** {plain(describe_verdict(report))}")
    with error_in_place():
        if held := _read_sentence(model, method.name):
            st.markdown(f"On a few test images of this run: {plain(held)}")
    st.caption(method.not_valid)
    with st.expander("Measures, beside those of the three baseline maps"):
        st.dataframe(
            score_table(report),
            hide_index=True,
            alt=f"Measures of {method.title} and of random, centre and blurred baseline maps.",
        )


def _read_sentence(model: Model, method: str) -> str:
    """What `python -m xai quality` found of the method on this network; empty: nothing yet."""
    found = read_validity(model.run.path) or []
    return " ".join(row["sentence"] for row in found if row["method"] == method)


def score_table(report: "QualityReport") -> pd.DataFrame:
    """One row per measure that is defined, for the map and for the three baseline maps."""
    rows = []
    for name, measure in MEASURES.items():
        values = [
            getattr(each, name)
            for each in (report.own, report.random, report.centre, report.blurred)
        ]
        if values[0] is None or name in LEFT_OUT:
            continue
        area = getattr(report, measure.area) if measure.area else None
        rows.append(
            [
                measure.title,
                measure.better,
                *("" if value is None else f"{value:.2f}" for value in values),
                "" if area is None else f"{area:.2f}",
            ]
        )
    columns = ["Measure", "Better", "This map", "Random", "Centre", "Blurred", "Share of area"]
    table = pd.DataFrame(rows, columns=columns)
    return table if table["Share of area"].any() else table.drop(columns="Share of area")
