"""Where things are kept unless a person says otherwise. Read at the edges only: commands, pages."""

import os
from pathlib import Path

DEMO_PREFIX = "demo-"  # of the names of the demo's runs


def home() -> Path:
    """The folder of runs, store and demo: BLASTLENS_HOME, else the current one."""
    return Path(os.environ.get("BLASTLENS_HOME", "."))


def runs_folder() -> Path:
    """Where runs are kept."""
    return home() / "runs"


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
