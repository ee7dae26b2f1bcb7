"""How long the app keeps a person waiting, in a real Chromium, and what memory its server takes.

`python -m benchmarks.app` makes runs of its own in a temporary folder: eleven networks that start
at random and synthetic smears, since only time is looked at, and 10 and 100 runs with predictions
of 1,000 test images. Times are milliseconds from the click, or the address, to the frame after what
was asked for is there, as the page's own clock says; the median of the rounds. Limited by: the
processor, how many cores Chromium shares with the server, and the file cache.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import Part, Split, SplitRow
from modelzoo.datasets.synthetic.smears import KINDS, write_smears
from modelzoo.demo import DEMO_BACKBONES
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.history import append_history
from modelzoo.runs.predictions import Predictions, write_predictions
from modelzoo.runs.records import write_split
from modelzoo.runs.status import Status, write_status
from tests.browser.chromium import find_chromium

LITE0 = "tf_efficientnet_lite0"
LIMITS = {  # milliseconds, megabytes: what a person should not have to wait for, or to own
    "cold start to first paint": 5000,
    "page change": 1500,
    "warm click on Explain": 1000,
    "next image, eleven warm models: first tile": 1000,
    "next image, eleven warm models: all tiles": 2000,
    "eleven cold models: first tile": 2000,
    "eleven cold models: all tiles": 15000,
    "Compare, 10 runs of 1,000 images": 1500,
    "Compare, 100 runs of 1,000 images": 4000,
    "server after every page and eleven models": 4000,
    "growth over further explanations": 100,
}
# Resolves with the page's clock when the condition holds, in the frame after it was painted.
UNTIL = """
async ([condition, timeout]) => {
  const holds = new Function('return ' + condition);
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  const end = performance.now() + timeout;
  while (!holds()) {
    if (performance.now() > end) throw new Error('not within ' + timeout + ' ms: ' + condition);
    await frame();
  }
  await frame();
  return performance.timeOrigin + performance.now();
}
"""
# The script has ended, and what it sent is drawn.
IDLE = (
    "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    " && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')"
    " && [...document.querySelectorAll('[data-testid=stPlotlyChart]')]"
    ".every(each => each.querySelector('.main-svg'))"
)
MAPPED = "document.querySelector('[data-testid=stImage] img[alt^=Grad]')"
# The lens is a component with a root of its own; its first tile is the image.
LENS = (
    "[...document.querySelectorAll('*')].map(each => each.shadowRoot)"
    ".find(root => root?.querySelector('[role=listbox]'))"
)


@dataclass(frozen=True, slots=True)
class Server:
    """The app over one folder of runs."""

    address: str
    process: psutil.Process

    def memory(self) -> float:
        """Resident megabytes."""
        return float(self.process.memory_info().rss) / 1e6


def main() -> None:
    """Measure everything once: a line for each figure, then all as one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="of each time; the median is told")
    parser.add_argument("--explanations", type=int, default=200, help="while memory is watched")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        figures = _measure(Path(folder), browser, options.rounds, options.explanations)
        browser.close()
    print(json.dumps({"cores": os.cpu_count(), **{name: round(v) for name, v in figures.items()}}))


def _tell(figures: dict[str, float], name: str, value: float) -> None:
    """Keep a figure, and print it at once, so that none is lost when a later one fails."""
    figures[name] = value
    unit = "MB" if "server" in name or "growth" in name else "ms"
    held = "" if value <= LIMITS[name] else "  OVER"
    print(f"{name:45} {value:8.0f} {unit}   (at most {LIMITS[name]}){held}", flush=True)


