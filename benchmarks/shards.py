"""What a second worker adds to work in shards, and what memory does as images grow.

`python -m benchmarks.shards [--rounds 5] [--images 320] [--memory 1000,10000] [--out FILE]`

Throughput: the run `reference/lite0-grouped` (EfficientNet-Lite0, 224 px, one thread a worker)
predicts hard links to smears, by one worker and by two, in turns. Workers are processes that have
loaded the run and begin at once, so that the start is measured apart. On a machine that does other
work too, seconds say little; processor time per image says what workers cost each other.

Memory: one worker of an untrained EfficientNet-Lite0 at 32 px goes through so many small images;
the peak is that of its process. BLASTLENS_DATA (its all_pbs) is used where it is set, else
synthetic smears.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import resource
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.commands.predict_shards import load_work
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Split, SplitRow
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.paths import reference_folder
from modelzoo.runs.folder import create_run, read_run
from modelzoo.runs.hashes import hash_model
from modelzoo.runs.records import write_split
from modelzoo.shards.plan import Asked, Plan, fix_plan
from modelzoo.shards.work import look_up, work_through

SHARDS = 16
MB = 1e6


def main() -> None:
    """Measure, print two tables and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--memory", default="1000,10000")
    parser.add_argument("--out", type=Path, default=Path("bench/shards.json"))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    results: dict[str, Any] = {"cores": os.cpu_count(), "images": options.images}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if options.rounds:
            smears = link_smears(home / "smears", options.images, find_smears(home))
            results["workers"] = compare_workers(home, smears, options.rounds)
        results["memory"] = measure_memory(home, [int(n) for n in options.memory.split(",") if n])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1))
    print(json.dumps(results))


def find_smears(home: Path) -> list[Path]:
    """Files of smears, real ones where there are any."""
    if data := os.environ.get("BLASTLENS_DATA"):
        return sorted((Path(data) / "all_pbs").rglob("*.jpg"))
    write_smears(home / "drawn", images_per_class=4, px=224)
    return sorted((home / "drawn").rglob("*.jpg"))


def link_smears(folder: Path, number: int, files: list[Path]) -> Path:
    """`number` names in `folder` for the files, copied once and hard-linked from there."""
    folder.mkdir(parents=True)
    copies: list[Path] = []
    for file in files[:64]:
        copies.append(folder / f"{len(copies):06d}{file.suffix}")
        copies[-1].write_bytes(file.read_bytes())
    for index in range(len(copies), number):
        (folder / f"{index:06d}{copies[0].suffix}").hardlink_to(copies[index % len(copies)])
    return folder


def compare_workers(home: Path, smears: Path, rounds: int) -> dict[str, Any]:
    """Images a second and processor time per image of one worker and of two, round by round."""
    run = reference_folder() / "lite0-grouped"
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for turn in range(rounds):
        for workers in (1, 2) if turn % 2 else (2, 1):
            found[workers].append(do_all(home / f"{turn}-{workers}", run, smears, workers, SHARDS))
    print("| workers | images/s | processor ms per image | start, s |")
    print("| --- | --- | --- | --- |")
    for workers, turns in found.items():
        cells = (
            _middle([each["images_per_second"] for each in turns]),
            _middle([1000 * each["cpu_per_image"] for each in turns]),
            _middle([each["start_seconds"] for each in turns]),
        )
        print(f"| {workers} | " + " | ".join(cells) + " |")
    pairs = list(zip(found[1], found[2], strict=True))
    speed = [two["images_per_second"] / (2 * one["images_per_second"]) for one, two in pairs]
    cost = [one["cpu_per_image"] / two["cpu_per_image"] for one, two in pairs]
    print(f"throughput per worker, two vs one: {_middle(speed)} ({rounds} rounds)")
    print(f"images per processor second, two vs one: {_middle(cost)} ({rounds} rounds)")
    return {"rounds": found, "throughput_per_worker": speed, "per_processor_second": cost}


