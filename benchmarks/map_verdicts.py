"""How often are maps that know nothing called better? Cases of known truth.

`python -m benchmarks.map_verdicts [--cases 1000] [--images 60] [--out bench/map_verdicts.json]`

  one image   random maps of seven kinds, judged by a network of three convolutions trained on
              the fields at 32 px (with EfficientNet-Lite0 a thousand would take hours): how often
              one is better than random placement on insertion or deletion
  test set    gains without worth over 1 to 67 groups of images, symmetric and skewed: how often any
              is called better than any baseline map; and how often a gain of half a standard
              deviation is
  Grad-CAM    of EfficientNet-Lite0 at 112 px, and of one whose weights were drawn anew: the share
              of test images on which its map is better than random placement

EfficientNet-Lite0 has ImageNet weights and a head trained on BLASTLENS_DATA's all_pbs where
BLASTLENS_WEIGHTS and it are set, else random ones and synthetic smears. Prints Markdown tables for
`docs/statistics.md`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.evaluation.comparison import sign_flip_p
from modelzoo.inference.trained import LoadedRun
from modelzoo.runs.records import read_split
from xai.attribution import Attribution
from xai.explain import explain
from xai.faithfulness.judge import judge
from xai.faithfulness.report import QualityReport
from xai.faithfulness.stability import randomise
from xai.faithfulness.table import SIGNIFICANT_MEAN
from xai.on_runs.open import as_input, open_run, read_pixels
from xai.on_runs.predict import predict_image
from xai.on_runs.summary import summarise
from xai.say.verdict import describe_method

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator], Floats]
SMALL_PX, STEPS = 32, 300  # of the small network, and of its training
GRID = 56  # of random maps, as of baseline maps
GROUPS = (1, 2, 3, 6, 12, 25, 67)
MOST = (3, 8)  # images of a group
SKEWS = ("symmetric", "skewed up", "skewed down")
EFFECT = 0.5  # standard deviations of a gain that is one


def main() -> None:
    """Simulate, print the tables, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("bench/map_verdicts.json"))
    options = parser.parse_args()
    found: dict[str, object] = {"test set": list_test_sets(options.cases)}
    with tempfile.TemporaryDirectory() as folder:
        data = _find_data(Path(folder))
        found["one image"] = list_random_maps(*train_small(data), options.cases)
        larger = train(Path(folder), data, px=112)
        found["Grad-CAM"] = list_grad_cams(larger, data, options.images)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"cases": options.cases, **found}, indent=1))


def _find_data(folder: Path) -> Path:
    if "BLASTLENS_DATA" in os.environ:
        return Path(os.environ["BLASTLENS_DATA"]) / "all_pbs"
    write_smears(folder / "smears", images_per_class=30)
    return folder / "smears"


def train(folder: Path, data: Path, *, px: int) -> LoadedRun:
    """EfficientNet-Lite0, frozen, with a head for `data`."""
    command = [sys.executable, "-m", "modelzoo", "train", "--name", f"lite0-{px}"]
    command += ["--backbone", "tf_efficientnet_lite0", "--runs", str(folder / "runs")]
    command += ["--store", str(folder / "store"), "--data", str(data), "--recipe", "quick"]
    command += ["--mode", "frozen", "--split", "grouped", "--input-px", str(px)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return open_run(folder / "runs" / f"lite0-{px}", "cpu")


class SmallNetwork(nn.Sequential):
    """Three convolutions and a linear layer, split as backbones are."""

    def __init__(self, classes: int) -> None:
        channels = (3, 16, 32, 64)
        layers = [
            layer
            for one, other in pairwise(channels)
            for layer in (nn.Conv2d(one, other, 3, stride=2, padding=1), nn.ReLU())
        ]
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], classes))
        super().__init__(nn.Sequential(*layers), nn.Sequential(*head))

    def features(self, x: Tensor) -> Tensor:
        """(N, 64, H / 8, W / 8) of images (N, 3, H, W)."""
        found: Tensor = self[0](x)
        return found

    def head(self, features: Tensor) -> Tensor:
        """Logits (N, K)."""
        found: Tensor = self[1](features)
        return found


