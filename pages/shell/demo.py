"""The demo, queued from a page as runs of its own, how far it is, and what it waits for."""

import time
from collections.abc import Sequence

import streamlit as st

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState
from modelzoo.demo import DemoProgress, describe_waiting, read_progress
from modelzoo.files import make_folder
from modelzoo.launching import local
from modelzoo.launching.fetching import Fetch
from modelzoo.runs.folder import Run
from modelzoo.text import describe_seconds, join
from pages.shell.errors import error_in_place
from pages.shell.text import plain

COMMAND = "python -m modelzoo demo"


def offer_demo() -> None:
    """Say what trains the first runs, as a command and as a button."""
    st.code(COMMAND, language=None)
    if st.button(
        "Train the demo",
        type="primary",
        icon=":material/play_arrow:",
        help="Draws synthetic smears and trains on them the backbones whose ImageNet weights are "
        "here, EfficientNet-Lite0 first; the others wait for theirs. Nothing is downloaded.",
    ):
        _queue_demo()


def draw_untrained(untrained: Sequence[WeightsState], fetch: Fetch | None) -> None:
    """The backbones of the demo that have no run: those that can be trained, those that wait.

    Args:
        untrained: As `demo.list_untrained` gives them.
        fetch: The last fetch of weights.
    """
    ready = [each for each in untrained if each.path is not None]
    waiting = [each for each in untrained if each.path is None]
    if ready:
        st.write(f"The weights of {_join(ready)} are here now.")
        if st.button("Train them in the demo", icon=":material/play_arrow:", key="demo-ready"):
            _queue_demo()
    if waiting:
        st.write(plain(describe_waiting(waiting, fetch)))
        with st.popover("Train from scratch", icon=":material/casino:"):
            st.caption(
                "From random starts, without ImageNet weights: such a model learns far less, and "
                "says so wherever it is shown."
            )
            for each in waiting:
                title = BACKBONES[each.backbone].title
                if st.button(title, key=f"scratch-{each.backbone}", width="stretch"):
                    _queue_demo("--from-scratch", each.backbone)
            if len(waiting) > 1 and st.button(
                f"All {len(waiting)}", key="scratch-all", type="primary", width="stretch"
            ):
                _queue_demo("--from-scratch", ",".join(each.backbone for each in waiting))


def _queue_demo(*options: str) -> None:
    """Queue runs of the demo; pressed twice, the second finds those of the first and adds none."""
    with error_in_place():
        log = make_folder(paths.home()) / "demo.log"
        local.start_detached([*local.PYTHON, "demo", "--queue", *options], log)
        st.toast("The demo has been queued; its runs appear in a moment.")


def _join(states: Sequence[WeightsState]) -> str:
    return join([BACKBONES[state.backbone].title for state in states])


def draw_demo_progress(found: Sequence[Run]) -> None:
    """How far the demo is, and how long the rest takes; nothing where none of it waits."""
    progress = read_progress(list(found), now=time.time())
    if progress and progress.seconds_left:
        st.progress(progress.done / progress.total, _describe(progress))


def _describe(progress: DemoProgress) -> str:
    done = f"{progress.done} of {progress.total} backbones"
    left = describe_seconds(progress.seconds_left)
    return f"The demo has trained {done} on synthetic smears; the rest takes about {left}."
