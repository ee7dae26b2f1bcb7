"""Occlusion: the loss in the logit of the target when a window is hidden."""

from torch import Tensor

from xai.model import chunk_size, logits_of, target_logits
from xai.types import PixelMap, SplitModel

CELLS = 14  # a side, as the stride of Occlusion: a window of two cells is 1/7 of the image


def occlusion(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """What the logit loses where a window is grey (Zeiler and Fergus 2014, arXiv:1311.2901).

    captum's Occlusion, with a window of 1/7 of each side, moved by half of that. A pixel's value
    is the mean over the windows that hid it, divided by a window's pixels: where evidence is
    spread evenly, values add up as those of other methods do. They are constant within a cell of
    half a window, and come at full size, so that cells lie where they lay also where the stride
    divides no side.

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads.
        image: (1, 3, H, W) float32, normalised; what is hidden is 0, the even grey.
        target: Class.

    Returns:
        Values in logits, signed; no sum is promised.

    Raises:
        UserError: The target is no class of the model.
    """
    # Here, because captum brings matplotlib's pyplot: 1.3 s that other methods need not wait for.
    from captum.attr import Occlusion

    logit = logits_of(model, image, target)[0]
    strides = [max(1, round(side / CELLS)) for side in image.shape[2:]]
    window = [2 * stride for stride in strides]

    def of_target(images: Tensor) -> Tensor:
        return target_logits(model(images), [target] * len(images))

    drops = Occlusion(of_target).attribute(
        image,
        sliding_window_shapes=(3, *window),
        strides=(3, *strides),
        baselines=0,
        perturbations_per_eval=chunk_size(image),
    )
    windows = [
        1 + -(-(side - length) // stride)
        for side, length, stride in zip(image.shape[2:], window, strides, strict=True)
    ]
    values = drops[0, 0].float() / (window[0] * window[1])
    return PixelMap(values, logit, None, None, forward_passes=2 + windows[0] * windows[1])
