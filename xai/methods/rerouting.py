"""Methods that change how gradients flow back, through captum's hooks. No files, no runs.

captum hooks modules, which goes wrong without a word where an activation is called as a function
(NASNet-Mobile), where a module is called twice or works in place, and where others read its input
too, such as a shortcut past a ReLU (Xception). So nothing of the model is hooked: its activations
are rerouted, call by call and in this thread alone, through modules of our own.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from xai.errors import UserError
from xai.methods.cam import feature_gradients, grad_cam
from xai.model import chunk_size, target_logits
from xai.types import PixelMap, SplitModel

# captum says at every call that it hooks what it is given: modules that live for this one call.
warnings.filterwarnings("ignore", message="Setting (forward, )?backward hooks")

Make = dict[str, Callable[..., nn.Module]]  # by name of a function, a module for a call of it


def deep_lift(model: SplitModel, image: Tensor, target: int) -> PixelMap:
    """DeepLIFT by the Rescale rule (Shrikumar et al. 2017, eq. 5 and 9, arXiv:1704.02685).

    The baseline is 0 after normalisation: the even grey of the weights' mean colour.

    Adds to captum what the paper leaves open, so that the values sum to the difference between
    the logits: SiLU and ReLU6 by the same rule; a maximum over a window as a chain of ReLUs,
    max(a, b) = a + relu(b - a), since captum's rule misses where windows overlap; and a product
    of two maps (squeeze and excitation) with each factor at the mean of image and baseline.

    Args:
        model: In evaluation mode; left as it is, and may be shared by threads.
        image: (1, 3, H, W) float32, normalised. It goes through together with the baseline, so
            that two are in memory whatever its size.
        target: Class.

    Returns:
        Values in logits, signed. `gap` is what rounding, and functions unknown here, left over.

    Raises:
        UserError: The target is no class of the model.
    """
    # Here, because captum brings matplotlib's pyplot: 1.3 s that other methods need not wait for.
    from captum.attr import DeepLift
    from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear

    for activation in (nn.SiLU, nn.Hardtanh, nn.GELU):
        SUPPORTED_NON_LINEAR.setdefault(activation, nonlinear)
    rerouted = _Rerouted(model, _RESCALED)
    baseline = torch.zeros_like(image)
    logit, baseline_logit = rerouted.record(torch.cat([image, baseline]), target)
    pixels = DeepLift(rerouted).attribute(_leaf(image), baseline, target=target)
    values = pixels.detach().sum(dim=(0, 1))
    gap = abs(values.sum(dtype=torch.float64).item() - (logit - baseline_logit))
    return PixelMap(values, logit, baseline_logit, gap, forward_passes=4)


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
    from captum.attr import GuidedBackprop  # here, as above

    rerouted = _Rerouted(model, _GUIDED)
    (logit,) = rerouted.record(image, target)
    if not len(rerouted.calls):
        raise _not_guided("no ReLU")
    pixels = GuidedBackprop(rerouted).attribute(_leaf(image), target=target)
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


class _Rerouted(nn.Module):
    """A model whose activations are modules of its own, one for each call.

    Attributes:
        calls: The modules, in the order of the calls, known once an image has gone through. The
            model itself is no submodule, so that captum's hooks do not reach it.
    """

    def __init__(self, model: SplitModel, make: Make) -> None:
        super().__init__()
        self.calls = nn.ModuleList()
        self._hidden = (model, make)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        model, make = self._hidden
        with _Route(make, self.calls):
            return model(x)

    def record(self, images: Tensor, target: int) -> list[float]:
        """The target's logit of each image; afterwards `calls` are known."""
        found: list[float] = []
        with torch.no_grad():
            for part in images.split(chunk_size(images)):
                found += target_logits(self(part), [target] * len(part)).double().tolist()
        return found


class _Route(TorchFunctionMode):
    """Within the block, and in this thread alone, functions named in `make` go through `calls`."""

    def __init__(self, make: Make, calls: nn.ModuleList) -> None:
        super().__init__()
        self.make = make
        self.calls = calls
        self.n_seen = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = getattr(func, "__name__", "")
        tensors = [each for each in args if isinstance(each, Tensor)]
        if name not in self.make or (name in _PRODUCTS and len(tensors) < 2):
            return func(*args, **(kwargs or {}))
        if self.n_seen == len(self.calls):
            self.calls.append(self.make[name](*args[len(tensors) :], **(kwargs or {})))
        self.n_seen += 1
        # Clones, because captum's hook on a tensor would meet the gradients of all who read it.
        return self.calls[self.n_seen - 1](*(each.clone() for each in tensors))


