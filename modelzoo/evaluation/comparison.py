"""Paired comparison of runs on the same groups of images.

Two equal models would have been right the other way round as easily: in each group of images their
difference is as likely to be turned around. Tests and intervals count how rarely random signs of
the groups' differences, the same for all pairs, give one as large. For two models and images in
groups of their own that is McNemar's exact test (1947). A bootstrap over groups found differences
between equal models in 8 to 13 % of data sets of few groups; `benchmarks.evaluation` has both.
Letters: M models, P pairs, G groups, B random signs.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import stats

from modelzoo.evaluation.clustered import CONFIDENCE, Floats
from modelzoo.evaluation.intervals import Evaluation, score_accuracy

SIGNS = 2000  # random ones; where there are fewer in all, each once
ROUNDING = 1e-9
POWER = 0.8


@dataclass(frozen=True, slots=True)
class PairDifference:
    """How far the accuracy of one run lies above that of another on the same images.

    NaN where the two cannot be compared, and then `note` says why.
    """

    first: int  # index of the run, as in the next
    second: int
    value: float  # of the first less that of the second
    ci_low: float  # of a 95 % interval that holds for all pairs together, as `p` does
    ci_high: float
    p: float  # two-sided
    note: str = ""

    @property
    def is_significant(self) -> bool:
        """Whether the two differ, at 5 % for all pairs together."""
        return self.p < 1 - CONFIDENCE


def pair_differences(
    evaluations: Sequence[Evaluation], *, signs: int = SIGNS, seed: int = 0
) -> list[PairDifference]:
    """The difference in accuracy between every two runs, paired over the same groups.

    Of each pair the sum of its groups' differences over the root of the sum of their squares; p is
    the share of random signs for which the largest of all pairs is at least as large (single-step
    maxT, Westfall and Young 1993), so that it is corrected for all pairs, whichever of them was
    looked at. The interval holds the differences that this test does not exclude.

    Two runs whose tested images differ are not compared.

    Args:
        evaluations: M of them.
        signs: How many random signs.
        seed: Of the signs.
    """
    return list(_pair_differences(tuple(evaluations), signs, seed))


@lru_cache(maxsize=8)  # a page asks at several places, and again with each choice
def _pair_differences(
    evaluations: tuple[Evaluation, ...], signs: int, seed: int
) -> tuple[PairDifference, ...]:
    tested: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, each in enumerate(evaluations):
        if each.images > 0:
            tested[_images_of(each)].append(index)
    found: dict[tuple[int, int], PairDifference] = {}
    # Runs on one set of images are corrected for each other.
    for members in tested.values():
        if len(members) > 1:
            found.update(_compare(evaluations, members, signs, seed))
    pairs = combinations(range(len(evaluations)), 2)
    return tuple(
        found.get(pair) or PairDifference(*pair, math.nan, *_NONE, OTHER) for pair in pairs
    )


_NONE = (math.nan, math.nan, math.nan)
ONE_GROUP = "All test images belong to one group, so no interval and no p can be given."
SAME = "Both are right equally often in every group, so no interval and no p can be given."
OTHER = "The two were not tested on the same images, so their difference says nothing."


def rank_intervals(pairs: Sequence[PairDifference], models: int) -> list[tuple[int, int]]:
    """The ranks that each model may have, 1 the highest accuracy: 95 % for all of them together.

    A model ranks behind those that are significantly better and before those that are
    significantly worse; where it ranks among the others is not known (Al Mohamad, Goeman and van
    Zwet 2022). Those that may be the first are not told from the best.

    Args:
        pairs: From `pair_differences`; those that were not compared exclude no rank.
        models: M.
    """
    better, worse = [0] * models, [0] * models
    for pair in pairs:
        if pair.is_significant:
            higher, lower = pair.first, pair.second
            if pair.value < 0:
                higher, lower = lower, higher
            worse[higher] += 1
            better[lower] += 1
    return [(1 + b, models - w) for b, w in zip(better, worse, strict=True)]


def groups_needed(one: Evaluation, other: Evaluation) -> int | None:
    """How many test groups would tell the two apart, were their difference as it was measured.

    In four of five data sets of so many groups like these, at 5 % two-sided for this pair alone; by
    the normal law (Connor 1987, for paired proportions, with groups in place of single images).

    Returns:
        None where they were not tested on the same images or do not differ, or there is one group.
    """
    if not _are_same_images(one, other) or len(one.groups) < 2:
        return None
    right, others = (
        np.trace(each.confusion_by_group, axis1=1, axis2=2).astype(float) for each in (one, other)
    )
    images = one.confusion_by_group.sum((1, 2)).astype(float)
    gap = float((right.sum() - others.sum()) / images.sum())
    if abs(gap) < ROUNDING:
        return None
    G = len(images)
    deviations = right - others - gap * images
    spread = float((deviations**2).sum()) / (G - 1) / float(images.mean()) ** 2  # of one group
    z, of_power = (float(stats.norm.ppf(share)) for share in ((1 + CONFIDENCE) / 2, POWER))
    # Under no difference the groups vary by the root of their mean square, gap and all.
    of_none = spread + gap**2
    needed = (z * math.sqrt(of_none) + of_power * math.sqrt(spread)) ** 2 / gap**2
    return max(math.ceil(needed), 2)


def sign_flip_p(moves: Floats, *, signs: int = SIGNS, seed: int = 0) -> Floats:
    """Two-sided p values (P,) that the mean of each of P quantities is 0, corrected for all P.

    Groups are turned around by random signs, the same for all quantities, and the largest
    standardised sum is taken, as in `pair_differences`. 1 where a quantity is 0 in every group.
    Of G groups p is at least 2 ** (1 - G): five or fewer can show nothing at 5 %.

    Args:
        moves: (P, G), the sum of each quantity over the images of each group.
        signs: How many random signs.
        seed: Of the signs.
    """
    largest = _largest(moves, signs, seed)
    added = 0 if len(largest) < signs else 1
    roots = np.sqrt((moves**2).sum(1))
    sums = np.abs(moves.sum(1)) / np.where(roots > ROUNDING, roots, 1)
    p = ((largest >= sums[:, None] - ROUNDING).sum(1) + added) / (len(largest) + added)
    return np.where(roots > ROUNDING, p, 1.0)


def simultaneous_interval(
    evaluations: Sequence[Evaluation], index: int, *, seed: int = 0
) -> tuple[float, float]:
    """The interval of one accuracy that holds for all of them together, so also for the highest.

    An interval of the highest of several alone ignores that chance helped to make it the highest.

    Args:
        evaluations: At least one; those on other groups are left out.
        index: Of the one whose interval is wanted.
        seed: Of the random signs.
    """
    moves = []
    for each in evaluations:
        if each.groups != evaluations[index].groups:
            continue
        images = each.confusion_by_group.sum((1, 2))
        right = np.trace(each.confusion_by_group, axis1=1, axis2=2)
        moves.append(right - right.sum() / max(images.sum(), 1) * images)
    confidence = CONFIDENCE
    if len(moves) > 1 and len(moves[0]) > 1:
        limit = float(np.quantile(_largest(np.array(moves), SIGNS, seed), CONFIDENCE))
        # No less than for one alone, and no more than Bonferroni's.
        most = 1 - (1 - CONFIDENCE) / len(moves)
        confidence = min(max(2 * float(stats.norm.cdf(limit)) - 1, CONFIDENCE), most)
    cells = evaluations[index].confusion_by_group
    right, images = np.trace(cells, axis1=1, axis2=2), cells.sum((1, 2))
    found = score_accuracy(right, images, confidence=confidence)
    return found.ci_low, found.ci_high


def _are_same_images(one: Evaluation, other: Evaluation) -> bool:
    """Whether both have the same groups with as many images of each class; no image: no."""
    return one.images > 0 and _images_of(one) == _images_of(other)


def _images_of(model: Evaluation) -> tuple[object, ...]:
    return model.groups, model.classes, model.confusion_by_group.sum(2).tobytes()


def _compare(
    models: Sequence[Evaluation], members: Sequence[int], signs: int, seed: int
) -> dict[tuple[int, int], PairDifference]:
    """The differences of models on the same groups, all pairs corrected for each other.

    Args:
        models: All.
        members: Indices of those that are compared, two or more.
        signs: How many random signs.
        seed: Of the signs.
    """
    images = models[members[0]].confusion_by_group.sum((1, 2)).astype(float)
    right = np.array(
        [np.trace(models[index].confusion_by_group, axis1=1, axis2=2) for index in members], float
    )
    pairs = list(combinations(members, 2))
    first, second = np.triu_indices(len(members), 1)
    moves = right[first] - right[second]  # (P, G)
    gaps = moves.sum(1) / images.sum()
    if len(images) < 2:
        return {
            pair: PairDifference(*pair, float(gap), *_NONE, ONE_GROUP)
            for pair, gap in zip(pairs, gaps, strict=True)
        }
    roots = np.sqrt((moves**2).sum(1))
    turned = right @ _draw_signs(len(images), signs, seed)  # (M, B): pairs are their differences
    largest = np.zeros(turned.shape[1])
    for index in range(len(members) - 1):
        of_pairs = np.where(roots > ROUNDING, roots, np.inf)[first == index]
        gone = np.abs(turned[index] - turned[index + 1 :])
        np.maximum(largest, (gone / of_pairs[:, None]).max(0), out=largest)
    largest.sort()
    is_exact = len(largest) < signs  # each combination of signs, the one that is there among them
    added = 0 if is_exact else 1
    limit = _find_limit(largest, added)
    sums = np.abs(moves.sum(1)) / np.where(roots > ROUNDING, roots, 1)
    as_large = len(largest) - np.searchsorted(largest, sums - ROUNDING)
    p = (as_large + added) / (len(largest) + added)
    low, high = _invert(moves, images, gaps, limit)
    ends = np.stack([gaps, low, high, p], axis=1).tolist()
    return {
        pair: PairDifference(*pair, *of_pair)
        if root >= ROUNDING
        else PairDifference(*pair, of_pair[0], *_NONE, SAME)
        for pair, root, of_pair in zip(pairs, roots.tolist(), ends, strict=True)
    }


def _largest(moves: Floats, signs: int, seed: int) -> Floats:
    """(B,), of each random signs the largest standardised sum among (P, G) differences."""
    roots = np.sqrt((moves**2).sum(1))
    varies = roots > ROUNDING
    turned = _draw_signs(moves.shape[1], signs, seed)
    if not varies.any():
        return np.zeros(turned.shape[1])
    return np.asarray((np.abs(moves[varies] @ turned) / roots[varies, None]).max(0))


def _find_limit(largest: Floats, added: int) -> float:
    """What a standardised sum must exceed for a p below 5 %, of (B,) and what p adds to counts."""
    most = math.ceil((1 - CONFIDENCE) * (len(largest) + added) - ROUNDING) - 1 - added
    return float(np.sort(largest)[::-1][max(most, 0)]) + ROUNDING


def _invert(moves: Floats, images: Floats, gaps: Floats, limit: float) -> tuple[Floats, Floats]:
    """The differences at which the standardised sums of (P, G) `moves` do not exceed `limit`.

    Shifted by a difference u from the one measured, its square is u² N² over the sum of squares of
    (e + u n), which is a quadratic in u; e are the groups' deviations, n their images.

    Returns:
        Both ends (P,), in [-1, 1].
    """
    deviations = moves - gaps[:, None] * images
    square = images.sum() ** 2 - limit**2 * float((images**2).sum())
    if square <= 0:  # too few groups to exclude any difference
        return np.full(len(moves), -1.0), np.full(len(moves), 1.0)
    middle = limit**2 * (deviations @ images) / square
    last = limit**2 * (deviations**2).sum(1) / square
    half = np.sqrt(middle**2 + last)
    return np.maximum(gaps - middle - half, -1.0), np.minimum(gaps - middle + half, 1.0)


@lru_cache(maxsize=8)
def _draw_signs(groups: int, signs: int, seed: int) -> Floats:
    """(G, B), read only: random signs, or each combination once where there are no more."""
    if 2 ** min(groups - 1, 40) < signs:  # the last sign is held: the other half mirrors this
        numbers = np.arange(2 ** (groups - 1))
        drawn = (numbers[None, :] >> np.arange(groups)[:, None]) & 1
    else:
        drawn = np.random.default_rng(seed).integers(0, 2, (groups, signs))
    turned = 2.0 * drawn - 1
    turned.flags.writeable = False
    return turned
