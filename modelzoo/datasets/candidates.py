"""Which fields of many may show a piece of the same field, by local features. No files.

Every field is compared with those only that share some of its features, so the time grows little
faster than the number of fields, where comparing every pair grows with its square.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelzoo.parallel import Progress, report_progress, worker_threads

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

# Chosen on 3,023 fields of the ALL image data set of 224 px: 97 % of the 1,057 pairs that a
# comparison of every pair finds share 3 features or more in one arrangement, and 700 pairs that
# are none do. With 2 it is 98 %, and 20,000 that are none.
KEYPOINTS = 150  # of a field, the strongest
MIRRORED_KEYPOINTS = 40  # that are also looked up as a mirror shows them: a copy shares them all
NEIGHBOURS = 5  # nearest features of each, itself left out
MIN_SHARED = 3
MAX_SHIFT_PX = 3.0  # between the places of features that agree
MAX_TURN = 15.0  # degrees, between a feature's turn and the nearest quarter turn
DESCRIPTOR = 128  # values of SIFT's
EXACT = 20_000  # features up to which every one is compared with every other
PROBED = 8  # lists of the index that are looked through for each feature
SEARCHED = 50_000  # features at once: 25 MB as they are searched


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two fields that may show a piece of the same field."""

    first: int  # row of a field, below `second`
    second: int
    orientation: int  # of `orient` that brings the first into the orientation of the second


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class _Features:
    """Local features of all fields, field by field, the strongest first."""

    field: npt.NDArray[np.int32]  # (M,) row of the field
    place: Floats  # (M, 2) right and down from the centre of the field, in pixels
    angle: Floats  # (M,) clockwise, in degrees
    descriptor: npt.NDArray[np.uint8]  # (M, DESCRIPTOR)


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single answer to ==
class _Pairs:
    """Features of different fields that look alike."""

    first: Integers  # (P,) rows of features
    second: Integers
    is_mirrored: bool  # whether the first look so in a mirror


def find_candidates(
    green: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.bool_],
    *,
    progress: Progress | None = None,
) -> list[Candidate]:
    """Pairs of fields that share local features in one arrangement, in order.

    SIFT features (Lowe 2004) with root-normalised descriptors (Arandjelović and Zisserman 2012)
    vote for one shift, as they are and turned by quarter turns or mirrored (Lowe's section 7.3,
    with the scale left out).

    Args:
        green: (N, px, px) uint8.
        seen: (px, px), False where every field may show the same, such as a scale bar.
        progress: Called now and then with the fields done and how many there are, twice.
    """
    features = _find_features(green, seen, progress)
    if not len(features.field):
        return []
    found = {
        candidate
        for pairs in _pair_up(features, progress)
        for candidate in _count_votes(features, pairs)
    }
    return sorted(found, key=lambda each: (each.first, each.second, each.orientation))


