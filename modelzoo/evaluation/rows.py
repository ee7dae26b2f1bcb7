"""One row per evaluated run: scores, split and cost, as its folder has them."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from modelzoo.backbones.table import BACKBONES
from modelzoo.config.train_config import Mode, TrainConfig
from modelzoo.datasets.splits import count_leaked
from modelzoo.errors import UserError
from modelzoo.evaluation.class_notes import describe_classes, list_never_predicted
from modelzoo.evaluation.intervals import Evaluation, Score
from modelzoo.evaluation.run_scores import read_doubts, score_part
from modelzoo.evaluation.units import Unit
from modelzoo.runs.ensembles import ensemble_title, read_ensemble
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.folder import Run
from modelzoo.runs.predictions import Predictions, read_predictions
from modelzoo.runs.records import read_environment, read_split, read_weights
from modelzoo.runs.status import PACE_WORDS, State, Status, read_status, read_written_status
from modelzoo.text import capital, count, describe_seconds

SPLIT_WORDS = {
    "random": "random split",
    "grouped": "grouped split",
    "background": "background-cluster split",
    "given": "split given with the data",
    "leaky-augmented": "leaky split (copies before the split)",
    "leaky-validation": "split with a leaky validation part",
}


SPLIT_HELP = {
    "random": "random: any image may be in the test set, even when its neighbour was trained on.",
    "grouped": "grouped: images of one patient, or overlapping fields, stay together.",
    "background": "background: clusters of background colour of each class are held out, a proxy "
    "for unseen slides; the seed says which, so that a few seeds test each cluster once.",
    "given": "given: as the data set's folders or table say.",
    "leaky-augmented": "leaky-augmented: flipped and turned copies were made before the split, as "
    "in Anand et al. 2025, so that copies of test images were trained on: scores are too high.",
    "leaky-validation": "leaky-validation: validation images are changed copies of training "
    "images, as in Muduli et al. 2025, so the epoch is chosen on images that were trained on; the "
    "test is a random one.",
}


WEIGHTS_WORDS = {True: "ImageNet", False: "none", None: "not known"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeaderboardRow:
    """One run that was evaluated."""

    run_id: str
    backbone: str
    title: str  # the backbone's, as papers print it
    recipe: str
    mode: str
    dataset: str  # last part of the data folder's path
    dataset_id: str
    split_kind: str
    split_id: str
    seed: int
    state: State
    config: TrainConfig
    evaluation: Evaluation  # of the test part
    has_imagenet: bool | None  # None: the run does not say
    ms_per_image: float  # NaN where the run does not say, as in the next two
    parameters: float
    seconds: float  # of all phases of the training
    features: str = ""  # "cached": computed by an earlier run, and not in `seconds`
    notes: tuple[str, ...] = ()  # what a reader must know to judge the row
    leaked_images: int = 0  # test images whose group is in training or validation, too
    doubts: tuple[str, ...] = ()  # on its classes and its data set, beside the scores
    never_predicted: tuple[str, ...] = ()  # classes that it predicts for no test image

    @property
    def accuracy(self) -> Score:
        """Share of the test images whose true class is predicted."""
        return self.evaluation.scores["accuracy"]

    @property
    def per(self) -> Unit:
        """What was scored as one."""
        return self.evaluation.per


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run without scores so far."""

    run_id: str
    title: str
    state: State
    sentence: str
    progress: float  # share of the whole, [0, 1]


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """A split that runs were evaluated on: only runs of one may be compared."""

    split_id: str
    title: str  # data set, kind, seed, start of the id: stands in links, so it must not change
    runs: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The runs of a folder: evaluated, unfinished, damaged."""

    rows: tuple[LeaderboardRow, ...]
    unfinished: tuple[Unfinished, ...]
    problems: dict[str, str]  # one sentence by run id


def read_leaderboard(
    runs: Iterable[Run],
    *,
    now: float | None = None,
    read: Callable[[Run], LeaderboardRow] | None = None,
) -> Leaderboard:
    """A row for each evaluated run; the unfinished; a sentence for each damaged one.

    Args:
        runs: In any order.
        now: Seconds since the epoch, to see which runs still have a heartbeat; None: the present.
        read: In place of `read_row`, for a reader that remembers.
    """
    read = read or read_row
    now = time.time() if now is None else now
    rows, unfinished, problems = [], [], {}
    for run in runs:
        try:
            status = _status_of(run, now)
            if status is None or (
                run.has(PREDICTIONS) and status.state not in ("queued", "training")
            ):
                rows.append(read(run))
            elif status.state == "done":
                read_predictions(run.path)  # says what is missing
            else:
                unfinished.append(_unfinished(run, status))
        except UserError as error:
            problems[run.id] = str(error)
    return Leaderboard(tuple(rows), tuple(unfinished), problems)


def read_row(
    run: Run,
    *,
    read: Callable[[Path], Predictions] = read_predictions,
    per: Unit = "image",
) -> LeaderboardRow:
    """The scores of `run` on its test set, and what it cost.

    Args:
        run: Its folder.
        read: The predictions of a run's folder, for a reader that remembers them.
        per: What is scored as one.

    Raises:
        UserError: Its split or predictions are missing or damaged, or no patients are known and it
            is asked for them.
    """
    split = read_split(run.path)
    evaluation, facts = score_part(run, split, read(run.path), "test", per)
    notes = list(evaluation.notes)
    if lost := len(split.ids("test")) - evaluation.images:
        notes.append(
            f"{lost} of the {count(len(split.ids('test')), 'test image')} could not be scored."
        )
    try:
        environment = read_environment(run.path)
        notes += environment.notes
    except UserError as error:
        environment = None
        notes.append(f"{error} Time and size are not known.")
    try:
        has_imagenet = read_weights(run.path).kind == "imagenet"
    except UserError as error:
        has_imagenet = None
        notes.append(f"{error} Its initial weights are not known.")
    return LeaderboardRow(
        run_id=run.id,
        backbone=run.config.backbone,
        title=backbone_title(run),
        recipe=run.config.recipe,
        mode=run.config.mode,
        dataset=PurePath(run.config.data).name or run.config.data,
        dataset_id=environment.dataset_id if environment else run.config.data,
        split_kind=run.config.split,
        split_id=split.id,
        seed=run.config.seed,
        state=_state_of(run),
        config=run.config,
        evaluation=evaluation,
        has_imagenet=has_imagenet,
        ms_per_image=environment.ms_per_image if environment else math.nan,
        parameters=environment.parameters if environment else math.nan,
        seconds=sum(environment.seconds.values()) if environment else math.nan,
        features=environment.features if environment else "",
        notes=tuple(notes),
        leaked_images=count_leaked(split, "test"),
        doubts=(*describe_classes(facts, "test"), *read_doubts(run)),
        never_predicted=list_never_predicted(facts, "test"),
    )


def list_splits(rows: Sequence[LeaderboardRow]) -> list[SplitChoice]:
    """The splits that `rows` were evaluated on, the one with most runs first."""
    by_split = _by_split(rows)
    return [
        SplitChoice(split_id, f"{_describe_split(members[0])}, {split_id[:6]}", len(members))
        for split_id, members in sorted(
            by_split.items(), key=lambda item: (-len(item[1]), _describe_split(item[1][0]), item[0])
        )
    ]


def best_first(rows: Iterable[LeaderboardRow]) -> list[LeaderboardRow]:
    """`rows` by accuracy, then balanced accuracy, then AUC; those without a score last."""

    def rank(row: LeaderboardRow) -> tuple[float, ...]:
        scores = row.evaluation.scores
        values = (scores[name].value for name in ("accuracy", "balanced_accuracy", "auc"))
        return tuple(math.inf if math.isnan(value) else -value for value in values)

    return sorted(rows, key=lambda row: (rank(row), row.title, row.run_id))


def name_rows(rows: Sequence[LeaderboardRow]) -> dict[str, str]:
    """The shortest name by run id that tells `rows` apart: title, recipe, else the run's own."""
    titles = Counter(row.title for row in rows)
    recipes = Counter((row.title, row.recipe) for row in rows)
    names = {}
    for row in rows:
        if titles[row.title] == 1:
            names[row.run_id] = row.title
        elif recipes[row.title, row.recipe] == 1:
            names[row.run_id] = f"{row.title} ({row.recipe})"
        else:
            names[row.run_id] = f"{row.title} ({row.run_id})"
    return names


