"""A comparison of runs as one HTML file that needs nothing else: no script, no font, no link.

It opens from a disk without a network, is read on a phone, and prints on A4.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from modelzoo.errors import UserError
from modelzoo.files import make_folder, may_replace, write_text
from modelzoo.reporting import provenance, scores, trust, use
from modelzoo.reporting.checklists import describe_items, topics_of
from modelzoo.reporting.facts import Reported, describe_made, describe_runs
from modelzoo.reporting.markup import Node, render, styled, tag
from modelzoo.reporting.split_proof import split_proof
from modelzoo.text import count

_START = b'<!DOCTYPE html>\n<html lang="en" data-made-by="blastlens">'
# A browser that opens the file asks nobody for anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

# Key (of links and checklists), heading, what is below it.
SECTIONS: tuple[tuple[str, str, Callable[[Reported], Iterator[Node]]], ...] = (
    ("result", "Result", scores.result),
    ("scores", "Scores", scores.scores),
    ("pairs", "Pairwise differences", scores.pairs),
    ("confusion", "Confusion matrices", scores.confusion),
    ("classes", "Scores by class", scores.classes),
    ("calibration", "Calibration", trust.calibration),
    ("operating", "Operating points", use.operating),
    ("coverage", "Images handed to a person", use.coverage),
    ("maps", "Faithfulness of attribution maps", trust.maps),
    ("leakage", "What the split is worth", use.leakage),
    ("split", "Split proof", split_proof),
    ("doubts", "Leaks and doubts", provenance.doubts),
    ("data", "Data", provenance.data),
    ("models", "Models and training", provenance.models),
    ("commands", "Commands and versions", provenance.commands),
    ("limits", "Limits and intended use", provenance.limits),
    ("checklist", "Reporting checklists", provenance.checklist),
)


def format_report(reported: Reported) -> str:
    """The report as HTML."""
    contents = tag(
        "nav",
        tag("ol", *(tag("li", tag("a", title, href=f"#{key}")) for key, title, _ in SECTIONS)),
        aria_label="Contents",
    )
    header = tag(
        "header",
        tag("h1", f"Comparison of {count(len(reported.runs), 'model')}"),
        tag("p", f"{describe_runs(reported)}."),
        tag("p", f"Made on {describe_made(reported)}. {provenance.NO_DIAGNOSIS}", class_="small"),
        *([tag("p", reported.scaled)] if reported.scaled else []),
        contents,
    )
    body = tag(
        "body",
        header,
        tag("main", *(_section(key, title, draw(reported)) for key, title, draw in SECTIONS)),
    )
    return format_page("Comparison of models", body)


def format_page(title: str, body: Node) -> str:
    """A whole file.

    Args:
        title: Of the window.
        body: A `body` element.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        styled(Path(__file__).with_name("report.css").read_text(encoding="utf-8")),
    )
    return render(tag("html", head, body, lang="en", data_made_by="blastlens"))


def format_sentence(sentence: str) -> str:
    """A file that says why there is no report."""
    return format_page("No report", tag("body", tag("h1", "No report"), tag("p", sentence)))


def _section(key: str, title: str, content: Iterator[Node]) -> Node:
    said = describe_items(topics_of(key))
    items = [tag("p", said, class_="items")] if said else []
    heading = tag("h2", title, id=f"{key}-title")
    return tag("section", heading, *items, *content, id=key, aria_labelledby=f"{key}-title")


def check_report(file: Path) -> None:
    """Pass when a report can be written to `file` without loss of what is there.

    Raises:
        UserError: It is no name of an HTML file, or something else is there.
    """
    if file.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"The report {file} would be HTML; give a name that ends in .html.")
    if os.path.lexists(file) and not may_replace(file, _START):
        raise UserError(
            f"{file} is there already and is no report; nothing was written: give another name."
        )


def write_report(file: Path, reported: Reported) -> None:
    """Write the report to `file`, in place of an older report.

    Raises:
        UserError: As of `check_report`, or it cannot be written.
    """
    check_report(file)
    make_folder(file.parent)
    write_text(file, format_report(reported))
