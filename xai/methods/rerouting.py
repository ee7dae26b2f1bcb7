"""A model whose activations are rerouted through modules of our own, for captum to hook.

captum hooks modules, which goes wrong without a word where an activation is called as a function
(NASNet-Mobile), where a module is called twice or works in place, and where others read its input
too, such as a shortcut past a ReLU (Xception). So nothing of the model is hooked: its activations
are rerouted, call by call and in this thread alone. Which, and through what, a method decides.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xai.model import logits_of
from xai.types import SplitModel

Make = dict[str, Callable[..., nn.Module]]  # by name of a function, a module for a call of it

PRODUCTS = ("mul", "mul_", "__mul__", "multiply")  # rerouted where both factors are maps


class Rerouted(nn.Module):
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
        """Logits (N, K) of images (N, 3, H, W)."""
        model, make = self._hidden
        with _Route(make, self.calls):
            return model(x)

    def record(self, images: Tensor, target: int) -> list[float]:
        """The target's logit of each image; afterwards `calls` are known."""
        return logits_of(self, images, target)  # type: ignore[arg-type]  # called, never split


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
        if name not in self.make or (name in PRODUCTS and len(tensors) < 2):
            return func(*args, **(kwargs or {}))
        if self.n_seen == len(self.calls):
            self.calls.append(self.make[name](*args[len(tensors) :], **(kwargs or {})))
        self.n_seen += 1
        # Clones, because captum's hook on a tensor would meet the gradients of all who read it.
        return self.calls[self.n_seen - 1](*(each.clone() for each in tensors))


def leaf_of(image: Tensor) -> Tensor:
    """A copy that gradients may reach: captum sets `requires_grad` on what it is given."""
    return image.detach().clone().requires_grad_()


def make_relu(*_: Any, **__: Any) -> nn.Module:
    """A ReLU, whatever the call's other arguments."""
    return nn.ReLU()
