"""The demo, started from a page as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import streamlit as st

from modelzoo import places
from modelzoo.files import make_folder

COMMAND = "python -m modelzoo demo"
ROOT = Path(__file__).parents[2]


def offer_demo() -> None:
    """Say what trains the first runs, as a command and as a button."""
    st.code(COMMAND, language="bash")
    is_running = _is_running()
    if st.button(
        "Train the demo",
        type="primary",
        icon=":material/play_arrow:",
        disabled=is_running,
        help="Draws synthetic smears and trains eleven backbones on them: about 5 minutes on two "
        "cores. Nothing is downloaded.",
    ):
        _start()
        st.rerun()
    if is_running:
        st.caption("The demo is running; models appear as they finish.")
    elif _processes():
        st.caption(f"The demo has ended; what it said is in {_log()}.")


def _start() -> None:
    """Start the demo; what it prints goes to a file, since a pipe that nobody drains freezes it."""
    with _log().open("ab") as log:
        _processes()["demo"] = subprocess.Popen(
            [sys.executable, "-m", "modelzoo", "demo", "--once"],
            cwd=ROOT,
            env=os.environ | {"BLASTLENS_HOME": str(places.home().resolve())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _is_running() -> bool:
    process = _processes().get("demo")
    return process is not None and process.poll() is None


def _log() -> Path:
    return make_folder(places.home()) / "demo.log"


@st.cache_resource(max_entries=1)
def _processes() -> dict[str, "subprocess.Popen[bytes]"]:
    """The demo started by this server, under "demo"; belongs to every tab."""
    return {}
