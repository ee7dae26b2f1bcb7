"""Scores of maps over the test set of a run, with intervals and tests over its groups.

No files, no pages.
"""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from modelzoo.evaluation.comparison import sign_flip_p
from modelzoo.evaluation.intervals import mean_over_groups
from xai.faithfulness.report import QualityReport
from xai.faithfulness.table import MEASURES, TOGETHER, Summary
from xai.types import Floats

BASELINES = 3  # maps beside each: random, centre, blurred


@dataclass(slots=True)
class _Column:
    """One measure of one method: an entry per image."""

    groups: list[str] = field(default_factory=list)
    # Not lists: of 100,000 images these take a tenth of the memory.
    own: "array[float]" = field(default_factory=lambda: array("d"))
    others: "array[float]" = field(default_factory=lambda: array("d"))  # three by three, or nan
    areas: "array[float]" = field(default_factory=lambda: array("d"))  # or nan

    def gains(self, up_is_better: bool | None) -> Floats | None:
        """(N, 3), how far each image's map is better than each baseline map; None: neither is.

        Gains are taken image by image: maps of one image are evaluated by one prediction, so their
        difference is known far better than either score.
        """
        others = np.array(self.others, dtype=np.float64).reshape(-1, BASELINES)
        if up_is_better is None or np.isnan(others).any():
            return None
        gains: Floats = (np.array(self.own)[:, None] - others) * (1 if up_is_better else -1)
        return gains

    def sums(self, gains: Floats) -> Floats:
        """(3, G), the gains summed over the images of each group."""
        names, group = np.unique(self.groups, return_inverse=True)
        return np.array([np.bincount(group, each, len(names)) for each in gains.T])


def summarise(
    reports: Mapping[str, Sequence[QualityReport]], group_by_image: Mapping[str, str]
) -> list[Summary]:
    """Means over a test set with 95 % intervals: one row per method and measure.

    Groups (patients) count, not images: two smears of one patient are alike, and over images
    intervals would be too narrow and p values too small. p values of insertion and deletion are
    corrected for both and the three baseline maps, those of other measures for the three.

    Args:
        reports: By image, one for each method.
        group_by_image: Of every image in `reports`.
    """
    return summarise_each(reports.items(), group_by_image)


def summarise_each(
    reports: Iterable[tuple[str, Sequence[QualityReport]]], group_by_image: Mapping[str, str]
) -> list[Summary]:
    """As `summarise` of images that come one by one, and are not held."""
    columns: dict[tuple[str, str], _Column] = {}
    for image, of_image in reports:
        for report in of_image:
            for measure in MEASURES:
                own = getattr(report.own, measure)
                if own is None:
                    continue
                column = columns.setdefault((report.method, measure), _Column())
                column.groups.append(group_by_image[image])
                column.own.append(own)
                column.others.extend(
                    _or_nan(getattr(other, measure)) for other in report.baselines.values()
                )
                area = MEASURES[measure].area
                column.areas.append(_or_nan(getattr(report, area) if area else None))
    p_values = _test(columns)
    return [
        _summarise_one(*key, column, p_values.get(key)) for key, column in sorted(columns.items())
    ]


def _test(columns: Mapping[tuple[str, str], _Column]) -> dict[tuple[str, str], list[float]]:
    """By method and measure, p of the gains over the three baseline maps, where there are gains."""
    families: dict[tuple[str, str], dict[tuple[str, str], Floats]] = {}
    for (method, measure), column in columns.items():
        gains = column.gains(MEASURES[measure].up_is_better)
        if gains is not None:
            family = (method, TOGETHER[0] if measure in TOGETHER else measure)
            families.setdefault(family, {})[method, measure] = column.sums(gains)
    found: dict[tuple[str, str], list[float]] = {}
    for together in families.values():
        p = sign_flip_p(np.concatenate(list(together.values()))).reshape(len(together), -1)
        found |= dict(zip(together, p.tolist(), strict=True))
    return found


def _summarise_one(
    method: str, measure: str, column: _Column, p_values: Sequence[float] | None
) -> Summary:
    is_share = min(column.own) >= 0 and max(column.own) <= 1
    mean = mean_over_groups(column.own, column.groups, is_share=is_share)
    others = np.array(column.others, dtype=np.float64).reshape(-1, BASELINES)
    means = [_known_mean(scores) for scores in others.T]
    up_is_better = MEASURES[measure].up_is_better
    gains = column.gains(up_is_better)
    p_random, p_centre, p_blurred = p_values or (None, None, None)
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
        gain=None if gains is None else float(gains.mean(axis=0).min()),
        area=_known_mean(np.array(column.areas, dtype=np.float64)),
        images=len(column.own),
        groups=len(set(column.groups)),
        p_random=p_random,
        p_centre=p_centre,
        p_blurred=p_blurred,
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _known_mean(values: Floats) -> float | None:
    """The mean of those that are no nan; None: all are."""
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _share_better(own: Floats, others: Floats, up_is_better: bool | None) -> float | None:
    if up_is_better is None:
        return None
    beats = own[:, None] > others if up_is_better else own[:, None] < others
    return float(beats.all(axis=1).mean())