def train_small(data: Path) -> tuple[SmallNetwork, Tensor]:
    """A small network, and the half of the images (N, 3, 32, 32) that it was not trained on."""
    torch.manual_seed(0)
    files = sorted(data.glob("*/*.jpg"))
    classes = sorted({file.parent.name for file in files})
    labels = torch.tensor([classes.index(file.parent.name) for file in files])
    pixels = np.stack([fit_square(decode_image(file), SMALL_PX) for file in files])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    network = SmallNetwork(len(classes))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images[::2]), labels[::2]).backward()
        optimizer.step()
    with torch.inference_mode():
        right = (network(images[1::2]).argmax(1) == labels[1::2]).float().mean()
    print(f"\nThe small network is right on {100 * right:.0f} % of {len(labels[1::2])} fields.")
    return network.eval(), images[1::2]


def _spots(size: float, mode: Literal["wrap", "reflect"] = "wrap") -> Draw:
    """Noise blurred to spots with a standard deviation of `size` of the side."""

    def draw(random: np.random.Generator) -> Floats:
        smooth: Floats = gaussian_filter(random.normal(size=(GRID, GRID)), size * GRID, mode=mode)
        smooth -= smooth.min()
        return smooth

    return draw


def _one_spot(random: np.random.Generator) -> Floats:
    """A Gaussian somewhere, cut off where the image ends."""
    at, places = random.uniform(size=2), (np.arange(GRID) + 0.5) / GRID
    rows, columns = np.exp(-((places - at[:, None]) ** 2) / (2 * 0.15**2))
    return np.outer(rows, columns)


KINDS: Mapping[str, Draw] = {
    "spots of 1/16": _spots(1 / 16),
    "spots of 1/8": _spots(1 / 8),
    "spots of 1/4": _spots(1 / 4),
    "spots of 1/8, ends not joined": _spots(1 / 8, "reflect"),
    "7 x 7, half of it empty": lambda random: np.maximum(random.normal(size=(7, 7)), 0),
    "one spot": _one_spot,
    "single pixels": lambda random: random.uniform(size=(GRID, GRID)),
}


def as_attribution(values: npt.NDArray[np.floating], target: int) -> Attribution:
    """A map that no method made, so that its stability is not measured."""
    return Attribution(
        values=values.astype(np.float32),
        method="random",
        target=target,
        is_signed=False,
        seconds=0,
        forward_passes=0,
        completeness_gap=None,
        logit=0,
        baseline_logit=None,
    )


def is_better(report: QualityReport) -> bool:
    """Whether the map is called better than random placement on any measure."""
    return any(each.is_better for each in report.placements.values())


def list_random_maps(
    network: SmallNetwork, images: Tensor, cases: int
) -> dict[str, dict[str, float]]:
    """By kind, how many random maps could be evaluated and the share of these called better."""
    random = np.random.default_rng(0)
    counts = {kind: [0, 0] for kind in KINDS}
    kinds = list(KINDS)
    case = 0
    while sum(judged for judged, _ in counts.values()) < cases:
        kind = kinds[case % len(kinds)]
        case += 1
        at = int(random.integers(len(images)))
        image = images[at : at + 1]
        with torch.inference_mode():
            target = int(network(image).argmax())
        report = judge(network, image, as_attribution(KINDS[kind](random), target))
        if report.placements:  # else nothing is claimed
            counts[kind][0] += 1
            counts[kind][1] += is_better(report)
    counts["all"] = np.array(list(counts.values())).sum(axis=0).tolist()
    print("\n| random maps | judged | called better |\n| --- | --- | --- |")
    for kind, (judged, better) in counts.items():
        print(f"| {kind} | {judged} | {better / max(judged, 1):.3f} |", flush=True)
    return {k: {"judged": n, "better": better / max(n, 1)} for k, (n, better) in counts.items()}


