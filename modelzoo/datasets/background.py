"""Clusters of images with similar background colour, a proxy for the slide."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.filters import threshold_otsu

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.kept import VERSION, hash_values, read_json, write_json
from modelzoo.datasets.overlaps import FIELD_PX, outside_corner
from modelzoo.datasets.store import open_pixels
from modelzoo.parallel import Progress, report_progress, worker_threads

SMALLEST = 0.05  # of a class's images: of less nothing is learned when they are held out


def find_background_clusters(
    dataset: Dataset,
    *,
    store: Path,
    groups: Mapping[str, str],
    most_clusters: int = 4,
    progress: Progress | None = None,
) -> dict[str, str]:
    """Image id -> cluster, such as "Early 1": clusters of background colour within a class.

    A stand-in for the slide where that is unknown. The images of a group have one cluster, that of
    most of them; clusters are numbered from the lightest background.

    Args:
        dataset: From `open_dataset`.
        store: Where results that can be made again are kept.
        groups: Image id -> group, from `find_groups`.
        most_clusters: Clusters of a class, at most; one with less than SMALLEST of its images is
            joined to the nearest.
        progress: Called now and then with the images measured and how many there are.
    """
    units = [(image.id, image.label, groups[image.id]) for image in dataset.images]
    cache = (
        store
        / "background"
        / f"{dataset.pixels_id}-{hash_values([*units, most_clusters, SMALLEST])}-v{VERSION}.json"
    )
    kept = read_json(cache)
    if isinstance(kept, dict) and set(kept) == set(dataset.ids):
        return {str(image_id): str(cluster) for image_id, cluster in kept.items()}
    colours = _measure_backgrounds(dataset, store, progress)
    clusters: dict[str, str] = {}
    for label in dataset.classes:
        rows = [row for row, image in enumerate(dataset.images) if image.label == label]
        names = [dataset.images[row].id for row in rows]
        numbers = _cluster(colours[rows], [groups[name] for name in names], most_clusters)
        clusters.update((name, f"{label} {n}") for name, n in zip(names, numbers, strict=True))
    clusters = dict(sorted(clusters.items()))
    write_json(cache, clusters)
    return clusters


def background_mean(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(3,) float32, the mean colour of the background of one field, (H, W, 3) uint8."""
    mean: npt.NDArray[np.float32] = background_pixels(rgb).mean(axis=0, dtype=np.float32)
    return mean


def background_pixels(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 3) uint8, n > 0: the pixels of one field, (H, W, 3) uint8, in which no cell is.

    Background is what the Otsu threshold of the image's own HSV saturation leaves below, eroded
    by 3 px, all without the corner of the scale bar; where nothing is left, not eroded.
    """
    brightest = rgb.max(axis=2).astype(np.float32)
    saturation = 1 - rgb.min(axis=2) / np.maximum(brightest, 1)
    saturation[brightest == 0] = 0
    seen = outside_corner(rgb.shape[0])
    threshold: float = threshold_otsu(saturation[seen])
    background = saturation <= threshold
    eroded = ndimage.binary_erosion(background, iterations=3, border_value=1) & seen
    chosen = eroded if eroded.any() else background & seen
    return rgb[chosen] if chosen.any() else rgb.reshape(-1, 3)


def _measure_backgrounds(
    dataset: Dataset, store: Path, progress: Progress | None
) -> npt.NDArray[np.float32]:
    """(N, 3) float32, the mean background colour of every image."""
    pixels = open_pixels(dataset, input_px=FIELD_PX, store=store).values
    colours = np.empty((len(pixels), 3), np.float32)
    with worker_threads() as pool:
        for row, colour in enumerate(pool.map(background_mean, pixels)):
            colours[row] = colour
            report_progress(progress, row + 1, len(pixels))
    return colours


def _cluster(
    colours: npt.NDArray[np.float32], groups: Sequence[str], most_clusters: int
) -> list[int]:
    """The cluster of each image of one class, 1 for the lightest; one cluster a group."""
    # Not above: every training imports this file, few of them cluster, and scikit-learn takes most
    # of a second.
    from sklearn.cluster import KMeans

    n_clusters = min(most_clusters, len(set(groups)), len(np.unique(colours.round(), axis=0)))
    found = KMeans(n_clusters, n_init=10, random_state=0).fit_predict(colours.round(1))
    clusters_by_group: dict[str, list[int]] = defaultdict(list)
    for group, cluster in zip(groups, found.tolist(), strict=True):
        clusters_by_group[group].append(cluster)
    chosen = np.array([_most_frequent(clusters_by_group[group]) for group in groups])
    _join_small(chosen, colours)
    lightness = {int(cluster): colours[chosen == cluster].mean() for cluster in np.unique(chosen)}
    order = sorted(lightness, key=lambda cluster: -lightness[cluster])
    return [order.index(cluster) + 1 for cluster in chosen.tolist()]


def _join_small(chosen: npt.NDArray[np.int64], colours: npt.NDArray[np.float32]) -> None:
    """Give the images of clusters that are too small to the nearest cluster, down to two."""
    while True:
        clusters, sizes = np.unique(chosen, return_counts=True)
        smallest = int(sizes.argmin())
        if len(clusters) < 3 or sizes[smallest] >= SMALLEST * len(chosen):
            return
        centres = np.array([colours[chosen == cluster].mean(0) for cluster in clusters])
        distances = np.linalg.norm(centres - centres[smallest], axis=1)
        distances[smallest] = np.inf
        chosen[chosen == clusters[smallest]] = clusters[distances.argmin()]


def _most_frequent(clusters: Sequence[int]) -> int:
    """The cluster that is met most often; of several the first by number."""
    counts = Counter(clusters)
    return min(counts, key=lambda cluster: (-counts[cluster], cluster))
