"""An HTML file as a list of what is in it, read by the standard library. For tests."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("meta", "br", "img", "link", "input", "hr")


@dataclass
class Element:
    """One element with its text, which holds that of the elements within."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    within: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list["Element"]:
        """The elements of that name within, in order."""
        found = []
        for each in self.within:
            found += [each] if each.name == name else []
            found += each.all(name)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.open[-1].within.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read_html(text: str) -> Element:
    """The file; every element that is opened is closed, in order."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert len(reader.open) == 1
    return reader.open[0]


def read_table(page: Element, caption: str) -> tuple[list[str], list[list[Element]]]:
    """Titles of the columns, and the cells of each row, of the one table with this caption."""
    (table,) = [each for each in page.all("table") if each.all("caption")[0].text == caption]
    (head,), (body,) = table.all("thead"), table.all("tbody")
    titles = [each.text for each in head.all("th")]
    return titles, [row.within for row in body.all("tr")]
