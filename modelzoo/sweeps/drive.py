"""The process that drives a sweep: asks, trains a trial in the queue, watches it, tells. No torch.

Whatever ends it, the next one goes on: a trial that trained meanwhile is told, and one that was
interrupted is resumed. One process drives a sweep at a time.
"""

import dataclasses
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelzoo.errors import UserError
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.launching import local
from modelzoo.runs.folder import Run, create_run, read_run
from modelzoo.runs.history import read_history
from modelzoo.runs.lock import hold_run
from modelzoo.runs.status import Status, read_status, read_written_status, write_status
from modelzoo.runs.trial import Trial, read_trial
from modelzoo.sweeps.best import write_recipe
from modelzoo.sweeps.folder import Sweep, require_free
from modelzoo.sweeps.study import Study, TrialFacts, mend_journal
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError

POLL_SECONDS = 0.25  # between two looks at a trial
MOST_FAILURES = 5  # in a row: the next would fail, too, and nothing would be left to go on with
STOPPED = "stopped by the sweep"


@dataclass(frozen=True, slots=True)
class Place:
    """Where trials train, and what they may use."""

    store: Path  # folder of results that can be made again
    device: str  # torch's name of it: "cpu", "cuda:1"


def drive(
    sweep: Sweep,
    place: Place,
    *,
    on_progress: Callable[[Status], None] | None = None,
    on_trial: Callable[[TrialFacts], object] = lambda trial: None,
) -> Status:
    """Train trials one after another until there are as many as the sweep shall have.

    Each waits for its turn on the device as every run does. SIGTERM and Ctrl-C stop the trial that
    trains, which the next call resumes.

    Args:
        sweep: Nobody else drives it meanwhile.
        place: Where its trials train.
        on_progress: Called with every change of the sweep's status: `epoch` trials of `epochs` have
            ended.
        on_trial: Called with each trial that has ended.

    Returns:
        The last status: `done` or `stopped`.

    Raises:
        UserError: Another process drives it, its journal is damaged, or no trial could be trained;
            the status says the same sentence.
    """
    if read_status(sweep.path, now=time.time()).pid != os.getpid():
        require_free(sweep)
    with (
        hold_run(sweep.run),
        Heartbeat(
            sweep.path,
            epochs=sweep.settings.trials,
            device=place.device,
            on_progress=on_progress,
        ) as heartbeat,
    ):
        try:
            mend_journal(sweep)
            _go_on(Study(sweep), place, heartbeat, on_trial)
            return heartbeat.end("done")
        except (StopRequestedError, KeyboardInterrupt):
            return heartbeat.end("stopped")
        except BaseException as error:
            if heartbeat.is_gone:
                raise UserError(f"The folder {sweep.path} was deleted; its sweep ended.") from error
            sentence = str(error) if isinstance(error, UserError) else _describe(error)
            heartbeat.end("failed", error=sentence)
            raise


def _describe(error: BaseException) -> str:
    return f"The sweep ended with {type(error).__name__} ({error}); ask again to go on with it."


def _go_on(
    study: Study, place: Place, heartbeat: Heartbeat, on_trial: Callable[[TrialFacts], object]
) -> None:
    """Train the trials that are left, those first that were interrupted."""
    sweep, failed_now = study.sweep, 0
    while True:
        trials = study.trials()
        at_work = [trial.number for trial in trials if trial.state == "unfinished"]
        ended = len(trials) - len(at_work)
        if any(trial.is_scored for trial in trials):
            write_recipe(sweep, trials)
        elif ended and (failed_now >= MOST_FAILURES or ended >= sweep.settings.trials):
            raise _no_trial(sweep, trials)
        if failed_now >= MOST_FAILURES:
            raise _no_more(sweep, trials)
        if ended >= sweep.settings.trials and not at_work:
            return
        heartbeat.report("asking for settings", 0, 1, epoch=ended)
        number = at_work[0] if at_work else study.ask()
        _do_trial(study, number, place, heartbeat)
        trial = study.trials()[number]
        on_trial(trial)
        failed_now = failed_now + 1 if trial.state == "failed" else 0


def _no_trial(sweep: Sweep, trials: list[TrialFacts]) -> UserError:
    """What is said where no trial has a score."""
    reasons = [trial.why for trial in trials if trial.why]
    first = f" The first says: {reasons[0]}" if reasons else ""
    return UserError(
        f"None of the {len(trials)} trials of sweep {sweep.name!r} could be trained to its end, so "
        f"there is no best one; give other ranges under another name.{first} The folders of all "
        "trials are kept."
    )


