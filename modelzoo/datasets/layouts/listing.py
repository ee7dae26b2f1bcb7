"""What a layout finds in a folder: entries with class, group and part, and what it skipped."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from modelzoo.datasets.dataset import Skipped
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
}


# C-NMC: UID_<subject>_<image>_<cell>_<class>; subjects of the normal class begin with H, once h.
UID = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that should be an image."""

    id: str
    label: str
    group: str | None = None
    part: Part | None = None
    name: str = ""  # two entries of one class and one name are the same image saved twice


@dataclass(slots=True)
class Listing:
    """What a layout found below a folder."""

    root: Path
    layout: str
    entries: list[Entry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    folder_by_class: dict[str, str] = field(default_factory=dict)

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
        name = path.stem if uid else str(path.with_suffix(""))
        self.entries.append(Entry(file, label, group, part, name))


def add_classes(
    listing: Listing, files: list[str], folders: list[str], prefix: str, part: Part | None = None
) -> None:
    """Add `<prefix><class>/**`; images beside the class folders are left out."""
    for folder in below(folders, prefix):
        label = in_utf8(folder.removeprefix(prefix).split("/")[0])
        listing.folder_by_class.setdefault(label, f"{prefix}{label}/")
    for file in below(files, prefix):
        label, slash, _ = file.removeprefix(prefix).partition("/")
        if slash:
            listing.add(file, label, part)
        elif is_image(file):
            listing.skipped.append(Skipped(file, "not in the folder of a class"))


def below(names: list[str], prefix: str) -> list[str]:
    """Those of `names` that begin with `prefix`."""
    return [name for name in names if name.startswith(prefix)]
