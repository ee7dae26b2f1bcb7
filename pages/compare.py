"""Compare models: which is best, and can we tell? Reads what runs left; opens without torch."""

from functools import partial

import streamlit as st

from pages.sections.compare.calibration import draw_calibration
from pages.sections.compare.chosen import choose_all, find_board
from pages.sections.compare.confusion import draw_confusion
from pages.sections.compare.faithfulness import draw_faithfulness
from pages.sections.compare.hardest import draw_hardest
from pages.sections.compare.learning import draw_learning_curves
from pages.sections.compare.operating_point import draw_operating_point
from pages.sections.compare.precision_recall import draw_precision_recall
from pages.sections.compare.ranking import draw_ranking
from pages.sections.compare.roc import draw_roc
from pages.sections.compare.sections import draw_sections
from pages.sections.compare.splits import draw_splits
from pages.shell.entry import enter_page
from pages.shell.session import remember_address

enter_page("compare")
st.title("Compare models")
st.caption("Which model is best, and can we tell?")
board = find_board()
its = choose_all(board)
scaled = its.calibrated
every_id = [row.run_id for row in board.rows]
draw_sections(
    {
        "Ranking": partial(
            draw_ranking, board, its.rows, its.drawn, its.names, its.file_format, calibrated=scaled
        ),
        "Splits": partial(draw_splits, its.of_data, its.file_format),
        "Confusion": partial(
            draw_confusion, its.drawn, its.names, its.file_format, every_id, calibrated=scaled
        ),
        "ROC": partial(draw_roc, its.drawn, its.names, its.file_format, calibrated=scaled),
        "Precision-recall": partial(
            draw_precision_recall, its.drawn, its.names, its.file_format, calibrated=scaled
        ),
        "Calibration": partial(
            draw_calibration, its.drawn, its.names, its.file_format, calibrated=scaled
        ),
        "Operating point": partial(
            draw_operating_point, its.drawn, its.names, its.file_format, calibrated=scaled
        ),
        "Learning curves": partial(draw_learning_curves, its.drawn, its.names, its.file_format),
        "Hard images": partial(draw_hardest, its.drawn, its.names, every_id, calibrated=scaled),
        "Map quality": partial(draw_faithfulness, its.drawn, its.names, its.split),
    }
)
remember_address("compare")
