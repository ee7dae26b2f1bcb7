"""A private copy of a network that runs in bfloat16, where the processor multiplies it."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PATCH = 64  # pixels a side that show which layer reads which


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 on `device`."""
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return device.type == "cuda"


def copy_in_bfloat16(model: nn.Module, image: Tensor) -> nn.Module:
    """A private copy whose numbers are bfloat16, each batch norm folded into its convolution.

    Unfolded where something else reads a convolution's output, which changes the logits.
    """
    found = _halve(model)
    small = image[..., :PATCH, :PATCH].to(torch.bfloat16)
    with torch.inference_mode():
        before = found(small)
        _fold_batch_norms(model, found, small)
        off = (found(small) - before).abs().max()
    return found if off <= 0.2 * before.abs().max() else _halve(model)


def _halve(model: nn.Module) -> nn.Module:
    """A copy in bfloat16, made without a full one in between."""
    halves: dict[int, object] = {}
    for own in [*model.parameters(), *model.buffers()]:
        is_weight = isinstance(own, nn.Parameter)
        halves[id(own)] = nn.Parameter(_half(own), requires_grad=False) if is_weight else _half(own)
    return copy.deepcopy(model, halves)


def _half(own: Tensor) -> Tensor:
    half = own.detach().to(torch.bfloat16) if own.is_floating_point() else own.detach()
    return half.contiguous(memory_format=torch.channels_last) if half.ndim == 4 else half


def _fold_batch_norms(model: nn.Module, halved: nn.Module, image: Tensor) -> None:
    """Fold each batch norm of `halved`, a copy of `model`, that reads what a convolution made."""
    names = {module: name for name, module in halved.named_modules()}
    made: list[tuple[Tensor, nn.Module]] = []  # kept, so that no other tensor gets their place
    pairs: list[tuple[str, str]] = []

    def note(module: nn.Module, _: object, output: Tensor) -> None:
        made.append((output, module))

    def match(module: nn.Module, inputs: tuple[Tensor]) -> None:
        pairs.extend((names[by], names[module]) for output, by in made if output is inputs[0])

    hooks = [
        module.register_forward_hook(note)
        if isinstance(module, nn.Conv2d)
        else module.register_forward_pre_hook(match)
        for module in names
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    halved(image)
    for hook in hooks:
        hook.remove()
    for conv_name, norm_name in pairs:
        conv, norm = model.get_submodule(conv_name), model.get_submodule(norm_name)
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        folded = fuse_conv_bn_eval(conv, norm)
        target = halved.get_submodule(conv_name)
        target.weight = nn.Parameter(_half(folded.weight), requires_grad=False)
        assert folded.bias is not None
        target.bias = nn.Parameter(_half(folded.bias), requires_grad=False)
        parent, _, last = norm_name.rpartition(".")
        # timm's batch norms have their activation within.
        activation = getattr(halved.get_submodule(norm_name), "act", nn.Identity())
        setattr(halved.get_submodule(parent), last, activation)
