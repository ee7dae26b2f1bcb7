"""The layouts that are understood, in the order in which they are tried: one row per layout."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from modelzoo.datasets.layouts.all_idb import ALL_IDB
from modelzoo.datasets.layouts.class_folders import CLASS_FOLDERS
from modelzoo.datasets.layouts.cnmc import CNMC
from modelzoo.datasets.layouts.given_parts import GIVEN_PARTS
from modelzoo.datasets.layouts.layout import Layout, Source
from modelzoo.datasets.layouts.names import part_of
from modelzoo.datasets.layouts.original_segmented import NAMES, ORIGINAL_SEGMENTED
from modelzoo.datasets.layouts.pbc import PBC
from modelzoo.datasets.layouts.repeated_classes import REPEATED_CLASSES
from modelzoo.datasets.layouts.table_columns import parse_columns
from modelzoo.datasets.layouts.table_file import TABLE_FILE
from modelzoo.datasets.layouts.tables_beside import describe_tables, find_tables
from modelzoo.datasets.unread import describe_unread, find_unread
from modelzoo.datasets.walk import in_utf8, is_image, walk
from modelzoo.errors import UserError
from modelzoo.files import is_folder, is_regular_file
from modelzoo.text import count

LAYOUTS: tuple[Layout, ...] = (
    TABLE_FILE, ORIGINAL_SEGMENTED, GIVEN_PARTS, CNMC, ALL_IDB, PBC, REPEATED_CLASSES,
    CLASS_FOLDERS,
)  # fmt: skip


def recognise(source: Source) -> Layout:
    """The first layout that recognises `source`.

    Raises:
        UserError: None does, or `segmented` was asked for where there is no such folder.
    """
    layout = next((each for each in LAYOUTS if each.recognises(source)), None)
    if source.segmented and layout is not ORIGINAL_SEGMENTED:
        raise UserError(f"{source.path} has no folder Segmented; leave out that choice.")
    if layout is None:
        advice = " ".join(describe_tables(source)) or (
            "Put the images of each class into a folder of its own, or give a table with the "
            "columns path and label."
        )
        images = count(len(source.images), "image")
        raise UserError(f"{source.path} holds {images} but no classes. {advice}")
    return layout


def read_source(
    path: Path,
    *,
    segmented: bool = False,
    columns: str = "",
    on_progress: Callable[[int], None] | None = None,
) -> Source:
    """What lies at `path`.

    Args:
        path: A folder or a file.
        segmented: Take Segmented where there are Original and Segmented.
        columns: Of a table, as `parse_columns` reads them.
        on_progress: Called now and then with the number of files found; may raise to stop.

    Raises:
        UserError: Nothing lies there, a folder without images, or one with too many files; or the
            columns are no list of them, or given for a folder.
    """
    named = parse_columns(columns)
    if is_regular_file(path):
        return Source(path, segmented=segmented, columns=named)
    if not is_folder(path):
        raise UserError(
            f"{path} was not found; give a folder of images or a CSV or Parquet table of them."
        )
    if named:
        raise UserError(f"{path} is a folder, which has no columns; leave out {columns!r}.")
    walked = walk(path, on_progress=on_progress)
    foreign = find_unread(path, (file for file in walked.files if not is_image(file)))
    source = Source(
        path,
        tuple(file for file in walked.files if file not in foreign),
        tuple(walked.folders),
        tuple(walked.unread.items()),
        tuple((in_utf8(file), reason) for file, reason in foreign.items()),
        segmented,
    )
    source = unwrap(source, path)
    source = replace(source, tables=find_tables(path, walked.files, source.path))
    if not source.images:
        raise UserError(_describe_nothing(source))
    return source


def _describe_nothing(source: Source) -> str:
    """What a folder without images holds, and what to do."""
    files = len(source.files) + len(source.foreign)
    held = f"{count(files, 'file')} and no images" if files else "no images"
    if source.foreign:
        held += f" ({describe_unread(source.foreign)[0].removesuffix('.')})"
    elif source.unread:
        name, why = source.unread[0]
        more = f" and {len(source.unread) - 1:,} more" if len(source.unread) > 1 else ""
        held += f" ({name}{more} {why})"
    return (
        f"{source.path} holds {held}; give a folder that has one folder of images for each class."
    )


def unwrap(source: Source, given: Path) -> Source:
    """`source`, or what is in the one folder that alone holds folders of images.

    An unpacked archive leaves such a folder, often with a preview beside it or in it. Images that
    lie loose above are unread then; the ids of what is unread are relative to `given`.
    """
    while top := _find_wrapper(source.images):
        files, folders = (
            tuple(name.removeprefix(f"{top}/") for name in names if name.startswith(f"{top}/"))
            for names in (source.files, source.folders)
        )
        above = source.path.relative_to(given)
        loose = tuple(
            (
                in_utf8((above / image).as_posix()),
                "beside the folder that holds those of the classes",
            )
            for image in source.images
            if not image.startswith(f"{top}/")
        )
        source = replace(
            source,
            path=source.path / top,
            files=files,
            folders=folders,
            unread=(*source.unread, *loose),
        )
    return source


def _find_wrapper(images: Sequence[str]) -> str:
    """The one folder with images, where nearly all of them lie in folders inside it; else empty."""
    paths = [PurePosixPath(image).parts for image in images]
    tops = {parts[0] for parts in paths if len(parts) > 1}
    if len(tops) != 1 or _is_known_folder(min(tops)):
        return ""
    deep = [parts for parts in paths if len(parts) > 2]
    if 2 * len(deep) <= len(paths):
        return ""
    # A folder of images with another folder of such inside is a class.
    is_flat = any(len(parts) == 2 for parts in paths) and any(len(parts) == 3 for parts in deep)
    return "" if is_flat and len({parts[1] for parts in deep}) < 2 else min(tops)


def _is_known_folder(name: str) -> bool:
    return name.lower() in NAMES or part_of(name) is not None or name.lower().startswith("fold_")
