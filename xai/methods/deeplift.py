"""DeepLIFT, by captum, on activations and products that captum does not know. No files, no runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xai.errors import UserError
from xai.methods.rerouting import PRODUCTS, Make, Rerouted, leaf_of, make_relu
from xai.types import PixelMap, SplitModel

_MORE = (nn.SiLU, nn.Hardtanh, nn.GELU)  # activations to which captum's rule applies as it stands
_TABLE = threading.Lock()
_users = 0  # calls that need _MORE in captum's table at this moment


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
        UserError: The target is no class of the model, or one of its layers has no rule here.
    """
    # Here, because captum brings matplotlib's pyplot: 1.3 s that other methods need not wait for.
    from captum.attr import DeepLift

    rerouted = Rerouted(model, RESCALED)
    baseline = torch.zeros_like(image)
    logit, baseline_logit = rerouted.record(torch.cat([image, baseline]), target)
    with _more_activations():
        pixels = DeepLift(rerouted).attribute(leaf_of(image), baseline, target=target)
    values = pixels.detach().sum(dim=(0, 1))
    gap = abs(values.sum(dtype=torch.float64).item() - (logit - baseline_logit))
    return PixelMap(values, logit, baseline_logit, gap, forward_passes=4)


@contextmanager
def _more_activations() -> Iterator[None]:
    """Within the block captum's DeepLift treats _MORE as it treats ReLU; threads may be in it."""
    from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear

    global _users
    with _TABLE:
        _users += 1
        SUPPORTED_NON_LINEAR.update(dict.fromkeys(_MORE, nonlinear))
    try:
        yield
    finally:
        with _TABLE:
            _users -= 1
            for activation in () if _users else _MORE:
                del SUPPORTED_NON_LINEAR[activation]


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
        if dilation != 1 or return_indices:
            raise UserError(
                "This network takes maxima over dilated windows or uses their positions, for which "
                "DeepLIFT's rule is not written here; choose integrated-gradients instead."
            )
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


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[-1])


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> nn.Module:
    return nn.Hardtanh(min_val, max_val)


def _silu(*_: Any, **__: Any) -> nn.Module:
    return nn.SiLU()


RESCALED: Make = {
    **dict.fromkeys(("relu", "relu_"), make_relu),
    **dict.fromkeys(("silu", "silu_"), _silu),
    **dict.fromkeys(("sigmoid", "sigmoid_"), lambda *_, **__: nn.Sigmoid()),
    **dict.fromkeys(("tanh", "tanh_"), lambda *_, **__: nn.Tanh()),
    "hardtanh": _hardtanh,
    "relu6": lambda *_, **__: nn.Hardtanh(0.0, 6.0),
    "gelu": lambda approximate="none": nn.GELU(approximate),
    "max_pool2d": _MaxPool,
    **dict.fromkeys(PRODUCTS, lambda *_, **__: _Product()),
}
