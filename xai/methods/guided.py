"""Guided Backprop and Guided Grad-CAM, by captum, on networks of ReLUs. No files, no runs."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xai.errors import UserError
from xai.methods.cam import grad_cam
from xai.methods.features import feature_gradients
from xai.methods.rerouting import Make, Rerouted, leaf_of, make_relu
from xai.model import blank_image
from xai.types import PixelMap, SplitModel


def guided_backprop(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """Guided Backpropagation (Springenberg et al. 2015, section 3.4, arXiv:1412.6806).

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads. Its activations
            are ReLUs; a sigmoid or tanh, as in gates, passes its gradient on as it is.
        image: (1, 3, H, W) float32, normalised.
        target: Class.

    Returns:
        Values signed, in logits for each unit of a normalised pixel, summed over the channels.

    Raises:
        UserError: The network has other activations than ReLU, or none; or the target is no
            class of it.
    """
    # Here, because captum brings matplotlib's pyplot: 1.3 s that other methods need not wait for.
    from captum.attr import GuidedBackprop

    rerouted = Rerouted(model, GUIDED)
    (logit,) = rerouted.record(image, target)
    if not len(rerouted.calls):
        raise _not_guided("no ReLU")
    pixels = GuidedBackprop(rerouted).attribute(leaf_of(image), target=target)
    return PixelMap(pixels.detach().sum(dim=(0, 1)), logit, None, None, forward_passes=2)


def guided_grad_cam(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """Guided Grad-CAM (Selvaraju et al. 2017, section 3.2, arXiv:1610.02391).

    Guided Backpropagation times Grad-CAM of the last features, enlarged bilinearly as the paper
    does. Neither factor is scaled per image, so maps of one network can be compared.

    Args:
        model: As for `guided_backprop`.
        image: (1, 3, H, W) float32, normalised.
        target: Class.

    Raises:
        UserError: As for `guided_backprop`.
    """
    guided = guided_backprop(model, image, target)
    at_hand = feature_gradients(model, image, [target])
    cam = grad_cam(at_hand.features, at_hand.gradients)[:, None]  # (1, 1, h, w)
    enlarged = F.interpolate(cam, image.shape[2:], mode="bilinear")[0, 0]
    return PixelMap(guided.values * enlarged, guided.logit, None, None, guided.forward_passes + 1)


def why_not_guided(model: SplitModel) -> str | None:
    """Why Guided Backprop is not defined for `model`, in a sentence; None: it is."""
    rerouted = Rerouted(model, GUIDED)
    try:
        with torch.no_grad():
            rerouted(blank_image(model))
    except UserError as error:
        return str(error)
    return None if len(rerouted.calls) else str(_not_guided("no ReLU"))


def _not_guided(found: str) -> UserError:
    return UserError(
        f"This network has {found}, and Guided Backprop is defined for ReLU alone, so its map "
        "would be a plain gradient; choose saliency or integrated-gradients instead."
    )


def _refuse(activation: str, *_: Any, **__: Any) -> nn.Module:
    raise _not_guided(activation)


GUIDED: Make = {
    **dict.fromkeys(("relu", "relu_"), make_relu),
    **dict.fromkeys(("silu", "silu_"), partial(_refuse, "SiLU")),
    **dict.fromkeys(("hardtanh", "hardtanh_", "relu6"), partial(_refuse, "ReLU6")),
    **dict.fromkeys(("elu", "elu_"), partial(_refuse, "ELU")),
    **dict.fromkeys(("leaky_relu", "leaky_relu_"), partial(_refuse, "LeakyReLU")),
    "gelu": partial(_refuse, "GELU"),
    "hardswish": partial(_refuse, "Hardswish"),
    "mish": partial(_refuse, "Mish"),
    "softplus": partial(_refuse, "Softplus"),
}
