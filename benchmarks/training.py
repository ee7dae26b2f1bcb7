"""How much of a training step is lost to feeding it, and what is never computed twice.

`python -m benchmarks.training [--rounds 12] [--px 128] [--out bench/training.json]`

Compared, for EfficientNet-Lite0 and ResNet50, fine-tuned with Adam and the augmentation of
muduli2025, in turns in one process:
  store      batches from the memory-mapped store, augmented on the device (what `train` does)
  constant   the same step on one batch that never changes: the speed that feeding cannot beat
  loader     the same step from a DataLoader with 2 workers that decodes and augments the JPEGs
             with torchvision's transforms
in turns for four backbones, on a CPU that multiplies bfloat16, float32 against bfloat16: a training
step at 128 px and the features at 224 px, with what a training's own probe chooses;
and, in frozen mode, how often a backbone runs and a JPEG is decoded for a second head and a second
backbone. On a CPU the loader's workers take cores from the step: that is its cost, not an error.
BLASTLENS_DATA (its all_pbs) is used where it is set, else synthetic smears.
"""

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import Dtype, TrainConfig
from modelzoo.datasets import store as pixel_store
from modelzoo.datasets.dataset import Dataset as Smears
from modelzoo.datasets.images import decode_image
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.store import Pixels, open_pixels
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.training.embeddings import open_embeddings
from modelzoo.training.environment import pick_device
from modelzoo.training.memory import keep_freed_memory
from modelzoo.training.optim import make_optimizer
from modelzoo.training.pixels import pixel_inputs
from modelzoo.training.precision import Kind, autocast, multiplies_bfloat16, probe_precision

BATCH = 32
TRAINED_PX, EMBEDDED_PX = 128, 224  # as in the tables of the README
PROBED = ("resnet50", "densenet121", "vgg16", "tf_efficientnet_lite0")
Batches = Iterator[tuple[Tensor, Tensor]]