def _describe_split(row: LeaderboardRow) -> str:
    return f"{row.dataset}, {SPLIT_WORDS[row.split_kind]}, seed {row.seed}"


def describe_test(row: LeaderboardRow) -> str:
    """Which images `row` was evaluated on: data set, split, seed and sizes."""
    words = f"{_describe_split(row)}: {name_scored(row.evaluation)}"
    groups = len(row.evaluation.groups)
    if row.per == "group" and groups == row.evaluation.undivided:
        return words  # they are said
    return f"{words} in {count(groups, 'group')}"


def name_scored(evaluation: Evaluation) -> str:
    """What was scored on a test set: `120 test images`, `80 groups of 120 test images`."""
    images = count(evaluation.images, "test image")
    if evaluation.per == "image":
        return images
    words = f"{count(evaluation.undivided, evaluation.per)} of {images}"
    is_whole = evaluation.units == evaluation.undivided
    return words if is_whole else f"{words}, divided by class into {evaluation.units:,}"


def _by_split(rows: Sequence[LeaderboardRow]) -> dict[str, list[LeaderboardRow]]:
    by_split: dict[str, list[LeaderboardRow]] = defaultdict(list)
    for row in rows:
        by_split[row.split_id].append(row)
    return by_split


def backbone_title(run: Run) -> str:
    """The backbone of `run` as papers print it; its own name where it is not known."""
    with suppress(UserError):  # damaged: whoever opens its network says so
        if record := read_ensemble(run.path):
            return ensemble_title(record)
    row = BACKBONES.get(run.config.backbone)
    return row.title if row else run.config.backbone


