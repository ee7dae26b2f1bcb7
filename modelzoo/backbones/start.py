"""A backbone as a training starts from it: with ImageNet weights, or at random where asked.

A random start is never given in place of weights.
"""

import hashlib
import pickle
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from modelzoo.backbones.backbone import (
    Backbone,
    create_backbone,
    create_empty_backbone,
    fill_backbone,
    replace_head,
)
from modelzoo.backbones.weights import WeightsRecord, check_hash, require_weights
from modelzoo.errors import UserError

IMAGENET_CLASSES = 1000


def start_backbone(
    name: str,
    n_classes: int,
    *,
    weights: Literal["imagenet", "none"],
    folder: Path | None,
    seed: int,
    head: str = "own",
) -> tuple[Backbone, WeightsRecord]:
    """A backbone as a training starts from it, in training mode, and where its weights are from.

    With 1000 classes ImageNet's own classifier stays, otherwise the last layer, or the head that
    was asked for, is new and random by `seed`.

    Args:
        name: A key of `BACKBONES`.
        n_classes: Outputs of the last layer.
        weights: `none` is a random start, by `seed`.
        folder: Local folder that is looked into first.
        seed: Decides all that is random.
        head: `own`, or a key of `HEADS`.

    Raises:
        UserError: No weights are here, or those found do not fit.
    """
    if weights == "none":
        backbone = create_backbone(name, n_classes, head=head, seed=seed)
        return backbone, WeightsRecord(kind="none")
    found = require_weights(name, folder)
    backbone = create_empty_backbone(name, IMAGENET_CLASSES)
    sha256 = _load(backbone, found.path)
    if n_classes != IMAGENET_CLASSES or head != "own":
        replace_head(backbone, head, n_classes, seed=seed)
    return backbone, WeightsRecord(
        kind="imagenet", source=found.source, file=found.path.name, sha256=sha256
    )


def _load(backbone: Backbone, file: Path) -> str:
    """Fill `backbone` with the tensors in `file`; returns the file's sha256.

    Raises:
        UserError: The file is damaged or its tensors are not this network's.
    """
    advice = "put a good copy in its place, or start from random ones with --weights none"
    try:
        sha256 = _sha256(file)
        check_hash(file, sha256)
        tensors = _read_tensors(file)
        if backbone.row.package and file.suffix == ".pth":
            tensors = _rename_by_order(tensors, backbone.network.state_dict())
    except (OSError, SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise UserError(f"The weights in {file} are damaged; {advice}.") from error
    except ValueError as error:
        raise UserError(f"The weights in {file} are damaged ({error}); {advice}.") from error
    try:
        fill_backbone(backbone, tensors)
    except ValueError as error:
        raise UserError(
            f"The weights in {file} are not those of {backbone.row.title} with its "
            f"{IMAGENET_CLASSES} ImageNet classes ({error}); {advice}."
        ) from error
    return sha256


def _read_tensors(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        return load_file(file)
    # A .pth is a pickle. These few are published so and no other way; their hash was checked, and
    # weights_only lets through tensors and no code.
    return dict(torch.load(file, map_location="cpu", weights_only=True))


def _rename_by_order(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` under timm's names: the package has the same ones in the same order.

    Raises:
        ValueError: Number or shapes differ.
    """
    if [value.shape for value in tensors.values()] != [value.shape for value in wanted.values()]:
        raise ValueError("its tensors are not in timm's order")
    return dict(zip(wanted, tensors.values(), strict=True))


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