class _MaxPool(nn.Module):
    """The maximum over windows, as ReLUs: over columns first, then over rows."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None:
        super().__init__()
        assert dilation == 1, "no backbone has a dilated maximum"
        assert not return_indices, "nor asks where it was"
        self.kernel = _pair(kernel_size)
        self.stride = _pair(stride or kernel_size)
        self.padding = _pair(padding)
        self.ceil_mode = ceil_mode
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(sum(self.kernel) - 2))

    def forward(self, x: Tensor) -> Tensor:
        relus = iter(self.relus)
        for dim in (3, 2):
            parts = self._shifted(x, dim)
            x = parts[0]
            for part in parts[1:]:
                x = x + next(relus)(part - x)
        return x

    def _shifted(self, x: Tensor, dim: int) -> list[Tensor]:
        """What stands first, second, ... in each window along `dim`."""
        kernel, stride, padding = (
            each[dim - 2] for each in (self.kernel, self.stride, self.padding)
        )
        room = x.shape[dim] + 2 * padding - kernel
        n_windows = 1 + (-(-room // stride) if self.ceil_mode else room // stride)
        if (n_windows - 1) * stride >= x.shape[dim] + padding:
            n_windows -= 1  # torch drops a window that begins beyond the edge
        last = (n_windows - 1) * stride
        after = max(0, last + kernel - padding - x.shape[dim])
        # A window over the edge holds the pixel at the edge, so repeating that changes no maximum.
        sides = (padding, after, 0, 0) if dim == 3 else (0, 0, padding, after)
        x = F.pad(x, sides, mode="replicate")
        steps = torch.arange(0, last + 1, stride, device=x.device)
        return [x.index_select(dim, steps + offset) for offset in range(kernel)]


class _Product(nn.Module):
    """a * b of image and baseline, (2, ...): each factor counts by the other's mean of the two."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if len(a) != 2 or len(b) != 2:  # one at a time, when only the calls are recorded
            return a * b
        mean_a, mean_b = (each.detach().mean(dim=0, keepdim=True) for each in (a, b))
        # Its value is a * b, its gradients are the means: a midpoint rule is exact for a product.
        slope = mean_b * a + mean_a * b
        return slope + (a * b - slope).detach()


def _leaf(image: Tensor) -> Tensor:
    """A copy that gradients may reach: captum sets `requires_grad` on what it is given."""
    return image.detach().clone().requires_grad_()


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[-1])


def _not_guided(found: str) -> UserError:
    return UserError(
        f"This network has {found}, and Guided Backprop is defined for ReLU alone, so its map "
        "would be a plain gradient; ask for saliency or integrated-gradients instead."
    )


def _refuse(activation: str, *_: Any, **__: Any) -> nn.Module:
    raise _not_guided(activation)


def _relu(*_: Any, **__: Any) -> nn.Module:
    return nn.ReLU()


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> nn.Module:
    return nn.Hardtanh(min_val, max_val)


def _silu(*_: Any, **__: Any) -> nn.Module:
    return nn.SiLU()


_PRODUCTS = ("mul", "mul_", "__mul__", "multiply")

_RESCALED: Make = {
    **dict.fromkeys(("relu", "relu_"), _relu),
    **dict.fromkeys(("silu", "silu_"), _silu),
    **dict.fromkeys(("sigmoid", "sigmoid_"), lambda *_, **__: nn.Sigmoid()),
    **dict.fromkeys(("tanh", "tanh_"), lambda *_, **__: nn.Tanh()),
    "hardtanh": _hardtanh,
    "relu6": lambda *_, **__: nn.Hardtanh(0.0, 6.0),
    "gelu": lambda approximate="none": nn.GELU(approximate),
    "max_pool2d": _MaxPool,
    **dict.fromkeys(_PRODUCTS, lambda *_, **__: _Product()),
}

_GUIDED: Make = {
    **dict.fromkeys(("relu", "relu_"), _relu),
    **dict.fromkeys(("silu", "silu_"), partial(_refuse, "SiLU")),
    **dict.fromkeys(("hardtanh", "hardtanh_", "relu6"), partial(_refuse, "ReLU6")),
    **dict.fromkeys(("elu", "elu_"), partial(_refuse, "ELU")),
    **dict.fromkeys(("leaky_relu", "leaky_relu_"), partial(_refuse, "LeakyReLU")),
    "gelu": partial(_refuse, "GELU"),
    "hardswish": partial(_refuse, "Hardswish"),
    "mish": partial(_refuse, "Mish"),
    "softplus": partial(_refuse, "Softplus"),
}
