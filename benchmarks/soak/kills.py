"""SIGKILL at random moments of runs on this machine, on Slurm and on Ray.

A run is killed several times, resumed each time by what the button Resume calls, and at last left
to end. Moments are uniform over the time that a training takes to begin, and a third as much again,
less where runs end first.
"""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from modelzoo.errors import UserError
from modelzoo.launching import engines
from modelzoo.launching.target import LOCAL, Target
from modelzoo.launching.targets import read_targets
from modelzoo.runs.file_names import LOG, PREDICTIONS
from modelzoo.runs.folder import Run
from modelzoo.runs.history import read_history
from modelzoo.runs.records import read_environment
from modelzoo.runs.status import SILENCE_SECONDS, read_status
from tests.clusters.ray_here import ray_here
from tests.clusters.slurm_here import slurm_here
from tests.clusters.small import RAY_SETTINGS, make_run, train_here
from tests.squares import write_squares

PLACES = ("local", "slurm", "ray")
KILLS_A_RUN = 8
PATIENCE_SECONDS = 240.0
TRAINED: dict[str, dict[str, Any]] = {  # in turns, so that both ways of training are interrupted
    "finetune": {"epochs": 12, "patience": 12, "optimizer": "adamw"},
    "frozen": {"epochs": 300, "patience": 300},
}
TIMES = ["images_per_second", "seconds"]  # columns of the history that no two trainings share
SLURM = """
[slurm]
engine = "slurm"
partition = "main"
gpus = 0
cpus = 1
memory_gb = 3
"""
# Asked under another host's name, where a process id says nothing and only the heartbeat counts.
ELSEWHERE = """
import sys, socket, pathlib
socket.sethostname("elsewhere")
from modelzoo.runs.status import read_status
print(read_status(pathlib.Path(sys.argv[1]), now=float(sys.argv[2])).state)
"""


@dataclass(frozen=True, slots=True)
class Kill:
    """One SIGKILL and what followed."""

    place: str
    run: str
    seconds: float  # from the process's beginning
    phase: str  # of the run as it was killed
    with_parent: bool  # the batch script, or Ray's process that watches the job, was killed too
    said_here: str  # state after the kill, by the process's id
    said_by_heartbeat: str  # the same on another machine, once the heartbeat is stale
    said_in_the_end: str  # once the scheduler was asked
    problem: str = ""  # why the run could not go on


def soak(home: Path, kills: int, places: tuple[str, ...], seed: int) -> dict[str, Any]:
    """Kill so many trainings over the places; a record of each kill and of each run."""
    os.environ["OMP_NUM_THREADS"] = "1"  # sums depend on it in their last bits
    os.environ["BLASTLENS_HOME"] = str(home)
    home.mkdir()
    (home / "images").mkdir()
    images = write_squares(home / "images")
    chance = random.Random(seed)
    whole = {mode: _train_whole(home, images, mode) for mode in TRAINED}
    told: list[Kill] = []
    runs: list[dict[str, Any]] = []
    for at, place in enumerate(places):
        number = kills * (at + 1) // len(places) - kills * at // len(places)
        with _serve(place, home) as target:
            _kill_at(home, images, target, number, chance, whole, told, runs)
    return {"kills": [asdict(each) for each in told], "runs": runs}