def do_all(out: Path, run: Path, smears: Path, workers: int, shards: int) -> dict[str, float]:
    """Work through all shards by so many processes that begin at one time."""
    plan = plan_for(out, run, smears, shards)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers)
    answers = context.Queue()
    processes = [
        context.Process(target=_work, args=(out, run, smears, shards, barrier, answers))
        for _ in range(workers)
    ]
    for process in processes:
        process.start()
    told = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    assert not look_up(out, plan).missing, "a worker failed"
    seconds = max(each["ended"] for each in told) - min(each["began"] for each in told)
    images = len(plan.images)
    return {
        "images_per_second": images / seconds,
        "cpu_per_image": sum(each["cpu"] for each in told) / images,
        "start_seconds": max(each["start"] for each in told),
        "peak_mb": max(each["peak"] for each in told) / MB,
        "first_peak_mb": max(each["first_peak"] for each in told) / MB,
    }


def plan_for(out: Path, run: Path, smears: Path, shards: int) -> Plan:
    """The plan to predict all smears in a folder."""
    root = str(smears)
    asked = Asked("predict", run.name, hash_model(run), root, root, shards, {"field_px": 0})
    return fix_plan(out, asked, lambda: sorted(file.name for file in smears.iterdir()))


def _work(out: Path, run: Path, smears: Path, shards: int, barrier: Barrier, answers: Any) -> None:
    """One worker: loads the run, waits for the others, and works like one that a command starts."""
    started = time.monotonic()
    work = load_work(read_run(run), smears, 0, None, "cpu")
    plan = plan_for(out, run, smears, shards)
    # The first batch of a process is slow, whoever else works.
    next(work.compute(plan.images[:16]))
    start = time.monotonic() - started
    barrier.wait()
    began, cpu = time.monotonic(), time.process_time()
    peaks: list[int] = []
    work_through(out, plan, lambda: work, on_shard=lambda *_: peaks.append(_peak()))
    answers.put(
        {
            "began": began,
            "ended": time.monotonic(),
            "cpu": time.process_time() - cpu,
            "start": start,
            "first_peak": peaks[0] if peaks else _peak(),
            "peak": _peak(),
        }
    )


def _peak() -> int:
    """Bytes that this process has had in memory at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure_memory(home: Path, numbers: list[int]) -> list[dict[str, float]]:
    """Peak memory of one worker, by the number of images, in shards of 500."""
    if not numbers:
        return []
    run = write_untrained(home)
    write_smears(home / "small", images_per_class=4, px=64)
    files = sorted((home / "small").rglob("*.jpg"))
    found = []
    print("| images | peak after the first shard, MB | peak, MB | manifest, MB |")
    print("| --- | --- | --- | --- |")
    for number in numbers:
        smears = link_smears(home / f"links-{number}", number, files)
        out = home / f"memory-{number}"
        told = do_all(out, run, smears, 1, max(1, number // 500))
        told |= {"images": number, "manifest_mb": (out / "manifest.json").stat().st_size / MB}
        cells = (told["first_peak_mb"], told["peak_mb"], told["manifest_mb"])
        print(f"| {number:,} | " + " | ".join(f"{each:.1f}" for each in cells) + " |", flush=True)
        found.append(told)
    return found


def write_untrained(home: Path) -> Path:
    """The folder of a run of EfficientNet-Lite0 with random weights, at 32 px."""
    classes = ("Benign", "Early", "Pre", "Pro")
    run = create_run(home / "runs", "untrained", TrainConfig(data="smears", input_px=64))
    backbone = create_backbone("tf_efficientnet_lite0", len(classes), seed=0).eval()
    write_backbone(run.path, backbone, classes, 32)
    names = [f"{index}.jpg" for index in range(8)]
    embeddings = np.random.default_rng(0).normal(size=(8, 1280)).astype(np.float32)
    rows = zip(names, itertools.cycle(classes), strict=False)
    split = Split(tuple(SplitRow(name, label, name, "train") for name, label in rows))
    write_split(run.path, split)
    write_neighbours(run.path, embeddings, names, split)
    return run.path


def _middle(values: list[float]) -> str:
    low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return f"{median(values):.2f} (IQR {low:.2f}-{high:.2f})"


if __name__ == "__main__":
    main()
