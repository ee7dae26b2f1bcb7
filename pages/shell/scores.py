"""Cached scores and curves of runs' probabilities, as they are or calibrated. No torch.

Calibrated ones are as they are of a run that has no temperature; `read_temperature_of` says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from modelzoo.errors import UserError
from modelzoo.evaluation.by_class import ClassScores
from modelzoo.evaluation.calibration import Reliability
from modelzoo.evaluation.delong import AreaDifference
from modelzoo.evaluation.operating_points import Criterion
from modelzoo.evaluation.precision_recall import (
    PrecisionRecallCurve,
    macro_precision_recall,
    precision_recall_curve,
)
from modelzoo.evaluation.risk_coverage import By, RiskCoverage, risk_coverage
from modelzoo.evaluation.roc import RocCurve, macro_roc, roc_curve
from modelzoo.evaluation.rows import LeaderboardRow, read_row
from modelzoo.evaluation.run_scores import (
    compare_areas,
    evaluate_calibration,
    evaluate_classes,
)
from modelzoo.evaluation.run_thresholds import OperatingPoint, find_operating_point
from modelzoo.evaluation.temperature import describe_scaling
from modelzoo.evaluation.units import Unit, find_units
from modelzoo.runs.file_names import CONFIG, DATA, IMAGES, OOD, SPLIT
from modelzoo.runs.folder import read_run
from modelzoo.runs.ood import read_ood
from modelzoo.runs.records import Temperature, read_split
from pages.shell.errors import error_in_place
from pages.shell.reads import (
    OF_ROW,
    Stamp,
    find_folder,
    read_all_predictions,
    read_temperature_of,
    stamp_predictions,
)

MACRO = "macro-average"


def score_rows(
    rows: Iterable[LeaderboardRow], *, calibrated: bool, per: Unit
) -> list[LeaderboardRow]:
    """`rows` with other scores, of those that can be scored so; their notes say how.

    Args:
        rows: Of runs that were evaluated.
        calibrated: Whether their probabilities are scaled.
        per: What is scored as one.
    """
    scored = []
    for row in rows:
        path = find_folder(row.run_id)
        with error_in_place():
            stamp = stamp_predictions(path, calibrated, *OF_ROW, IMAGES)
            scored.append(_scored_row(str(path), stamp, calibrated, per))
    return scored


def why_not_per(run_id: str, per: Unit) -> str:
    """Why a run cannot be scored per group or patient; empty where it can."""
    path = find_folder(run_id)
    return _why_not_per(str(path), stamp_predictions(path, False, SPLIT, IMAGES), per)


def read_curves(
    run_ids: Iterable[str], *, calibrated: bool = False, per: Unit = "image"
) -> dict[str, dict[str, RocCurve]]:
    """ROC curves of each run's test part by class, and their mean under `MACRO`.

    Args:
        run_ids: Of the runs.
        calibrated: Of scaled probabilities, where a run has a temperature.
        per: What is scored as one, as of the rows beside them; no run is without it.
    """
    curves = {}
    for run_id in run_ids:
        path = find_folder(run_id)
        with error_in_place():
            curves[run_id] = _curves(
                str(path), stamp_predictions(path, calibrated, SPLIT, IMAGES), calibrated, per
            )
    return curves


def read_precision_recall(
    run_ids: Iterable[str], *, calibrated: bool = False, per: Unit = "image"
) -> dict[str, dict[str, PrecisionRecallCurve]]:
    """Precision-recall curves of each run's test part, as `read_curves` has them."""
    curves = {}
    for run_id in run_ids:
        path = find_folder(run_id)
        with error_in_place():
            curves[run_id] = _precision_recall(
                str(path), stamp_predictions(path, calibrated, SPLIT, IMAGES), calibrated, per
            )
    return curves


def read_class_scores(
    run_ids: Iterable[str], *, calibrated: bool = False, per: Unit = "image"
) -> dict[str, dict[str, ClassScores]]:
    """The scores of each run's test part by class, of those runs that can be read."""
    scores = {}
    for run_id in run_ids:
        path = find_folder(run_id)
        with error_in_place():
            stamp = stamp_predictions(path, calibrated, CONFIG, SPLIT, IMAGES)
            scores[run_id] = _class_scores(str(path), stamp, calibrated, per)
    return scores


def read_area_differences(
    run_ids: Sequence[str], target: str | None, *, calibrated: bool = False, per: Unit = "image"
) -> list[AreaDifference]:
    """The differences in AUC between every two runs; none where they cannot be compared."""
    paths = [find_folder(run_id) for run_id in run_ids]
    found: list[AreaDifference] = []
    with error_in_place():
        stamps = tuple(stamp_predictions(path, calibrated, SPLIT, IMAGES) for path in paths)
        found += _area_differences(tuple(map(str, paths)), stamps, target, calibrated, per)
    return found


def read_reliability(
    run_ids: Iterable[str], target: str | None, *, calibrated: bool = False, per: Unit = "image"
) -> dict[str, Reliability]:
    """Reliability of each run's test part, of those runs that have labels and the class `target`.

    Args:
        run_ids: Of the runs.
        target: One class against the rest; None: the predicted class.
        calibrated: As of `read_curves`.
        per: The same.
    """
    found = {}
    for run_id in run_ids:
        path = find_folder(run_id)
        with error_in_place():
            stamp = stamp_predictions(path, calibrated, CONFIG, SPLIT, IMAGES)
            if reliability := _reliability(str(path), stamp, target, calibrated, per):
                found[run_id] = reliability
    return found


