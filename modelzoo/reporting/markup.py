"""HTML as a tree, so that every text is escaped by the library that writes it. No files.

Names may hold markup, quotes, marks that turn the direction of letters, or no UTF-8: all of a text
goes through `one_line`, which spells out what cannot be seen.
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from modelzoo.text import one_line

Node = ET.Element
MOST_KEPT = 20  # rows of a table that is kept on one page of paper


def tag(name: str, /, *content: Node | str, **attributes: str) -> Node:
    """An element.

    Args:
        name: Of the element.
        content: Elements and texts, in order.
        attributes: `class_` for class, and `_` for each hyphen.
    """
    node = ET.Element(
        name,
        {key.rstrip("_").replace("_", "-"): one_line(text) for key, text in attributes.items()},
    )
    for each in content:
        if isinstance(each, str):
            _append_text(node, one_line(each))
        else:
            node.append(each)
    return node


def _append_text(node: Node, text: str) -> None:
    """Add `text` behind what `node` holds already."""
    if len(node):
        node[-1].tail = (node[-1].tail or "") + text
    else:
        node.text = (node.text or "") + text


def name_of(text: str) -> Node:
    """A name that a person gave: its letters cannot turn the direction of what is around it."""
    return tag("bdi", text)


def listed(items: Iterable[Node | str]) -> Node:
    """A list without an order."""
    return tag("ul", *(tag("li", each) for each in items))


def table(
    caption: str,
    titles: Sequence[Node | str],
    rows: Iterable[Sequence[Node | str]],
    *,
    class_: str = "",
) -> Node:
    """A table whose first column names its rows, which scrolls in itself where it has no room.

    Args:
        caption: What it shows.
        titles: Of the columns.
        rows: As many cells as titles each; a cell that is a `td` already is taken as it is.
        class_: Of the box around the table.
    """
    head = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in titles)))
    body = tag("tbody", *(tag("tr", *_cells(row)) for row in rows))
    whole = tag("table", tag("caption", caption), head, body)
    kept = "short" if len(body) <= MOST_KEPT else "long"
    classes = " ".join(["wide", kept, *filter(None, [class_])])
    return tag("div", whole, class_=classes, tabindex="0", role="region", aria_label=caption)


def _cells(row: Sequence[Node | str]) -> Iterable[Node]:
    first, *rest = row
    yield tag("th", first, scope="row")
    for each in rest:
        yield each if isinstance(each, ET.Element) and each.tag == "td" else tag("td", each)


def value_of(text: str, value: float) -> Node:
    """A number in words, with its exact value for machines; only the words where it is NaN.

    A line breaks before the interval, which stands in brackets, and nowhere else.
    """
    if math.isnan(value):
        return tag("span", text)
    number, bracket, interval = text.partition(" (")
    if not bracket:
        return tag("data", number, value=repr(value))
    return tag("data", tag("span", number), " ", tag("span", f"({interval}"), value=repr(value))


def render(page: Node) -> str:
    """The file that `page`, an `html` element, is."""
    return f"<!DOCTYPE html>\n{ET.tostring(page, encoding='unicode', method='html')}\n"


def styled(css: str) -> Node:
    """A `style` element; its text is the page's own and is written as it stands."""
    style = ET.Element("style")
    style.text = css
    return style
