"""How much faster the CAMs are than pytorch-grad-cam's, in how much less memory, and how alike.

`python -m benchmarks.xai [--images 20] [--rounds 3] [--out bench/xai.json]`
`python -m benchmarks.xai --runs runs/one runs/two [--fields 60] [--calibrated-on 30]`

Compared, in turns in one process after a warm-up, at 224 px:
  Score-CAM, exact      ours against grad-cam's ScoreCAM: time, memory beyond the level before, and
                        Pearson of the two maps
  Score-CAM, fast       ours against grad-cam's ScoreCAM: time
  Ablation-CAM          ours against grad-cam's AblationCAM
  six gradient CAMs     of one model together, against Grad-CAM alone
  500 explanations      by methods in turn: what memory grows by after the first 50

With runs, only how like the fast Score-CAM is to the exact one in float32, and how often it keeps
what it promises, over fields of each run's own test set, one of each group and none of a group that
the method was tuned on. Fields to calibrate on and to evaluate on are drawn apart, by seed 0.

EfficientNet-Lite0 and ResNet50 have ImageNet weights and a head trained on BLASTLENS_DATA's all_pbs
where BLASTLENS_WEIGHTS and it are set, else random ones and synthetic smears; DenseNet121 and VGG16
are random, since only their time is looked at. Exact maps are made in half precision where the
processor multiplies it. Limited by the processor and by memory.
"""

import argparse
import gc
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psutil
import torch
from pytorch_grad_cam import AblationCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.inference.trained import LoadedRun, load_run
from modelzoo.training.environment import pick_device
from xai.explain import explain, explain_by_all
from xai.methods.score_cam import FACTOR, score_cam
from xai.methods.table import METHODS

PX = 224
GRADIENT_CAMS = (
    "grad-cam",
    "grad-cam-plus-plus",
    "hires-cam",
    "xgrad-cam",
    "layer-cam",
    "finer-cam",
)
# The last module of the features, whose output grad-cam hooks.
LAYERS = {
    "tf_efficientnet_lite0": "network.bn2",
    "resnet50": "network.layer4",
    "densenet121": "network.features.norm5",
    "vgg16": "network.features.30",
}
GROWTH_METHODS = (*GRADIENT_CAMS, "ablation-cam", "recipro-cam", "saliency", "deep-lift")
Map = npt.NDArray[np.float32]


def main() -> None:
    """Measure, print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3, help="of the slow comparisons")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("bench/xai.json"))
    parser.add_argument("--runs", type=Path, nargs="*", help="only the fast Score-CAM of these")
    parser.add_argument("--fields", type=int, default=60)
    parser.add_argument("--calibrated-on", type=int, default=30, help="fields")
    options = parser.parse_args()
    device = pick_device(options.device)
    found: dict[str, Any] = {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "weights": "ImageNet, head trained" if "BLASTLENS_WEIGHTS" in os.environ else "none",
    }
    with tempfile.TemporaryDirectory() as folder:
        if options.runs:
            counts = (options.fields, options.calibrated_on)
            comparisons: Iterable[tuple[str, Any]] = (
                (run.name, measure_promise(run, device, *counts)) for run in options.runs
            )
        else:
            models, images = prepare(Path(folder), device, options.images)
            comparisons = measure(models, images, options.rounds)
        for name, figures in comparisons:
            print(f"{name}: {figures}", flush=True)
            found[name] = figures
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


def measure(
    models: dict[str, Backbone], images: list[Tensor], rounds: int
) -> Iterator[tuple[str, Any]]:
    """Each comparison's name and figures, when they are known."""
    yield "growth over 450 explanations", measure_growth(models, images)
    yield "six gradient CAMs against one", measure_gradient_cams(models, images)
    for name, model in models.items():
        yield f"Ablation-CAM of {name}", measure_ablation(name, model, images)
    for name in ("tf_efficientnet_lite0", "resnet50", "densenet121"):
        yield f"Score-CAM of {name}", measure_score_cam(name, models[name], images, rounds)


