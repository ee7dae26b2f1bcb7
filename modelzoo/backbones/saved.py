"""A trained backbone on disk, in timm's local-dir form, and back. Safetensors only, no pickle."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from modelzoo.backbones.backbone import Backbone, create_empty_backbone, fill_backbone
from modelzoo.backbones.heads import HEADS
from modelzoo.backbones.local_dir import HEAD, MODEL, MODEL_CONFIG
from modelzoo.backbones.start import start_backbone
from modelzoo.backbones.table import BackboneRow
from modelzoo.errors import UserError
from modelzoo.files import damaged_file, is_regular_file, read_text, write_text
from modelzoo.tensors import write_tensors

MOST_PX = 4096  # of an input's side: more than any network is trained on, and 50 MB per image


def write_backbone(
    run_folder: Path,
    backbone: Backbone,
    classes: Sequence[str],
    input_px: int,
    *,
    head: str = "own",
) -> None:
    """Write the network and how to use it; `timm.create_model("local-dir:...")` reads it too.

    Not with another head than the network's own: timm knows none of them.

    Raises:
        UserError: The disk is full or the folder cannot be written; what was there stays.
    """
    assert backbone.classifier.out_features == len(classes)
    write_tensors(run_folder / MODEL, backbone.network.state_dict())
    text = json.dumps(
        _describe(backbone.row, classes, input_px, head), indent=1, ensure_ascii=False
    )
    write_text(run_folder / MODEL_CONFIG, text)


def write_head(run_folder: Path, backbone: Backbone, body_sha256: str) -> None:
    """Write the last layer of a network whose other weights are ImageNet's, as they were found.

    Args:
        run_folder: With what `write_backbone` wrote.
        backbone: Trained in frozen mode.
        body_sha256: Of the file of the ImageNet weights.

    Raises:
        UserError: The disk is full or the folder cannot be written.
    """
    layer = backbone.classifier
    tensors = {"weight": layer.weight, "bias": layer.bias}
    write_tensors(run_folder / HEAD, tensors, {"body_sha256": body_sha256})


def read_backbone(
    run_folder: Path, device: str | torch.device = "cpu"
) -> tuple[Backbone, tuple[str, ...], int]:
    """The trained backbone in evaluation mode, its classes and the side of its input in pixels.

    Of a run with its last layer alone the others are the ImageNet weights of an installed package
    or of the hub's cache: those that it was trained with, and no others.

    Raises:
        UserError: A file is missing or damaged, they do not belong together, or the ImageNet
            weights are not here.
    """
    name, head, classes, input_px = _read_config(run_folder / MODEL_CONFIG)
    file = run_folder / MODEL
    if not is_regular_file(file) and is_regular_file(run_folder / HEAD):
        backbone = _read_on_imagenet(name, len(classes), run_folder / HEAD)
        return backbone.eval().to(device), classes, input_px
    if not is_regular_file(file):
        raise UserError(f"{file} is missing; train the run again.")
    try:
        tensors = load_file(file)
        backbone = create_empty_backbone(name, len(classes), head=head)
        fill_backbone(backbone, tensors)
    except ValueError as error:
        raise UserError(
            f"{file} does not fit {MODEL_CONFIG} beside it ({error}); train the run again."
        ) from error
    except (OSError, SafetensorError) as error:
        raise damaged_file(file) from error
    return backbone.eval().to(device), classes, input_px


def _read_on_imagenet(name: str, n_classes: int, file: Path) -> Backbone:
    """The last layer in `file` on the ImageNet weights that it was trained on.

    Raises:
        UserError: The file is damaged, or those weights are not here.
    """
    # No folder of a person's: weights there may be rounded, or of another training.
    backbone, record = start_backbone(name, n_classes, weights="imagenet", folder=None, seed=0)
    try:
        with safe_open(file, "pt") as content:
            wanted = (content.metadata() or {})["body_sha256"]
            tensors = {key: content.get_tensor(key) for key in ("weight", "bias")}
        if record.sha256 == wanted:
            backbone.classifier.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise damaged_file(file) from error
    if record.sha256 != wanted:
        raise UserError(
            f"The ImageNet weights of {backbone.row.title} from the {record.source} are not those "
            f"that {file.parent.name} was trained with; install the version that constraints.txt "
            "names."
        )
    return backbone


def _describe(row: BackboneRow, classes: Sequence[str], input_px: int, head: str) -> dict[str, Any]:
    """config.json as timm writes it, and our names of backbone and head, which timm passes over."""
    return {
        "architecture": row.architecture,
        "backbone": row.name,
        "head": head,
        "num_classes": len(classes),
        "label_names": list(classes),
        "pretrained_cfg": {
            "input_size": [3, input_px, input_px],
            "fixed_input_size": False,
            "crop_pct": 1.0,  # runs see whole images, ImageNet's evaluation a part of them
            "crop_mode": "center",
            "interpolation": row.interpolation,
            "mean": list(row.mean),
            "std": list(row.std),
            "num_classes": len(classes),
        },
    }


def _read_config(file: Path) -> tuple[str, str, tuple[str, ...], int]:
    """Backbone, head, classes and input size, as `_describe` put them."""
    try:
        config = json.loads(read_text(file))
        name, labels = config["backbone"], config["label_names"]
        head = config.get("head", "own")  # an older run has no other
        px = config["pretrained_cfg"]["input_size"][1]
        if not isinstance(labels, list) or not all(
            isinstance(each, str) for each in [name, *labels]
        ):
            raise TypeError("names are texts")
        if type(px) is not int or not 1 <= px <= MOST_PX:  # a bool is an int
            raise ValueError("no size of an image")
        if head not in ("own", *HEADS):
            raise ValueError("no head")
        return name, head, tuple(labels), px
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise damaged_file(file) from error
