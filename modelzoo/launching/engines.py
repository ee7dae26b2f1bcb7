"""Runs sent to a target, stopped there, and their statuses held true by what schedulers say.

State comes from the run's folder, which its process writes; a scheduler is asked only for what no
process can say: that a job waits, waits again, or has ended without a word. No torch.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from modelzoo.errors import UserError
from modelzoo.files import make_folder, may_replace, write_text
from modelzoo.launching import local_queue, ray_jobs, slurm
from modelzoo.launching.slurm_script import SHEBANG
from modelzoo.launching.target import LOCAL, Engine, EngineName, Job, Target
from modelzoo.runs.folder import Run
from modelzoo.runs.lock import hold_run
from modelzoo.runs.status import (
    SILENCE_SECONDS,
    Status,
    is_alive,
    read_status,
    read_written_status,
    write_status,
)
from modelzoo.runs.submission import (
    Submission,
    read_submission,
    remove_submission,
    write_submission,
)

ENGINES: Mapping[EngineName, Engine] = {"local": local_queue, "slurm": slurm, "ray": ray_jobs}
# A shared folder shows what another machine wrote up to a minute later (NFS keeps attributes for
# that long), so that a job that has ended is given this long to say how.
LATE_SECONDS = 60.0


def submit(
    target: Target, runs: Sequence[Run], *, store: Path, targets: Mapping[str, Target]
) -> list[str]:
    """Send `runs` to `target`, several to a cluster as one array where it has arrays.

    Args:
        target: Where they go.
        runs: New, or interrupted.
        store: Folder of results that can be made again.
        targets: Those of the settings file: a run may wait elsewhere already.

    Returns:
        The id of the job of each run.

    Raises:
        UserError: One of them waits, trains or is done, or the target refuses; they are as before.
    """
    for run in runs:
        _require_at_rest(run, targets)
    engine = ENGINES[target.engine]
    if target.engine == LOCAL.engine:
        return engine.submit(target, runs, store=store)
    former: list[tuple[Status, Submission | None]] = []
    try:
        former += (_claim(run, target) for run in runs)
        jobs = engine.submit(target, runs, store=store)
    except BaseException:
        for run, (status, sent) in zip(runs, former, strict=False):  # as many as were claimed
            write_status(run.path, status)
            _write_or_remove(run, sent)
        raise
    for run, job in zip(runs, jobs, strict=True):
        _note_job(run, job)
    return jobs


def write_script(
    target: Target, runs: Sequence[Run], file: Path, *, store: Path, targets: Mapping[str, Target]
) -> None:
    """Write what would be submitted into `file`, for a person to hand over.

    Raises:
        UserError: One of the runs waits, trains or is done, or the file is another's.
    """
    for run in runs:
        _require_at_rest(run, targets)
    if not may_replace(file, SHEBANG.encode()):
        raise UserError(f"{file} is there and no script; give another name.")
    make_folder(runs[0].path.parent / slurm.JOBS)
    script = ENGINES[target.engine].describe(target, [run.path for run in runs], store=store)
    write_text(file, script)
    for run in runs:
        _claim(run, target, file=str(file.resolve()))


def note_own_job(run: Run, environment: Mapping[str, str]) -> None:
    """Write the id of the job that this process is, by what Slurm says in its environment.

    A person may have handed it over, or it was sent a moment before its sender died.
    """
    job = slurm.name_job(environment)
    if job and (sent := read_submission(run.path)) and sent.job != job:
        write_submission(run.path, replace(sent, job=job, is_over=False, missing_since=0.0))


def stop(run: Run, *, after_epoch: bool = False, targets: Mapping[str, Target]) -> None:
    """Ask a run to stop at the next batch or after the epoch, wherever it is; one that waits goes.

    Raises:
        UserError: It neither waits nor trains, or its target is unknown or does not answer.
    """
    target, sent = find_place(run, targets)
    if sent and not sent.is_over:
        refresh([run], targets, now=time.time())
        sent = read_submission(run.path)
    if sent is None or sent.is_over:  # it is at rest, or was resumed on this machine
        ENGINES[LOCAL.engine].stop(LOCAL, run, None, after_epoch=after_epoch)
        return
    state = read_written_status(run.path).state
    if state not in ("queued", "training"):
        raise UserError(f"Run {run.id!r} is {state}, not training; there is nothing to stop.")
    write_submission(run.path, replace(sent, is_stopping=True))
    if sent.job:
        ENGINES[target.engine].stop(target, run, sent, after_epoch=after_epoch)
    with suppress(UserError), hold_run(run):  # whoever holds it says itself how it ends
        status = read_written_status(run.path)
        if status.state == "queued":
            write_status(run.path, replace(status, state="stopped", error="", phase=""))
            write_submission(run.path, replace(sent, is_stopping=True, is_over=True))


def read_log(run: Run, targets: Mapping[str, Target]) -> str:
    """The end of what the run's job printed outside its log; empty: nothing.

    Raises:
        UserError: Its target is unknown or does not answer.
    """
    target, sent = find_place(run, targets)
    return ENGINES[target.engine].read_log(target, run, sent)


def find_place(run: Run, targets: Mapping[str, Target]) -> tuple[Target, Submission | None]:
    """Where the run was last sent, and as what; this machine where it was sent nowhere.

    Raises:
        UserError: The settings file has no such target any more.
    """
    sent = read_submission(run.path)
    if sent is None:
        return LOCAL, None
    if sent.target not in targets:
        raise UserError(
            f"Run {run.id!r} was sent to {sent.target!r}, which the settings file does not name "
            "any more; add it there again."
        )
    return targets[sent.target], sent


def refresh(runs: Iterable[Run], targets: Mapping[str, Target], *, now: float) -> dict[str, str]:
    """Hold the statuses of runs that were sent elsewhere true; each scheduler is asked once.

    Args:
        runs: Any; those of this machine, and those whose jobs are over, are passed over.
        targets: Those of the settings file.
        now: Seconds since the epoch.

    Returns:
        A sentence for each target that did not answer: nothing is changed there.
    """
    by_target: dict[str, list[tuple[Run, Submission]]] = {}
    for run in runs:
        sent = read_submission(run.path)
        if sent and not sent.is_over and sent.target in targets:
            by_target.setdefault(sent.target, []).append((run, sent))
    problems = {}
    for name, pairs in by_target.items():
        target = targets[name]
        try:
            jobs = ENGINES[target.engine].look(target, [sent.job for _, sent in pairs if sent.job])
        except UserError as error:
            problems[name] = str(error)
            continue
        for run, sent in pairs:
            with suppress(UserError):  # a damaged status is said elsewhere
                _settle(run, sent, jobs.get(sent.job), now, _say_output(target, run, sent))
    return problems


def _say_output(target: Target, run: Run, sent: Submission) -> Callable[[], str]:
    """What gives the last line that the job printed outside the run's log, in brackets."""

    def say() -> str:
        lines: list[str] = []
        with suppress(UserError):
            lines = ENGINES[target.engine].read_log(target, run, sent).strip().splitlines()
        return f' ("{lines[-1].strip()}")' if lines else ""

    return say


