"""A data card for a paper's supplement: one page of Markdown, a table of the images, Croissant."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from modelzoo.datasets.answers import QUESTIONS, describe_answer
from modelzoo.datasets.preparing import Prepared
from modelzoo.datasets.report import Report, describe_dataset, make_report
from modelzoo.datasets.words import describe_formats, describe_origins, describe_shared
from modelzoo.errors import UserError
from modelzoo.files import (
    is_regular_file,
    is_same,
    make_folder,
    may_replace,
    write_bytes,
    write_text,
)
from modelzoo.text import count, file_size, join, one_line

_TITLE = "# Data card: "
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|$~])")
# The context that Croissant 1.0 prescribes (docs.mlcommons.org/croissant/docs/croissant-spec.html).
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    name: f"cr:{name}"
    for name in (
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject",
        "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
        "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
        "separator", "source", "subField", "transform",
    )
}  # fmt: skip
_FIELDS = {
    "image": ("sc:Text", "Path of the image below the root of the data set."),
    "label": ("sc:Text", "Class."),
    "group": ("sc:Text", "Images that must stay together: a subject, copies, overlapping fields."),
    "part": ("sc:Text", "train, validation or test, where the data set says so."),
    "sha256": ("sc:Text", "Hash of the file's content."),
}


def check_card(file: Path, data: Path, out: Path | None) -> None:
    """Pass when a card can be written to `file` without loss of what is there.

    Args:
        file: Of the card.
        data: Folder or table that it is about.
        out: Another file that will be written.

    Raises:
        UserError: It is no name of a Markdown file, or one of the three files is another's.
    """
    if file.suffix.lower() != ".md":
        raise UserError(f"The card {file} would be Markdown; give a name that ends in .md.")
    taken = [each for each in (data, out) if each]
    is_ours = is_regular_file(file) and may_replace(file, _TITLE.encode())
    for each in _card_files(file):
        is_taken = any(is_same(each, other) for other in taken)
        if is_taken or (os.path.lexists(each) and not is_ours):
            raise UserError(
                f"The card {file} would be written with {each}, which is another file; give "
                "another name."
            )


def _card_files(file: Path) -> list[Path]:
    return [file, file.with_suffix(".csv"), file.with_suffix(".json")]


def write_card(
    file: Path, prepared: Prepared, answers: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the card to `file`, and beside it the table of the images and the Croissant file.

    Args:
        file: Its name ends in .md.
        prepared: The data set.
        answers: Of a person, by the key of the question.

    Returns:
        The three files: .md, .csv, .json.

    Raises:
        UserError: The disk is full or the folder cannot be written.
    """
    make_folder(file.parent)
    _, table, croissant = _card_files(file)
    content = _tabulate(prepared).to_csv(index=False).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    report = make_report(prepared)
    name = prepared.dataset.root.absolute().name or "data"
    write_bytes(table, content)
    write_text(croissant, json.dumps(format_croissant(name, report, table.name, sha256), indent=1))
    write_text(file, format_card(name, report, table.name, sha256, answers or {}))
    return [file, table, croissant]


def _tabulate(prepared: Prepared) -> pd.DataFrame:
    """One row per image: image, label, group, background, part, its file and the file's hash."""
    dataset = prepared.dataset
    table = describe_dataset(dataset, prepared.groups, prepared.clusters)
    facts = pd.DataFrame(
        {
            "part": [image.part or "" for image in dataset.images],
            "width": [image.facts.width for image in dataset.images],
            "height": [image.facts.height for image in dataset.images],
            "mode": [image.facts.mode for image in dataset.images],
            "bits": [image.facts.bits for image in dataset.images],
            "bytes": [image.bytes for image in dataset.images],
            "sha256": [image.sha256 for image in dataset.images],
        }
    )
    return pd.concat([table, facts], axis=1)


