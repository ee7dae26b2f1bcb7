"""The study of a sweep: Optuna asks for settings and is told what they scored. No torch.

Optuna keeps it as a journal: lines are appended to one file under a lock that is a symbolic link,
which works on shared file systems, where the locks of SQLite often do not.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from modelzoo.errors import UserError
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.metrics import METRICS
from modelzoo.sweeps.folder import JOURNAL, Sweep
from modelzoo.sweeps.ranges import SETTINGS, Over, Value

# A median of fewer says little about what is hopeless.
TRIALS_BEFORE_PRUNING = 4
# One-cycle goes up in the first quarter of a training: what it loses there says nothing yet.
SHARE_BEFORE_PRUNING = 0.25
REPORTS = 40  # at most so many epochs of a trial are told: each is a line of the journal
STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "stopped by the sweep",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
    TrialState.WAITING: "unfinished",
}
logging.getLogger("optuna").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """One trial, as its study has it."""

    number: int
    state: str  # one of STATES' words
    values: dict[str, Value]  # of the settings that are varied
    score: Score | None  # on validation images, at its best epoch; None: it was not scored
    epochs: int = 0  # that were told
    why: str = ""  # in a sentence, where it failed
    same_as: int | None = None  # an earlier trial with the same settings, whose score it has

    @property
    def is_scored(self) -> bool:
        """Whether it was trained to its end and scored."""
        return self.state == "done" and self.score is not None


class Study:
    """A sweep's study, opened. Ask and tell; one process at a time writes."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.metric = METRICS[sweep.settings.metric]
        with _damage_is_said(sweep):
            self._storage = JournalStorage(JournalFileBackend(str(sweep.path / JOURNAL)))
            self._study = self._open(sweep)
            self._id = self._storage.get_study_id_from_name(sweep.name)

    def _open(self, sweep: Sweep) -> optuna.Study:
        """The study; made where it is not there. To make it again would add a line to it."""
        settled: dict[str, Any] = {
            "study_name": sweep.name,
            "storage": self._storage,
            "pruner": optuna.pruners.MedianPruner(
                n_startup_trials=TRIALS_BEFORE_PRUNING,
                n_warmup_steps=int(SHARE_BEFORE_PRUNING * sweep.config.epochs),
            ),
        }
        try:
            return optuna.load_study(**settled)
        except KeyError:
            way = (
                StudyDirection.MAXIMIZE if self.metric.higher_is_better else StudyDirection.MINIMIZE
            )
            return optuna.create_study(**settled, direction=way, load_if_exists=True)

    def ask(self) -> int:
        """The number of a new trial, whose settings are chosen from what the others scored.

        The choice follows from the sweep's seed, the number and the trials before: a sweep that was
        interrupted asks for what it would have asked for.
        """
        number = len(self._all())
        seed = np.random.SeedSequence((self.sweep.config.seed, number)).generate_state(1)[0]
        self._study.sampler = optuna.samplers.TPESampler(seed=int(seed))
        return self._study.ask(distributions(self.sweep.over)).number

    def trials(self) -> list[TrialFacts]:
        """All trials, by number."""
        return [_facts(trial) for trial in self._all()]

    def report(self, number: int, losses: dict[int, float]) -> bool:
        """Tell the lowest validation loss up to an epoch; whether the trial is hopeless.

        It is where it stays above the median of the other trials at that epoch. What is told is the
        loss whatever the metric: it chooses the epoch of every training.

        Args:
            number: Of a trial at work.
            losses: Validation loss by epoch, of all epochs so far.
        """
        stride = max(1, self.sweep.config.epochs // REPORTS)
        trial = optuna.trial.Trial(
            self._study, self._storage.get_trial_id_from_study_id_trial_number(self._id, number)
        )
        told = self._all()[number].intermediate_values
        lowest, is_new = float("inf"), False
        for epoch, loss in sorted(losses.items()):
            lowest = min(lowest, loss)
            if epoch % stride == 0 and epoch not in told:
                trial.report(-lowest if self.metric.higher_is_better else lowest, epoch)
                is_new = True
        return is_new and trial.should_prune()

    def tell_score(self, number: int, score: Score, *, same_as: int | None = None) -> None:
        """Tell what a trial scored."""
        self._note(number, low=score.ci_low, high=score.ci_high, same_as=same_as)
        self._study.tell(number, score.value)

    def tell_pruned(self, number: int, *, same_as: int | None = None) -> None:
        """Tell that a trial was stopped, because it was hopeless."""
        self._note(number, same_as=same_as)
        with warnings.catch_warnings():  # of one that was told no epoch
            warnings.simplefilter("ignore")
            self._study.tell(number, state=TrialState.PRUNED)

    def tell_failed(self, number: int, why: str) -> None:
        """Tell that a trial cannot be scored, in a sentence."""
        self._note(number, why=why)
        self._study.tell(number, state=TrialState.FAIL)

    def importance(self) -> dict[str, float]:
        """Share of the variance of the score that each setting explains, the largest first.

        By functional ANOVA over a random forest (Hutter et al. 2014), of the trials that were
        trained to their end; they sum to 1. Empty where there are too few, or all score alike.
        """
        scored = [trial for trial in self.trials() if trial.is_scored]
        values = {trial.score.value for trial in scored if trial.score}
        tried = [{trial.values[each.name] for trial in scored} for each in self.sweep.over]
        if len(values) < 2 or all(len(each) < 2 for each in tried):
            return {}
        found = get_param_importances(self._study, evaluator=FanovaImportanceEvaluator(seed=0))
        return {name: float(share) for name, share in found.items()}

    def _all(self) -> list[FrozenTrial]:
        with _damage_is_said(self.sweep):
            return self._study.get_trials(deepcopy=False)

    def _note(self, number: int, **notes: Any) -> None:
        at = self._storage.get_trial_id_from_study_id_trial_number(self._id, number)
        for key, value in notes.items():
            if value is not None:
                self._storage.set_trial_user_attr(at, key, value)


def read_trials(sweep: Sweep) -> list[TrialFacts]:
    """The trials of a sweep, by number; none where it has not begun.

    Raises:
        UserError: The journal is damaged.
    """
    return Study(sweep).trials() if (sweep.path / JOURNAL).exists() else []


def mend_journal(sweep: Sweep) -> None:
    """Cut off a last line that was not written to its end; only for who holds the sweep's lock."""
    file = sweep.path / JOURNAL
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(file, whole)


def distributions(over: tuple[Over, ...]) -> dict[str, BaseDistribution]:
    """What is tried of each setting, as Optuna has it."""
    return {each.name: _distribution(each) for each in over}


def _distribution(over: Over) -> BaseDistribution:
    if over.choices:
        return CategoricalDistribution(over.choices)
    if isinstance(over.low, int) and isinstance(over.high, int):
        return IntDistribution(over.low, over.high, log=over.is_log)
    return FloatDistribution(over.low, over.high, log=over.is_log)


def _facts(trial: FrozenTrial) -> TrialFacts:
    notes = trial.user_attrs
    score = None
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        score = Score(trial.value, notes.get("low", np.nan), notes.get("high", np.nan))
    return TrialFacts(
        number=trial.number,
        state=STATES[trial.state],
        values={name: trial.params[name] for name in SETTINGS if name in trial.params},
        score=score,
        epochs=max(trial.intermediate_values, default=0),
        why=notes.get("why", ""),
        same_as=notes.get("same_as"),
    )


@contextmanager
def _damage_is_said(sweep: Sweep) -> Iterator[None]:
    """Make a UserError of what Optuna raises where the journal is damaged.

    It checks nothing: whatever a line holds, an error of some kind follows.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, OSError, RuntimeError) as error:
        raise UserError(
            f"{sweep.path / JOURNAL} is damaged or cannot be used ({error}); put it back from a "
            "copy, or begin a sweep of another name. Its trials are kept."
        ) from error