def _settle(
    run: Run, sent: Submission, job: Job | None, now: float, say_output: Callable[[], str]
) -> None:
    """Write what the scheduler says of one run where its own process cannot say it."""
    status = read_written_status(run.path)
    if job and job.state != "ended":
        if job.state == "waiting" and not (status.state == "queued" and status.phase == job.words):
            _write_waiting(run, sent, job, now)
        if sent.missing_since:
            write_submission(run.path, replace(sent, missing_since=0.0))
        return
    if not job and not sent.job and (sent.file or abs(now - sent.submitted) < LATE_SECONDS):
        return  # its person has not handed it over, or its sender is at it
    if status.state not in ("queued", "training"):
        write_submission(run.path, replace(sent, is_over=True))
    elif status.state == "training" and is_alive(status, now=now):
        return
    elif not sent.missing_since:
        write_submission(run.path, replace(sent, missing_since=now))
    elif abs(now - sent.missing_since) >= LATE_SECONDS:  # a clock that was put back, too
        _write_ended(run, sent, job, now, say_output)


def _write_waiting(run: Run, sent: Submission, job: Job, now: float) -> None:
    """Say that the job waits, perhaps again: it was pre-empted, or its node went down."""
    with suppress(UserError), hold_run(run):
        status = read_written_status(run.path)
        if status.state == "done":
            return
        waits = replace(
            _unnamed(status), state="queued", device=sent.target, phase=job.words, error=""
        )
        write_status(run.path, replace(waits, heartbeat=now, stopping=""))