def format_card(
    name: str, report: Report, table: str, sha256: str, answers: Mapping[str, str]
) -> str:
    """The card as Markdown.

    Args:
        name: Of the data set.
        report: From `make_report`.
        table: Name of the file with one row per image.
        sha256: Of that file.
        answers: Of a person, by the key of the question.
    """
    classes = [
        (each.name, each.images, each.groups, each.largest_group, each.background_clusters)
        for each in report.classes
    ]
    parts = [
        (each.part, each.images, each.groups, each.copied, each.shared) for each in report.parts
    ]
    summary = (
        f"{count(report.images, 'image')} of {count(len(report.classes), 'class', 'es')} in "
        f"{count(report.groups, 'group')}, {file_size(report.bytes)}. The data set's id "
        f"`{report.id}` is a hash of every image's name, size and content; `{table}` has one row "
        f"per image with its SHA-256, and itself the SHA-256 `{sha256}`."
    )
    paragraphs = [
        f"{_TITLE}{_plain(name)}",
        summary,
        *_section("Probably wrong", _list(report.doubts)),
        *_section("Guessed, or not used", _list(report.notes)),
        *_section(
            "Classes",
            _table(("class", "images", "groups", "largest group", "background clusters"), classes),
        ),
        *_section(
            "Given parts",
            _table(
                ("part", "images", "groups", "copies or overlaps of training", "group in training"),
                parts,
            ),
        ),
        *_section(
            "Where this is from",
            _list(f"{what}: {origin}" for what, origin in describe_origins(report)),
        ),
        *_section("Files", _list(describe_formats(report))),
        *_section("Copies and overlapping fields", _list(_describe_shared(report))),
        *_section(
            "Left out",
            _list(
                f"{each.count:,}: {each.reason} (such as {join(each.examples)})"
                for each in report.left_out
            ),
        ),
        *_section(
            "Asked of a person",
            _list(
                f"{each.title}: {describe_answer(answers, key)}"
                + ("" if answers.get(key) else f" ({each.help})")
                for key, each in QUESTIONS.items()
            ),
        ),
        "For research and teaching; not for diagnosis.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def format_croissant(name: str, report: Report, table: str, sha256: str) -> dict[str, Any]:
    """Croissant 1.0 JSON-LD of the table of images; what only a person knows is left out.

    Args:
        name: Of the data set.
        report: From `make_report`.
        table: Name of the file with one row per image.
        sha256: Of that file.
    """
    classes = join([each.name for each in report.classes])
    first = f"{count(report.images, 'image')} of the classes {classes}."
    description = one_line(" ".join([first, *report.doubts, *report.notes]))
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": re.sub(r"[^\w.-]+", "-", name),
        "description": description,
        "version": f"1.0.0+{report.id}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "images-table",
                "name": "images-table",
                "description": "One row per image; the images themselves are not part of this.",
                "contentUrl": table,
                "encodingFormat": "text/csv",
                "sha256": sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "images",
                "name": "images",
                "key": {"@id": "images/image"},
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"images/{column}",
                        "name": column,
                        "description": text,
                        "dataType": kind,
                        "source": {
                            "fileObject": {"@id": "images-table"},
                            "extract": {"column": column},
                        },
                    }
                    for column, (kind, text) in _FIELDS.items()
                ],
            }
        ],
    }


def _describe_shared(report: Report) -> list[str]:
    lines = [describe_shared(report)]
    lines += [f"across {each.across}: {count(each.images, 'image')}" for each in report.crossings]
    if report.largest_groups:
        largest = [f"{name} ({count(images, 'image')})" for name, images in report.largest_groups]
        lines.append(f"largest groups, by their first image or subject: {join(largest)}")
    return lines


def _section(title: str, body: str) -> list[str]:
    return [f"## {title}", body] if body else []


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(line)}" for line in lines)


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    cells = [[_plain(str(value)) for value in row] for row in (titles, *rows)]
    cells.insert(1, ["---"] * len(titles))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    """Markdown, in one line, that is shown as `text` stands."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))
