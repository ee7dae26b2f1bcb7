"""Attributions from gradients with respect to pixels, through captum. No files, no runs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from xai.model import SplitModel, chunk_size, target_logits

FIRST_STEPS, MOST_STEPS = 32, 128
GOOD_ENOUGH = 0.01  # gap between sum and difference, as a share of the difference


@dataclass(frozen=True, slots=True, eq=False)
class Integral:
    """Integrated Gradients of one image, and what says how well they were integrated."""

    values: Tensor  # (H, W), summed over the channels
    logit: float
    baseline_logit: float
    gap: float  # |sum of values - (logit - baseline_logit)|
    forwards: int


def integrated_gradients(
    model: SplitModel,
    image: Tensor,
    target: int,
    *,
    first_steps: int = FIRST_STEPS,
    most_steps: int = MOST_STEPS,
) -> Integral:
    """Integrated Gradients (Sundararajan et al. 2017, eq. 1 and 3, arXiv:1703.01365).

    The baseline is 0 after normalisation: the even grey of the weights' mean colour. Black would
    make dark nuclei count for nothing; a blurred copy would keep the background's colour and so
    hide the shortcut that this project looks for. The path is cut by Gauss-Legendre; the steps
    are doubled until the completeness gap is below 1 % of the difference or `most_steps` are used.

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads.
        image: (1, 3, H, W) float32, normalised.
        target: Class.
        first_steps: Steps of the first try.
        most_steps: Steps of the last try.

    Raises:
        UserError: The target is no class of the model.
    """
    # Here, because captum brings matplotlib's pyplot: 1.3 s that other methods need not wait for.
    from captum.attr import IntegratedGradients

    baseline = torch.zeros_like(image)
    with torch.no_grad():
        logits = target_logits(model(torch.cat([image, baseline])), [target, target])
    logit, baseline_logit = logits.double().tolist()
    difference = logit - baseline_logit
    method = IntegratedGradients(model)
    steps, forwards = first_steps, 2
    while True:
        pixels = method.attribute(
            image,
            baseline,
            target=target,
            n_steps=steps,
            internal_batch_size=chunk_size(image),
        )
        values = pixels[0].detach().sum(dim=0)
        gap = abs(values.double().sum().item() - difference)
        forwards += steps
        if gap <= GOOD_ENOUGH * abs(difference) or 2 * steps > most_steps:
            return Integral(values, logit, baseline_logit, gap, forwards)
        steps *= 2
