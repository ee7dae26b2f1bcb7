"""What a layout is: a name, how it is recognised, and how its images are listed. No decoding."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from modelzoo.datasets.dataset import Origins, Skipped
from modelzoo.datasets.splits import Part
from modelzoo.datasets.walk import in_utf8, is_image

PART_BY_NAME: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
    "testa": "test",  # Raabin's two, from two microscopes
    "testb": "test",
    "dev": "validation",
}
# Folders and classes that are called like a patient: patient_07, Case 3, slide12.
SUBJECT_NAME = re.compile(r"(patient|subject|case|slide|pat|pt)[\W_]*\w*\d+", re.IGNORECASE)


# C-NMC: UID_<subject>_<image>_<cell>_<class>; subjects of the normal class begin with H, once h.
# Augmented copies have something behind, such as _rot90.
UID = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)(?:[^a-z].*)?", re.IGNORECASE)


def part_of(name: str) -> Part | None:
    """The part that a folder or a cell of a table is called after: Train, test_2, TestB."""
    name = name.strip().lower()
    return PART_BY_NAME.get(name) or PART_BY_NAME.get(re.sub(r"[\W_]*\d+$", "", name))


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that should be an image."""

    id: str
    label: str
    group: str | None = None
    part: Part | None = None
    name: str = ""  # two entries of one class and one name are the same image saved twice


@dataclass(frozen=True, slots=True)
class Source:
    """What was given as a data set: a folder with all that lies in it, or a file."""

    path: Path  # of a folder that holds nothing but one other, the path of that one
    files: tuple[str, ...] = ()  # ids, in order; none of a file
    folders: tuple[str, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  # id, why it cannot be read
    foreign: tuple[tuple[str, str], ...] = ()  # id, why it is not read; perhaps an image
    segmented: bool = False  # take Segmented where there are Original and Segmented
    columns: tuple[tuple[str, str], ...] = ()  # of a table: path, label, group or part; its name

    @property
    def images(self) -> list[str]:
        """Ids of the files that are images by their extension."""
        return [file for file in self.files if is_image(file)]

    @property
    def tops(self) -> list[str]:
        """Names of the folders directly in `path`, in order."""
        return sorted({PurePosixPath(folder).parts[0] for folder in self.folders})

    def below(self, folder: str) -> list[str]:
        """Ids of the files below `folder`, a name in `tops`."""
        return [file for file in self.files if file.startswith(f"{folder}/")]


@dataclass(slots=True)
class Listing:
    """The entries that a layout found, and what it skipped."""

    root: Path
    origins: Origins
    entries: list[Entry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    folder_by_class: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what was guessed or is not used

    def add(self, file: str, label: str, part: Part | None = None) -> None:
        """Add a file of a class, or why it is left out."""
        path = PurePosixPath(file)
        if not is_image(file):
            self.skipped.append(Skipped(file, "not an image by its extension"))
            return
        if in_utf8(file) != file:
            self.skipped.append(Skipped(in_utf8(file), "its name is not UTF-8"))
            return
        uid = UID.fullmatch(path.stem)
        group = uid[1].upper() if uid else None
        if group and not self.origins.group:
            self.origins = replace(self.origins, group="file name, UID_<subject>_…")
        name = path.stem if uid else str(path.with_suffix(""))
        self.entries.append(Entry(file, label, group, part, name))


def add_classes(
    listing: Listing, source: Source, *, inside: str = "", part: Part | None = None
) -> None:
    """Add `<class>/**`, or `<inside>/<class>/**`; images beside the class folders are left out."""
    prefix = f"{inside}/" if inside else ""
    for folder in source.folders:
        if folder.startswith(prefix):
            label = in_utf8(folder.removeprefix(prefix).split("/")[0])
            listing.folder_by_class.setdefault(label, f"{prefix}{label}/")
    for file in source.below(inside) if inside else source.files:
        label, slash, _ = file.removeprefix(prefix).partition("/")
        if slash:
            listing.add(file, label, part)
        elif is_image(file):
            listing.skipped.append(Skipped(file, "not in the folder of a class"))


def skip_images(listing: Listing, source: Source, folder: str, reason: str) -> None:
    """Leave out every image below `folder`, a name in `source.tops`."""
    images = filter(is_image, source.below(folder))
    listing.skipped.extend(Skipped(image, reason) for image in images)


def unify_classes(listing: Listing) -> None:
    """Take classes whose names differ in case or Unicode form only as one, with a note.

    Folders of different parts are often written differently, and archives of a Mac spell `ä` in two
    characters. The most frequent spelling is kept, of several the first.
    """
    counts = Counter(entry.label for entry in listing.entries)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        spellings[unicodedata.normalize("NFC", label).casefold()].append(label)
    chosen = {
        label: unicodedata.normalize("NFC", labels[0])
        for labels in spellings.values()
        for label in labels
    }
    listing.entries = [replace(entry, label=chosen[entry.label]) for entry in listing.entries]
    listing.folder_by_class = {
        chosen.get(label, label): folder for label, folder in listing.folder_by_class.items()
    }
    for labels in spellings.values():
        if len({unicodedata.normalize("NFC", label) for label in labels}) > 1:
            listing.notes.append(
                f"The classes {', '.join(labels[:-1])} and {labels[-1]} differ in case only; they "
                f"are taken as one, {chosen[labels[0]]}."
            )
        elif len(labels) > 1:
            listing.notes.append(
                f"The class {chosen[labels[0]]} is written in two Unicode forms; they are taken as "
                "one."
            )


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which people arrange the images of a data set."""

    name: str
    recognises: Callable[[Source], bool]
    lists: Callable[[Source], Listing]
