"""How smoothly eleven maps move together, how soon an opacity is seen, and what is sent for them.

`python -m benchmarks.lens` opens the lens alone (tests/browser/lens_page.py) in a real Chromium
that is wide enough for eleven tiles of 448 px and the image's own. In each frame the pointer, the
zoom or nothing is moved, in turns: the ratio says what the lens costs beside all else that the
machine does, and the processor's time a frame, of page and drawing, what a quiet machine could do.
Payloads are the JSON of a field of 224 px with eleven maps. Limited by: the processor, since a
headless Chromium draws without a GPU, and what else runs on its cores.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright
from scipy import ndimage

from pages.lens.data import Scene, TileMap, payload
from tests.browser.chromium import find_chromium
from tests.browser.lens_scene import make_scene

LIMITS = {
    "pointer, frames a second": ("at least", 30.0),
    "zoom, frames a second": ("at least", 30.0),
    "opacity, ms until it is seen": ("at most", 50.0),
    "kB sent, feature maps of 7 to 56 px": ("at most", 600.0),
    "kB sent, signed maps of 224 px": ("at most", 600.0),
    "kB sent, unsigned maps of 224 px": ("at most", 600.0),
}
# Acts once a frame; resolves with the milliseconds from each act to the frame after it was drawn,
# or, where nobody waits for that, to the next frame.
FRAMES = """
async ([action, count, waits]) => {
  const hosts = [...document.querySelectorAll('*')];
  const root = hosts.find(each => each.shadowRoot?.querySelector('.lens')).shadowRoot;
  const base = root.querySelectorAll('.base')[5];
  const box = base.getBoundingClientRect();
  const range = root.querySelector('input[type=range]');
  const frame = () => new Promise(requestAnimationFrame);
  const act = new Function('index', 'base', 'box', 'range', action);
  const times = [];
  await frame();
  for (let index = 0; index < count; index++) {
    const before = performance.now();
    act(index, base, box, range);
    await frame();
    if (waits) await frame();
    times.push(performance.now() - before);
  }
  return times;
}
"""
POINTER = """
  const turn = index / 9;
  base.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, composed: true,
    clientX: box.left + box.width * (0.5 + 0.4 * Math.cos(turn)),
    clientY: box.top + box.height * (0.5 + 0.4 * Math.sin(turn)) }));
"""
WHEEL = """
  base.dispatchEvent(new WheelEvent('wheel', { bubbles: true, composed: true, cancelable: true,
    deltaY: index % 60 < 30 ? -30 : 30,
    clientX: box.left + box.width / 3, clientY: box.top + box.height / 3 }));
"""
OPACITY = """
  range.value = index % 2 ? 30 : 80;
  range.dispatchEvent(new Event('input'));
"""


def main() -> None:
    """Measure, print a table for people, then one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=40, help="of each movement and round")
    parser.add_argument("--rounds", type=int, default=5, help="in turns; medians are told")
    options = parser.parse_args()
    with _serve() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 2940, "height": 1510})
        page.goto(f"{address}/?case=square&outlines=1")
        page.locator(".tile .value").nth(11).get_by_text("max").wait_for(timeout=120_000)
        side = page.locator(".base").nth(1).evaluate("each => each.height")
        figures = _movements(page, options.frames, options.rounds)
        browser.close()
    figures |= _payloads()
    print(f"eleven tiles of {side} px and the image's own")
    for name, value in figures.items():
        word, limit = LIMITS.get(name, ("", 0))
        is_held = value <= limit if word == "at most" else value >= limit
        told = f"({word} {limit:g}){'' if is_held else '  MISSED'}" if word else ""
        print(f"{name:45} {value:8.2f}   {told}".rstrip())
    rounded = {name: round(value, 2) for name, value in figures.items()}
    print(json.dumps({"cores": os.cpu_count(), **rounded}))


def _movements(page: Page, frames: int, rounds: int) -> dict[str, float]:
    """Frames a second, their ratio to those without any movement, and what the processor does."""
    actions = {"still": "", "pointer": POINTER, "zoom": WHEEL}
    rates: dict[str, list[float]] = {name: [] for name in actions}
    loads: dict[str, list[float]] = {name: [] for name in actions}
    waits: list[float] = []
    for _ in range(rounds):
        for name, action in actions.items():
            page.evaluate(FRAMES, [action, 5, False])  # warm
            before = _processor_seconds()
            times = page.evaluate(FRAMES, [action, frames, False])
            loads[name].append(1000 * (_processor_seconds() - before) / frames)
            rates[name].append(1000 * frames / sum(times))
        waits += page.evaluate(FRAMES, [OPACITY, frames, True])
    figures = {}
    for name in ("pointer", "zoom"):
        ratios = [moved / still for moved, still in zip(rates[name], rates["still"], strict=True)]
        figures[f"{name}, frames a second"] = statistics.median(rates[name])
        figures[f"{name}, of the frames with nothing moved"] = statistics.median(ratios)
        figures[f"{name}, processor ms a frame"] = statistics.median(loads[name])
    return figures | {"opacity, ms until it is seen": statistics.median(waits)}


def _processor_seconds() -> float:
    """Of all processes of the browser so far."""
    seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                times = process.cpu_times()
                seconds += times.user + times.system
    return seconds


def _payloads() -> dict[str, float]:
    scene = make_scene("small")
    generator = np.random.default_rng(0)
    figures = {"kB sent, feature maps of 7 to 56 px": _kilobytes(scene)}
    for name, signed in (("signed", True), ("unsigned", False)):
        tiles = []
        for tile in scene.tiles:
            # A gradient's map has many small values and few large ones, alike only nearby.
            noise = generator.laplace(size=(224, 224)) * ndimage.gaussian_filter(
                generator.random((224, 224)), 12
            )
            values = (noise if signed else np.abs(noise)).astype(np.float32)
            assert tile.map is not None
            tile_map = TileMap(values, "logits", signed, tile.map.box, "Early")
            tiles.append(replace(tile, map=tile_map))
        figures[f"kB sent, {name} maps of 224 px"] = _kilobytes(replace(scene, tiles=tuple(tiles)))
    return figures


def _kilobytes(scene: Scene) -> float:
    return len(json.dumps(payload(scene))) / 1000


@contextmanager
def _serve() -> Iterator[str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "tests/browser/lens_page.py"]
    server = subprocess.Popen(
        [*command, "--server.headless=true", f"--server.port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while server.poll() is None:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        else:
            sys.exit(f"The page ended with {server.returncode}; run it by hand to see why.")
        yield address
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