def orient(field: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """One of the eight symmetries of a square field (px, px).

    Args:
        field: Any values.
        orientation: 0 to 3: so many quarter turns clockwise; 4 to 7: the same after left and right
            have been exchanged.
    """
    return np.rot90(field[:, ::-1] if orientation >= 4 else field, -(orientation % 4))


def _find_features(
    green: npt.NDArray[np.uint8], seen: npt.NDArray[np.bool_], progress: Progress | None
) -> _Features:
    found = []
    with worker_threads() as pool:
        for done, each in enumerate(pool.map(lambda field: _detect(field, seen), green), start=1):
            found.append(each)
            report_progress(progress, done, 2 * len(green))
    counts = [len(angle) for _, angle, _ in found]
    places, angles, descriptors = zip(*found, strict=True)
    return _Features(
        np.repeat(np.arange(len(green), dtype=np.int32), counts),
        np.concatenate(places),
        np.concatenate(angles),
        np.concatenate(descriptors),
    )


def _detect(
    field: npt.NDArray[np.uint8], seen: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
    """Places, angles and descriptors of the strongest features of one field."""
    import cv2

    # A third more, since some may lie where nothing is seen.
    sift = cv2.SIFT.create(nfeatures=4 * KEYPOINTS // 3)
    keypoints, descriptors = sift.detectAndCompute(field, None)
    if not keypoints:
        return (
            np.zeros((0, 2), np.float32),
            np.zeros(0, np.float32),
            np.zeros((0, DESCRIPTOR), np.uint8),
        )
    values = np.array([(*each.pt, each.angle, each.response) for each in keypoints], np.float32)
    column, row = values[:, :2].round().astype(int).clip(0, len(field) - 1).T
    rows = np.flatnonzero(seen[row, column])
    rows = rows[np.argsort(-values[rows, 3], kind="stable")][:KEYPOINTS]
    sums = np.maximum(descriptors[rows].sum(1, keepdims=True), 1e-9)
    root = np.sqrt(descriptors[rows] / sums)
    place = values[rows, :2] - (len(field) - 1) / 2
    return place, values[rows, 2], (512 * root).clip(0, 255).astype(np.uint8)


def _pair_up(features: _Features, progress: Progress | None) -> list[_Pairs]:
    """Each feature with its nearest ones, as it is and, of the strongest, as a mirror shows it."""
    index = _make_index(features.descriptor)
    M = len(features.angle)
    fields = int(features.field[-1]) + 1
    nearest = []
    for first in range(0, M, SEARCHED):
        values = features.descriptor[first : first + SEARCHED].astype(np.float32)
        nearest.append(index.search(values, NEIGHBOURS + 1)[1])
        if progress:
            done = min(first + SEARCHED, M) / M
            progress(fields + round(done * fields), 2 * fields)
    as_it_is = _Pairs(*_other_fields(features, np.arange(M), np.concatenate(nearest)), False)
    rank = np.arange(M) - np.searchsorted(features.field, features.field)
    strongest = np.flatnonzero(rank < MIRRORED_KEYPOINTS)
    values = _mirror(features.descriptor[strongest]).astype(np.float32)
    found = index.search(values, NEIGHBOURS)[1]
    return [as_it_is, _Pairs(*_other_fields(features, strongest, found), True)]


def _make_index(descriptors: npt.NDArray[np.uint8]) -> Any:
    """Faiss's index of descriptors (M, DESCRIPTOR): exact for few, inverted lists for many.

    The same features give the same index: the graph over the lists is built by one thread.
    """
    import faiss

    M = len(descriptors)
    index: Any
    if M <= EXACT:
        index = faiss.IndexFlatL2(DESCRIPTOR)
        index.add(descriptors.astype(np.float32))
        return index
    lists = round(4 * M**0.5)
    sample = np.random.default_rng(0).permutation(M)[: 20 * lists]
    means = faiss.Kmeans(DESCRIPTOR, lists, niter=5, seed=0, min_points_per_centroid=1)
    means.train(descriptors[sample].astype(np.float32))
    quantizer = faiss.IndexHNSWFlat(DESCRIPTOR, 32)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    assert means.centroids is not None
    quantizer.add(means.centroids)
    faiss.omp_set_num_threads(threads)
    as_bytes = faiss.ScalarQuantizer.QT_8bit_direct
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, DESCRIPTOR, lists, as_bytes, faiss.METRIC_L2, False
    )
    index.train(descriptors[sample].astype(np.float32))
    index.nprobe = PROBED
    for first in range(0, M, SEARCHED):
        index.add(descriptors[first : first + SEARCHED].astype(np.float32))
    return index


def _other_fields(
    features: _Features, rows: Integers, nearest: Integers
) -> tuple[Integers, Integers]:
    """Rows of features and of their nearest ones, those of the same field left out.

    Args:
        features: Of all fields.
        rows: (n,) that were looked up.
        nearest: (n, k) rows that were found, -1 where there are fewer.
    """
    first, second = np.repeat(rows, nearest.shape[1]), nearest.ravel()
    is_other = (second >= 0) & (features.field[first] != features.field[second])
    return first[is_other], second[is_other]


def _mirror(descriptors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """SIFT's descriptors (M, DESCRIPTOR) of the same features in a mirror.

    A descriptor has 4 x 4 places in rows across the feature's direction, and in each 8 directions:
    a mirror turns the order of the rows around, and the sign of the directions.
    """
    values = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    return values[..., (-np.arange(8)) % 8].reshape(-1, DESCRIPTOR)


def _count_votes(features: _Features, pairs: _Pairs) -> Iterator[Candidate]:
    """The pairs of fields in which enough pairs of features agree on quarter turns and a shift."""
    first, second = pairs.first, pairs.second
    if not pairs.is_mirrored:  # a pair is often found from both of its sides
        first, second = np.minimum(first, second), np.maximum(first, second)
        both = np.unique(np.stack([first, second], axis=1), axis=0)
        first, second = both.T
    angle, place = features.angle[first], features.place[first]
    if pairs.is_mirrored:
        angle, place = 180 - angle, place * np.array([-1, 1], np.float32)
    turn = (features.angle[second] - angle + 45) % 360
    quarters = (turn // 90).astype(np.int64)
    is_quarter = np.abs(turn % 90 - 45) <= MAX_TURN
    first, second, quarters, place = (each[is_quarter] for each in (first, second, quarters, place))
    cosine, sine = np.array([[1, 0, -1, 0], [0, 1, 0, -1]])[:, quarters]
    across, down = place.T
    turned = np.stack([cosine * across - sine * down, sine * across + cosine * down], axis=1)
    shift = features.place[second] - turned
    fields = int(features.field[-1]) + 1
    of_first, of_second = features.field[first], features.field[second]
    key = (of_first.astype(np.int64) * fields + of_second) * 4 + quarters
    order = np.argsort(key, kind="stable")
    keys, starts, counts = np.unique(key[order], return_index=True, return_counts=True)
    for each in np.flatnonzero(counts >= MIN_SHARED).tolist():
        rows = order[starts[each] : starts[each] + counts[each]]
        if _largest_agreement(shift[rows]) >= MIN_SHARED:
            pair, quarter = divmod(int(keys[each]), 4)
            one, other = divmod(pair, fields)
            orientation = 4 * pairs.is_mirrored + quarter
            if one < other:
                yield Candidate(one, other, orientation)
            else:
                yield Candidate(other, one, invert(orientation))


def invert(orientation: int) -> int:
    """The orientation that undoes another: a turned mirror image undoes itself."""
    return orientation if orientation >= 4 else -orientation % 4


def _largest_agreement(shifts: Floats) -> int:
    """The most of `shifts` (n, 2) that lie within MAX_SHIFT_PX of one of them."""
    apart = np.abs(shifts[:, None] - shifts[None]).max(axis=2)
    return int((apart <= MAX_SHIFT_PX).sum(axis=1).max())
