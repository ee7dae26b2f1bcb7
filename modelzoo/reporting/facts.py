"""What a report is made of, read from the folders of its runs. No HTML, no Markdown."""

import dataclasses
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TypeVar

from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import TrainConfig, list_recipes, read_recipe
from modelzoo.datasets.answers import read_kept_answers
from modelzoo.datasets.splits import Split
from modelzoo.errors import UserError
from modelzoo.evaluation.by_class import ClassScores
from modelzoo.evaluation.by_split import Way
from modelzoo.evaluation.rows import (
    LeaderboardRow,
    best_first,
    describe_test,
    name_rows,
    read_leaderboard,
    read_row,
)
from modelzoo.evaluation.run_scores import Read, evaluate_classes
from modelzoo.evaluation.temperature import describe_scaling, read_scaled
from modelzoo.reporting.beyond import Beyond, read_beyond, read_ways
from modelzoo.runs.ensembles import read_ensemble
from modelzoo.runs.folder import Run
from modelzoo.runs.hashes import hash_model
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import (
    DataRecord,
    Environment,
    read_data,
    read_environment,
    read_split,
    read_weights,
)
from modelzoo.text import join_few, shorten

_SHOWN = 60  # letters of a name, in a sentence

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, eq=False)
class ReportedRun:
    """One evaluated run, as its folder has it; None where a record is missing or damaged."""

    run: Run
    row: LeaderboardRow
    by_class: list[tuple[ClassScores, str]]  # with what the scores of the class rest on
    data: DataRecord | None
    environment: Environment | None
    weights: WeightsRecord | None
    model_sha256: str  # of the trained network; empty: only its predictions are kept
    command: str  # that makes such a run
    beyond: Beyond  # what its scores do not say

    @property
    def input_px(self) -> int:
        """Side of the square that the network is given; 0: not known."""
        backbone = BACKBONES.get(self.row.backbone)
        return self.row.config.input_px or (backbone.input_px if backbone else 0)


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """Runs of one split, best first, and what is known beside them."""

    runs: tuple[ReportedRun, ...]
    names: dict[str, str]  # by run id
    split: Split
    made: float  # seconds since the epoch
    command: str  # that makes the report
    answers: Mapping[str, str] = field(default_factory=dict)  # of a person, by question
    ways: tuple[Way, ...] = ()  # of training, as the runs', over all splits that have been run
    scaled: str = ""  # how probabilities are calibrated, in words; empty: they are as they are
    prevalence: float | None = None  # of predictive values; None: the share among test images

    @property
    def rows(self) -> list[LeaderboardRow]:
        """The scores of the runs, best first."""
        return [each.row for each in self.runs]

    def name(self, reported: ReportedRun) -> str:
        """The shortest name that tells the run from the others."""
        return self.names[reported.row.run_id]

    @property
    def dataset_ids(self) -> list[str]:
        """Content hashes of the data sets that the runs name, each once; empty: not known."""
        known = (each.environment for each in self.runs)
        return list(dict.fromkeys(each.dataset_id for each in known if each))


def read_reported(
    runs: Sequence[Run],
    *,
    made: float,
    command: str,
    answers: Mapping[str, str] | None = None,
    rows: Mapping[str, LeaderboardRow] | None = None,
    calibrated: bool = False,
    prevalence: float | None = None,
) -> Reported:
    """The facts of a report.

    Args:
        runs: At least one, in any order.
        made: When the report is made, in seconds since the epoch.
        command: That makes it.
        answers: Of a person, by the key of the question.
        rows: By run id, where they have been read already.
        calibrated: Whether probabilities are scaled by the temperatures of runs that have one.
        prevalence: Of predictive values, between 0 and 1; None: the share among test images.

    Raises:
        UserError: A run has not been evaluated or is damaged, two have one name, or they were
            evaluated on different splits.
    """
    _require_names(runs)
    read = read_scaled if calibrated else read_predictions
    scored = [(run, (rows or {}).get(run.id) or _read_row(run, read)) for run in runs]
    scored = [(run, _without_folder(row, run)) for run, row in scored]
    run_by_id = {run.id: run for run, _ in scored}
    ordered = best_first(row for _, row in scored)
    _require_one_split(ordered)
    names = name_rows(ordered)
    reported = tuple(_read_run(run_by_id[row.run_id], row, read) for row in ordered)
    found = {names[each.row.run_id]: each.beyond.temperature for each in reported}
    return Reported(
        reported,
        names,
        read_split(run_by_id[ordered[0].run_id].path),
        made,
        command,
        dict(answers or {}),
        read_ways([run for run, _ in scored], ordered),
        describe_scaling(found) if calibrated else "",
        prevalence,
    )


