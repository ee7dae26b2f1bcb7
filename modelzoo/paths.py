"""Where things are kept unless a person says otherwise. Read at the edges only: commands, pages."""

import os
from pathlib import Path
from urllib.parse import unquote

DEMO_PREFIX = "demo-"  # of the names of the demo's runs


def clean(text: str) -> str:
    """A path as it was meant: without the blanks, quotes or `file://` that come with pasting.

    `~` stands for the home of the person, as in a shell. A name that really ends in a blank is
    given with a slash behind it.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://").removeprefix("localhost"))
    return str(Path(text).expanduser()) if text.startswith("~") else text


def home() -> Path:
    """The folder of runs, store and demo: BLASTLENS_HOME, else the current one."""
    return Path(os.environ.get("BLASTLENS_HOME", "."))


def runs_folder() -> Path:
    """Where runs are kept."""
    return home() / "runs"


def reference_folder() -> Path:
    """The runs on real smears that come with the project."""
    return Path(__file__).parents[1] / "reference"


def store_folder() -> Path:
    """Where decoded pixels, features and other results that can be made again are kept."""
    return home() / "store"


def demo_folder() -> Path:
    """Where the demo's synthetic smears are kept."""
    return home() / "data" / "synthetic-smears"


def weights_folder() -> Path | None:
    """A local folder of ImageNet weights (BLASTLENS_WEIGHTS), for machines without internet."""
    given = os.environ.get("BLASTLENS_WEIGHTS")
    return Path(given) if given else None
