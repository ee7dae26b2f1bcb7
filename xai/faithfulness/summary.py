"""Scores of maps over a test set, with intervals over groups. No files, no pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from xai.faithfulness.report import QualityReport
from xai.faithfulness.table import MEASURES, Summary
from xai.types import Floats


@dataclass(slots=True)
class _Column:
    """One measure of one method: a row an image."""

    groups: list[str] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    others: list[list[float | None]] = field(default_factory=list)  # random, centre, blurred
    areas: list[float | None] = field(default_factory=list)


def summarise(
    reports: Mapping[str, Sequence[QualityReport]],
    group_by_image: Mapping[str, str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Summary]:
    """Means over a test set with 95 % bootstrap intervals, a row for each method and measure.

    Groups (patients) are drawn with replacement, not images: two smears of one patient are alike,
    and intervals over images would be too narrow.

    Args:
        reports: By image, one for each method.
        group_by_image: Of every image in `reports`.
        resamples: Draws of groups.
        seed: Of the draws; the same draws for each row.
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
    return [
        _summarise_one(*key, column, resamples, seed) for key, column in sorted(columns.items())
    ]


def _summarise_one(
    method: str, measure: str, column: _Column, resamples: int, seed: int
) -> Summary:
    low, high = bootstrap_interval(column.own, column.groups, resamples=resamples, seed=seed)
    others = np.array(column.others, dtype=np.float64)  # (N, 3); None becomes nan
    means = [_known_mean(each) for each in others.T]
    bootstrap = partial(bootstrap_interval, resamples=resamples, seed=seed)
    up_is_better = MEASURES[measure].up_is_better
    lead, gain_ci_low = _lead(column, others, up_is_better, bootstrap)
    return Summary(
        method=method,
        measure=measure,
        value=float(np.mean(column.own)),
        ci_low=low,
        ci_high=high,
        random=means[0],
        centre=means[1],
        blurred=means[2],
        win_share=_share_better(np.array(column.own), others, up_is_better),
        gain=lead,
        gain_ci_low=gain_ci_low,
        area=_known_mean(np.array(column.areas, dtype=np.float64)),
        images=len(column.own),
        groups=len(set(column.groups)),
    )


def _known_mean(values: Floats) -> float | None:
    """The mean of those that are no nan; None: all are."""
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _lead(
    column: _Column,
    others: Floats,
    up_is_better: bool | None,
    bootstrap: Callable[[Sequence[float], Sequence[str]], tuple[float, float]],
) -> tuple[float | None, float | None]:
    """The least mean gain over a reference map, and the least lower end of its interval.

    Gains are taken image by image: maps of one image are judged by one answer, so their
    difference is known far better than either score.

    Args:
        column: N images.
        others: (N, 3), the reference maps' scores.
        up_is_better: None: there is no gain.
        bootstrap: The interval of a mean over groups.
    """
    if up_is_better is None or np.isnan(others).any():
        return None, None
    gains = (np.array(column.own)[:, None] - others) * (1 if up_is_better else -1)
    lows = [bootstrap(gain.tolist(), column.groups)[0] for gain in gains.T]
    return float(gains.mean(axis=0).min()), min(lows)


def _share_better(own: Floats, others: Floats, up_is_better: bool | None) -> float | None:
    if up_is_better is None:
        return None
    beats = own[:, None] > others if up_is_better else own[:, None] < others
    return float(beats.all(axis=1).mean())


def bootstrap_interval(
    values: Sequence[float], groups: Sequence[str], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the mean of `values` when whole groups are drawn with replacement.

    A single group gives a point: how groups differ cannot be seen in one.
    """
    names, index = np.unique(np.array(groups), return_inverse=True)
    sums = np.bincount(index, weights=values)
    counts = np.bincount(index)
    drawn = np.random.default_rng(seed).integers(len(names), size=(resamples, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