def _no_more(sweep: Sweep, trials: list[TrialFacts]) -> UserError:
    """What is said where trials that came after good ones fail."""
    return UserError(
        f"The last {MOST_FAILURES} trials of sweep {sweep.name!r} failed, so it ended after "
        f"{len(trials)}; ask again to go on with it. The last one says: {trials[-1].why}"
    )


def _do_trial(study: Study, number: int, place: Place, heartbeat: Heartbeat) -> None:
    """Train one trial, or go on with it, and tell how it ended."""
    sweep = study.sweep
    facts = study.trials()[number]
    missing = [over.name for over in sweep.over if over.name not in facts.values]
    if missing:  # killed while it asked
        study.tell_failed(number, "It was interrupted before its settings were chosen.")
        return
    if _tell_as_before(study, facts):
        return
    try:
        run = _open_trial(sweep, facts)
        status = read_written_status(run.path)
        if status.state != "failed":
            _start(run, place)
            status = _follow(study, number, run, heartbeat)
        if status.state == "done":
            _tell_score(study, number, run)
        elif status.phase == STOPPED:
            study.tell_pruned(number)
        elif status.state == "stopped":
            study.tell_failed(number, "Its training was stopped by hand.")
        else:
            study.tell_failed(number, status.error)
    except UserError as error:
        study.tell_failed(number, str(error))


def _tell_as_before(study: Study, facts: TrialFacts) -> bool:
    """Whether the same settings were tried before, so that their score is told again."""
    for other in study.trials()[: facts.number]:
        if other.values != facts.values or other.same_as is not None:
            continue
        if other.is_scored and other.score:
            study.tell_score(facts.number, other.score, same_as=other.number)
            return True
        if other.state == STOPPED:
            study.tell_pruned(facts.number, same_as=other.number)
            return True
    return False


def _open_trial(sweep: Sweep, facts: TrialFacts) -> Run:
    """The run of a trial, made where it is not there.

    Raises:
        UserError: Its settings do not go together, or something else has its name.
    """
    name = sweep.trial_name(facts.number)
    mark = Trial(sweep=sweep.name, number=facts.number)
    path = sweep.runs / name
    if not os.path.lexists(path):
        config = dataclasses.replace(sweep.config, **facts.values)  # type: ignore[arg-type]
        return create_run(sweep.runs, name, config, mark)
    if read_trial(path) != mark:
        raise UserError(f"{path} is in the place of trial {facts.number}; move it away.")
    return read_run(path)


def _start(run: Run, place: Place) -> None:
    """Queue the run of a trial unless its process lives or it is done."""
    status = read_status(run.path, now=time.time())
    is_at_work = status.state == "training" or (status.state == "queued" and status.pid)
    if status.state != "done" and not is_at_work:
        local.start(run, store=place.store, device=place.device)


def _follow(study: Study, number: int, run: Run, heartbeat: Heartbeat) -> Status:
    """Watch a trial until it ends, and end it where it is hopeless; its last status.

    Raises:
        StopRequestedError: Somebody stops the sweep; the trial was stopped, too.
    """
    while True:
        status = read_status(run.path, now=time.time())
        history = read_history(run.path)
        losses = dict(zip(history["epoch"], history.get("validation_loss", ()), strict=True))
        is_hopeless = study.report(number, {int(epoch): loss for epoch, loss in losses.items()})
        if status.state not in ("queued", "training"):
            return status
        if is_hopeless:
            return _end_hopeless(run)
        words = "waits for its turn" if status.state == "queued" else f"epoch {status.epoch}"
        try:
            heartbeat.report(f"trial {number}, {words}", status.epoch, max(status.epochs, 1))
        except StopRequestedError:
            _stop(run)
            raise
        time.sleep(POLL_SECONDS)


def _end_hopeless(run: Run) -> Status:
    """Stop a trial that is hopeless; its last status says who stopped it."""
    _stop(run)
    status = read_status(run.path, now=time.time())
    if status.state == "done":  # it was about to end
        return status
    status = dataclasses.replace(status, state="stopped", phase=STOPPED, error="")
    write_status(run.path, status)
    return status


def _stop(run: Run) -> None:
    """Stop the run of a trial, and return when it has ended."""
    with suppress(UserError):  # it has just ended, or trains on another machine
        while (status := read_status(run.path, now=time.time())).state in ("queued", "training"):
            # Again, where it was not heard: while torch is imported, a library may catch the stop.
            if not status.stopping:
                local.stop(run)
            time.sleep(POLL_SECONDS)


def _tell_score(study: Study, number: int, run: Run) -> None:
    """Tell the score of a trial on its validation images.

    Raises:
        UserError: It is not defined there.
    """
    score = evaluate_run(run, part="validation").scores[study.metric.name]
    if not math.isfinite(score.value):
        raise UserError(f"{study.metric.title} is not defined on its validation images.")
    study.tell_score(number, score)