def main() -> None:
    """Measure, print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--px", type=int, default=128)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("bench/training.json"))
    options = parser.parse_args()
    device = pick_device(options.device)
    keep_freed_memory()  # as a training does
    with tempfile.TemporaryDirectory() as folder:
        dataset = _open_images(Path(folder))
        store = Path(folder) / "store"
        results: dict[str, Any] = {
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "cores": os.cpu_count(),
            "torch": torch.__version__,
            "px": options.px,
            "batch": BATCH,
            "images": len(dataset.images),
        }
        for name in ("tf_efficientnet_lite0", "resnet50"):
            results[name] = compare_feeds(name, dataset, store, options, device)
        if device.type == "cpu" and multiplies_bfloat16():
            results["precision"] = {
                name: compare_precisions(name, max(3, options.rounds // 3)) for name in PROBED
            }
        results["frozen"] = count_frozen(dataset, Path(folder) / "fresh", options.px, device)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1))
    print(json.dumps(results))


def compare_feeds(
    name: str, dataset: Smears, store: Path, options: argparse.Namespace, device: torch.device
) -> dict[str, Any]:
    """Images a second of the three ways, and the ratios round by round."""
    config = TrainConfig(
        backbone=name, mode="finetune", augmentation="muduli2025", input_px=options.px
    )
    backbone = create_backbone(name, len(dataset.classes)).to(device)
    backbone.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(list(backbone.parameters()), config)
    pixels = open_pixels(dataset, input_px=options.px, store=store)
    stored = feed_from_store(backbone, pixels, config, device)
    constant = feed_constant(options.px, device)
    loader = make_loader(dataset, backbone, options.px, device)
    epoch = len(loader)

    def turn(batches: Batches) -> float:
        started = time.perf_counter()
        for images, labels in batches:
            step(backbone, optimizer, images, labels)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    # The loader's turn is a whole epoch, so that no worker decodes ahead in the other's turn.
    ratios = {
        "store vs constant": _compare(
            lambda: turn(itertools.islice(constant, 4)),
            lambda: turn(itertools.islice(stored, 4)),
            options.rounds,
        ),
        "store vs loader": _compare(
            lambda: turn(feed_from_loader(loader, device)),
            lambda: turn(itertools.islice(stored, epoch)),
            max(3, options.rounds // 3),
        ),
    }
    for text, ratio in ratios.items():
        print(
            f"{name}, {text}: {ratio['median']}x (IQR {ratio['low']}-{ratio['high']}, "
            f"{ratio['rounds']} rounds, {options.px} px, {device.type}, {os.cpu_count()} cores)",
            flush=True,
        )
    pace = BATCH * epoch / turn(itertools.islice(stored, epoch))
    return {"images_per_second": round(pace, 1), "ratios": ratios}


def step(
    backbone: Backbone,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    dtype: Dtype | None = None,
) -> None:
    """One training step, the same for all; None: bfloat16 on a GPU and float32 on a CPU."""
    backbone.train()
    with autocast(images.device, dtype or ("bfloat16" if images.is_cuda else "float32")):
        logits = backbone(images).float()
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def compare_precisions(name: str, rounds: int) -> dict[Kind, dict[str, Any]]:
    """How many times faster bfloat16 is than float32 on the CPU, and what a probe chooses."""
    backbone = create_backbone(name, 4).to(memory_format=torch.channels_last)
    optimizer = make_optimizer(list(backbone.parameters()), TrainConfig(backbone=name))
    images, labels = next(feed_constant(TRAINED_PX, torch.device("cpu")))
    larger, _ = next(feed_constant(EMBEDDED_PX, torch.device("cpu")))

    def train(dtype: Dtype) -> float:
        started = time.perf_counter()
        step(backbone, optimizer, images, labels, dtype)
        return time.perf_counter() - started

    def embed(dtype: Dtype) -> float:
        started = time.perf_counter()
        backbone.eval()
        with torch.inference_mode(), autocast(larger.device, dtype):
            backbone.embed(backbone.features(larger))
        return time.perf_counter() - started

    found: dict[Kind, dict[str, Any]] = {}
    kinds: tuple[tuple[Kind, int, Callable[[Dtype], float]], ...] = (
        ("training", TRAINED_PX, train),
        ("features", EMBEDDED_PX, embed),
    )
    for kind, px, once in kinds:
        ratio = _compare(partial(once, "float32"), partial(once, "bfloat16"), rounds)
        choice = probe_precision(backbone, px=px, kind=kind).choice
        found[kind] = {"ratio": ratio, "choice": choice}
        print(
            f"{name}, {kind}, bfloat16 vs float32: {ratio['median']}x (IQR {ratio['low']}-"
            f"{ratio['high']}, {rounds} rounds, {px} px, {os.cpu_count()} cores); a probe chooses "
            f"{choice}",
            flush=True,
        )
    return found


def feed_from_store(
    backbone: Backbone, pixels: Pixels, config: TrainConfig, device: torch.device
) -> Batches:
    """Endless batches as `train` feeds them."""
    inputs = pixel_inputs(backbone, pixels, config, device)
    generator = torch.Generator().manual_seed(0)
    while True:
        for rows in torch.randperm(len(pixels.ids), generator=generator).split(BATCH):
            if len(rows) == BATCH:
                yield inputs(rows, generator), (rows % 4).to(device)


def feed_constant(px: int, device: torch.device) -> Batches:
    """One synthetic batch again and again."""
    images = torch.randn(BATCH, 3, px, px, device=device)
    labels = (torch.arange(BATCH) % 4).to(device)
    return itertools.repeat((images.contiguous(memory_format=torch.channels_last), labels))


class _Files(Dataset[tuple[Tensor, int]]):
    """JPEGs decoded and augmented one by one, as a usual training script does."""

    def __init__(self, files: list[Path], px: int, backbone: Backbone) -> None:
        self.files = files
        self.change = v2.Compose(
            [
                v2.ToImage(),
                v2.Resize((px, px), antialias=True),
                v2.RandomHorizontalFlip(),
                # Shear in degrees: a share of 0.4 is atan(0.4).
                v2.RandomAffine(40, translate=(0.4, 0.4), scale=(0.6, 1.4), shear=21.8),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(list(backbone.row.mean), list(backbone.row.std)),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.change(decode_image(self.files[index])), index % 4


def make_loader(
    dataset: Smears, backbone: Backbone, px: int, device: torch.device
) -> DataLoader[tuple[Tensor, int]]:
    """A loader with two workers that are kept from epoch to epoch."""
    files = [dataset.path(image.id) for image in dataset.images]
    return DataLoader(
        _Files(files, px, backbone),
        BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=2,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )


def feed_from_loader(loader: DataLoader[tuple[Tensor, int]], device: torch.device) -> Batches:
    """One epoch."""
    for images, labels in loader:
        moved = images.to(device, non_blocking=True)
        yield moved.contiguous(memory_format=torch.channels_last), labels.to(device)


def count_frozen(
    dataset: Smears, store: Path, px: int, device: torch.device
) -> dict[str, dict[str, float]]:
    """Forward passes and decoded JPEGs of a first head, a second head and a second backbone."""
    decoded = _count_calls(pixel_store, "decode_image")
    forward_passes = _count_calls(Backbone, "features")
    results = {}
    for text, name in (
        ("first head", "tf_efficientnet_lite0"),
        ("second head", "tf_efficientnet_lite0"),
        ("second backbone", "efficientnet_b0"),
    ):
        before, started = (forward_passes(), decoded()), time.perf_counter()
        pixels = open_pixels(dataset, input_px=px, store=store)
        open_embeddings(
            create_backbone(name, 4),
            WeightsRecord(kind="none"),
            pixels,
            pixels_id=dataset.id,
            seed=0,
            store=store,
            device=device,
        )
        results[text] = {
            "forward_passes": forward_passes() - before[0],
            "images_decoded": decoded() - before[1],
            "seconds": round(time.perf_counter() - started, 2),
        }
        print(f"frozen, {text}: {results[text]}", flush=True)
    return results


def _count_calls(owner: Any, name: str) -> Callable[[], int]:
    """Count the calls of `owner.name` from now on."""
    original = getattr(owner, name)
    calls: list[None] = []

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        return original(*args, **kwargs)

    setattr(owner, name, counting)
    return lambda: len(calls)


def _compare(
    theirs: Callable[[], float], ours: Callable[[], float], rounds: int
) -> dict[str, float]:
    """Seconds of theirs over seconds of ours, in turns: above 1 ours is quicker."""
    theirs(), ours()  # the warm-up
    ratios = [theirs() / ours() for _ in range(rounds)]
    low, _, high = quantiles(ratios, n=4)
    return {
        "median": round(median(ratios), 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "rounds": rounds,
    }


def _open_images(folder: Path) -> Smears:
    """all_pbs where it is at hand, else smears made for the occasion."""
    if given := os.environ.get("BLASTLENS_DATA"):
        return open_dataset(Path(given) / "all_pbs", store=folder / "store")
    write_smears(folder / "smears", images_per_class=60)
    return open_dataset(folder / "smears", store=folder / "store")


if __name__ == "__main__":
    main()
