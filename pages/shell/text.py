"""Names from links, runs, classes, images and data sets as they stand, not as Markdown.

Streamlit reads most texts as Markdown, in which a name can be a picture from a foreign host. So
every text that is not the page's own goes through here before `st.markdown`, `st.caption`, alerts,
badges, links, tooltips, and the titles of pills and segmented controls.
"""

import re

from modelzoo.text import one_line

_ALWAYS = re.compile(r"[\\`*\[\]<~$]")
_AT_START = re.compile(r"([-+#>=]|\d+(?=[.)]))")  # of a list, a heading, a quotation
_ENTITY = re.compile(r"&(?=#?\w+;)")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside of words it is itself
_DIRECTIVE = re.compile(r":(?=\w)")  # :red[...], :material/...: and :smile:
_LINK = re.compile(r"(?i)\b(?:https?:|www(?=\.)|mailto:|xmpp:)|@")  # becomes a link by itself
_JOINER = "\N{WORD JOINER}"  # is not seen, and keeps apart what would be replaced as a whole


def visible(text: str) -> str:
    """`text` in one line, each gap one blank, and what cannot be seen spelt out; no Markdown."""
    return one_line(" ".join(text.replace(_JOINER, "").split()))


def plain(text: str) -> str:
    """Markdown, in one line, that is shown as `text` stands.

    What cannot be seen is spelt out as commands do: a mark that turns the direction of letters
    would turn those of the sentence around the name, too.
    """
    text = visible(text)
    text = _LINK.sub(lambda found: f"{found[0]}{_JOINER}", text)
    text = _ALWAYS.sub(r"\\\g<0>", text)
    text = _ENTITY.sub(r"\\&", text)
    text = _EDGE_UNDERSCORE.sub(r"\\_", text)
    text = _DIRECTIVE.sub(rf"\\:{_JOINER}", text)
    start = _AT_START.match(text)
    if start is None:
        return text
    end = start.end()
    return f"{text[:end]}\\{text[end:]}" if text[0].isdigit() else f"\\{text}"


def code(text: str) -> str:
    """Markdown that is shown as `text` in the letters of code, in one line."""
    text = visible(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    if not longest:
        return f"`{text or ' '}`"
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}"
