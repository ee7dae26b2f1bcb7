"""An image with some of it replaced by the colours around it."""

import numpy as np
from scipy import ndimage

from xai.types import Labels, Mask, Rgb


def paint_out(pixels: Rgb, mask: Mask) -> Rgb:
    """`pixels` (H, W, 3) with what is under `mask` (H, W) replaced by the colours around it.

    The fill is smooth, so no red cell is invented. Far inside it is the nearest colour outside.
    """
    if mask.all():
        return np.full_like(pixels, 255)
    sigma = len(pixels) / 25
    rest = ~mask
    nearest = ndimage.distance_transform_edt(mask, return_distances=False, return_indices=True)
    weight = ndimage.gaussian_filter(rest.astype(np.float64), sigma)[..., None]
    colours = ndimage.gaussian_filter(np.where(rest[..., None], pixels, 0.0), (sigma, sigma, 0))
    # Far inside, the blurred mask is near 0 and the quotient no colour: the nearest one is taken.
    around = np.where(weight > 0.01, colours / np.maximum(weight, 0.01), pixels[tuple(nearest)])
    painted: Rgb = np.where(mask[..., None], around.round(), pixels).astype(np.uint8)
    return painted


def with_rims(labels: Labels) -> Labels:
    """`labels` (H, W), each cell a hundredth of the side wider, as far as no other is in the way.

    Without the rim the blurred edge of an inpainted cell would stay visible.
    """
    from skimage.segmentation import expand_labels

    wider: Labels = expand_labels(labels, len(labels) / 100).astype(np.int16)
    return wider
