"""Sessions of one server in one Chromium that explain different images at the same time.

Each shows another of two models; all go on to the next image before any is waited for, and some
tabs are closed while their maps are computed. What a page shows, the overlay in Attribution
maps, is compared with the one that xai makes of the image that the page names.

The colours of two computations of one map differ by rounding: another batch, other threads. How far
any other map, of another image or model, is from it over the same picture is measured first (in
the greatest difference of a colour). What differs from the expected overlay by less than half of
that is nearer to it than to every other one, by the triangle inequality.
"""

import hashlib
import io
import json
import random
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.app import IDLE, LENS, Server, filled, serve, until, write_models
from pages.lens.display import Display
from pages.shell.pictures import DISPLAY_PX
from tests.browser.chromium import find_chromium
from xai.attribution import Attribution
from xai.draw.overlay import render_overlay
from xai.draw.scale import as_share, shared_vmax
from xai.on_runs.explain import explain_image
from xai.on_runs.open import open_run, read_pixels
from xai.on_runs.predict import predict_image

MODELS = ("tf_efficientnet_lite0", "efficientnet_b0")
CLOSED = 0.05  # of the turns end with the tab closed before its map is there
WARM_SECONDS = 120.0  # models are read and caches filled: memory is looked at from then on
PATIENCE_MS = 180_000
READS = 6  # of one map
NEAREST = 3  # maps that are drawn over the picture of another
TITLE = f"{LENS}?.querySelector('[role=option] b')?.textContent"
OVERLAY = "document.querySelector('[data-testid=stImage] img[alt^=Grad]')"
READ = f"""
async () => {{
  const overlay = {OVERLAY};
  if (!overlay) return null;  // it is drawn again just now
  const answer = await fetch(overlay.src);
  if (!answer.ok) return null;  // the page is being drawn again, and its file is gone
  return {{title: {TITLE}, png: Array.from(new Uint8Array(await answer.arrayBuffer()))}};
}}
"""
Picture: TypeAlias = "np.ndarray[Any, Any]"  # (height, width, 3) uint8


@dataclass(frozen=True, slots=True)
class _Expected:
    """What xai draws of every image by every model, without pages or a server."""

    pictures: dict[str, Picture]  # by image
    maps: dict[tuple[str, str], Attribution]  # by model and image: shares of the greatest value
    nearest: int  # of 255: least difference of any other map from the right one, over one picture

    def is_right(self, drawn: Picture, model: str, image: str) -> bool:
        return self.measure(drawn, model, image) < self.nearest / 2

    def measure(self, drawn: Picture, model: str, image: str) -> int:
        """How far it is from the overlay that is expected, of 255 (256: another size)."""
        return _measure(drawn, _draw(self.pictures[image], self.maps[model, image]))


@dataclass(slots=True)
class _Tab:
    """One session: a tab with a context of its own."""

    page: Page
    model: str
    shown: str  # id of the image that was shown before


def soak(home: Path, sessions: int, minutes: float, seed: int) -> dict[str, Any]:
    """Let so many sessions explain for so long; how many maps were wrong, and the memory."""
    home.mkdir()
    write_models(home, MODELS)
    chance = random.Random(seed)
    expected = _expect(home)
    with sync_playwright() as playwright, serve(home) as server:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        tabs = [_open(browser, server, home, MODELS[at % 2], chance) for at in range(sessions)]
        told = _take_turns(browser, server, home, tabs, minutes, chance, expected)
        browser.close()
    return {"sessions": sessions, "minutes": minutes, "nearest": expected.nearest} | told


def table(results: dict[str, Any]) -> str:
    """What was counted."""
    memory = results["memory_mb"]
    later = [mb for seconds, mb in memory if seconds >= min(WARM_SECONDS, memory[-1][0] / 2)]
    cells = (
        results["sessions"],
        f"{results['minutes']:g}",
        results["maps"],
        results["distinct"],
        len(results["wrong"]),
        f"{results['off']} ({results['nearest']})",
        results["closed"],
        len(results["problems"]),
        f"{later[0]:.0f}",
        f"{later[-1]:.0f}",
        f"{max(later) - later[0]:+.0f}",
    )
    return (
        "| sessions | minutes | maps compared | different ones | wrong | most that a right one was"
        " off, of 255 (another map: at least) | tabs closed at work | pages that showed none |"
        " server after 2 minutes, MB | at the end, MB | most above the former, MB |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| " + " | ".join(map(str, cells)) + " |"
    )


