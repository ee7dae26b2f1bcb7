"""In what numbers a network computes: as asked for, by the device, or by a short probe on a CPU."""

import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from modelzoo.backbones.backbone import Backbone
from modelzoo.config.train_config import Dtype, TrainConfig
from modelzoo.datasets.kept import hash_values
from modelzoo.errors import UserError
from modelzoo.files import make_folder, write_text
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import CHECKPOINT, PRECISION
from modelzoo.runs.folder import Run
from modelzoo.runs.parse import format_record, parse_record
from modelzoo.runs.records import PrecisionRecord, read_precision, write_record

log = logging.getLogger(__name__)

PROBE_IMAGES = 8
# Rounds of one pass in each precision, of which the first is the warm-up: quick passes are repeated
# until other work on the machine has left some of them alone, slow ones as often as they must be.
FEWEST_ROUNDS, MOST_ROUNDS, PROBE_SECONDS = 3, 24, 3.0
# Times faster than float32, or bfloat16 is not worth its coarser numbers: heads on features of
# EfficientNet-Lite0 (1.3 times) lost a point on held-out background clusters, in each of five
# seeds; those of ResNet50 (2.2 times) lost 0.3 points, less than they differ from seed to seed.
GAIN = 1.5

Kind = Literal["training", "features"]  # steps of a training; forward passes of a frozen backbone


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Seconds of the quickest pass in each precision."""

    float32: float
    bfloat16: float

    @property
    def choice(self) -> Dtype:
        """bfloat16 where it is clearly faster."""
        return "bfloat16" if self.bfloat16 * GAIN <= self.float32 else "float32"


def autocast(device: torch.device, dtype: Dtype) -> torch.autocast:
    """A context in which what gains by it is computed in `dtype`; nothing changes in float32."""
    number = torch.float16 if dtype == "float16" else torch.bfloat16
    return torch.autocast(device.type, number, enabled=dtype != "float32")


def multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for products in bfloat16."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    # On x86 oneDNN also says so where it computes in float32 and rounds.
    is_arm = platform.machine().lower() in ("aarch64", "arm64")
    return bool(
        is_arm or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def settle_precision(
    run: Run, backbone: Backbone, *, store: Path, device: torch.device, on_progress: Progress
) -> PrecisionRecord:
    """In what `run` computes: as it was settled before, else as its config says, else by a probe.

    What a probe found is kept in `store` for later runs on this machine, so that runs that differ
    in their seed only compute alike.

    Args:
        run: Gets `precision.json`, so that it goes on with the same numbers.
        backbone: On `device`; left as it was.
        store: Folder of results that can be made again.
        device: Where the run computes.
        on_progress: Called before each pass of a probe.
    """
    if run.has(PRECISION):
        return read_precision(run.path)
    # An interrupted run of a version without `precision.json` has computed in float32.
    if run.has(CHECKPOINT) and run.config.precision == "auto" and device.type == "cpu":
        settled = PrecisionRecord(training="float32", features="float32")
    else:
        settled = choose_precision(
            run.config, backbone, store=store, device=device, on_progress=on_progress
        )
    write_record(run.path, PRECISION, settled)
    return settled


def choose_precision(
    config: TrainConfig,
    backbone: Backbone,
    *,
    store: Path,
    device: torch.device,
    on_progress: Progress | None = None,
) -> PrecisionRecord:
    """In what a new run of `config` computes; arguments as of `settle_precision`."""
    kind: Kind = "features" if config.mode == "frozen" else "training"
    if config.precision != "auto":
        features: Dtype = config.precision if kind == "features" else "float32"
        return PrecisionRecord(training=config.precision, features=features)
    if device.type == "cuda":
        return PrecisionRecord(training="bfloat16", features="float32")
    if device.type != "cpu" or not multiplies_bfloat16():
        return PrecisionRecord(training="float32", features="float32")
    probe = _open_probe(backbone, config, kind, store, on_progress)
    what = {"training": "A training step", "features": "The frozen network"}[kind]
    log.info(
        "%s is computed in %s: bfloat16 is %.2f times as fast as float32 here (%d images, %d px)",
        what,
        probe.choice,
        probe.float32 / probe.bfloat16,
        PROBE_IMAGES,
        config.px,
    )
    if kind == "training":
        return PrecisionRecord(training=probe.choice, features="float32")
    return PrecisionRecord(training="float32", features=probe.choice)


def _open_probe(
    backbone: Backbone, config: TrainConfig, kind: Kind, store: Path, on_progress: Progress | None
) -> Probe:
    """The probe of this network on this machine, from `store` where it was made before."""
    machine = [_name_cpu(), torch.get_num_threads(), torch.__version__]
    key = hash_values([config.mode, *machine])
    name = f"{backbone.row.name}-{config.px}-{kind}-{key}.json"
    file = make_folder(store / "precision") / name
    with suppress(UserError):  # not there, or damaged
        return parse_record(file, Probe)
    probe = probe_precision(backbone, px=config.px, kind=kind, on_progress=on_progress)
    write_text(file, format_record(probe))
    return probe


def probe_precision(
    backbone: Backbone, *, px: int, kind: Kind, on_progress: Progress | None = None
) -> Probe:
    """Time a few passes in float32 and in bfloat16, in turns.

    Args:
        backbone: On the CPU. Its weights, statistics and mode are left as they were, and so are
            torch's random numbers; its gradients are dropped.
        px: Side of the images.
        kind: What to time.
        on_progress: Called before each pass.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(PROBE_IMAGES, 3, px, px, generator=generator)
    images = images.contiguous(memory_format=torch.channels_last)
    one_pass = _train_once if kind == "training" else _embed_once
    seconds: dict[Dtype, list[float]] = {"float32": [], "bfloat16": []}
    began = time.perf_counter()
    with _unchanged(backbone), torch.random.fork_rng(devices=[]):
        backbone.train(kind == "training")
        for number in range(MOST_ROUNDS):
            if number >= FEWEST_ROUNDS and time.perf_counter() - began > PROBE_SECONDS:
                break
            for turn, (dtype, times) in enumerate(seconds.items()):
                if on_progress:
                    on_progress(2 * number + turn, 2 * MOST_ROUNDS)
                started = time.perf_counter()
                one_pass(backbone, images, dtype)
                times.append(time.perf_counter() - started)
    quickest = {dtype: max(min(times[1:]), 1e-9) for dtype, times in seconds.items()}
    return Probe(float32=quickest["float32"], bfloat16=quickest["bfloat16"])


def _train_once(backbone: Backbone, images: Tensor, dtype: Dtype) -> None:
    """A step without its update, which takes as long in either precision."""
    with autocast(images.device, dtype):
        logits = backbone(images).float()
    labels = torch.arange(len(images)) % logits.shape[1]
    F.cross_entropy(logits, labels).backward()
    backbone.zero_grad(set_to_none=True)


def _embed_once(backbone: Backbone, images: Tensor, dtype: Dtype) -> None:
    with torch.inference_mode(), autocast(images.device, dtype):
        backbone.embed(backbone.features(images))


@contextmanager
def _unchanged(backbone: Backbone) -> Iterator[None]:
    """Give the backbone its mode and its buffers back when the block ends, without gradients."""
    was_training = backbone.training
    buffers = {name: value.clone() for name, value in backbone.named_buffers()}
    try:
        yield
    finally:
        backbone.zero_grad(set_to_none=True)
        for name, value in backbone.named_buffers():
            value.copy_(buffers[name])
        backbone.train(was_training)


def _name_cpu() -> str:
    """The processor's model, as the system calls it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n"):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or os.uname().machine
