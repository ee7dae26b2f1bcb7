"""The engine Slurm, by its commands: sbatch, squeue, scancel, sinfo. No torch.

No accounting daemon is needed: how a run ended is in its folder.
"""

import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from modelzoo import paths as places
from modelzoo.errors import UserError
from modelzoo.files import make_folder, read_end
from modelzoo.launching.slurm_script import format_script
from modelzoo.launching.target import Free, Job, Target
from modelzoo.runs.folder import Run
from modelzoo.runs.submission import Submission
from modelzoo.text import join, one_line, shorten

JOBS = ".jobs"  # beside the runs; a hidden folder is no run
ANSWER_SECONDS = 30.0  # a controller that is busy takes some; then it does not answer
MOST_SHOWN = 200  # letters of what Slurm says, in a sentence
MOST_BYTES = 4000  # of what a job printed
_WAITS = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD"}
_RUNS = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
_ENDS = {
    "TIMEOUT": "its time limit came; give the target more minutes",
    "DEADLINE": "its deadline came",
    "NODE_FAIL": "its node went down",
    "BOOT_FAIL": "its node did not start",
    "PREEMPTED": "it was pre-empted",
    "CANCELLED": "it was cancelled",
    "OUT_OF_MEMORY": "memory ran out; give the target more memory_gb",
    "FAILED": "its script failed",
    "COMPLETED": "its script came to its end",
}
_WAIT_WORDS = {
    "None": "until its turn has come",  # Slurm has not looked at it yet
    "Priority": "until jobs with a higher priority have begun",
    "Resources": "until there is room",
    "JobArrayTaskLimit": "until others of its array have ended",
    "BeginTime": "until its time has come",
    "PartitionDown": "while its partition is down",
    "ReqNodeNotAvail": "while its nodes are not available",
}


def check(target: Target) -> None:
    """Pass when Slurm would take such a job: the script is tested, and nothing is submitted."""
    known = _ask("sinfo", "--noheader", "--format=%R").split()
    if target.partition and target.partition not in known:
        raise UserError(
            f"Slurm has no partition {target.partition!r}; give target {target.name!r} one of "
            f"{join(sorted(set(known)))}."
        )
    _submit(describe(target, [Path("run")], store=Path("store")), target, "--test-only")


def describe(target: Target, paths: Sequence[Path], *, store: Path) -> str:
    """The batch script for the runs in the folders `paths`."""
    environment = {"BLASTLENS_HOME": str(places.home().resolve())}
    if weights := places.weights_folder():
        environment["BLASTLENS_WEIGHTS"] = str(weights.resolve())
    jobs = paths[0].parent / JOBS
    return format_script(target, paths, store=store, environment=environment, jobs=jobs)


def submit(target: Target, runs: Sequence[Run], *, store: Path) -> list[str]:
    """Hand the script to `sbatch`; the ids of its jobs."""
    make_folder(runs[0].path.parent / JOBS)  # a job whose output has no folder fails at once
    script = describe(target, [run.path for run in runs], store=store)
    job = _submit(script, target, "--parsable").strip().split(";")[0]
    return [job] if len(runs) == 1 else [f"{job}_{index}" for index in range(len(runs))]


def look(target: Target, jobs: Sequence[str]) -> dict[str, Job]:
    """What `squeue` says, which forgets a job some minutes after its end."""
    answer = _ask("squeue", "--me", "--array", "--noheader", "--states=all", "--format=%i|%T|%r")
    found = {}
    for line in answer.splitlines():
        job, state, reason = [*line.split("|", maxsplit=2), "", ""][:3]
        if job in jobs:
            found[job] = _read_job(state, reason)
    return found


def _read_job(state: str, reason: str) -> Job:
    if state in _WAITS:
        return Job("waiting", _WAIT_WORDS.get(reason, f"Slurm says {one_line(reason)}"))
    if state in _RUNS:
        return Job("running")
    return Job("ended", _ENDS.get(state, f"Slurm says {state}"))