def draw_gains(
    random: np.random.Generator, groups: int, most: int, skew: str, effect: float
) -> Floats:
    """(6, G), sums of the gains on two measures over three baseline maps, alike within groups.

    The noise of an image, and of a group, is one third of a measure, of a baseline and its own
    each, so that gains are correlated as those of one map are.
    """
    sizes = random.integers(1, most + 1, groups)
    group = np.repeat(np.arange(groups), sizes)

    def noise(count: int) -> Floats:
        drawn: Floats = random.normal(size=count)
        if skew != "symmetric":
            drawn = (random.exponential(size=count) - 1) * (1 if skew == "skewed up" else -1)
        return drawn

    def of_images() -> Floats:
        found: Floats = np.sqrt(0.3) * noise(groups)[group] + np.sqrt(0.7) * noise(len(group))
        return found

    measures, baselines = [of_images() for _ in range(2)], [of_images() for _ in range(3)]
    gains = [
        effect + (of_measure + of_baseline + of_images()) / np.sqrt(3)
        for of_measure in measures
        for of_baseline in baselines
    ]
    return np.array([np.bincount(group, each, groups) for each in gains])


def _count_better(
    cases: int, groups: int, most: int, skew: str, effect: float
) -> tuple[float, float]:
    """Shares of the data sets: any of six gains is called better; the first is."""
    random = np.random.default_rng([groups, most, SKEWS.index(skew), round(10 * effect)])
    any_better = first_better = 0
    for _ in range(cases):
        moves = draw_gains(random, groups, most, skew, effect)
        better = (sign_flip_p(moves) <= SIGNIFICANT_MEAN) & (moves.sum(axis=1) > 0)
        any_better += better.any()
        first_better += better[0]
    return any_better / cases, first_better / cases


def list_test_sets(cases: int) -> list[dict[str, object]]:
    """How often gains without worth, and true ones, are called better."""
    print("| groups | " + " | ".join(f"false, {skew}" for skew in SKEWS) + " | power |")
    print("|" + " --- |" * (len(SKEWS) + 2))
    records: list[dict[str, object]] = []
    for groups in GROUPS:
        for most in MOST:
            false = [_count_better(cases, groups, most, skew, 0)[0] for skew in SKEWS]
            power = _count_better(cases, groups, most, "symmetric", EFFECT)[1]
            records.append({"groups": groups, "most": most, "false": false, "power": power})
            shares = " | ".join(f"{each:.3f}" for each in [*false, power])
            print(f"| {groups} of up to {most} | {shares} |", flush=True)
    return records


def list_grad_cams(run: LoadedRun, data: Path, images: int) -> dict[str, object]:
    """Maps of the network, and of one with weights drawn anew, judged by the network."""
    random = np.random.default_rng(0)
    test = [row for row in read_split(run.run.path).rows if row.part == "test"]
    chosen = [test[index] for index in random.permutation(len(test))[:images]]
    networks = {"trained": run.backbone, "weights drawn anew": randomise(run.backbone)}
    reports: dict[str, dict[str, QualityReport]] = {name: {} for name in networks}
    for row in chosen:
        pixels = read_pixels(data / row.image, run.px)
        target, image = predict_image(run, pixels).predicted, as_input(run, pixels)
        for name, network in networks.items():
            made = explain(network, image, method="grad-cam", target=target)[0]
            reports[name][row.image] = judge(
                run.backbone, image, as_attribution(made.values, target)
            )
    print("\n| Grad-CAM of | evaluated | better on insertion or deletion | over the test images |")
    print("| --- | --- | --- | --- |")
    return {
        name: _describe(name, found, {row.image: row.unit for row in chosen})
        for name, found in reports.items()
    }


def _describe(
    name: str, reports: Mapping[str, QualityReport], group_by_image: Mapping[str, str]
) -> dict[str, object]:
    judged = [each for each in reports.values() if each.placements]
    share = float(np.mean([is_better(each) for each in judged])) if judged else float("nan")
    by_image = {image: [replace(each, method="grad-cam")] for image, each in reports.items()}
    said = describe_method(summarise(by_image, group_by_image))
    print(f"| {name} | {len(judged)} | {share:.2f} | {said} |", flush=True)
    return {"judged": len(judged), "better": share, "said": said}


if __name__ == "__main__":
    main()