def _measure(folder: Path, browser: Browser, rounds: int, explanations: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    tell = partial(_tell, figures)
    for count in (10, 100):
        home = folder / f"compare-{count}"
        _write_tested_runs(home, count)
        with serve(home) as server:
            median = _median_of(rounds, _time_compare(browser, server))
        tell(f"Compare, {count} runs of 1,000 images", median)
    home = folder / "explain"
    write_models(home)
    starts = [_time_cold_start(home, browser) for _ in range(3)]
    tell("cold start to first paint", statistics.median(starts))
    with serve(home) as server:
        tell("page change", _median_of(rounds, _time_page_change(browser, server)))
        page = open_page(browser, server, f"explain?run={LITE0}")
        tell("warm click on Explain", _median_of(3 * rounds, _time_explain(page)))
        page.context.close()
    with serve(home) as server:
        for name, value in _measure_eleven(browser, server, rounds).items():
            tell(name, value)
        for name in ("", "compare", "train", *(f"explain?run={each}" for each in DEMO_BACKBONES)):
            open_page(browser, server, name).context.close()
        tell("server after every page and eleven models", server.memory())
        page = open_page(browser, server, f"explain?run={LITE0}&run=resnet50")
        click = _time_explain(page)
        for _ in range(20):
            click()
        before = server.memory()
        for _ in range(explanations):
            click()
        tell("growth over further explanations", max(0.0, server.memory() - before))
        page.context.close()
    return figures


# What is timed


def _time_cold_start(home: Path, browser: Browser) -> float:
    """From the command to Home's first paint, in a tab that is open already."""
    page = browser.new_context().new_page()
    started = time.time()
    with serve(home) as server:
        page.goto(server.address)
        painted = until(page, "document.querySelector('[data-testid=stHeading]')")
        page.context.close()
    return painted - 1000 * started


def _time_page_change(browser: Browser, server: Server) -> Callable[[], float]:
    """Between Home, Compare and Train by the links on top, each opened before."""
    page = open_page(browser, server, "")
    names = ("Compare", "Train", "Home")
    for name in names:
        page.get_by_role("link", name=name, exact=True).first.click()
        until(page, f"{_titled(name)} && {IDLE}")
    turns = (name for _ in range(10_000) for name in names)

    def change() -> float:
        name = next(turns)
        link = page.get_by_role("link", name=name, exact=True).first
        started = _now(page)
        link.click()
        return until(page, f"{_titled(name)} && {IDLE}") - started

    return change


def _time_compare(browser: Browser, server: Server) -> Callable[[], float]:
    """From Home by the link until the first section of Compare is there."""
    page = open_page(browser, server, "compare")

    def change() -> float:
        page.get_by_role("link", name="Home", exact=True).first.click()
        until(page, f"{_titled('Home')} && {IDLE}")
        link = page.get_by_role("link", name="Compare", exact=True).first
        started = _now(page)
        link.click()
        charts = "document.querySelectorAll('[data-testid=stPlotlyChart] .main-svg').length > 0"
        return until(page, f"{_titled('Compare')} && {charts} && {IDLE}") - started

    change()
    return change


def _measure_eleven(browser: Browser, server: Server, rounds: int) -> dict[str, float]:
    """All models over one image: from disk, and for another image when they are in memory."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(server.address)  # as the app opens: with the map of the model that comes with it
    until(page, f"{_titled('Home')} && {MAPPED} && {IDLE}", 120_000)
    started = _now(page)
    page.get_by_role("link", name="Explain", exact=True).first.click()
    first = until(page, filled(1), 120_000) - started
    whole = until(page, filled(len(DEMO_BACKBONES)), 120_000) - started
    until(page, IDLE, 120_000)
    times = []
    for _ in range(rounds):
        shown = page.evaluate(f"{LENS}.querySelector('[role=option] b').textContent")
        changed = f"{LENS}.querySelector('[role=option] b').textContent !== {json.dumps(shown)}"
        clicked = _now(page)
        page.get_by_role("button", name="Next").click()
        one = until(page, f"{changed} && {filled(1)}", 120_000) - clicked
        every = until(page, filled(len(DEMO_BACKBONES)), 120_000) - clicked
        until(page, IDLE, 120_000)
        times.append((one, every))
    page.context.close()
    ones, alls = zip(*times, strict=True)
    return {
        "eleven cold models: first tile": first,
        "eleven cold models: all tiles": whole,
        "next image, eleven warm models: first tile": statistics.median(ones),
        "next image, eleven warm models: all tiles": statistics.median(alls),
    }


def _time_explain(page: Page) -> Callable[[], float]:
    """Another image in the same models, until every tile has changed."""
    models = page.url.count("run=")
    until(page, f"{filled(models)} && {IDLE}", 120_000)
    cycle = (f"{kind}/{kind}_{index % 50 + 5:03d}.jpg" for index in range(10**6) for kind in KINDS)

    def click() -> float:
        image = next(cycle)
        box = page.get_by_role("combobox", name="Image of a data set")
        box.click()
        box.fill(image)
        option = page.get_by_role("option", name=image, exact=True)
        option.wait_for()
        started = _now(page)
        option.click()
        changed = f"{LENS}.querySelector('[role=option] b').textContent === {json.dumps(image)}"
        return until(page, f"{changed} && {filled(models)}") - started

    click()
    return click


# What is measured with


def open_page(browser: Browser, server: Server, address: str) -> Page:
    """A tab of its own at this address, once all of it is drawn."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{server.address}/{address}")
    until(page, f"document.querySelector('[data-testid=stHeading]') && {IDLE}", 120_000)
    if "explain" in address:
        until(page, filled(1), 120_000)
    return page


