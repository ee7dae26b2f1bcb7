"""Where things are kept unless a person says otherwise. Read at the edges only: commands, pages."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

DEMO_PREFIX = "demo-"  # of the names of the demo's runs
# Marks of direction, of which Windows puts one before a path that is copied from its properties,
# joiners and the byte order mark.
_MARKS = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
# What may end a text that begins so; programs that turn quotes often turn them the wrong way.
_QUOTES = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f", "\u201c\u201d\u201e\u201f"),
    **dict.fromkeys("\u2018\u2019\u201a\u201b", "\u2018\u2019\u201a\u201b"),
    **dict.fromkeys("\u00ab\u00bb", "\u00ab\u00bb"),
    **{quote: quote for quote in "'\"`"},
}
_FILE = re.compile(r"file:(//(localhost)?)?(?=/)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([^\w/])")


def find_typed(text: str) -> str:
    """The path as it was typed where something is there, else as `clean` takes it."""
    return text if os.path.lexists(text) else clean(text)


def clean(text: str) -> str:
    """A path as it was meant, without what comes with pasting; the disk is not asked.

    That are blanks and marks of direction around it, quotes of any kind, `<>`, `file://`, and a
    terminal's backslashes before blanks and the like. `~` stands for the home of the person, as in
    a shell. A name that really ends in a blank is given with a slash behind it.
    """
    text = _strip_marks(text)
    is_quoted = len(text) > 1 and text[-1] in _QUOTES.get(text[0], "")
    if is_quoted:
        text = text[1:-1].strip(_MARKS)
    if address := _FILE.match(text):
        text = unquote(text[address.end() :])
    elif not is_quoted and os.sep == "/":  # elsewhere a backslash is what parts folders
        text = _ESCAPED.sub(r"\1", text)
    return os.path.expanduser(text)  # noqa: PTH111  # Path's raises where there is no such person


def _strip_marks(text: str) -> str:
    """`text` without blanks, marks that cannot be seen, and `<>` around it, in any order."""
    before = None
    while text != before:
        before, text = text, text.strip().strip(_MARKS)
        if text.startswith("<") and text.endswith(">"):
            text = text[1:-1]
    return text


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


def targets_file() -> Path:
    """The settings of the clusters that runs can be sent to."""
    return home() / "targets.toml"


def answers_folder() -> Path:
    """Where a person's answers about data sets are kept, a file for each."""
    return home() / "answers"


def demo_folder() -> Path:
    """Where the demo's synthetic smears are kept."""
    return home() / "data" / "synthetic-smears"


def weights_folder() -> Path | None:
    """A local folder of ImageNet weights (BLASTLENS_WEIGHTS), for machines without internet."""
    given = os.environ.get("BLASTLENS_WEIGHTS")
    return Path(given) if given else None