def table(results: dict[str, Any]) -> str:
    """What was counted, a line for each place."""
    lines = [
        "| where | kills | before the first epoch of the process | in an epoch | with its parent |"
        " lost | believed running | runs ended | unequal |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for place in dict.fromkeys(each["place"] for each in results["kills"]):
        kills = [each for each in results["kills"] if each["place"] == place]
        runs = [each for each in results["runs"] if each["place"] == place]
        training = sum(each["phase"] == "training" for each in kills)
        cells = (
            place,
            len(kills),
            len(kills) - training,
            training,
            sum(each["with_parent"] for each in kills),
            sum(bool(each["problem"]) for each in [*kills, *runs]),
            sum(is_believed(each) for each in kills),
            sum(each["state"] == "done" for each in runs),
            sum(each["state"] == "done" and not each["equal"] for each in runs),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def is_believed(kill: dict[str, Any]) -> bool:
    """Whether somebody would have taken the run for one that is at work."""
    at_work = ("queued", "training")
    said = (kill["said_here"], kill["said_by_heartbeat"])
    return "training" in said or kill["said_in_the_end"] in at_work


@contextmanager
def _serve(place: str, home: Path) -> Iterator[Target]:
    """A place that takes runs, begun where it is a cluster."""
    settings = home / "targets.toml"
    if place == "slurm":
        folder = home / "slurm"
        folder.mkdir()
        with slurm_here(folder) as slurm:
            os.environ["SLURM_CONF"] = str(slurm.conf)
            settings.write_text(SLURM)
            yield read_targets(settings)["slurm"]
    elif place == "ray":
        with ray_here() as ray:
            settings.write_text(RAY_SETTINGS.format(ray=ray))
            yield read_targets(settings)["ray"]
    else:
        yield LOCAL


@dataclass(frozen=True, slots=True)
class _Whole:
    """A run that nothing interrupted."""

    run: Run
    seconds_to_begin: float  # from the command to the first epoch


def _train_whole(home: Path, images: Path, mode: str) -> _Whole:
    run = _make(home, images, f"whole-{mode}", mode)
    started = time.monotonic()
    train_here(run, home / "store")
    seconds = time.monotonic() - started
    training = read_environment(run.path).seconds["training"]
    print(f"{run.id}: {seconds:.0f} s, of which training {training:.0f} s", flush=True)
    return _Whole(run, seconds - training)


def _make(home: Path, images: Path, name: str, mode: str) -> Run:
    return make_run(home, images, name, mode=mode, **TRAINED[mode])


def _kill_at(
    home: Path,
    images: Path,
    target: Target,
    number: int,
    chance: random.Random,
    whole: dict[str, _Whole],
    told: list[Kill],
    runs: list[dict[str, Any]],
) -> None:
    """Kill runs at one place until there were so many kills; append what happened."""
    left, times = number, 1.3  # the time that the first training took to begin
    while left:
        mode = list(TRAINED)[len(runs) % len(TRAINED)]
        run = _make(home, images, f"{target.name}-{len(runs)}", mode)
        problem = ""
        for _ in range(min(left, KILLS_A_RUN)):
            span = times * whole[mode].seconds_to_begin
            kill = _kill_once(home, run, target, chance.uniform(0, span), chance)
            if kill is None:  # it ended before, as on a machine that has become less busy
                times *= 0.7
                break
            left -= 1
            told.append(kill)
            print(f"{left:4} {kill}", flush=True)
            if problem := kill.problem:
                break
        runs.append(_end(home, run, target, whole[mode].run, problem))
        print(runs[-1], flush=True)


def _kill_once(
    home: Path, run: Run, target: Target, seconds: float, chance: random.Random
) -> Kill | None:
    """Send the run, kill it after so many seconds of its process, and ask how it is; None: done."""
    if problem := _send(home, run, target):
        return Kill(target.name, run.id, 0.0, "", False, "", "", "", problem)
    process = _await(lambda: _find_process(run))
    if process is None:
        return None if _state(run) == "done" else _kill_of(run, target, "no process began")
    while time.time() - process.create_time() < seconds and process.is_running():
        if _state(run) == "done":
            return None
        time.sleep(0.02)
    phase = read_status(run.path, now=time.time()).phase
    with_parent = target.engine != LOCAL.engine and chance.random() < 0.5
    with suppress(psutil.NoSuchProcess):
        if with_parent and (parent := process.parent()):
            parent.kill()
        process.kill()
    _await(lambda: not _is_there(process))
    if _state(run) == "done":
        return None
    here, now = _state(run), time.time()
    stale = _ask_elsewhere(run, now + SILENCE_SECONDS + 1)
    end = _await(lambda: _settle(home, run)) or _state(run)
    if end == "done":  # by another process of the same run
        return _kill_of(run, target, "it trained although it was killed")
    return Kill(target.name, run.id, round(seconds, 2), phase, with_parent, here, stale, end)


def _kill_of(run: Run, target: Target, problem: str) -> Kill:
    return Kill(target.name, run.id, 0.0, "", False, "", "", "", problem)


def _send(home: Path, run: Run, target: Target) -> str:
    """Send it as the button Resume does; why that could not be done."""
    targets = {"local": LOCAL} if target == LOCAL else {target.name: target}
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            engines.submit(target, [run], store=home / "store", targets=targets)
        except UserError as error:
            if time.monotonic() > until:
                return str(error)
            time.sleep(0.5)
        else:
            return ""


def _settle(home: Path, run: Run) -> str:
    """The state once the scheduler was asked, now and a minute later; empty: it seems at work."""
    targets = read_targets(home / "targets.toml")
    for later in (0.0, engines.LATE_SECONDS + 1):
        engines.refresh([run], targets, now=time.time() + later)
    state = _state(run)
    return "" if state in ("queued", "training") else state


def _end(home: Path, run: Run, target: Target, whole: Run, problem: str) -> dict[str, Any]:
    """Let the run end, and compare it with one that was never interrupted."""
    problem = problem or ("" if _state(run) == "done" else _send(home, run, target))
    if not problem:
        _await(lambda: _state(run) in ("done", "failed", "stopped"))
    status = read_status(run.path, now=time.time())
    done = status.state == "done"
    resumed = re.findall(r"resuming after epoch (\d+)", (run.path / LOG).read_text())
    epochs = [int(each) for each in resumed]
    if epochs != sorted(epochs):
        problem = problem or f"epochs were lost: {epochs}"
    return {
        "place": target.name,
        "run": run.id,
        "state": status.state,
        "problem": problem or ("" if done else status.error or f"it is {status.state}"),
        "resumed_after": epochs,
        "equal": done and _are_equal(run, whole),
    }


def _are_equal(run: Run, whole: Run) -> bool:
    """Whether predictions and history are the same, bit for bit."""
    first, second = (pd.read_parquet(each.path / PREDICTIONS) for each in (run, whole))
    history, other = (
        pd.DataFrame(read_history(each.path)).drop(columns=TIMES) for each in (run, whole)
    )
    return first.equals(second) and history.equals(other)


def _state(run: Run) -> str:
    return read_status(run.path, now=time.time()).state


def _ask_elsewhere(run: Run, now: float) -> str:
    """The state that another machine reads at `now`."""
    command = ["unshare", "--uts", sys.executable, "-c", ELSEWHERE, str(run.path), str(now)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _find_process(run: Run) -> psutil.Process | None:
    """The process that trains the run, or is about to."""
    return next(iter(list_processes(run)), None)


def list_processes(run: Run) -> list[psutil.Process]:
    """Those that train the run, or are about to."""
    found = []
    for each in psutil.process_iter(["cmdline", "status"]):
        words = each.info["cmdline"] or []
        is_ours = words[1:4] == ["-m", "modelzoo", "resume"] and str(run.path.resolve()) in words
        if is_ours and each.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(each)
    return found


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _await(condition: Callable[[], Any]) -> Any:
    """The first result of `condition` that is not empty; None where none came."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.1)
    return None