def _take_turns(
    browser: Browser,
    server: Server,
    home: Path,
    tabs: list[_Tab],
    minutes: float,
    chance: random.Random,
    expected: _Expected,
) -> dict[str, Any]:
    started = time.monotonic()
    wrong: list[str] = []
    problems: list[str] = []
    seen: set[str] = set()
    maps = closed = again = off = 0
    memory: list[tuple[float, float]] = []
    while time.monotonic() - started < 60 * minutes:
        for at, tab in enumerate(tabs):
            name = chance.choice(["Next", "Previous"])
            tab.page.get_by_role("button", name=name, exact=True).click()
            if chance.random() < CLOSED:
                tab.page.context.close()
                closed += 1
                tabs[at] = _open(browser, server, home, tab.model, chance)
        for at, tab in enumerate(tabs):
            try:
                image, drawn, reads = _read(tab, expected)
            except Exception as error:  # noqa: BLE001  # counted, and the session is begun anew
                problems.append(f"{tab.model}: {str(error)[:300]}")
                print(problems[-1], flush=True)
                tab.page.context.close()
                tabs[at] = _open(browser, server, home, tab.model, chance)
                continue
            maps += 1
            again += reads > 1
            seen.add(hashlib.sha256(drawn.tobytes()).hexdigest())
            if expected.is_right(drawn, tab.model, image):
                off = max(off, expected.measure(drawn, tab.model, image))
            else:
                wrong.append(_name_wrong(drawn, tab.model, image, expected))
                print(wrong[-1], flush=True)
        memory.append((time.monotonic() - started, server.memory()))
        print(f"{memory[-1][0]:5.0f} s: {maps} maps, {memory[-1][1]:.0f} MB", flush=True)
    return {
        "maps": maps,
        "distinct": len(seen),
        "wrong": wrong,
        "off": off,
        "closed": closed,
        "read_again": again,
        "problems": problems,
        "memory_mb": memory,
    }


def _open(browser: Browser, server: Server, home: Path, model: str, chance: random.Random) -> _Tab:
    """A tab at a random image, whose map need not be there yet."""
    page = browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    image = chance.choice(_list_images(home))
    choices = {"run": model, "image": image, "view": "Attribution maps", "detail": model}
    page.goto(f"{server.address}/explain?{urlencode(choices)}")
    until(page, f"{TITLE} && {IDLE}", PATIENCE_MS)
    return _Tab(page, model, "")


def _read(tab: _Tab, expected: _Expected) -> tuple[str, Picture, int]:
    """The image that the page names, another than before, the overlay, and how often it was read.

    A page is drawn from top to bottom, so that for a moment it may name the next image above the
    overlay of the one before: what does not match is read again before it counts.
    """
    other = f"{TITLE} && {TITLE} !== {json.dumps(tab.shown)}"
    for reads in range(1, READS + 1):
        until(tab.page, f"{other} && {filled(1)} && {OVERLAY} && {IDLE}", PATIENCE_MS)
        if read := tab.page.evaluate(READ):
            image = read["title"]
            drawn = np.asarray(Image.open(io.BytesIO(bytes(read["png"]))).convert("RGB"))
            if expected.is_right(drawn, tab.model, image) or reads == READS:
                tab.shown = image
                return image, drawn, reads
        tab.page.wait_for_timeout(500)
    raise TimeoutError(f"the overlay of {tab.model} could not be fetched {READS} times")


def _expect(home: Path) -> _Expected:
    """Explain every image by every model, and compare all maps over one another's pictures."""
    pictures: dict[str, Picture] = {}
    maps: dict[tuple[str, str], Attribution] = {}
    for model in MODELS:
        run = open_run(home / "runs" / model)
        for image in _list_images(home):
            content = (home / "data" / "synthetic-smears" / image).read_bytes()
            pictures[image] = read_pixels(content, DISPLAY_PX, name=image)
            pixels = read_pixels(content, run.px, name=image)
            target = predict_image(run, pixels).predicted
            found = explain_image(run, pixels, methods=("grad-cam",), target=target)
            maps[model, image] = as_share(found["grad-cam"])  # each on its own scale, as the page
    nearest = min(
        _measure(_draw(pictures[image], right), _draw(pictures[image], other))
        for (model, image), right in maps.items()
        for other in _nearest_others(right, maps)
    )
    print(f"{len(maps)} maps; another one differs by {nearest} of 255 at least", flush=True)
    return _Expected(pictures, maps, nearest)


def _nearest_others(
    right: Attribution, maps: dict[tuple[str, str], Attribution]
) -> list[Attribution]:
    """The maps that differ least from one: only these are drawn, since that takes long."""
    others = [each for each in maps.values() if each is not right]
    far = [float(np.abs(each.values - right.values).max()) for each in others]
    return [others[index] for index in np.argsort(far)[:NEAREST]]


def _name_wrong(drawn: Picture, model: str, image: str, expected: _Expected) -> str:
    """Which map it is nearest to, and how near."""
    far = {
        key: _measure(drawn, _draw(expected.pictures[image], other))
        for key, other in expected.maps.items()
    }
    found = min(far, key=lambda key: far[key])
    return f"{model} {image}: off by {far[model, image]}, from {' '.join(found)} by {far[found]}"


def _draw(picture: Picture, share: Attribution) -> Picture:
    return render_overlay(picture, share, vmax=shared_vmax([share]), opacity=Display().opacity)


def _measure(drawn: Picture, expected: Picture) -> int:
    if drawn.shape != expected.shape:
        return 256
    return int(np.abs(drawn.astype(np.int16) - expected).max())


@cache
def _list_images(home: Path) -> list[str]:
    data = home / "data" / "synthetic-smears"
    return sorted(path.relative_to(data).as_posix() for path in data.glob("*/*.jpg"))