def read_operating_points(
    run_ids: Iterable[str],
    positive: tuple[str, ...],
    criterion: Criterion,
    wanted: float | None,
    *,
    calibrated: bool = False,
) -> tuple[dict[str, OperatingPoint], dict[str, str]]:
    """The operating point of each run, and by run a sentence why it has none.

    Args:
        run_ids: Of the runs.
        positive: The positive classes.
        criterion: By what the threshold is chosen.
        wanted: As in `Choice`.
        calibrated: Of scaled probabilities, where a run has a temperature.
    """
    points, problems = {}, {}
    for run_id in run_ids:
        path = find_folder(run_id)
        try:
            points[run_id] = _operating_point(
                str(path),
                stamp_predictions(path, calibrated, CONFIG, SPLIT, DATA),
                positive,
                criterion,
                wanted,
                calibrated and isinstance(read_temperature_of(path), Temperature),
            )
        except UserError as error:
            problems[run_id] = str(error)
    return points, problems


def read_risk_coverage(
    run_id: str, by: By = "confidence", *, calibrated: bool = False
) -> RiskCoverage | None:
    """Accuracy by coverage of a run's test part; None: there is no label, or no OOD percentile.

    Args:
        run_id: Of the run.
        by: In which order images are handed to a person.
        calibrated: Of scaled probabilities, where the run has a temperature.

    Raises:
        UserError: A file of the run is missing or damaged.
    """
    path = find_folder(run_id)
    stamp = stamp_predictions(path, calibrated, SPLIT, *([OOD] if by == "ood" else []))
    return _risk_coverage(str(path), stamp, by, calibrated)


@st.cache_resource(max_entries=500, show_spinner="Scoring runs …")  # scores are kept as they come
def _scored_row(path: str, stamp: Stamp, calibrated: bool, per: Unit) -> LeaderboardRow:
    read = partial(read_all_predictions, calibrated=calibrated)
    row = read_row(read_run(Path(path)), read=read, per=per)
    if not calibrated:
        return row
    scaling = describe_scaling({row.title: read_temperature_of(Path(path))})
    return replace(row, notes=(*row.notes, scaling))


@st.cache_data(max_entries=500, show_spinner=False)
def _why_not_per(path: str, stamp: Stamp, per: Unit) -> str:
    try:
        run = read_run(Path(path))
        find_units(run, read_split(run.path), per)
    except UserError as error:
        return str(error)
    return ""


@st.cache_resource(max_entries=200, show_spinner=False)
def _curves(path: str, stamp: Stamp, calibrated: bool, per: Unit) -> dict[str, RocCurve]:
    predictions = read_all_predictions(Path(path), calibrated=calibrated, per=per).only("test")
    by_class = {
        name: curve
        for target, name in enumerate(predictions.classes)
        if (curve := roc_curve(predictions.labels, predictions.probabilities, target))
    }
    # As the macro-average AUC, not defined where a class has no curve.
    is_whole = len(by_class) == len(predictions.classes) > 0
    whole = {MACRO: macro_roc(list(by_class.values()))} if is_whole else {}
    return whole | by_class


@st.cache_resource(max_entries=200, show_spinner=False)
def _precision_recall(
    path: str, stamp: Stamp, calibrated: bool, per: Unit
) -> dict[str, PrecisionRecallCurve]:
    predictions = read_all_predictions(Path(path), calibrated=calibrated, per=per).only("test")
    by_class = {
        name: curve
        for target, name in enumerate(predictions.classes)
        if (curve := precision_recall_curve(predictions.labels, predictions.probabilities, target))
    }
    is_whole = len(by_class) == len(predictions.classes) > 0  # as in `_curves`
    whole = {MACRO: macro_precision_recall(list(by_class.values()))} if is_whole else {}
    return whole | by_class


@st.cache_resource(max_entries=200, show_spinner=False)
def _class_scores(path: str, stamp: Stamp, calibrated: bool, per: Unit) -> dict[str, ClassScores]:
    read = partial(read_all_predictions, calibrated=calibrated)
    return {
        each.name: each for each, _ in evaluate_classes(read_run(Path(path)), read=read, per=per)
    }


@st.cache_resource(max_entries=500, show_spinner=False)
def _reliability(
    path: str, stamp: Stamp, target: str | None, calibrated: bool, per: Unit
) -> Reliability | None:
    read = partial(read_all_predictions, calibrated=calibrated)
    return evaluate_calibration(read_run(Path(path)), target=target, read=read, per=per)


@st.cache_resource(max_entries=50, show_spinner=False)
def _area_differences(
    paths: tuple[str, ...],
    stamps: tuple[Stamp, ...],
    target: str | None,
    calibrated: bool,
    per: Unit,
) -> list[AreaDifference]:
    read = partial(read_all_predictions, calibrated=calibrated)
    return compare_areas([read_run(Path(path)) for path in paths], target, read=read, per=per)


@st.cache_resource(max_entries=200, show_spinner=False)
def _operating_point(
    path: str,
    stamp: Stamp,
    positive: tuple[str, ...],
    criterion: Criterion,
    wanted: float | None,
    calibrated: bool,
) -> OperatingPoint:
    return find_operating_point(
        read_run(Path(path)),
        positive,
        criterion,
        wanted,
        calibrated=calibrated,
        read=read_all_predictions,
    )


@st.cache_resource(max_entries=200, show_spinner=False)
def _risk_coverage(path: str, stamp: Stamp, by: By, calibrated: bool) -> RiskCoverage | None:
    group_by_image = read_split(Path(path)).unit_by_image
    test = read_all_predictions(Path(path), calibrated=calibrated).only("test")
    if by == "confidence":
        return risk_coverage(test, group_by_image)
    ood = read_ood(Path(path))
    return risk_coverage(test, group_by_image, ood) if ood else None
