"""Addresses that nobody would write by accident, and what a page must not do with them."""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

Query = dict[str, list[str]]

FOREIGN = "http://foreign.test"
NAMES = (
    f"![x]({FOREIGN}/x.png)",
    f"<img src={FOREIGN}/x.png>",
    f"[x]({FOREIGN})",
    f"x](y) ![z]({FOREIGN}/z.png) [",
    f"<script>fetch('{FOREIGN}')</script>",
    f"a: ![x]({FOREIGN}/x.png) predicted as b",
    f"a: ![x]({FOREIGN}/x.png) said to be b",
    "`",
    "``` x",
    "$x$ :material/home: :red[x] :smile:",
    "# x",
    "javascript:alert(1)",
    "{{7*7}} ${x} %s%n",
    "'; drop table runs; --",
)
PATHS = (
    "/",
    "/etc/passwd",
    "../../../../etc/passwd",
    "..",
    ".",
    "~",
    "//host/share",
    "file:///etc/passwd",
    "C:\\x",
    "\\\\host\\share",
    "/dev/zero",
    "a\0b",
    "n" * 300,
    "n" * 5000,
    "n/" * 3000,
)
NUMBERS = (
    *("Infinity", "-inf", "nan", "1e999", "-1e999", "1" + "0" * 400, "-" + "9" * 400),
    *("0", "-1", "1.5", "1e3", str(2**31), str(2**53 + 1), str(2**63), str(-(2**63) - 1)),
    *("0x10", "1_000", " 1 ", "+1", "\N{ARABIC-INDIC DIGIT FOUR}", "½", "true", "false", "none"),
)
ODD = ("", " ", "\n", "\t\r\x1b[31m", "\u202e\u200f", "\N{PILE OF POO}", "e\u0301" * 50, "[]", "{}")
KNOWN = ("random", "Pro", "test", "AUC", "2", "0001.jpg", "lite0")  # so that pages get farther
VALUES = (*NAMES, *PATHS, *NUMBERS, *ODD, *KNOWN)


def hostile_addresses(
    keys: Sequence[str], paths: Sequence[str], *, number: int, seed: int
) -> Iterator[Query]:
    """`number` queries, each with a value or several of every key; all values have their turn.

    Args:
        keys: Of the page.
        paths: More values that no page may open.
        number: How many.
        seed: Of the choice.
    """
    chance = random.Random(seed)
    values = [*VALUES, *paths]
    for at in range(number):
        query = {}
        for offset, key in enumerate(keys):
            several = chance.sample(values, 3) if chance.random() < 0.3 else []
            letters = "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(9)))
            last = values[(at + 7 * offset) % len(values)] if at % 5 else letters
            query[key] = [*several, last]
        yield query


MARKDOWN = MarkdownIt("commonmark").enable("strikethrough")


def foreign_in(app: AppTest) -> list[str]:
    """The texts of a page that would make a browser ask a foreign host."""
    found = []
    for text in _texts(app):
        tokens = [child for token in MARKDOWN.parse(text) for child in token.children or []]
        attributes = [str(value) for token in tokens for value in token.attrs.values()]
        raw = [token.content for token in tokens if token.type in ("html_inline", "html_block")]
        if any("foreign.test" in each for each in (*attributes, *raw)):
            found.append(text)
    return found


def _texts(app: AppTest) -> Iterator[str]:
    kinds = (app.markdown, app.caption, app.warning, app.info, app.error, app.success, app.toast)
    yield from (str(each.value) for kind in kinds for each in kind)
    for name in ("button", "selectbox", "multiselect", "number_input", "text_input", "toggle"):
        for widget in app.get(name):
            yield widget.proto.label
            yield widget.proto.help
    for group in app.get("button_group"):
        yield from (option.content for option in group.proto.options)


_watched: list[str] = []
_is_watching = False


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _is_watching and event in ("open", "os.scandir", "os.listdir") and arguments:
        _watched.append(str(arguments[0]))


sys.addaudithook(_note)  # cannot be taken away again, so it is asked to look away


@contextmanager
def watch_disk() -> Iterator[list[str]]:
    """The paths that are opened or listed within, by any thread."""
    global _is_watching
    _watched.clear()
    _is_watching = True
    try:
        yield _watched
    finally:
        _is_watching = False


def opened_below(watched: Sequence[str], folder: Path) -> list[str]:
    """Those of the paths that lie in `folder`, or are it."""
    return [each for each in watched if each.startswith(str(folder))]