def _status_of(run: Run, now: float) -> Status | None:
    """The run's status; None where it has predictions and no readable status."""
    try:
        return read_status(run.path, now=now)
    except UserError:
        if run.has(PREDICTIONS):
            return None
        raise


def _state_of(run: Run) -> State:
    """The state of a run that has predictions; no clock is needed once it has ended."""
    try:
        state = read_written_status(run.path).state
    except UserError:
        return "done"
    return "done" if state in ("queued", "training") else state


def _unfinished(run: Run, status: Status) -> Unfinished:
    words = describe_status(status, run.config.mode)
    return Unfinished(run.id, backbone_title(run), status.state, words, status.progress)


def describe_status(status: Status, mode: Mode) -> str:
    """What a run that trains in `mode` is doing, in one sentence."""
    if status.state == "queued":
        # In a cluster's queue the scheduler says for what.
        return f"Queued on {status.device}, {status.phase}." if status.phase else "Queued."
    if status.state == "failed":
        return status.error or "It failed without a message; see its log."
    if status.state == "stopped":
        return f"Stopped after {count(status.epoch, 'epoch')}; it can be resumed."
    if status.state == "done":
        return "Done."
    if status.stopping == "now":
        return "Stops at the next batch."
    words = capital(status.phase or "training")
    if status.phase not in ("", "training"):
        return f"{words}."
    if status.epochs:
        words += f", epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}"
    if status.images_per_second > 0:
        words += f", {status.images_per_second:,.0f} {PACE_WORDS[mode]} per second"
    if status.stopping:
        return f"{words}, stops {status.stopping}."
    if status.seconds_left is not None:
        words += f", about {describe_seconds(status.seconds_left)} left"
    return f"{words}."
