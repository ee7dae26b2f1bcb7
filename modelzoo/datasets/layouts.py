"""Folders and tables -> Dataset, with what was skipped and why. Decides nothing about splits."""

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from modelzoo.datasets.images import EXTENSIONS, ImageError, decode_image
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.files import make_folder, replacing

Progress = Callable[[int, int], None]  # done, of how many

# Below this no part of a split holds enough to learn from or to measure on.
MIN_IMAGES = 30
MIN_CLASS_IMAGES = 5

TABLE_SUFFIXES = (".csv", ".parquet", ".pq")
_TABLE_COLUMNS = ("path", "label", "group", "part")
_PART_BY_NAME: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
# C-NMC: UID_<subject>_<image>_<cell>_<class>; subjects of the normal class begin with H, once h.
_UID = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Image:
    """One image that can be used."""

    id: str  # path relative to the data set's root, /-separated
    label: str
    bytes: int  # size of the file
    sha256: str  # of the file's content
    group: str | None  # subject, or what the table says; None: not known
    part: Part | None  # what folders or table say; None: nothing


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, folder or line that was left out."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images in the order of their ids, and what was left out."""

    root: Path
    layout: str
    images: tuple[Image, ...]
    skipped: tuple[Skipped, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the alphabet, which ranks nothing."""
        return tuple(sorted({image.label for image in self.images}))

    @property
    def id(self) -> str:
        """Hash of every image's (id, size, content hash): the same wherever the files lie."""
        lines = (f"{image.id}\0{image.bytes}\0{image.sha256}\n" for image in self.images)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

    @property
    def ids(self) -> tuple[str, ...]:
        """Image ids, in order."""
        return tuple(image.id for image in self.images)

    @property
    def label_by_id(self) -> dict[str, str]:
        """Image id -> class."""
        return {image.id: image.label for image in self.images}

    @property
    def images_by_class(self) -> dict[str, int]:
        """Class -> number of images, in the order of `classes`."""
        return dict(sorted(Counter(image.label for image in self.images).items()))

    @property
    def skipped_by_reason(self) -> dict[str, int]:
        """Reason -> number of entries left out for it, the most frequent first."""
        return dict(Counter(entry.reason for entry in self.skipped).most_common())

    def path(self, image_id: str) -> Path:
        """The file of one image."""
        return self.root / image_id


def open_dataset(
    path: Path, *, store: Path, segmented: bool = False, progress: Progress | None = None
) -> Dataset:
    """The images in a folder or table, each checked by decoding it.

    What a check found is kept under `store` by place, size and time of change, so that a second
    opening decodes only what is new.

    Args:
        path: A folder in one of the known layouts, or a CSV or Parquet table with the columns
            path and label, perhaps group and part.
        store: Where results that can be made again are kept.
        segmented: Of a data set with Original and Segmented, take the latter.
        progress: Called now and then with the files checked and how many there are.

    Raises:
        UserError: It is missing, holds no usable image, or is in no known layout.
    """
    listing = _list_table(path) if path.is_file() else _list_folder(path, segmented)
    checks = _check_files(listing.root, [entry.id for entry in listing.entries], store, progress)
    images, skipped = _select(listing.entries, checks)
    skipped = [*listing.skipped, *skipped]
    used = {image.label for image in images}
    for label, folder in sorted(listing.folder_by_class.items()):
        if label not in used:
            skipped.append(Skipped(folder, "empty class: no image in it can be used"))
    if not images:
        raise _nothing_usable(path, skipped)
    return Dataset(
        listing.root,
        listing.layout,
        tuple(sorted(images, key=lambda image: image.id)),
        tuple(sorted(skipped, key=lambda entry: entry.id)),
    )


def check_trainable(dataset: Dataset) -> None:
    """Pass when there is enough to train on and to test.

    Raises:
        UserError: Fewer than two classes, or too few images in a class or altogether.
    """
    counts = dataset.images_by_class
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    if len(counts) < 2:
        raise UserError(
            f"{dataset.root} holds only one class ({listed}); training needs at least two, each "
            "in a folder of its own or named in a table."
        )
    if len(dataset.images) < MIN_IMAGES or min(counts.values()) < MIN_CLASS_IMAGES:
        raise UserError(
            f"{dataset.root} holds {len(dataset.images)} images ({listed}), too few to train on; "
            f"give at least {MIN_IMAGES}, and {MIN_CLASS_IMAGES} of each class."
        )


def list_image_files(folder: Path) -> list[str]:
    """Ids of the files under `folder` that are images by their extension, in order; unchecked."""
    return [name for name in _walk(folder)[0] if _is_image(name)]


# Which files belong to which class


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file that should be an image."""

    id: str
    label: str
    group: str | None = None
    part: Part | None = None
    name: str = ""  # two entries of one class and one name are the same image saved twice


@dataclass(slots=True)
class _Listing:
    root: Path
    layout: str
    entries: list[_Entry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    folder_by_class: dict[str, str] = field(default_factory=dict)

    def add(self, file: str, label: str, part: Part | None = None) -> None:
        """Add a file of a class, or why it is left out."""
        path = PurePosixPath(file)
        if not _is_image(file):
            self.skipped.append(Skipped(file, "not an image by its extension"))
            return
        if _in_utf8(file) != file:
            self.skipped.append(Skipped(_in_utf8(file), "its name is not UTF-8"))
            return
        uid = _UID.fullmatch(path.stem)
        group = uid[1].upper() if uid else None
        name = path.stem if uid else str(path.with_suffix(""))
        self.entries.append(_Entry(file, label, group, part, name))


def _list_folder(root: Path, segmented: bool) -> _Listing:
    """The files of a folder in whichever layout it has."""
    if not root.is_dir():
        raise UserError(
            f"{root} was not found; give a folder of images or a CSV or Parquet table of them."
        )
    root, files, folders = _unwrap(root)
    images = [file for file in files if _is_image(file)]
    if not images:
        raise UserError(
            f"{root} holds no images; give a folder that has one folder of images for each class."
        )
    tops = {PurePosixPath(folder).parts[0] for folder in folders}
    if any(name.lower() in ("original", "segmented") for name in tops):
        return _list_original(root, files, folders, segmented)
    if segmented:
        raise UserError(f"{root} has no folder Segmented; leave out that choice.")
    if any(_PART_BY_NAME.get(name.lower()) in ("train", "test") for name in tops):
        return _list_parts(root, files, folders)
    if 2 * sum(bool(_UID.fullmatch(PurePosixPath(file).stem)) for file in images) > len(images):
        return _list_cnmc(root, files)
    if all("/" not in file for file in images):
        raise UserError(
            f"{root} holds {len(images)} images but no classes; put the images of each class "
            "into a folder of its own, or give a table with the columns path and label."
        )
    listing = _Listing(root, "class folders")
    _add_classes(listing, files, folders, "")
    return listing


def _list_original(root: Path, files: list[str], folders: list[str], segmented: bool) -> _Listing:
    """`Original/<class>` and `Segmented/<class>`: the same fields twice, so one of them is left."""
    listing = _Listing(root, "Original and Segmented")
    wanted = "segmented" if segmented else "original"
    tops = {PurePosixPath(folder).parts[0] for folder in folders}
    if wanted not in {name.lower() for name in tops}:
        other = "Original" if segmented else "Segmented"
        raise UserError(
            f"{root} has only the folder {other}; choose that one, or give a folder with both."
        )
    for top in sorted(tops):
        if top.lower() == wanted:
            _add_classes(listing, files, folders, f"{top}/")
            continue
        is_twin = top.lower() in ("original", "segmented")
        reason = f"twin in {top}, the same field again" if is_twin else "beside Original"
        images = [file for file in _below(files, f"{top}/") if _is_image(file)]
        listing.skipped.extend(Skipped(file, reason) for file in images)
    return listing


def _list_parts(root: Path, files: list[str], folders: list[str]) -> _Listing:
    """`train|val|test/<class>`."""
    listing = _Listing(root, "parts")
    for top in sorted({PurePosixPath(folder).parts[0] for folder in folders}):
        part = _PART_BY_NAME.get(top.lower())
        if part:
            _add_classes(listing, files, folders, f"{top}/", part)
        else:
            reason = "beside the folders of the parts"
            images = [file for file in _below(files, f"{top}/") if _is_image(file)]
            listing.skipped.extend(Skipped(file, reason) for file in images)
    return listing


def _list_cnmc(root: Path, files: list[str]) -> _Listing:
    """C-NMC 2019: class and subject are in the name, the fold in the folder or nowhere."""
    listing = _Listing(root, "C-NMC")
    for file in files:
        uid = _UID.fullmatch(PurePosixPath(file).stem)
        if uid:
            listing.add(file, uid[2].lower())
        elif _is_image(file):
            reason = "its name is not UID_<subject>_<image>_<cell>_<class>"
            listing.skipped.append(Skipped(file, reason))
    return listing


def _add_classes(
    listing: _Listing, files: list[str], folders: list[str], prefix: str, part: Part | None = None
) -> None:
    """Add `<prefix><class>/**`; images beside the class folders are left out."""
    for folder in _below(folders, prefix):
        label = _in_utf8(folder.removeprefix(prefix).split("/")[0])
        listing.folder_by_class.setdefault(label, f"{prefix}{label}/")
    for file in _below(files, prefix):
        label, slash, _ = file.removeprefix(prefix).partition("/")
        if slash:
            listing.add(file, label, part)
        elif _is_image(file):
            listing.skipped.append(Skipped(file, "not in the folder of a class"))


def _list_table(path: Path) -> _Listing:
    """A table with path, label[, group][, part]; paths are relative to the table's folder."""
    table = _read_table(path)
    listing = _Listing(path.parent, "table")
    labels_by_id: dict[str, set[str]] = defaultdict(set)
    rows = [_table_row(values, path) for values in table.itertuples(index=False)]
    for row in rows:
        labels_by_id[row.id].add(row.label)
    seen: set[str] = set()
    for row in rows:
        reason = _row_problem(row, labels_by_id[row.id], seen)
        if reason:
            listing.skipped.append(Skipped(row.id, reason))
        else:
            listing.entries.append(row)
        seen.add(row.id)
    return listing


def _read_table(path: Path) -> pd.DataFrame:
    """The known columns as texts, empty where there is no value."""
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise UserError(
            f"{path} is neither a folder nor a table; give a folder of images, or a CSV or "
            "Parquet file with the columns path and label."
        )
    try:
        if suffix == ".csv":
            # Texts as they are: a class may be called NA, a subject 007.
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        else:
            table = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are ValueErrors
        raise UserError(
            f"{path} could not be read as a table; give a CSV in UTF-8 or a Parquet file."
        ) from error
    missing = [name for name in ("path", "label") if name not in table.columns]
    if missing:
        given = ", ".join(map(str, table.columns)) or "none"
        raise UserError(
            f"{path} has no column {' or '.join(missing)} (columns: {given}); give a table with "
            "path and label, perhaps group and part."
        )
    if table.empty:
        raise UserError(f"{path} has no rows; give one for each image.")
    table = table.reindex(columns=list(_TABLE_COLUMNS))
    return table.astype(object).where(table.notna(), "").astype(str)


def _table_row(values: Iterable[str], table: Path) -> _Entry:
    """One line of the table as an entry."""
    path, label, group, part = (value.strip() for value in values)
    if part and part.lower() not in _PART_BY_NAME:
        raise UserError(
            f"{table} has the part {part!r}; give train, validation or test, or leave it empty."
        )
    image_id = os.path.normpath(path.replace("\\", "/")) if path else ""
    if image_id.startswith("/"):
        image_id = os.path.relpath(image_id, table.parent.absolute())
    name = image_id.removesuffix(PurePosixPath(image_id).suffix)
    return _Entry(image_id, label, group or None, _PART_BY_NAME.get(part.lower()), name)


def _row_problem(row: _Entry, labels: set[str], seen: set[str]) -> str:
    """Why a line of a table is left out; empty: it is not."""
    if not row.id:
        return "a line without a path"
    if row.id.startswith("../"):
        return "outside the table's folder"
    if not row.label:
        return "no label"
    if len(labels) > 1:
        return f"listed with the labels {' and '.join(sorted(labels))}"
    return "listed twice" if row.id in seen else ""


def _unwrap(root: Path) -> tuple[Path, list[str], list[str]]:
    """`root`, or the one folder in it that an unpacked archive left, and what it holds."""
    files, folders = _walk(root)
    while True:
        images = [PurePosixPath(file).parts for file in files if _is_image(file)]
        tops = {parts[0] for parts in images}
        if len(tops) != 1 or min(map(len, images)) < 3 or _is_known_folder(min(tops)):
            return root, files, folders
        root /= min(tops)
        files, folders = _walk(root)


def _is_known_folder(name: str) -> bool:
    name = name.lower()
    return name in ("original", "segmented", *_PART_BY_NAME) or name.startswith("fold_")


def _walk(root: Path) -> tuple[list[str], list[str]]:
    """Files and folders under `root` as ids, in order; hidden ones and systems' litter left out."""
    files: list[str] = []
    folders: list[str] = []
    for place, names, file_names in os.walk(root, followlinks=True):
        names[:] = [
            name for name in sorted(filter(_is_wanted, names)) if not _is_loop(Path(place, name))
        ]
        prefix = "" if Path(place) == root else f"{Path(place).relative_to(root).as_posix()}/"
        folders.extend(prefix + name for name in names)
        files.extend(prefix + name for name in file_names if _is_wanted(name))
    return sorted(files), sorted(folders)


def _is_loop(folder: Path) -> bool:
    """Whether `folder` is a link to a folder that it lies in."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def _in_utf8(name: str) -> str:
    """`name` with bytes that are not UTF-8 spelt out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _below(names: list[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]


# Which files can be used


@dataclass(frozen=True, slots=True)
class _Check:
    """What was found in one file."""

    bytes: int
    mtime_ns: int
    sha256: str
    reason: str  # why it cannot be used; empty: it can


def _check_files(
    root: Path, ids: list[str], store: Path, progress: Progress | None
) -> dict[str, _Check]:
    """A check of each file, kept under `store` and done anew for those that have changed."""
    key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    cache = store / "checks" / f"{key}.parquet"
    known = _read_checks(cache)
    checks: dict[str, _Check] = {}
    with worker_threads() as pool:
        results = pool.map(lambda image_id: _check_file(root / image_id, known.get(image_id)), ids)
        for image_id, check in zip(ids, results, strict=True):
            checks[image_id] = check
            report_progress(progress, len(checks), len(ids))
    # A file that could not be read today may be readable tomorrow, unchanged.
    lasting = {image_id: check for image_id, check in checks.items() if check.sha256}
    if lasting != {image_id: known.get(image_id) for image_id in lasting}:
        _write_checks(cache, {**known, **lasting})
    return checks


@contextmanager
def worker_threads() -> Iterator[ThreadPoolExecutor]:
    """One thread a core; an error or Ctrl-C drops the work that has not begun."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def report_progress(progress: Progress | None, done: int, total: int) -> None:
    """Tell `progress`, about a hundred times altogether."""
    if progress and (done == total or done % max(1, total // 100) == 0):
        progress(done, total)


def _check_file(path: Path, known: _Check | None) -> _Check:
    """Size, content hash and whether it can be decoded."""
    try:
        status = path.stat()
        if known and (known.bytes, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known
        content = path.read_bytes()
    except OSError as error:
        return _Check(0, 0, "", f"could not be read: {(error.strerror or str(error)).lower()}")
    reason = ""
    try:
        decode_image(content)
    except ImageError as error:
        reason = error.reason
    digest = hashlib.sha256(content).hexdigest()
    return _Check(len(content), status.st_mtime_ns, digest, reason)


def _read_checks(cache: Path) -> dict[str, _Check]:
    """What was found before; nothing where the file is missing or damaged."""
    try:
        table = pd.read_parquet(cache)
        return {
            row[0]: _Check(*row[1:])
            for row in table[["id", "bytes", "mtime_ns", "sha256", "reason"]].itertuples(
                index=False, name=None
            )
        }
    except (ValueError, OSError, KeyError):
        return {}


def _write_checks(cache: Path, checks: dict[str, _Check]) -> None:
    rows = [
        (image_id, check.bytes, check.mtime_ns, check.sha256, check.reason)
        for image_id, check in sorted(checks.items())
    ]
    make_folder(cache.parent)
    with replacing(cache) as temporary:
        columns = ["id", "bytes", "mtime_ns", "sha256", "reason"]
        pd.DataFrame(rows, columns=columns).to_parquet(temporary, index=False)


def _select(
    entries: list[_Entry], checks: Mapping[str, _Check]
) -> tuple[list[Image], list[Skipped]]:
    """The images that can be used, and why the others cannot."""
    labels_by_content: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        labels_by_content[checks[entry.id].sha256].add(entry.label)
    images: list[Image] = []
    skipped: list[Skipped] = []
    first_by_name: dict[tuple[str, Part | None, str], str] = {}
    for entry in entries:
        check = checks[entry.id]
        labels = labels_by_content[check.sha256]
        name = (entry.label, entry.part, entry.name)
        if check.reason:
            skipped.append(Skipped(entry.id, check.reason))
        elif len(labels) > 1:
            reason = f"the same content is in the classes {' and '.join(sorted(labels))}"
            skipped.append(Skipped(entry.id, reason))
        elif first_by_name.setdefault(name, entry.id) != entry.id:
            reason = "duplicate name: another of its class differs only in folder or extension"
            skipped.append(Skipped(entry.id, reason))
        else:
            size = check.bytes
            images.append(Image(entry.id, entry.label, size, check.sha256, entry.group, entry.part))
    return images, skipped


def _nothing_usable(path: Path, skipped: list[Skipped]) -> UserError:
    reasons = Counter(entry.reason for entry in skipped).most_common(1)
    why = f" ({len(skipped)} left out, {reasons[0][1]} because: {reasons[0][0]})" if reasons else ""
    return UserError(
        f"{path} holds no image of a class that can be used{why}; give a folder that has one "
        "folder of images for each class, or a table with the columns path and label."
    )
