"""Compare models: which is best, and can we tell? Reads what runs left; opens without torch."""

import streamlit as st

from modelzoo.evaluation.rows import best_first, list_splits, name_rows
from pages.sections.compare.calibration import draw_calibration
from pages.sections.compare.confusion import draw_confusion
from pages.sections.compare.faithfulness import draw_faithfulness
from pages.sections.compare.filters import (
    choose_drawn,
    choose_format,
    choose_rows,
    choose_scaling,
    choose_split,
)
from pages.sections.compare.hardest import draw_hardest
from pages.sections.compare.learning import draw_learning_curves
from pages.sections.compare.operating_point import draw_operating_point
from pages.sections.compare.precision_recall import draw_precision_recall
from pages.sections.compare.ranking import draw_ranking
from pages.sections.compare.roc import draw_roc
from pages.sections.compare.sections import draw_sections
from pages.sections.compare.splits import draw_splits
from pages.sections.compare.unfinished import draw_unfinished
from pages.sections.compare.verdict import draw_verdict
from pages.shell.demo import offer_demo
from pages.shell.entry import enter_page
from pages.shell.reads import read_board, read_reference_board

enter_page("compare")
st.title("Compare models")
st.caption("Which model is best, and can we tell?")
board = read_board()
if not board.rows:
    st.write("No run of yours has been evaluated yet, so there is nothing to compare.")
    offer_demo()
    draw_unfinished(board)
    board = read_reference_board()
    if not board.rows:
        st.stop()
    st.subheader("Reference results")
    st.info(
        "Until then: runs on the real smears of the ALL image data set (Aria et al. 2021) that "
        "come with the project, without the images. They are not yours, and leave this page once a "
        "run of yours is evaluated.",
        icon=":material/inventory_2:",
    )

answer = st.container()  # above the choices that it depends on
kept = choose_rows(board.rows)
splits = list_splits(kept)
if not splits:
    answer.info("No run has both this data set and this recipe; choose others.")
    st.stop()

split = choose_split(splits, elsewhere=[each.title for each in list_splits(board.rows)])
rows = best_first(row for row in kept if row.split_id == split.split_id)
names = name_rows(rows)
with answer:
    draw_verdict(rows, board.rows)

every_id = [row.run_id for row in board.rows]
by_runs, by_format = st.columns([3, 1])
with by_runs:
    drawn = choose_drawn(rows, elsewhere=every_id)
with by_format:
    file_format = choose_format()
scaled, rows, drawn = choose_scaling(rows, drawn, names)
draw_sections(
    {
        "Ranking": lambda: draw_ranking(board, rows, drawn, names, file_format, calibrated=scaled),
        "Splits": lambda: draw_splits(kept, rows[0].dataset_id, file_format),
        "Confusion": lambda: draw_confusion(drawn, names, file_format, every_id, calibrated=scaled),
        "ROC": lambda: draw_roc(drawn, names, file_format, calibrated=scaled),
        "Precision-recall": lambda: draw_precision_recall(
            drawn, names, file_format, calibrated=scaled
        ),
        "Calibration": lambda: draw_calibration(drawn, names, file_format, calibrated=scaled),
        "Operating point": lambda: draw_operating_point(
            drawn, names, file_format, calibrated=scaled
        ),
        "Learning curves": lambda: draw_learning_curves(drawn, names, file_format),
        "Hard images": lambda: draw_hardest(drawn, names, every_id, calibrated=scaled),
        "Map quality": lambda: draw_faithfulness(drawn, names, split.title),
    }
)
