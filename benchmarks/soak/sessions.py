"""Sessions of one server in one Chromium that explain different images at the same time.

Each shows another of two models; all go on to the next image before any is waited for, and some
tabs are closed while their maps are computed. What a page shows, the overlay in Attribution
maps, is compared with the one that xai makes of the image that the page names.
"""

import hashlib
import io
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.app import IDLE, LENS, Server, filled, serve, until, write_models
from pages.lens.display import Display
from pages.shell.pictures import DISPLAY_PX
from tests.browser.chromium import find_chromium
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
ROUNDING = 4  # of 255
TITLE = f"{LENS}?.querySelector('[role=option] b')?.textContent"
OVERLAY = "document.querySelector('[data-testid=stImage] img[alt^=Grad]')"
READ = f"""
async () => {{
  const overlay = {OVERLAY};
  const answer = await fetch(overlay.src);
  if (!answer.ok) return null;  // the page is being drawn again, and its file is gone
  return {{title: {TITLE}, png: Array.from(new Uint8Array(await answer.arrayBuffer()))}};
}}
"""
Pixels = Callable[[str, str], "np.ndarray[Any, Any]"]


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
    pixels = _overlays(home)
    with sync_playwright() as playwright, serve(home) as server:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        tabs = [_open(browser, server, home, MODELS[at % 2], chance) for at in range(sessions)]
        told = _take_turns(browser, server, home, tabs, minutes, chance, pixels)
        browser.close()
    return {"sessions": sessions, "minutes": minutes} | told


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
        results["closed"],
        len(results["problems"]),
        f"{later[0]:.0f}",
        f"{later[-1]:.0f}",
        f"{max(later) - later[0]:+.0f}",
    )
    return (
        "| sessions | minutes | maps compared | different ones | in the wrong session | tabs closed"
        " at work | pages that showed none | server after 2 minutes, MB | at the end, MB | most"
        " above the former, MB |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| " + " | ".join(map(str, cells)) + " |"
    )


def _take_turns(
    browser: Browser,
    server: Server,
    home: Path,
    tabs: list[_Tab],
    minutes: float,
    chance: random.Random,
    pixels: Pixels,
) -> dict[str, Any]:
    started = time.monotonic()
    wrong: list[str] = []
    problems: list[str] = []
    seen: set[str] = set()
    maps = closed = again = 0
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
                image, drawn, reads = _read(tab, pixels)
            except Exception as error:  # noqa: BLE001  # counted, and the session is begun anew
                problems.append(f"{tab.model}: {str(error)[:300]}")
                print(problems[-1], flush=True)
                tab.page.context.close()
                tabs[at] = _open(browser, server, home, tab.model, chance)
                continue
            maps += 1
            again += reads > 1
            seen.add(hashlib.sha256(drawn.tobytes()).hexdigest())
            if not _is_same(drawn, pixels(tab.model, image)):
                far = _far(drawn, pixels(tab.model, image))
                wrong.append(f"{tab.model} {image}: off by {far} of 255")
                print(wrong[-1], flush=True)
        memory.append((time.monotonic() - started, server.memory()))
        print(f"{memory[-1][0]:5.0f} s: {maps} maps, {memory[-1][1]:.0f} MB", flush=True)
    return {
        "maps": maps,
        "distinct": len(seen),
        "wrong": wrong,
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


def _read(tab: _Tab, pixels: Pixels) -> "tuple[str, np.ndarray[Any, Any], int]":
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
            if _is_same(drawn, pixels(tab.model, image)) or reads == READS:
                tab.shown = image
                return image, drawn, reads
        tab.page.wait_for_timeout(500)
    raise TimeoutError(f"the overlay of {tab.model} could not be fetched {READS} times")


def _overlays(home: Path) -> Pixels:
    """Draws the overlay of one model for one image, without pages or a server."""
    runs = {name: open_run(home / "runs" / name) for name in MODELS}

    @cache
    def draw(model: str, image: str) -> "np.ndarray[Any, Any]":
        content = (home / "data" / "synthetic-smears" / image).read_bytes()
        run = runs[model]
        pixels = read_pixels(content, run.px, name=image)
        target = predict_image(run, pixels).predicted
        (attribution,) = explain_image(run, pixels, methods=("grad-cam",), target=target).values()
        shown = read_pixels(content, DISPLAY_PX, name=image)
        share = as_share(attribution)  # as the page begins: every map on its own scale
        return render_overlay(shown, share, vmax=shared_vmax([share]), opacity=Display().opacity)

    return draw


def _is_same(drawn: "np.ndarray[Any, Any]", expected: "np.ndarray[Any, Any]") -> bool:
    """Whether both show one map: colours are rounded, and sums end in other last bits."""
    return drawn.shape == expected.shape and _far(drawn, expected) <= ROUNDING


def _far(drawn: "np.ndarray[Any, Any]", expected: "np.ndarray[Any, Any]") -> int:
    return int(np.abs(drawn.astype(int) - expected).max())


@cache
def _list_images(home: Path) -> list[str]:
    data = home / "data" / "synthetic-smears"
    return sorted(path.relative_to(data).as_posix() for path in data.glob("*/*.jpg"))
