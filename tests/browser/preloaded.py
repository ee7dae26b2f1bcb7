"""A process that has imported what the app needs, and forks a server for each line it is given.

`python -m tests.browser.preloaded` reads lines of JSON, an object with `arguments` of Streamlit's
command, `environment` and `log`, and answers each with the server's process id. Imports take five
seconds of a core, for each of a dozen servers otherwise. Nothing of `pages` is imported: Streamlit
registers what it declares with the server that is running.
"""

import json
import os
import signal
import sys
from typing import Any

import plotly.graph_objects as _graph_objects  # noqa: F401
import streamlit.web.cli

import xai.on_runs.explain  # noqa: F401


def main() -> None:
    """Fork servers until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that end leave nothing behind
    for line in sys.stdin:
        asked = json.loads(line)
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
        else:
            _become_server(asked)


def _become_server(asked: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, of_process in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(number, of_process)
    os.environ.update(asked["environment"])
    sys.argv = ["streamlit", *asked["arguments"]]
    streamlit.web.cli.main()
    sys.exit()


if __name__ == "__main__":
    main()
