"""Addresses that nobody would write by accident, and what a page must not do with them."""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
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
VALUES = (*NAMES, *PATHS, *NUMBERS, *ODD, "random", "test", "2", "0001.jpg", "lite0")


def hostile_addresses(
    keys: Sequence[str],
    paths: Sequence[str] = (),
    *,
    number: int,
    seed: int,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Query]:
    """`number` queries, with a value or several of most keys; all values have their turn.

    Args:
        keys: Of the page.
        paths: More values that no page may open.
        number: How many.
        seed: Of the choice.
        known: By key, values that the page has: with some of them it gets farther.
    """
    chance = random.Random(seed)
    values = [*VALUES, *paths]
    for at in range(number):
        query = {}
        for offset, key in enumerate(keys):
            fate = chance.random()
            if fate < 0.1:
                continue
            if known and key in known and fate < 0.4:
                query[key] = [chance.choice(known[key])]
                continue
            several = chance.sample(values, 3) if chance.random() < 0.3 else []
            letters = "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(9)))
            last = values[(at + 7 * offset) % len(values)] if at % 5 else letters
            query[key] = [*several, last]
        yield query


def bound_keys(app: AppTest) -> set[str]:
    """The keys of the address that a widget of the page reads."""
    with app.session_state._state.query_params() as read:
        return set(read._bindings_by_param)


def options_by_key(app: AppTest) -> dict[str, list[str]]:
    """What can be chosen on a page, by the key of the widget, as it stands in the address."""
    found: dict[str, list[str]] = {}
    for widget in (*app.selectbox, *app.multiselect, *app.button_group):
        if widget.key and widget.options:
            found[widget.key] = list(widget.options)
    return found


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