def stop(target: Target, run: Run, sent: Submission | None, *, after_epoch: bool) -> None:
    """Signal the script of a job that runs, and cancel one that waits."""
    assert sent
    job = look(target, [sent.job]).get(sent.job)
    if job and job.state == "waiting":
        _ask("scancel", sent.job)
    elif job and job.state == "running":
        number = signal.SIGUSR1 if after_epoch else signal.SIGINT
        _ask("scancel", "--batch", f"--signal={number.name.removeprefix('SIG')}", sent.job)


def read_log(target: Target, run: Run, sent: Submission | None) -> str:
    """What the script printed before it found the run's folder, and Slurm's own last words."""
    if sent is None or not sent.job:
        return ""
    with suppress(FileNotFoundError, UserError):
        file = run.path.parent / JOBS / f"{sent.job}.out"
        return read_end(file, MOST_BYTES).decode(errors="replace")
    return ""


def list_free(target: Target) -> list[Free]:
    """CPUs and GPUs by their type in the target's partition, or in all."""
    only = [f"--partition={target.partition}"] if target.partition else []
    fields = "NodeList:100,CPUsState:40,Gres:400,GresUsed:400,StateCompact:40"
    answer = _ask("sinfo", "--noheader", "--Node", *only, f"--Format={fields}")
    nodes = {line.split()[0]: line.split() for line in answer.splitlines() if line.strip()}
    free, total = Counter[str](), Counter[str]()
    for _, cpus, gres, used, state in nodes.values():
        _, idle, _, whole = map(int, cpus.split("/"))
        free["CPUs"] += idle
        total["CPUs"] += whole
        has, takes = _count_gpus(gres), _count_gpus(used)
        is_up = not re.match(r"down|drain|drng|fail|maint|inval|unk", state)
        for kind, number in has.items():
            free[kind] += (number - takes[kind]) if is_up else 0
            total[kind] += number
    return [Free(kind, free[kind], total[kind]) for kind in total]


def _count_gpus(gres: str) -> Counter[str]:
    """GPUs by their type in what `sinfo` calls generic resources: "gpu:a100:2(IDX:0-1)"."""
    found = Counter[str]()
    for kind, number in re.findall(r"gpu:(?:([\w.-]+):)?(\d+)", gres):
        found[f"GPUs {kind}" if kind else "GPUs"] += int(number)
    return found


def name_job(environment: Mapping[str, str]) -> str:
    """The id of the job whose environment this is; empty outside of Slurm."""
    array, index = (environment.get(f"SLURM_ARRAY_{each}_ID") for each in ("JOB", "TASK"))
    return f"{array}_{index}" if array and index else environment.get("SLURM_JOB_ID", "")


def _submit(script: str, target: Target, *options: str) -> str:
    return _ask("sbatch", *options, given=script, name=target.name)


def _ask(command: str, *arguments: str, given: str = "", name: str = "") -> str:
    """What a command of Slurm prints.

    Raises:
        UserError: It is not on the path, refuses, or does not answer.
    """
    if not shutil.which(command):
        raise UserError(
            f"`{command}` was not found on this machine; submit from one that has Slurm's "
            "commands, or write the file alone with --sbatch FILE and hand it over there."
        )
    try:
        done = subprocess.run(
            [command, *arguments],
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"Slurm did not answer `{command}` within {ANSWER_SECONDS:.0f} s; try again later."
        ) from None
    if done.returncode == 0:
        return done.stdout
    reason = _find_reason(done.stderr) or f"it ended with {done.returncode}"
    if command == "sbatch":
        raise UserError(
            f"Slurm refused the job ({reason}); mend target {name!r} in the settings file. "
            "Nothing was submitted."
        )
    raise UserError(f"Slurm does not answer `{command}` ({reason}).")


def _find_reason(printed: str) -> str:
    """The last thing that a command of Slurm complained of, without the command's name."""
    lines = [line for line in printed.splitlines() if line.strip()]
    said = [re.sub(r"^\w+: (error|fatal): ", "", line) for line in lines]
    words = said[-1].split("failed: ")[-1].split("failure: ")[-1] if said else ""
    return shorten(words, MOST_SHOWN).rstrip(".")
