"""One home under two servers and the command line, on a full disk, read only, and a clock moved.

Needs root: disks are file systems in memory of their own, mounted here. Runs are of small networks.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks.app import IDLE, serve, until
from benchmarks.soak.judge import Outcome, Tries, command, hash_files, judge, list_changed
from benchmarks.soak.kills import list_processes
from modelzoo.launching.local import PYTHON
from modelzoo.runs.file_names import LOG, PREDICTIONS
from modelzoo.runs.folder import Run, read_run
from modelzoo.runs.status import Status, read_status, write_status
from tests.browser.chromium import find_chromium
from tests.clusters.small import make_run
from tests.pages.opened import open_page
from tests.squares import write_squares
from tests.xai.small_runs import write_small_runs

PATIENCE_SECONDS = 300.0
RACES = ("a server and the command line", "two servers", "two servers and the command line")
MOVED = {"10 years": 3.2e8, "1 day": 86400.0, "1 hour": 3600.0, "1 minute": 60.0}
ROOM = {"nothing": 0, "4 kB": 4096, "200 kB": 200_000, "2 MB": 2_000_000}  # left on the disk
DISK = 700_000_000  # bytes, in memory
GOOD = "lite0-64"
BEGAN = "weights: none, a random start"  # said once by each training that begins
PAGES = (None, "compare", "explain", "papers", "train")


@dataclass(frozen=True, slots=True)
class Race:
    """One run that was resumed from several places at once."""

    who: str
    trained: int  # how often
    state: str  # in the end
    said_failed: int  # looks at its status that called it failed while it was at work


@dataclass(frozen=True, slots=True)
class Deed:
    """A command or page on a disk that takes nothing."""

    disk: str
    what: str
    outcome: Outcome
    said: str
    changed: tuple[str, ...]


def soak(home: Path, races: int) -> dict[str, Any]:
    """All of it, each on a home of its own."""
    home.mkdir()
    os.environ |= {"OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    told = {
        "races": [asdict(each) for each in race(home / "raced", races)],
        "clocks": list_clocks(home / "clocks"),
    }
    deeds, kept = try_disks(home / "disk")
    return told | {"deeds": [asdict(each) for each in deeds], "resumed_equal": kept}


def table(results: dict[str, Any]) -> str:
    """What was counted."""
    lines = [
        "| a run resumed at the same moment by | times | trained twice | never |"
        " not done in the end | looks that called it failed at work |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for who in RACES:
        of = [each for each in results["races"] if each["who"] == who]
        trained = [each["trained"] for each in of]
        cells = (
            *(who, len(of), sum(each > 1 for each in trained), trained.count(0)),
            *(sum(each["state"] != "done" for each in of), sum(each["said_failed"] for each in of)),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "",
        "| disk | commands and pages | answered | refused in a sentence | tracebacks |"
        " refused without one sentence | not ended | files lost |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for disk in dict.fromkeys(each["disk"] for each in results["deeds"]):
        of = [each for each in results["deeds"] if each["disk"] == disk]
        outcomes = [each["outcome"] for each in of]
        kinds = ("answered", "sentence", "traceback", "no sentence", "hung")
        counts = (*map(outcomes.count, kinds), sum(len(each["changed"]) for each in of))
        lines.append("| " + " | ".join(map(str, (disk, len(of), *counts))) + " |")
    wrong = [each for each in results["clocks"] if each["state"] != each["right"]]
    lines += ["", f"Statuses under a moved clock: {len(results['clocks'])}, wrong: {len(wrong)}."]
    equal = results["resumed_equal"]
    lines += [f"A run that the full disk ended, resumed with room: equal bit for bit: {equal}."]
    return "\n".join(lines)


def race(home: Path, races: int) -> Iterator[Race]:
    """Resume runs from two servers and a terminal at the same moment."""
    home.mkdir()
    (home / "images").mkdir()
    images = write_squares(home / "images")
    os.environ["BLASTLENS_HOME"] = str(home)
    with sync_playwright() as playwright, serve(home) as one, serve(home) as other:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        pages = [(browser.new_page(), server.address) for server in (one, other)]
        for at in range(races):
            run = make_run(home, images, f"raced-{at}", epochs=3)
            write_status(run.path, Status(state="stopped"))
            who = RACES[at % len(RACES)]
            raced = _race_once(run, who, pages[: 1 if who == RACES[0] else 2])
            print(raced, flush=True)
            yield raced
        browser.close()


def _race_once(run: Run, who: str, pages: list[tuple[Page, str]]) -> Race:
    for page, address in pages:
        page.goto(f"{address}/train?train_run={run.id}")
        until(page, f"{_button('Resume')} && {IDLE}", 120_000)
    typed = None
    if "command" in who:
        typed = subprocess.Popen(
            [*PYTHON, "resume", str(run.path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    for page, _ in pages:
        page.evaluate(f"{_button('Resume')}.click()")
    said_failed, state = 0, ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        state = read_status(run.path, now=time.time()).state
        if state == "done" and not list_processes(run):
            break
        said_failed += state == "failed" and bool(list_processes(run))
        time.sleep(0.1)
    if typed:
        typed.wait(PATIENCE_SECONDS)
    log = run.path / LOG
    trained = log.read_text().count(BEGAN) if log.exists() else 0
    return Race(who, trained, state, said_failed)


def _button(name: str) -> str:
    buttons = "[...document.querySelectorAll('button')]"
    return f"{buttons}.find(each => each.textContent.trim().endsWith({name!r}))"


def list_clocks(home: Path) -> list[dict[str, Any]]:
    """What a status says when the clock that wrote it, or that reads it, was moved."""
    run = make_run(home, Path("nowhere"))
    now = time.time()
    mine = psutil.Process()
    here = {"pid": mine.pid, "process_started": mine.create_time(), "host": os.uname().nodename}
    told = []
    for sign in (-1, 1):
        for name, seconds in MOVED.items():
            for state in ("training", "queued"):
                beat = now + sign * seconds
                for host, right in ((here, state), ({"pid": 7, "host": "elsewhere"}, "failed")):
                    status = Status(state=state, heartbeat=beat, queued=beat)
                    write_status(run.path, replace(status, **host))  # type: ignore[arg-type]  # plain values
                    said = read_status(run.path, now=now).state
                    when = f"{name} {'ahead' if sign > 0 else 'behind'}"
                    told.append(
                        {"clock": when, "host": host["host"], "right": right, "state": said}
                    )
    return told


def try_disks(home: Path) -> tuple[list[Deed], bool]:
    """Commands and pages on a disk that is full, then read only; whether a run went on after."""
    with _mounted(home):
        write_small_runs(home)
        (home / "images").mkdir()
        images = write_squares(home / "images")
        os.environ["BLASTLENS_HOME"] = str(home)
        whole, broken = (make_run(home, images, name, epochs=4) for name in ("whole", "broken"))
        _type("resume", str(whole.path))
        deeds: list[Deed] = []
        for name, room in ROOM.items():
            with _filled(home, room):
                deeds += _try_all(f"full but for {name}", home, images)
        _type("resume", str(broken.path))
        first, second = (pd.read_parquet(each.path / PREDICTIONS) for each in (whole, broken))
        _mount("-o", "remount,ro", str(home))
        deeds += _try_all("read only", home, images)
        return deeds, first.equals(second)


def _try_all(disk: str, home: Path, images: Path) -> Iterator[Deed]:
    image = str(next((home / "data").rglob("*.jpg")))
    train = ("train", "--data", str(images), "--backbone", "cnn13", "--weights", "none")
    short = ("--mode", "finetune", "--split", "random", "--input-px", "64", "--epochs", "1")
    point = ("--positive", "Pre,Pro", "--at", "0.5", "--keep")
    tries: Tries = [
        command("modelzoo", "runs"),
        command("modelzoo", "evaluate", GOOD),
        command("modelzoo", "predict", image, "--run", GOOD),
        command("modelzoo", "predict", image, "--run", GOOD, "--out", str(home / "out.csv")),
        command("xai", "explain", "--run", GOOD, "--image", image, "--out", str(home / "maps")),
        command("modelzoo", "data", str(images)),
        command("modelzoo", "threshold", GOOD, *point),
        command("modelzoo", "report", GOOD, "--out", str(home / "report.html")),
        command("modelzoo", *train, *short, "--name", f"new-{disk.replace(' ', '-')}"),
        command("modelzoo", "resume", "broken"),
        command("modelzoo", "stop", "unfinished"),
        *((f"page {page or 'home'}", lambda page=page: open_page(page)) for page in PAGES),
    ]
    if disk == "read only":
        tries += [
            command("modelzoo", "rename", GOOD, "renamed"),
            command("modelzoo", "delete", GOOD, "--yes"),
        ]
    for what, run in tries:
        before = _hash_kept(home)
        outcome, said = judge(run)
        deed = Deed(disk, what, outcome, said, list_changed(before, _hash_kept(home)))
        print(deed, flush=True)
        yield deed


def _hash_kept(home: Path) -> dict[str, str]:
    """What must stay as it is: all but the run in hand, and what a command was asked to write."""
    of = hash_files(home)
    written = ("/runs/broken/", "/runs/new-", "/maps/", "/out.csv", "/report.html", "/full")
    kept_with_run = ("/operating_point.json",)
    return {name: of[name] for name in of if not any(x in name for x in written + kept_with_run)}


def _type(*words: str) -> None:
    """A command in a process of its own, which must end well."""
    done = subprocess.run([*PYTHON, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder))
    try:
        yield
    finally:
        for process in list_below(folder):
            process.kill()
        subprocess.run(["umount", "-l", str(folder)], check=True)


def list_below(folder: Path) -> list[psutil.Process]:
    """Trainings of runs in this folder."""
    runs = [read_run(each.parent) for each in (folder / "runs").glob("*/config.toml")]
    return [process for run in runs for process in list_processes(run)]


@contextmanager
def _filled(folder: Path, room: int) -> Iterator[None]:
    """The disk of `folder` with room for so many bytes more."""
    free = shutil.disk_usage(folder).free
    with (folder / "full").open("wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, free - room))
    try:
        yield
    finally:
        (folder / "full").unlink()


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)
