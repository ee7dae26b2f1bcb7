"""Which model is best, and can we tell? Reads what runs left; opens without torch."""

import streamlit as st

from modelzoo.evaluation.leaderboard import best_first, list_splits, name_rows
from pages.parts import choices, tables
from pages.parts.curves import draw_roc, draw_training
from pages.parts.demo import offer_demo
from pages.parts.disagreements import draw_disagreements
from pages.parts.door import through_the_door
from pages.parts.intervals import draw_intervals
from pages.parts.map_quality import draw_map_quality
from pages.parts.mistakes import draw_mistakes
from pages.parts.scoreboard import read_board
from pages.parts.states import say_verdict

through_the_door()
st.title("Which model is best, and can we tell?")
board = read_board()
if not board.rows:
    st.write("No run has been tested yet, so there is nothing to compare.")
    offer_demo()
    tables.unfinished(board)
    st.stop()

answer = st.container()  # above the choices that it depends on
kept = choices.choose_rows(board.rows)
splits = list_splits(kept)
if not splits:
    answer.info("No run is both of these data sets and of these recipes; choose others.")
    st.stop()

every_split = {choice.title for choice in list_splits(board.rows)}
shown = choices.choose_split(splits, elsewhere=every_split)
rows = best_first(row for row in kept if row.split_id == shown)
names = name_rows(rows)
split_title = next(choice.title for choice in splits if choice.split_id == shown)
with answer:
    say_verdict(rows, board.rows)
if len(rows) < len(board.rows):
    st.caption(
        f"{len(rows)} of {len(board.rows)} tested runs are shown. Runs that were tested on other "
        "images are never in one table with these: their scores are not comparable."
    )

every_id = [row.run_id for row in board.rows]
drawn_ids = choices.choose_drawn(rows, elsewhere=every_id)
drawn = [row for row in rows if row.run_id in drawn_ids]
by_metric, by_format = st.columns([3, 1])
with by_metric:
    metric = choices.choose_metric()
with by_format:
    file_format = choices.choose_format()
draw_intervals(drawn, names, metric, file_format)

tables.leaderboard(rows, names)
tables.unfinished(board)
tables.settings(rows, names)
draw_mistakes(drawn, names, file_format, every_id)
draw_roc(drawn, names, file_format)
draw_training(drawn, names, file_format)
draw_map_quality(drawn, names, split_title)
draw_disagreements(drawn, names)
