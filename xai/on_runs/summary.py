"""Scores of maps over the test set of a run, with intervals over its groups. No files, no pages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from modelzoo.evaluation.intervals import mean_over_groups
from xai.faithfulness.report import QualityReport
from xai.faithfulness.table import MEASURES, Summary
from xai.types import Floats


@dataclass(slots=True)
class _Column:
    """One measure of one method: an entry per image."""

    groups: list[str] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    others: list[list[float | None]] = field(default_factory=list)  # random, centre, blurred
    areas: list[float | None] = field(default_factory=list)


def summarise(
    reports: Mapping[str, Sequence[QualityReport]], group_by_image: Mapping[str, str]
) -> list[Summary]:
    """Means over a test set with 95 % intervals: one row per method and measure.

    Groups (patients) are drawn with replacement, not images: two smears of one patient are alike,
    and intervals over images would be too narrow.

    Args:
        reports: By image, one for each method.
        group_by_image: Of every image in `reports`.
    """
    columns: dict[tuple[str, str], _Column] = {}
    for image, of_image in reports.items():
        for report in of_image:
            for measure in MEASURES:
                own = getattr(report.own, measure)
                if own is None:
                    continue
                column = columns.setdefault((report.method, measure), _Column())
                column.groups.append(group_by_image[image])
                column.own.append(own)
                column.others.append([getattr(o, measure) for o in report.baselines.values()])
                area = MEASURES[measure].area
                column.areas.append(getattr(report, area) if area else None)
    return [_summarise_one(*key, column) for key, column in sorted(columns.items())]


def _summarise_one(method: str, measure: str, column: _Column) -> Summary:
    is_share = min(column.own) >= 0 and max(column.own) <= 1
    mean = mean_over_groups(column.own, column.groups, is_share=is_share)
    others = np.array(column.others, dtype=np.float64)  # (N, 3); None becomes nan
    means = [_known_mean(scores) for scores in others.T]
    up_is_better = MEASURES[measure].up_is_better
    gain, gain_ci_low = _gain(column, others, up_is_better)
    return Summary(
        method=method,
        measure=measure,
        value=mean.value,
        ci_low=_known(mean.ci_low),
        ci_high=_known(mean.ci_high),
        random=means[0],
        centre=means[1],
        blurred=means[2],
        win_share=_share_better(np.array(column.own), others, up_is_better),
        gain=gain,
        gain_ci_low=gain_ci_low,
        area=_known_mean(np.array(column.areas, dtype=np.float64)),
        images=len(column.own),
        groups=len(set(column.groups)),
    )


def _known_mean(values: Floats) -> float | None:
    """The mean of those that are no nan; None: all are."""
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _gain(
    column: _Column, others: Floats, up_is_better: bool | None
) -> tuple[float | None, float | None]:
    """The least mean gain over a baseline map, and the least lower end of its 95 % interval.

    Gains are taken image by image: maps of one image are evaluated by one prediction, so their
    difference is known far better than either score.

    Args:
        column: N images.
        others: (N, 3), the scores of the baseline maps.
        up_is_better: None: there is no gain.

    Returns:
        None for both where there is no gain; None for the end where there is only one group.
    """
    if up_is_better is None or np.isnan(others).any():
        return None, None
    gains = (np.array(column.own)[:, None] - others) * (1 if up_is_better else -1)
    means = [mean_over_groups(gain, column.groups) for gain in gains.T]
    return min(mean.value for mean in means), _known(min(mean.ci_low for mean in means))


def _share_better(own: Floats, others: Floats, up_is_better: bool | None) -> float | None:
    if up_is_better is None:
        return None
    beats = own[:, None] > others if up_is_better else own[:, None] < others
    return float(beats.all(axis=1).mean())
