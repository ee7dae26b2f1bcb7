"""The operating point that is kept with a run, and the button that keeps the one shown."""

import streamlit as st

from modelzoo.evaluation.operating_words import describe_kept
from modelzoo.evaluation.run_thresholds import OperatingPoint, as_kept
from modelzoo.runs.operating_point import can_keep, keep_point, read_point
from pages.shell.errors import error_in_place
from pages.shell.reads import find_folder
from pages.shell.text import plain


def draw_kept(run_id: str, point: OperatingPoint) -> None:
    """What is kept with the run; nothing of runs that come with the project.

    Args:
        run_id: Of the run.
        point: As it is shown.
    """
    folder = find_folder(run_id)
    if not can_keep(folder):
        return
    shown = as_kept(point)
    if st.button(
        "Keep with the run",
        key="keep-point",
        icon=":material/bookmark:",
        help="Classes, criterion, threshold and number of validation images, in the run's folder "
        "(operating_point.json), in place of what was kept before.",
    ):
        with error_in_place():
            keep_point(folder, shown)
    with error_in_place():
        if kept := read_point(folder):
            same = "Kept with the run" if kept == shown else "Another one is kept with the run"
            st.caption(plain(f"{same}: {describe_kept(kept)}"))
