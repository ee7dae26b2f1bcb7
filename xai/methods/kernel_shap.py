"""KernelSHAP over superpixels."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xai.model import chunk_size, logits_of
from xai.types import PixelMap, SplitModel

SUPERPIXELS = 48  # at most, about
# An even number: each is drawn with its complement. On a smear and EfficientNet-Lite0, maps of two
# seeds correlated at 0.43 with 256, 0.67 with 512 and 0.88 with 1024, at 40 ms each on one core.
COALITIONS = 512


Segments = npt.NDArray[np.intp]  # (H, W), numbered from 0


def kernel_shap(
    model: SplitModel,
    image: Tensor,
    target: int,
    *,
    superpixels: int = SUPERPIXELS,
    coalitions: int = COALITIONS,
    seed: int = 0,
) -> PixelMap:
    """Shapley values of superpixels (Lundberg and Lee 2017, eq. 8, arXiv:1705.07874).

    captum's KernelShap draws from torch's global generator, which all threads share, and holds
    the sum by a large weight. Coalitions are drawn here, each with its complement, which takes
    noise away, and the sum is held exactly (Covert and Lee 2021, arXiv:2012.01536).

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads.
        image: (1, 3, H, W) float32, normalised; a missing superpixel is 0, the even grey.
        target: Class.
        superpixels: About how many; SLIC may give fewer.
        coalitions: Images with some superpixels missing, an even number.
        seed: Decides the coalitions.

    Returns:
        Values in logits, signed, spread evenly over the pixels of each superpixel. They sum to
        the difference from the even grey; how it is shared among them has the draws' noise.

    Raises:
        UserError: The target is no class of the model.
    """
    segments = find_superpixels(image, superpixels)
    M = int(segments.max()) + 1
    present = np.concatenate(
        [np.ones((1, M), bool), np.zeros((1, M), bool), draw_coalitions(M, coalitions, seed)]
    )
    logits = _logits_of_coalitions(model, image, target, segments, present)
    phi = solve_shapley(present[2:], logits[2:] - logits[1], logits[0] - logits[1])
    values = torch.from_numpy((phi / np.bincount(segments.ravel()))[segments]).to(image)
    gap = abs(values.sum(dtype=torch.float64).item() - (logits[0] - logits[1]))
    return PixelMap(values, float(logits[0]), float(logits[1]), float(gap), len(present))


def find_superpixels(image: Tensor, count: int) -> Segments:
    """About `count` connected regions of similar colour (SLIC, Achanta et al. 2012).

    Args:
        image: (1, 3, H, W), normalised. Its range is brought to [0, 1], the same for all channels,
            so that no mean colour need be known.
        count: Of regions, about.

    Returns:
        (H, W), numbered from 0 without a hole; the same for the same image.
    """
    from skimage.segmentation import slic  # here: 0.4 s that other methods need not wait for

    pixels = image[0].detach().permute(1, 2, 0).double().cpu().numpy()
    span = np.ptp(pixels)
    pixels = (pixels - pixels.min()) / (span if span > 0 else 1)
    # At scikit-image's defaults, 10 and 0, smears of 224 px gave 22 to 25 of 48, and noise one.
    found = slic(pixels, n_segments=count, compactness=30, sigma=1, start_label=0, channel_axis=-1)
    segments: Segments = np.unique(found, return_inverse=True)[1].reshape(found.shape)
    return segments


def draw_coalitions(n_features: int, count: int, seed: int) -> npt.NDArray[np.bool_]:
    """`count` coalitions of the M features, drawn as often as the Shapley kernel weights them.

    Args:
        n_features: M; with one, no coalition has some and not all.
        count: Of coalitions, an even number: complements follow each other.
        seed: Decides the coalitions.

    Returns:
        (count, M): whether a feature is present; (0, 1) for one feature.
    """
    M = n_features
    if M == 1:
        return np.zeros((0, 1), bool)
    generator = np.random.default_rng(seed)
    sizes = np.arange(1, M)
    share = 1 / (sizes * (M - sizes))
    drawn = generator.choice(sizes, size=count // 2, p=share / share.sum())
    ranks = generator.permuted(np.tile(np.arange(M), (count // 2, 1)), axis=1)
    some = ranks < drawn[:, None]
    coalitions: npt.NDArray[np.bool_] = np.stack([some, ~some], axis=1).reshape(-1, M)
    return coalitions


def solve_shapley(
    coalitions: npt.NDArray[np.bool_], worth: npt.NDArray[np.float64], total: float
) -> npt.NDArray[np.float64]:
    """The values (M,) that fit `worth` best by least squares and sum to `total`.

    Args:
        coalitions: (n, M), drawn as the kernel weights them, so that all count the same here.
        worth: (n,) of each coalition, less that of the empty one.
        total: Worth of all features, less that of none.
    """
    # The last feature gets the rest of the total, which keeps the sum exact.
    last = coalitions[:, -1:].astype(np.float64)
    others = coalitions[:, :-1] - last
    phi = np.linalg.lstsq(others, worth - total * last[:, 0], rcond=None)[0]
    return np.append(phi, total - phi.sum())


def _logits_of_coalitions(
    model: SplitModel,
    image: Tensor,
    target: int,
    segments: Segments,
    present: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """The target's logit (n,) with the superpixels of each row of `present` (n, M) alone."""
    size = chunk_size(image)
    logits: list[float] = []
    for start in range(0, len(present), size):
        shown = torch.from_numpy(present[start : start + size][:, segments]).to(image)
        logits += logits_of(model, shown[:, None] * image, target)
    return np.array(logits, np.float64)