def prepare(
    folder: Path, device: torch.device, count: int
) -> tuple[dict[str, Backbone], list[Tensor]]:
    """Models with a trained head where there are weights, and images (1, 224, 224, 3) uint8."""
    data = (
        Path(os.environ["BLASTLENS_DATA"]) / "all_pbs" if "BLASTLENS_DATA" in os.environ else None
    )
    if data is None:
        data = folder / "smears"
        write_smears(data, images_per_class=30)
    files = sorted(data.glob("*/*.jpg"))
    chosen = files[:: max(1, len(files) // count)][:count]
    images = [torch.from_numpy(fit_square(decode_image(file), PX)[None]) for file in chosen]
    models = {}
    if "BLASTLENS_WEIGHTS" in os.environ:
        for name in ("tf_efficientnet_lite0", "resnet50"):
            models[name] = train_head(folder, data, name).to(device)
    models |= {name: settled(name, device) for name in LAYERS if name not in models}
    return models, images


def train_head(folder: Path, data: Path, name: str) -> Backbone:
    """A frozen backbone with its ImageNet weights and a head for `data`."""
    command = [sys.executable, "-m", "modelzoo", "train", "--name", name, "--backbone", name]
    command += ["--runs", str(folder / "runs"), "--store", str(folder / "store")]
    command += ["--data", str(data), "--recipe", "quick", "--mode", "frozen", "--split", "grouped"]
    subprocess.run([*command, "--input-px", str(PX)], check=True, stdout=subprocess.DEVNULL)
    backbone = load_run(folder / "runs" / name).backbone
    assert isinstance(backbone, Backbone)
    return backbone


def settled(name: str, device: torch.device) -> Backbone:
    """A random backbone whose batch norms have seen noise, so that its channels are not all 0."""
    backbone = create_backbone(name, 4).to(device)
    with torch.no_grad():
        for _ in range(3):
            backbone(torch.randn(4, 3, 96, 96, device=device))
    return backbone.eval()


def measure_score_cam(
    name: str, model: Backbone, images: list[Tensor], rounds: int
) -> dict[str, Any]:
    """Ours, exact and fast, against grad-cam's."""
    times: dict[str, list[float]] = {"exact": [], "fast": [], "grad-cam": []}
    memory: dict[str, list[float]] = {"exact": [], "grad-cam": []}
    likeness = []
    for pixels in images[:rounds]:
        image = at_input(model, pixels)
        target = answer(model, image)
        seconds, mega, ours = timed(lambda: score_cam(model, image, target, is_exact=True).values)  # noqa: B023  # called at once
        times["exact"].append(seconds)
        memory["exact"].append(mega)
        times["fast"].append(timed(lambda: score_cam(model, image, target).values)[0])  # noqa: B023  # called at once
        seconds, mega, theirs = timed(lambda: their_map(ScoreCAM, name, model, image, target))  # noqa: B023  # called at once
        times["grad-cam"].append(seconds)
        memory["grad-cam"].append(mega)
        likeness.append(pearson(ours.cpu().numpy(), theirs))
    return {
        "exact is faster": ratio(times["grad-cam"], times["exact"]),
        "fast is faster": ratio(times["grad-cam"], times["fast"]),
        "memory beyond, MB": {key: round(median(each)) for key, each in memory.items()},
        "seconds": {key: round(median(each), 2) for key, each in times.items()},
        "Pearson to grad-cam's": [round(each, 4) for each in likeness],
    }


def measure_promise(
    folder: Path, device: torch.device, count: int, n_others: int
) -> dict[str, Any]:
    """How like the fast map is to the exact one in float32, and how often as like as it says.

    `count` fields say how often the promise is kept as it is, `n_others` which factor it needs
    (split conformal prediction, Lei et al. 2018, algorithm 2, arXiv:1604.04173).
    """
    loaded = load_run(folder, str(device))
    assert isinstance(loaded.backbone, Backbone)
    likeness, said, passes = [], [], []
    # FACTOR was calibrated on some of the first and of the 61st to 64th.
    drawn = draw_fields(loaded)
    for file in [*drawn[:n_others], *drawn[n_others:][-count:]]:
        pixels = torch.from_numpy(fit_square(decode_image(file), loaded.px)[None])
        image = at_input(loaded.backbone, pixels)
        target = answer(loaded.backbone, image)
        exact = score_cam(loaded.backbone, image, target, is_exact=True, precision=torch.float32)
        fast = score_cam(loaded.backbone, image, target)
        likeness.append(pearson(exact.values.cpu().numpy(), fast.values.cpu().numpy()))
        said.append(fast.similarity or 0.999)  # None: every channel, in half precision
        passes.append(fast.forward_passes)
        print(f"{file.name}: {likeness[-1]:.4f}, promised {said[-1]:.4f}", flush=True)
    needed = sorted(
        FACTOR * (1 - one) / (1 - other)
        for one, other in zip(likeness[:n_others], said[:n_others], strict=True)
    )
    place = math.ceil(0.9 * (len(needed) + 1)) - 1
    likeness, said, passes = likeness[n_others:], said[n_others:], passes[n_others:]
    return {
        "fields": len(likeness),
        "Pearson median": round(median(likeness), 4),
        "Pearson minimum": round(min(likeness), 4),
        "promised, median": round(median(said), 4),
        "promises kept": sum(one >= other for one, other in zip(likeness, said, strict=True)),
        "passes, median and most": (median(passes), max(passes)),
        "factor needed": round(needed[place], 2) if 0 <= place < len(needed) else None,
    }


def draw_fields(loaded: LoadedRun) -> list[Path]:
    """Images of the run's test set, one of each group, in an order drawn by seed 0."""
    config, rows = loaded.run.config, pd.read_csv(loaded.run.path / "split.csv")
    root = Path(config.data)
    small = sorted((root.parent / "all_pbs").glob("*/*.jpg"))
    tuned = {f"{file.parent.name}/{file.name}" for file in small[::25][:20]}
    seen = set(rows.loc[rows["image"].isin(tuned), "group"])
    rows = rows[(rows["part"] == "test") & ~rows["group"].isin(seen)]
    first = rows.groupby("group")["image"].first().sort_index()
    drawn = np.random.default_rng(0).permutation(first.to_numpy())
    return [root / str(image) for image in drawn]


def measure_ablation(name: str, model: Backbone, images: list[Tensor]) -> dict[str, Any]:
    """Ours against grad-cam's, which runs the whole network for each channel."""
    image = at_input(model, images[0])
    target = answer(model, image)

    def ours() -> Map:
        return explain(model, image, method="ablation-cam", target=target)[0].values

    ours()
    times = [timed(ours)[0] for _ in range(5)]
    theirs, _, raw = timed(lambda: their_map(AblationCAM, name, model, image, target))
    return {
        "is faster": round(theirs / median(times), 1),
        "seconds": {"ours": round(median(times), 4), "grad-cam": round(theirs, 2)},
        "Pearson to grad-cam's": round(pearson(ours(), raw), 4),
    }


def measure_gradient_cams(models: dict[str, Backbone], images: list[Tensor]) -> dict[str, Any]:
    """All six of one pass against Grad-CAM alone."""
    found = {}
    for name, model in models.items():
        image = at_input(model, images[0])
        target = answer(model, image)

        def six(model: Backbone = model, image: Tensor = image, target: int = target) -> object:
            return explain_by_all(model, image, methods=GRADIENT_CAMS, target=target)

        def one(model: Backbone = model, image: Tensor = image, target: int = target) -> object:
            return explain(model, image, method="grad-cam", target=target)

        six(), one()  # warm
        pairs = [(timed(six)[0], timed(one)[0]) for _ in range(30)]
        found[name] = ratio([both for both, _ in pairs], [single for _, single in pairs])
    return found


def measure_growth(models: dict[str, Backbone], images: list[Tensor]) -> str:
    """Megabytes gained from the 50th to the 500th explanation."""
    model = models["tf_efficientnet_lite0"]
    level = 0.0
    for number in range(500):
        image = at_input(model, images[number % len(images)])
        method = GROWTH_METHODS[number % len(GROWTH_METHODS)]
        explain(model, image, method=method, target=number % 4)
        if number == 49:
            level = megabytes()
    return f"{megabytes() - level:.0f} MB over {len(GROWTH_METHODS)} of {len(METHODS)} methods"


def their_map(
    library: type[ScoreCAM], name: str, model: Backbone, image: Tensor, target: int
) -> Map:
    """grad-cam's map before it is enlarged and scaled."""
    layer = model.get_submodule(LAYERS[name])
    targets = [ClassifierOutputTarget(target)]
    with redirect_stderr(io.StringIO()), library(model, [layer]) as cam:
        model_features = model.features(image).detach().cpu().numpy()
        raw: Map = cam.get_cam_image(image, layer, targets, model_features, None, False)
    positive: Map = np.maximum(raw[0], 0)
    return positive


def at_input(model: Backbone, pixels: Tensor) -> Tensor:
    """Pixels as the model wants them, contiguous as grad-cam's users pass them."""
    device = next(model.parameters()).device
    return model.normalise(pixels.to(device)).contiguous()


def answer(model: Backbone, image: Tensor) -> int:
    """The likeliest class."""
    with torch.no_grad():
        return int(model(image).argmax())


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds, megabytes beyond the level before at the peak, and what came back."""
    gc.collect()
    level, peak, is_done = megabytes(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_done.wait(0.01):
            peak = max(peak, megabytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    found = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    is_done.set()
    watcher.join()
    return seconds, max(peak - level, 0.0), found


def megabytes() -> float:
    """What this process holds."""
    return float(psutil.Process().memory_info().rss / 1e6)


def ratio(slow: list[float], quick: list[float]) -> str:
    """Median of the pairs' ratios, with the middle half of them."""
    each = sorted(one / other for one, other in zip(slow, quick, strict=True))
    low, _, high = quantiles(each, n=4) if len(each) > 1 else (each[0], each[0], each[0])
    return f"{median(each):.2f}x (IQR {low:.2f}-{high:.2f}, {len(each)} pairs)"


def pearson(one: Map, other: Map) -> float:
    """Correlation of two maps of one size."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


if __name__ == "__main__":
    main()
