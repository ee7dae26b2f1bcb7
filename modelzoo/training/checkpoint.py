"""All that a training needs to go on as if it had never been interrupted, as one safetensors file.

Tensors are stored as tensors and the rest as JSON, so that nothing here unpickles.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from modelzoo.errors import UserError
from modelzoo.tensors import write_tensors


def write_checkpoint(
    file: Path,
    module: nn.Module,
    optimizer: Optimizer,
    generator: torch.Generator,
    progress: dict[str, Any],
) -> None:
    """Write weights, optimizer, random state and `progress` (JSON values) as a whole."""
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    state = optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    tensors["random.generator"] = generator.get_state()
    tensors["random.global"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    text = json.dumps({"groups": state["param_groups"], "plain": plain, "progress": progress})
    write_tensors(file, tensors, {"training": text})


def read_checkpoint(
    file: Path, module: nn.Module, optimizer: Optimizer, generator: torch.Generator
) -> dict[str, Any]:
    """Put what `write_checkpoint` wrote back into its places; returns `progress`.

    Raises:
        UserError: The file is damaged or belongs to another network.
    """
    try:
        with safe_open(file, framework="pt") as content:
            text = json.loads(content.metadata()["training"])
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise UserError(
            f"{file} is damaged, so the run cannot go on from it; train it again."
        ) from error
    state: dict[int, dict[str, Any]] = {
        int(index): dict(values) for index, values in text["plain"].items()
    }
    weights = {}
    for name, tensor in tensors.items():
        room, _, rest = name.partition(".")
        if room == "module":
            weights[rest] = tensor
        elif room == "optimizer":
            index, _, key = rest.partition(".")
            state.setdefault(int(index), {})[key] = tensor
    module.load_state_dict(weights)
    optimizer.load_state_dict({"state": state, "param_groups": text["groups"]})
    generator.set_state(tensors["random.generator"])
    torch.set_rng_state(tensors["random.global"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    progress: dict[str, Any] = text["progress"]
    return progress
