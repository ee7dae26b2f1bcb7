"""What a layout is: a name, how it is recognised, and how its images are listed. No decoding."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from modelzoo.datasets.dataset import Origins, Skipped
from modelzoo.datasets.splits import Part
from modelzoo.datasets.walk import in_utf8, is_image
from modelzoo.text import count, join, join_few

# C-NMC: UID_<subject>_<image>_<cell>_<class>; subjects of the normal class begin with H, once h.
# Augmented copies have something behind, such as _rot90.
UID = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)(?:[^a-z].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that should be an image."""

    id: str
    label: str
    group: str | None = None
    part: Part | None = None
    name: str = ""  # two entries of one class and one name are perhaps one image saved twice


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
    tables: tuple[Path, ...] = ()  # beside the images of a folder

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
    unused: set[str] = field(default_factory=set)  # names of folders that say nothing
    doubts: list[str] = field(default_factory=list)  # what this arrangement means for scores
    part_doubts: list[str] = field(default_factory=list)  # the same, of scores on the given parts

    def add(
        self, file: str, label: str, part: Part | None = None, subject: str | None = None
    ) -> None:
        """Add a file of a class, or why it is left out; a subject in its name comes first."""
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
        self.entries.append(Entry(file, in_utf8(label), group or subject, part, name))


def add_classes(
    listing: Listing,
    source: Source,
    *,
    inside: str = "",
    part: Part | None = None,
    above: int = 0,
    are_subjects: bool = False,
) -> None:
    """Add `<class>/**`; images beside the class folders are left out.

    Args:
        listing: What is added to; folders inside those of the classes become its `unused`.
        source: What was given.
        inside: A name in `source.tops`, the only folder that is looked at.
        part: Of these images.
        above: Folders between `inside` and the class.
        are_subjects: The first of those is the subject.
    """
    prefix = f"{inside}/" if inside else ""
    for folder in source.folders:
        names = folder.removeprefix(prefix).split("/")
        if folder.startswith(prefix) and len(names) > above:
            label = in_utf8(names[above])
            listing.folder_by_class.setdefault(label, f"{prefix}{'/'.join(names[: above + 1])}/")
    for file in source.below(inside) if inside else source.files:
        *folders, _ = file.removeprefix(prefix).split("/")
        if len(folders) > above:
            subject = folders[0].strip() if are_subjects else None
            listing.add(file, folders[above], part, subject)
            listing.unused |= {*folders[above + 1 :]} if is_image(file) else set()
        elif is_image(file):
            listing.skipped.append(Skipped(file, "not in the folder of a class"))


def describe_unused(listing: Listing) -> None:
    """Add a note on folders of which nothing was read, and forget them."""
    if listing.unused:
        names = join_few(sorted(listing.unused))
        listing.notes.append(
            f"The folder {names} gives neither class, subject nor part, and is not used."
            if len(listing.unused) == 1
            else f"The folders {names} give neither class, subject nor part, and are not used."
        )
    listing.unused.clear()


def leave_out_rest(listing: Listing, source: Source) -> None:
    """Leave out, with a reason, every image that a layout neither listed nor left out itself."""
    known = {entry.id for entry in listing.entries} | {each.id for each in listing.skipped}
    listing.skipped += [
        Skipped(in_utf8(image), "not in the folder of a class")
        for image in source.images
        if in_utf8(image) not in known
    ]


def skip_beside(listing: Listing, source: Source, folders: Sequence[str], what: str) -> None:
    """Leave out the images in whole folders, perhaps classes, with a doubt.

    Args:
        listing: What is added to.
        source: What was given.
        folders: Names in `source.tops`.
        what: They lie beside.
    """
    counts = {folder: sum(map(is_image, source.below(folder))) for folder in folders}
    for folder in folders:
        skip_images(listing, source, folder, f"beside {what}")
    held = [f"{folder} ({count(images, 'image')})" for folder, images in counts.items() if images]
    if held:
        lies, is_used = ("lies", "is") if len(held) == 1 else ("lie", "are")
        listing.doubts.append(
            f"{join_few(held)} {lies} beside {what} and {is_used} not used: where a class is "
            "meant, its images are missing."
        )


def skip_images(listing: Listing, source: Source, folder: str, reason: str) -> None:
    """Leave out every image below `folder`, a name in `source.tops`."""
    images = filter(is_image, source.below(folder))
    listing.skipped.extend(Skipped(image, reason) for image in images)


def holds_classes(source: Source, folder: str) -> bool:
    """Whether images lie in folders inside `folder`, a name in `source.tops`."""
    return any(is_image(file) and file.count("/") > 1 for file in source.below(folder))


def skip_part(listing: Listing, source: Source, folder: str) -> None:
    """Leave out a folder that is called like a part and holds no folders of classes."""
    skip_images(listing, source, folder, "in a folder called like a part, without a class")
    if images := sum(map(is_image, source.below(folder))):
        listing.notes.append(
            f"The folder {folder} is called like a part and holds no folders of classes: its "
            f"{count(images, 'image')} cannot be used."
        )


def unify_classes(listing: Listing) -> None:
    """Take classes whose names differ in case, blanks or Unicode form only as one, with a note.

    Folders of different parts are often written differently, and archives of a Mac spell `ä` in two
    characters. The most frequent spelling is kept, of several the first, without blanks around it.
    """
    counts = Counter(entry.label for entry in listing.entries)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        spellings[_plain(label).casefold()].append(label)
    chosen = {label: _plain(labels[0]) for labels in spellings.values() for label in labels}
    listing.entries = [replace(entry, label=chosen[entry.label]) for entry in listing.entries]
    listing.folder_by_class = {
        chosen.get(label, label): folder for label, folder in listing.folder_by_class.items()
    }
    for labels in spellings.values():
        written = list(dict.fromkeys(map(_plain, labels)))
        if len(written) > 1:
            listing.notes.append(
                f"The classes {join(written)} differ in case only; they are taken as one, "
                f"{chosen[labels[0]]}."
            )
        elif any(label != label.strip() for label in labels):
            listing.notes.append(f"Blanks around the name of the class {written[0]} are left out.")
        elif len(labels) > 1:
            listing.notes.append(
                f"The class {chosen[labels[0]]} is written in two Unicode forms; they are taken as "
                "one."
            )


def _plain(label: str) -> str:
    """A class's name in composed Unicode, one blank between words and none around."""
    return " ".join(unicodedata.normalize("NFC", label).split()) or label


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which people arrange the images of a data set."""

    name: str
    recognises: Callable[[Source], bool]
    lists: Callable[[Source], Listing]
