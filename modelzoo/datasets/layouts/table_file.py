"""A CSV or Parquet table with path, label, perhaps group and part."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

import pandas as pd

from modelzoo.datasets.dataset import Origins, Skipped
from modelzoo.datasets.empty_classes import doubt_empty_classes
from modelzoo.datasets.layouts.layout import Entry, Layout, Listing, Source
from modelzoo.datasets.layouts.names import part_of
from modelzoo.datasets.layouts.table_cells import forget_unknown, read_cells
from modelzoo.datasets.layouts.table_columns import choose_columns, may_be_used, may_name_subjects
from modelzoo.datasets.layouts.table_paths import Place, find_files
from modelzoo.datasets.layouts.table_reading import read_table
from modelzoo.datasets.layouts.table_subjects import (
    describe_subjects,
    doubt_unused_subjects,
    unify_subjects,
)


def _recognises(source: Source) -> bool:
    return source.path.is_file()


def _lists(source: Source) -> Listing:
    """One entry per image that is listed; paths are relative to the folder of the table.

    Raises:
        UserError: It is no table, or one without path and label.
    """
    path = source.path
    table, names = read_table(path, partial(may_be_used, named=source.columns))
    notes: list[str] = []
    chosen = choose_columns(table, names, source.columns, path, notes)
    cells = read_cells(table, chosen, path, notes)
    doubts = _settle_subjects(table, chosen, cells, notes)
    forget_unknown(cells["part"])
    places = find_files(cells["path"], path.parent, notes)
    origins = {each: f"column {name}" for each, name in chosen.items() if each != "path"}
    why = f"it is a file that ends in {path.suffix.lower()}"
    listing = Listing(path.parent, Origins(why, **origins), notes=notes, doubts=doubts)
    _add_lines(listing, places, cells)
    return listing


def _settle_subjects(
    table: pd.DataFrame,
    chosen: Mapping[str, str],
    cells: Mapping[str, list[str]],
    notes: list[str],
) -> list[str]:
    """Leave one spelling of each subject in `cells`, none of those not known; doubts on them."""
    name, values = chosen.get("group"), cells["group"]
    if name is None:
        return []
    notes += describe_subjects(values, name)
    forget_unknown(values)
    notes += unify_subjects(values, name)
    unused = [each for each in table.columns if each not in chosen.values()]
    return doubt_unused_subjects(table, name, list(filter(may_name_subjects, unused)), cells)


def _add_lines(
    listing: Listing, places: Sequence[Place], cells: Mapping[str, Sequence[str]]
) -> None:
    """Add each image that the lines name, or why a line is left out."""
    lines = list(zip(places, cells["label"], cells["group"], cells["part"], strict=True))
    labels, groups, parts = (defaultdict[str, dict[str, str]](dict) for _ in range(3))
    for place, label, group, part in lines:
        labels[place.id] |= {_unify(label): label} if label else {}
        groups[place.id] |= {group: group} if group else {}
        parts[place.id] |= {str(part_of(part)): part} if part else {}
    seen: set[str] = set()
    left_out: dict[str, list[str]] = defaultdict(list)  # reasons, by class
    for place, label, _, _ in lines:
        image = place.id
        reason = place.reason or ("" if label else "no label")
        for what, values in (("labels", labels), ("subjects", groups), ("parts", parts)):
            if not reason and len(values[image]) > 1:
                reason = f"listed with the {what} {' and '.join(sorted(values[image].values()))}"
        if not reason and image in seen:
            reason = "listed twice"
        if reason:
            listing.skipped.append(Skipped(image, reason))
            left_out[label].append(reason)
        else:
            listing.entries.append(
                Entry(
                    image,
                    label,
                    next(iter(groups[image]), None),
                    part_of(next(iter(parts[image].values()), "")),
                    image.removesuffix(PurePosixPath(image).suffix),
                )
            )
        seen.add(image)
    listed = {"", *(_unify(entry.label) for entry in listing.entries)}
    listing.doubts += doubt_empty_classes(
        {label: reasons for label, reasons in left_out.items() if _unify(label) not in listed}
    )


def _unify(label: str) -> str:
    """A class without case and Unicode form: classes that differ in these only are one."""
    return unicodedata.normalize("NFC", label).casefold()


TABLE_FILE = Layout("table", _recognises, _lists)