def _titled(name: str) -> str:
    return f"document.querySelector('h1')?.textContent.startsWith('{name}')"


def filled(tiles: int) -> str:
    """At least so many tiles of models are."""
    return (
        f"{LENS} && [...{LENS}.querySelectorAll('[role=option]')].slice(1)"
        f".filter(each => !each.querySelector('.status')).length >= {tiles}"
    )


def until(page: Page, condition: str, timeout: int = 30_000) -> float:
    """When the condition held, in milliseconds of the page's clock; within `timeout` of them."""
    return float(page.evaluate(UNTIL, [condition, timeout]))


def _now(page: Page) -> float:
    return float(page.evaluate("performance.timeOrigin + performance.now()"))


def _median_of(rounds: int, measure: Callable[[], float]) -> float:
    measure()  # warm
    return statistics.median(measure() for _ in range(rounds))


@contextmanager
def serve(home: Path) -> Iterator[Server]:
    """The app over this home, once it answers; it ends with the block."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    server = subprocess.Popen(
        [*command, "--server.headless=true", f"--server.port={port}"],
        env=os.environ | {"BLASTLENS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_healthy(address, server)
        yield Server(address, psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait(20)


def _wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    sys.exit(f"The app ended with {server.returncode}; `make app` says why.")


# What is looked at


def _write_tested_runs(home: Path, count: int) -> None:
    """`count` runs of 1,000 test images each, of all backbones, under one split."""
    generator = np.random.default_rng(0)
    names = list(DEMO_BACKBONES)
    for index in range(count):
        config = TrainConfig(data="smears", backbone=names[index % len(names)])
        run = create_run(home / "runs", f"{config.backbone}-{index:03d}", config)
        _write_results(run, generator, [f"{image:04d}.jpg" for image in range(2000)])


def write_models(home: Path, names: Iterable[str] = DEMO_BACKBONES) -> None:
    """One run a backbone with a network that starts at random, and the smears it knows."""
    data = home / "data" / "synthetic-smears"
    write_smears(data, images_per_class=60)
    images = sorted(path.relative_to(data).as_posix() for path in data.glob("*/*.jpg"))
    generator = np.random.default_rng(0)
    for name in names:
        config = TrainConfig(data=str(data), backbone=name, weights="none")
        run = create_run(home / "runs", name, config)
        split = _write_results(run, generator, images)
        backbone = create_backbone(name, len(KINDS), seed=0)
        write_backbone(run.path, backbone, tuple(sorted(KINDS)), config.px)
        width = backbone.classifier.in_features
        embeddings = generator.normal(size=(len(images), width)).astype(np.float32)
        write_neighbours(run.path, embeddings, tuple(images), split)


def _write_results(run: Run, generator: np.random.Generator, images: list[str]) -> Split:
    """The split, half of it test, and predictions that are right three times in four or so."""
    classes = tuple(sorted(KINDS))
    parts: tuple[Part, ...] = ("test", "train", "test", "validation")
    rows = (
        SplitRow(image, classes[at % 4], f"group-{at // 8}-{at % 4}", parts[at // 4 % 4])
        for at, image in enumerate(images)
    )
    split = Split(tuple(rows))
    labels = np.arange(len(images)) % 4
    logits = generator.normal(size=(len(images), 4)).astype(np.float32)
    logits += 2 * np.eye(4, dtype=np.float32)[labels]
    odds = np.exp(logits)
    write_split(run.path, split)
    write_predictions(
        run.path,
        Predictions(
            tuple(images),
            tuple(row.part for row in split.rows),
            labels,
            classes,
            logits,
            odds / odds.sum(1, keepdims=True),
        ),
    )
    for epoch in range(1, 31):
        loss = float(1 / epoch + generator.normal(scale=0.01))
        train = {"train_loss": loss, "train_accuracy": 1 - loss / 2}
        validation = {"validation_loss": loss + 0.05, "validation_accuracy": 0.95 - loss / 2}
        append_history(run.path, {"epoch": epoch} | train | validation)
    write_status(run.path, Status(state="done", epoch=30, epochs=30))
    return split


if __name__ == "__main__":
    main()
