"""ImageNet weights from the internet into the hub's cache, where `find_weights` looks. No torch."""

import re
import socket
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import httpx
import huggingface_hub
from huggingface_hub.file_download import repo_folder_name

from modelzoo.backbones.download import (
    TIMEOUT_SECONDS,
    BeingFetchedError,
    NotKeptError,
    Report,
    download,
)
from modelzoo.backbones.table import BackboneRow, find_backbone
from modelzoo.backbones.weights import (
    HUB_FILE,
    FoundWeights,
    cached_file,
    find_cached,
    hash_in_name,
    hub_id,
)
from modelzoo.errors import UserError


class NotFetchedError(UserError):
    """Weights that did not come: the sentence, and why in a few words, for a table."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def fetch_weights(name: str, *, report: Report | None = None) -> FoundWeights:
    """Download the ImageNet weights of `name` to the hub's cache; what was cut is resumed.

    Raises:
        NotFetchedError: There is no internet, what came is not what was published, or the disk is
            full; what came is kept, and the next call goes on there.
        UserError: No backbone is called `name`, or the cache cannot be made.
    """
    row = find_backbone(name)
    report = report or (lambda done, total: None)
    if row.url:
        start = hash_in_name(row.url)
        with _explained(row, row.url):
            download(row.url, cached_file(row), sha256_start=start, report=report)
    else:
        _fetch_from_hub(row, report)
    found = find_cached(row)
    assert found is not None
    return found


def _fetch_from_hub(row: BackboneRow, report: Report) -> None:
    """Put the file where the hub's client keeps it, and let that client link it.

    The client itself begins anew each time that it is interrupted, and checks no hash.
    """
    url = huggingface_hub.hf_hub_url(hub_id(row), HUB_FILE)
    with _explained(row, url):
        facts = huggingface_hub.get_hf_file_metadata(url, timeout=TIMEOUT_SECONDS)
        sha256 = facts.etag or ""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError("the server does not say its hash")
        folder = repo_folder_name(repo_id=hub_id(row), repo_type="model")
        blob = Path(huggingface_hub.constants.HF_HUB_CACHE) / folder / "blobs" / sha256
        if not blob.is_file():
            download(facts.location, blob, sha256_start=sha256, report=report)
        huggingface_hub.hf_hub_download(hub_id(row), HUB_FILE, etag_timeout=TIMEOUT_SECONDS)


@contextmanager
def _explained(row: BackboneRow, url: str) -> Iterator[None]:
    """Turn what went wrong in the block into a sentence."""
    try:
        yield
    except BeingFetchedError:
        raise NotFetchedError(
            f"The weights of {row.title} are being fetched by another process; wait for it.",
            "fetched by another process",
        ) from None
    except NotKeptError as error:
        raise NotFetchedError(
            f"The weights of {row.title} could not be kept ({error}); free some space or mend "
            "that folder, and fetch again: what came is kept.",
            "the disk does not take them",
        ) from error
    except ValueError as error:
        raise NotFetchedError(
            f"What {url} sent is not what was published ({error}), and was thrown away; "
            f"try again, or put {row.name}.safetensors into the folder BLASTLENS_WEIGHTS names.",
            "not what was published",
        ) from error
    except (OSError, HTTPException, httpx.HTTPError) as error:
        raise NotFetchedError(
            f"The weights of {row.title} could not be fetched from {url} "
            f"({_first_line(error)}); look at the internet connection, or put "
            f"{row.name}.safetensors into the folder that BLASTLENS_WEIGHTS names.",
            _reason(error),
        ) from error


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error).strip()
    return text.split("\n")[0] or type(error).__name__


def _reason(error: BaseException) -> str:
    """Why a server gave nothing, in a few words: of the cause below what libraries wrap it in."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answered {error.response.status_code}"
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "no network"
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in causes):
        return "the server does not answer"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "the server refused"
    if any(isinstance(cause, ConnectionError | HTTPException) for cause in causes):
        return "the connection was cut"
    return "no network"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        inner = getattr(error, "reason", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
