"""Weights fetched by a process of its own: what it says of itself, and how to stop it. No torch."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn

from filelock import FileLock, Timeout

from modelzoo.backbones.download import Report
from modelzoo.backbones.fetch import NotFetchedError, fetch_weights
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsState
from modelzoo.errors import UserError
from modelzoo.files import make_folder, write_text
from modelzoo.launching import local
from modelzoo.runs.parse import format_record, parse_record
from modelzoo.runs.status import is_alive, is_on_this_machine, this_process
from modelzoo.text import join

FETCH, LOCK, LOG = "fetch.json", ".fetch.lock", "fetch.log"  # in the home folder
WRITE_SECONDS = 0.5  # between two signs of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What a process that fetches weights is doing, as it last wrote."""

    state: Literal["fetching", "done", "stopped"]
    pid: int = 0
    process_started: float = 0.0  # seconds since the epoch; ids of processes are reused
    host: str = ""
    heartbeat: float = 0.0  # seconds since the epoch
    backbone: str = ""  # whose weights are being fetched
    done_bytes: int = 0  # of these weights
    total_bytes: int = 0  # of these weights; 0: not known yet
    reasons: dict[str, str] = field(default_factory=dict)  # by backbone: why its weights wait
    sentences: dict[str, str] = field(default_factory=dict)  # the same, and what to do


def read_fetch(home: Path, *, now: float) -> Fetch | None:
    """The last fetch of this home; `stopped` where its process is gone; None where there was none.

    A damaged record is taken for none: it only says how far a fetch was, and the next writes it.

    Args:
        home: Where runs are kept, too.
        now: Seconds since the epoch.
    """
    try:
        fetch = parse_record(home / FETCH, Fetch)
    except UserError:
        return None
    if fetch.state == "fetching" and not is_alive(fetch, now=now):
        return replace(fetch, state="stopped")
    return fetch


def fetch_missing(
    names: Sequence[str],
    *,
    home: Path,
    report: Callable[[str, int, int], None],
    on_fetched: Callable[[str], None],
) -> Fetch:
    """Fetch the weights of each of the backbones, the smallest first; one that fails is passed.

    SIGTERM and Ctrl-C end it, and so does a process that is killed: what came is kept, and the
    next fetch goes on there.

    Args:
        names: Backbones whose weights are missing.
        home: Where it is said how far the fetch is.
        report: Called with the backbone, its bytes so far and in all.
        on_fetched: Called with each backbone whose weights are here now.

    Returns:
        How it ended, and which weights did not come.

    Raises:
        UserError: Another process fetches for this home.
        KeyboardInterrupt: Somebody asked to stop.
    """
    with _only_here(home), _stopped_by_sigterm():
        fetch = Fetch(state="fetching", **this_process())
        try:
            for name in sorted(names, key=lambda name: BACKBONES[name].parameters):
                fetch = replace(fetch, backbone=name, done_bytes=0, total_bytes=0)
                _write(home, fetch)
                try:
                    fetch_weights(name, report=_progress_of(fetch, home, report))
                except UserError as error:
                    fetch = _with_failure(fetch, error)
                else:
                    on_fetched(name)
        except KeyboardInterrupt:
            _write(home, replace(fetch, state="stopped"))
            raise
        fetch = replace(fetch, state="done", backbone="", done_bytes=0, total_bytes=0)
        _write(home, fetch)
    return fetch


def start_fetch(home: Path) -> None:
    """Fetch what is missing, in a process that outlives this one.

    Raises:
        UserError: The log cannot be written.
    """
    local.start_detached([*local.PYTHON, "weights", "--fetch"], make_folder(home) / LOG)


def stop_fetch(home: Path) -> None:
    """Ask the process that fetches weights to stop; what came is kept.

    Raises:
        UserError: None does, or not on this machine.
    """
    fetch = read_fetch(home, now=time.time())
    if fetch is None or fetch.state != "fetching":
        raise UserError("No weights are being fetched; there is nothing to stop.")
    if not is_on_this_machine(fetch):
        raise UserError(f"The weights are being fetched on {fetch.host}; stop that there.")
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(fetch.pid, signal.SIGTERM)


def describe_weights(weights: WeightsState, fetch: Fetch | None) -> str:
    """Where the weights of a backbone are, how much of them has come, or why they wait."""
    if weights.path is not None or fetch is None:
        return weights.state
    if fetch.state == "fetching" and fetch.backbone == weights.backbone:
        total = fetch.total_bytes or weights.size_bytes
        return f"fetching: {fetch.done_bytes / 1e6:.0f} of {total / 1e6:.0f} MB"
    if reason := fetch.reasons.get(weights.backbone):
        return f"waits: {reason}"
    return "follows" if fetch.state == "fetching" else weights.state


def describe_fetch(fetch: Fetch, missing: Sequence[WeightsState]) -> str:
    """What is being fetched and how much is left, in one sentence; `missing` is not here yet."""
    left = sum(each.size_bytes for each in missing if each.backbone not in fetch.reasons)
    left = max(left - fetch.done_bytes, 0)
    now = [each for each in missing if each.backbone == fetch.backbone]
    if not now:
        return "ImageNet weights are being fetched."
    title, state = BACKBONES[fetch.backbone].title, describe_weights(now[0], fetch)
    return (
        f"ImageNet weights of {title} are being {state.replace('fetching', 'fetched')}; "
        f"{left / 1e6:,.0f} MB are left in all."
    )


def describe_failures(fetch: Fetch) -> list[str]:
    """Why weights did not come and what to do, a text for each reason, however many it kept."""
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in fetch.reasons.items():
        names_by_reason.setdefault(reason, []).append(name)
    texts = []
    for reason, (first, *others) in names_by_reason.items():
        text = fetch.sentences.get(first, "")
        if others:
            titles = [BACKBONES[name].title for name in others if name in BACKBONES]
            text += f" The same ({reason}) holds for {join(titles)}."
        texts.append(text)
    return texts


def _with_failure(fetch: Fetch, error: UserError) -> Fetch:
    reason = error.reason if isinstance(error, NotFetchedError) else str(error)
    return replace(
        fetch,
        reasons=fetch.reasons | {fetch.backbone: reason},
        sentences=fetch.sentences | {fetch.backbone: str(error)},
    )


def _progress_of(fetch: Fetch, home: Path, report: Callable[[str, int, int], None]) -> Report:
    """What to call with the bytes of the backbone in hand: tells `report` and readers of `home`."""
    written = 0.0

    def show(done: int, total: int) -> None:
        nonlocal written
        report(fetch.backbone, done, total)
        if time.monotonic() - written >= WRITE_SECONDS:
            written = time.monotonic()
            now = replace(fetch, done_bytes=done, total_bytes=total, heartbeat=time.time())
            _write(home, now)

    return show


def _write(home: Path, fetch: Fetch) -> None:
    with suppress(UserError):  # a full disk: it only says how far the fetch is
        write_text(home / FETCH, format_record(fetch))


@contextmanager
def _only_here(home: Path) -> Iterator[None]:
    """Hold the lock of this home's fetch; the system frees it when the process dies."""
    lock = FileLock(make_folder(home) / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            "Weights are being fetched by another process already; wait for it, or stop it with "
            "`python -m modelzoo weights --stop`."
        ) from None
    except OSError as error:
        raise UserError(
            f"{lock.lock_file} cannot be locked ({error.strerror or error}); remove it, or give "
            "a folder that may be written to by BLASTLENS_HOME."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, where the caller is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