def _write_ended(
    run: Run, sent: Submission, job: Job | None, now: float, say_output: Callable[[], str]
) -> None:
    """Say that the job ended without a word."""
    with suppress(UserError), hold_run(run):
        # Read again under the lock, which a shared folder brings up to date.
        status = read_written_status(run.path)
        is_silent = abs(now - status.heartbeat) >= SILENCE_SECONDS
        if status.state in ("queued", "training") and is_silent:
            how = f"ended because {job.words}" if job and job.words else "ended without a word"
            error = (
                f"Job {sent.job or 'of this run'} on {sent.target} {how}{say_output()}; what it "
                "had saved is kept, and the run can be resumed."
            )
            if sent.is_stopping:
                write_status(run.path, replace(status, state="stopped", error="", phase=""))
            else:
                write_status(run.path, replace(status, state="failed", error=error, phase=""))
        write_submission(run.path, replace(sent, is_over=True))


def require_not_sent(run: Run, targets: Mapping[str, Target]) -> None:
    """Raise a UserError where a job that the run was sent as waits or runs."""
    sent = read_submission(run.path)
    if sent and not sent.is_over and sent.target in targets:
        problems = refresh([run], targets, now=time.time())
        sent = read_submission(run.path)
        if sent and not sent.is_over and (sent.job or problems):
            why = problems.get(sent.target) or "stop it first, or wait for it."
            raise UserError(
                f"Run {run.id!r} was sent to {sent.target} as job {sent.job or 'not known yet'}: "
                f"{why}"
            )


def _require_at_rest(run: Run, targets: Mapping[str, Target]) -> None:
    """Raise a UserError where the run waits elsewhere, trains, or is done."""
    require_not_sent(run, targets)
    status = read_status(run.path, now=time.time())
    if status.state in ("training", "done"):
        raise UserError(f"Run {run.id!r} is {status.state}; there is nothing to start.")


def _claim(run: Run, target: Target, *, file: str = "") -> tuple[Status, Submission | None]:
    """Write that the run waits at `target`, and return what was written before.

    Raises:
        UserError: It was claimed by another process, or is at work.
    """
    now = time.time()
    with hold_run(run):
        status, sent = read_written_status(run.path), read_submission(run.path)
        is_mine = status.state == "queued" and not (status.pid and is_alive(status, now=now))
        if status.state == "queued" and (not is_mine or (sent and not sent.is_over)):
            raise UserError(f"Run {run.id!r} is queued; there is nothing to start.")
        phase = f"until `sbatch {file}` is typed" if file else "until its turn has come"
        waits = replace(
            _unnamed(status), state="queued", device=target.name, queued=now, error="", phase=phase
        )
        write_submission(run.path, Submission(target=target.name, submitted=now, file=file))
        write_status(run.path, replace(waits, heartbeat=now))
    return status, sent


def _unnamed(status: Status) -> Status:
    """`status` in the name of no process: a scheduler will start one."""
    return replace(status, pid=0, process_started=0.0, host="", stopping="", seconds_left=None)


def _note_job(run: Run, job: str) -> None:
    if (sent := read_submission(run.path)) and not sent.job:
        write_submission(run.path, replace(sent, job=job))


def _write_or_remove(run: Run, sent: Submission | None) -> None:
    if sent:
        write_submission(run.path, sent)
    else:
        remove_submission(run.path)
