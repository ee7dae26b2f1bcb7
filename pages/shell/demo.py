"""The demo, queued from a page as runs of its own, and how far it is."""

import time
from collections.abc import Sequence

import streamlit as st

from modelzoo import paths
from modelzoo.demo import DemoProgress, read_progress
from modelzoo.files import make_folder
from modelzoo.launching import local
from modelzoo.runs.folder import Run
from modelzoo.text import describe_seconds
from pages.shell.errors import error_in_place

COMMAND = "python -m modelzoo demo"


def offer_demo() -> None:
    """Say what trains the first runs, as a command and as a button."""
    st.code(COMMAND, language=None)
    if st.button(
        "Train the demo",
        type="primary",
        icon=":material/play_arrow:",
        help="Draws synthetic smears and trains eleven backbones on them: about 5 minutes on two "
        "cores. Nothing is downloaded.",
    ):
        # Pressed twice, the second finds the runs of the first and adds none.
        with error_in_place():
            log = make_folder(paths.home()) / "demo.log"
            local.start_detached([*local.PYTHON, "demo", "--queue"], log)
            st.toast("The demo has been queued; its runs appear in a moment.")


def draw_demo_progress(found: Sequence[Run]) -> None:
    """How far the demo is, and how long the rest takes; nothing where none of it waits."""
    progress = read_progress(list(found), now=time.time())
    if progress and progress.seconds_left:
        st.progress(progress.done / progress.total, _describe(progress))


def _describe(progress: DemoProgress) -> str:
    done = f"{progress.done} of {progress.total} backbones"
    left = describe_seconds(progress.seconds_left)
    return f"The demo has trained {done} on synthetic smears; the rest takes about {left}."