def _require_names(runs: Sequence[Run]) -> None:
    ids = [run.id for run in runs]
    twice = [name for name in dict.fromkeys(ids) if ids.count(name) > 1]
    if twice:
        raise UserError(
            f"Two runs are called {shorten(twice[0], _SHOWN)}; rename one, or give it once."
        )


def _without_folder(row: LeaderboardRow, run: Run) -> LeaderboardRow:
    """`row` without the place of its folder on this machine, which sentences on files name."""
    folder = f"{run.path.parent}/"
    notes, doubts = (
        tuple(each.replace(folder, "") for each in said) for said in (row.notes, row.doubts)
    )
    return dataclasses.replace(row, notes=notes, doubts=doubts)


def _read_row(run: Run, read: Read) -> LeaderboardRow:
    """The scores of an evaluated run.

    Raises:
        UserError: It has none, or a file is damaged.
    """
    board = read_leaderboard([run], read=lambda each: read_row(each, read=read))
    if board.rows:
        return board.rows[0]
    if board.problems:
        raise UserError(board.problems[run.id])
    raise UserError(
        f"Run {shorten(run.id, _SHOWN)} has not been evaluated yet "
        f"({board.unfinished[0].state}), so there is nothing to report; wait for it, resume it, or "
        "give another."
    )


def _require_one_split(rows: Sequence[LeaderboardRow]) -> None:
    first = rows[0]
    other = next((row for row in rows if row.split_id != first.split_id), None)
    if other:
        raise UserError(
            f"Runs {shorten(first.run_id, _SHOWN)} and {shorten(other.run_id, _SHOWN)} were "
            "evaluated on different splits, so their scores cannot be compared; give runs of one "
            "split, or make a report for each."
        )


def _read_run(run: Run, row: LeaderboardRow, read: Read) -> ReportedRun:
    return ReportedRun(
        run,
        row,
        evaluate_classes(run, read=read),
        _or_none(read_data, run.path),
        _or_none(read_environment, run.path),
        _or_none(read_weights, run.path),
        hash_model(run.path) if run.has_model else "",
        describe_command(run),
        read_beyond(run, read),
    )


def _or_none(read: Callable[[Path], Record], path: Path) -> Record | None:
    try:
        return read(path)
    except UserError:  # the notes on the run's scores say so
        return None


def read_answers_of(runs: Sequence[Run], folder: Path) -> dict[str, str]:
    """What a person answered about the data set of `runs`; of several data sets, the first's.

    Args:
        runs: In any order.
        folder: Of all answers.

    Raises:
        UserError: The file of answers is damaged.
    """
    for run in runs:
        environment = _or_none(read_environment, run.path)
        if environment and (answers := read_kept_answers(folder, environment.dataset_id)):
            return answers
    return {}


def describe_command(run: Run) -> str:
    """The command that makes such a run: what differs from its recipe, else from the defaults.

    The data are named by their last folder: where they lay is the machine's own.
    """
    try:
        record = read_ensemble(run.path)
    except UserError:
        record = None
    if record:
        arguments = ["ensemble", *record.members, "--weighting", record.weighting]
        return shlex.join(["python", "-m", "modelzoo", *arguments, "--name", run.id])
    config = run.config
    is_known = config.recipe in list_recipes()
    start = read_recipe(config.recipe) if is_known else TrainConfig()
    arguments = ["train", "--name", run.id]
    arguments += ["--recipe", config.recipe] if is_known else []
    always = ("data", "backbone", "split", "seed")
    for spec in dataclasses.fields(TrainConfig):
        value = getattr(config, spec.name)
        if spec.name == "data":
            value = PurePath(value).name or "DATA"
        if spec.name in always or (spec.name != "recipe" and value != getattr(start, spec.name)):
            arguments += [f"--{spec.name.replace('_', '-')}", str(value)]
    return shlex.join(["python", "-m", "modelzoo", *arguments])


def describe_made(reported: Reported) -> str:
    """When the report was made, in the time zone of this machine: `2026-11-28 09:40`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(reported.made))


def describe_runs(reported: Reported) -> str:
    """Which runs are reported, and on which images: `VGG16 and ResNet50 on smears, ...`."""
    return f"{join_few(list(reported.names.values()))} on {describe_test(reported.rows[0])}"


def report_command(
    runs: Sequence[str],
    out: Path | str,
    answers: Path | None = None,
    *,
    calibrated: bool = False,
    prevalence: float | None = None,
) -> str:
    """The command that makes a report of `runs`, all named without the folders they lie in."""
    arguments = ["python", "-m", "modelzoo", "report"]
    arguments += [*(PurePath(name).name for name in runs), "--out", PurePath(out).name]
    arguments += ["--answers", answers.name] if answers else []
    arguments += ["--calibrated"] if calibrated else []
    arguments += ["--prevalence", f"{prevalence:g}"] if prevalence is not None else []
    return shlex.join(arguments)
