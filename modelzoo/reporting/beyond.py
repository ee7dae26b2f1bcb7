"""What a report has of a run beyond its scores, read from its folder. No HTML."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.evaluation.by_split import Way, list_ways, way_of
from modelzoo.evaluation.calibration import Reliability
from modelzoo.evaluation.risk_coverage import RiskCoverage, risk_coverage
from modelzoo.evaluation.rows import LeaderboardRow, read_leaderboard
from modelzoo.evaluation.run_scores import Read, evaluate_calibration
from modelzoo.evaluation.run_thresholds import OperatingPoint, measure_kept
from modelzoo.evaluation.temperature import calibrate, find_temperature
from modelzoo.reporting.map_quality import MapQuality
from modelzoo.runs.attribution_tables import read_quality
from modelzoo.runs.folder import Run, list_runs
from modelzoo.runs.ood import read_ood
from modelzoo.runs.operating_point import read_point
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import Temperature, read_split


@dataclass(frozen=True, slots=True, eq=False)
class Beyond:
    """Calibration, operating point, images handed over and maps of one run."""

    temperature: Temperature | str  # or why there is none
    reliability: Reliability | None  # of probabilities as they are; None: no image has a label
    scaled: Reliability | None  # of scaled ones; None: there is no temperature, either
    is_scaled: bool  # whether the report is of scaled probabilities
    point: OperatingPoint | None  # that is kept with the run
    point_problem: str  # why one that is kept cannot be measured
    curves: tuple[RiskCoverage, ...]  # by confidence, and by OOD percentile where it is kept
    maps: tuple[MapQuality, ...]  # empty: they were not evaluated

    @property
    def shown(self) -> Reliability | None:
        """The reliability of the probabilities that the report is of."""
        return self.scaled or self.reliability if self.is_scaled else self.reliability


def read_beyond(run: Run, read: Read) -> Beyond:
    """What is known of an evaluated run; a damaged file that no score needs is passed over.

    Args:
        run: Its folder.
        read: Its predictions, scaled or as they are.
    """
    predictions = read_predictions(run.path)
    temperature: Temperature | str
    scaled = None
    try:
        temperature = find_temperature(run.path, lambda _: predictions)
        calibrated = calibrate(predictions, temperature)
        scaled = evaluate_calibration(run, read=lambda _: calibrated)
    except UserError as error:
        temperature = str(error).replace(f"{run.path.parent}/", "")
    point, problem = _read_point(run)
    ood, maps = None, None
    with suppress(UserError):
        ood = read_ood(run.path)
    with suppress(UserError):
        maps = read_quality(run.path, MapQuality)
    test = read(run.path).only("test")
    group_by_image = read_split(run.path).unit_by_image
    orders = [None, ood] if ood else [None]
    curves = [risk_coverage(test, group_by_image, each) for each in orders]
    return Beyond(
        temperature,
        evaluate_calibration(run, read=lambda _: predictions),
        scaled,
        read is not read_predictions,
        point,
        problem,
        tuple(curve for curve in curves if curve),
        tuple(maps or ()),
    )


def _read_point(run: Run) -> tuple[OperatingPoint | None, str]:
    """The operating point that is kept with the run, and why one that is cannot be measured."""
    try:
        kept = read_point(run.path)
        return (measure_kept(run, kept) if kept else None), ""
    except UserError as error:
        return None, str(error).replace(f"{run.path.parent}/", "")


def read_ways(runs: Sequence[Run], rows: Sequence[LeaderboardRow]) -> tuple[Way, ...]:
    """The ways in which `runs` were trained, over the splits and seeds of all runs beside them.

    Args:
        runs: Of one split.
        rows: Their scores.
    """
    settings = {_settings(row.config): None for row in rows}
    given = {run.path.resolve() for run in runs}
    beside = [
        run
        for folder in {run.path.parent for run in runs}
        for run in list_runs(folder)[0]
        if run.path.resolve() not in given and _settings(run.config) in settings
    ]
    found = read_leaderboard(beside).rows
    wanted = {way_of(row) for row in rows if not math.isnan(row.accuracy.value)}
    return tuple(list_ways([*rows, *(row for row in found if way_of(row) in wanted)]))


def _settings(config: TrainConfig) -> TrainConfig:
    """What runs of one way have in common, known before their scores are read."""
    return replace(config, split="random", seed=0, data="", columns="")
