"""Embeddings, the inputs of the last layer, and what a head is trained on: computed once."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open

from modelzoo.backbones.backbone import Backbone
from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import Dtype
from modelzoo.datasets.copies import CopiedPixels
from modelzoo.datasets.store import Pixels
from modelzoo.errors import UserError
from modelzoo.files import make_folder
from modelzoo.parallel import Progress
from modelzoo.tensors import write_tensors
from modelzoo.training.precision import autocast


def embed_pixels(
    backbone: Backbone,
    pixels: npt.NDArray[np.uint8] | CopiedPixels,
    *,
    device: torch.device,
    precision: Dtype = "float32",
    batch_size: int = 32,
    pooled: bool = False,
    on_progress: Progress | None = None,
) -> npt.NDArray[np.float32]:
    """The inputs of the last linear layer of `backbone` for each image, in evaluation mode.

    Args:
        backbone: On `device` already; its mode is left as it was.
        pixels: (N, px, px, 3) uint8.
        device: Where the backbone is.
        precision: In which it computes.
        batch_size: Images in one forward pass.
        pooled: Give what the head's first layer takes instead, `Backbone.pool`.
        on_progress: Called after each batch with the images done and how many there are.

    Returns:
        (N, D) float32.

    Raises:
        UserError: Numbers became too large for the precision.
    """
    was_training = backbone.training
    backbone.eval()
    chunks = []
    of_features = backbone.pool if pooled else backbone.embed
    with torch.inference_mode(), autocast(device, precision):
        for start in range(0, len(pixels), batch_size):
            batch = torch.from_numpy(np.array(pixels[start : start + batch_size])).to(device)
            images = backbone.normalise(batch).contiguous(memory_format=torch.channels_last)
            chunks.append(of_features(backbone.features(images)).float().cpu())
            if on_progress:
                on_progress(min(start + batch_size, len(pixels)), len(pixels))
    backbone.train(was_training)
    embeddings = torch.cat(chunks)
    if precision == "float16" and not embeddings.isfinite().all():
        raise UserError(
            f"Features of {backbone.row.title} are too large for float16; train again with "
            "precision bfloat16 or float32."
        )
    return embeddings.numpy()


def open_embeddings(
    backbone: Backbone,
    weights: WeightsRecord,
    pixels: Pixels | CopiedPixels,
    *,
    pixels_id: str,
    seed: int,
    store: Path,
    device: torch.device,
    head: str = "own",
    precision: Dtype = "float32",
    on_progress: Progress | None = None,
) -> tuple[npt.NDArray[np.float32], bool]:
    """What a head takes of all of `pixels`, from `store` where it was computed before.

    Args:
        backbone: With its initial weights. What is computed is its `pool`.
        weights: Where these came from; part of what the stored embeddings are known by.
        pixels: The images.
        pixels_id: Hash of the data set they belong to and of how it is decoded.
        seed: Of the random start, where there are no weights.
        store: Folder of results that can be made again.
        device: Where to compute.
        head: The backbone's: another than its `own` pools in its own way.
        precision: In which to compute; part of what the stored embeddings are known by.
        on_progress: Called after each batch with the images done and how many there are.

    Returns:
        (N, D) float32, in the order of `pixels.ids`, and whether they were stored before.
    """
    start = weights.sha256 or f"random start {seed}"
    px = pixels.values.shape[1]
    name = backbone.row.name if head == "own" else f"{backbone.row.name}-{head}"
    # Of float32 nothing is said, as before there were others.
    numbers = [] if precision == "float32" else [precision]
    names = "\n".join([name, start, str(px), *numbers, pixels_id, *pixels.ids])
    key = hashlib.sha256(names.encode()).hexdigest()
    file = make_folder(store / "embeddings") / f"{name}-{px}-{key[:16]}.safetensors"
    found = _read(file, key)
    is_cached = found is not None
    if found is None:
        backbone.to(device).to(memory_format=torch.channels_last)
        found = embed_pixels(
            backbone,
            pixels.values,
            device=device,
            precision=precision,
            pooled=True,
            on_progress=on_progress,
        )
        seal = {"key": key, "sha256": _checksum(found)}
        write_tensors(file, {"embeddings": torch.from_numpy(found)}, seal)
    return found, is_cached


def _read(file: Path, key: str) -> npt.NDArray[np.float32] | None:
    """The embeddings in `file`; None where it is missing, damaged or of something else."""
    try:
        with safe_open(file, framework="numpy") as content:
            metadata = content.metadata() or {}
            values: npt.NDArray[np.float32] = content.get_tensor("embeddings")
    except (OSError, SafetensorError):
        return None
    is_whole = metadata.get("key") == key and metadata.get("sha256") == _checksum(values)
    return values if is_whole else None


def _checksum(values: npt.NDArray[np.float32]) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()
