"""Which model is best, and can we tell? Reads what runs left; opens without torch."""

import streamlit as st

from modelzoo.evaluation.leaderboard import (
    best_first,
    leaderboard_table,
    list_splits,
    name_rows,
)
from modelzoo.evaluation.scores import METRICS
from pages.parts import plots, tables
from pages.parts.choices import choose_split
from pages.parts.colours import backbone_style
from pages.parts.demo import offer_demo
from pages.parts.door import through_the_door
from pages.parts.scoreboard import MACRO, read_board, read_curves, read_histories
from pages.parts.states import say_verdict

MEASURES = ("validation_accuracy", "validation_loss", "train_accuracy", "train_loss")

through_the_door()
st.title("Which model is best, and can we tell?")
board = read_board()
splits = list_splits(board.rows)

if not splits:
    st.write("No run has been tested yet, so there is nothing to compare.")
    offer_demo()
    tables.unfinished(board)
    st.stop()

answer = st.container()  # above the choice that it depends on
shown = choose_split(splits)
rows = best_first(row for row in board.rows if row.split_id == shown)
names = name_rows(rows)

with answer:
    say_verdict(rows, board.rows)
if len(splits) > 1:
    st.caption(
        f"{len(rows)} of {len(board.rows)} tested runs are shown: the others were tested on other "
        "images, and their scores are not comparable."
    )

metric = st.segmented_control(
    "Score",
    list(METRICS),
    default="accuracy",
    required=True,
    format_func=lambda name: METRICS[name].title,
    key="score",
    bind="query-params",
    help="  \n".join(f"**{metric.title}**: {metric.help}" for metric in METRICS.values()),
)
metric = metric or "accuracy"
st.plotly_chart(
    plots.score_intervals(rows, names, metric),
    key="intervals",
    config=plots.CONFIG,
    alt=plots.score_intervals_alt(rows, names, metric),
)
st.caption(
    f"{METRICS[metric].help} Bars: 95 % intervals by bootstrap over groups of images that belong "
    "together. Bars that overlap may still be told apart, since all models saw the same images; "
    "the sentence above compares them in pairs."
)

tables.leaderboard(rows, names)
st.download_button(
    "Table as CSV",
    leaderboard_table(rows).to_csv(index=False),
    file_name=f"leaderboard-{shown}.csv",
    mime="text/csv",
    icon=":material/download:",
    on_click="ignore",
)
tables.unfinished(board)

st.subheader("What is mistaken for what?")
with st.grid(min_column_width=320, gap="medium"):
    for row in rows:
        with st.container():
            evaluation = row.evaluation
            st.markdown(f"**{names[row.run_id]}**")
            st.plotly_chart(
                plots.confusion(evaluation.confusion, evaluation.classes),
                key=f"confusion-{row.run_id}",
                config=plots.CONFIG,
                alt=plots.confusion_alt(
                    evaluation.confusion, evaluation.classes, names[row.run_id]
                ),
            )

st.subheader("How well are the classes told apart?")
styles = {names[row.run_id]: backbone_style(row.backbone) for row in rows}
target = st.segmented_control(
    "Class",
    [MACRO, *sorted(rows[0].evaluation.classes)],
    default=MACRO,
    required=True,
    key="roc",
    bind="query-params",
    help="One class against the rest, or the mean of the curves of all classes. The area under a "
    "curve (AUC) is 0.5 for guessing and 1 for no mistake at any threshold.",
)
target = target or MACRO
curves = {
    names[run_id]: by_class[target]
    for run_id, by_class in read_curves(names).items()
    if target in by_class
}
if curves:
    st.plotly_chart(
        plots.roc_curves(curves, styles),
        width=760,
        key="roc-curves",
        config=plots.CONFIG,
        alt=plots.roc_curves_alt(curves, target),
    )
else:
    st.caption(f"No test image is of class {target}, or all are: there is no curve.")

st.subheader("How did training go?")
measure = st.segmented_control(
    "Curve",
    MEASURES,
    default="validation_accuracy",
    required=True,
    format_func=lambda name: name.replace("_", " ").capitalize(),
    key="curve",
    bind="query-params",
    help="Validation images choose the epoch that is kept (lowest validation loss).",
)
histories = {names[run_id]: each for run_id, each in read_histories(names).items()}
st.plotly_chart(
    plots.training_curves(histories, styles, measure or MEASURES[0]),
    key="training",
    config=plots.CONFIG,
    alt=plots.training_curves_alt(histories, measure or MEASURES[0]),
)
