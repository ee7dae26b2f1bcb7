"""What a name is in Markdown: itself. The parser is markdown-it's, of another house."""

import pytest
from hypothesis import example, given
from hypothesis.strategies import lists, one_of, sampled_from, text
from markdown_it import MarkdownIt

from pages.shell.text import code, plain

PARSER = MarkdownIt("commonmark").enable(["strikethrough", "table"])
HOSTILE = [
    "![x](http://foreign.test/x.png)",
    '<img src="http://foreign.test/x.png">',
    "[x]: http://foreign.test\n\n[x]",
    ":material/home:",
    ":red[x]",
    "``",
    "`",
    "\\",
    "&lt;",
    "&#33;[x](y)",
    "_a_ *b* ~~c~~ $d$",
    "---",
    "# h",
    "1. x",
    "12) x",
    "- x",
    "> x",
    "\n\n",
    "    x",
    "|a|\n|-|",
    "tf_efficientnet_lite0",
]
ANY = one_of(text(), lists(sampled_from(HOSTILE), min_size=1).map("".join))


def read(markdown: str) -> tuple[str, set[str]]:
    """What a reader sees, and what kinds of things it is made of."""
    tokens = PARSER.parse(markdown)
    inline = [child for token in tokens for child in token.children or []]
    kinds = {token.type for token in [*tokens, *inline]}
    return "".join(token.content for token in inline), kinds


def in_one_line(text: str) -> str:
    text = " ".join(text.replace("\N{WORD JOINER}", "").split())
    joins = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
    return "".join(c if c.isprintable() or c in joins else repr(c)[1:-1] for c in text)


@given(ANY)
@example(HOSTILE[0])
def test_a_name_is_shown_as_it_stands(name: str) -> None:
    shown, kinds = read(f"name {plain(name)} end")

    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert in_one_line(shown) == in_one_line(f"name {name} end")


def test_a_mark_of_direction_turns_no_letter_of_the_sentence_around_it() -> None:
    assert plain("a\u202eb") == "a\\\\u202eb"
    assert code("a\u202eb") == "`a\\u202eb`"
    assert plain("\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}") == "אב"
    assert plain("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}") == "👩\N{ZERO WIDTH JOINER}🔬"


@given(ANY)
def test_a_name_that_begins_a_line_begins_nothing_else(name: str) -> None:
    shown, kinds = read(plain(name))

    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert in_one_line(shown) == in_one_line(name)


@given(ANY)
def test_code_holds_any_name(name: str) -> None:
    shown, kinds = read(f"name {code(name)} end")

    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}
    assert in_one_line(shown) == in_one_line(f"name {name} end")


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "Early", "a, b (c) 9.5 %", "x: y"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert plain(name) == name
    assert code(name) == f"`{name}`"
