"""Draw the README's pictures from the running app: `make pictures`, after `make demo`.

Everything in them is the demo's: synthetic smears, and runs trained on them.
"""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from modelzoo import paths
from modelzoo.evaluation.rows import best_first, read_leaderboard
from modelzoo.papers.systems import PAPERS
from modelzoo.runs.folder import list_runs
from modelzoo.runs.records import read_split
from tests.browser.chromium import find_chromium

PICTURES = Path(__file__).parent / "pictures"
PORT = 8599
MAPPED = "[role=option] .marks"  # of a tile with a prediction
# Each picture: the page's address, in which {image} is a test image, what is there once it is
# drawn, and the view's height.
VIEWS = {
    "home": ("", "img[alt^=Grad]", 1000),
    "compare": ("compare", "[data-testid=stPlotlyChart] .main-svg", 1150),
    "explain": ("explain?image={image}", MAPPED, 900),
    "cells": (
        "explain?image={image}&method=Shapley+values+per+cell&method=Grad-CAM",
        MAPPED,
        900,
    ),
    "papers": (
        f"papers?paper={quote(PAPERS['anand2025'].title)}",
        "[data-testid=stDataFrame] canvas",
        1150,
    ),
    "train": ("train?train_run=demo-resnet50", "[data-testid=stPlotlyChart] .main-svg", 1580),
}


def main() -> None:
    """Start the app, draw each page, stop it."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    server = subprocess.Popen(
        [*command, "--server.headless=true", f"--server.port={PORT}"], stdout=subprocess.DEVNULL
    )
    try:
        _wait_until_healthy(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=["--no-sandbox"]
            )
            for name, (address, drawn, height) in VIEWS.items():
                page = browser.new_page(viewport={"width": 1440, "height": height})
                page.goto(f"http://127.0.0.1:{PORT}/{address.format(image=_test_image())}")
                draw(page, drawn, PICTURES / f"{name}.png")
                page.close()
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"http://127.0.0.1:{PORT}/compare?entry={quote(_largest_mistake())}")
            page.locator("img[alt*=', predicted ']").first.wait_for(timeout=120_000)
            expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
            images = page.get_by_role("heading", name="Images of this entry")
            images.evaluate("each => each.scrollIntoView({block: 'center'})")
            draw(page, "img[alt*=', predicted ']", PICTURES / "cell.png")
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


def _test_image() -> str:
    """The first image of class Pro that no model of the demo was trained on."""
    rows = read_split(paths.runs_folder() / "demo-tf_efficientnet_lite0").rows
    return next(row.image for row in rows if row.part == "test" and row.label == "Pro")


def _largest_mistake() -> str:
    """The entry of the second best run with most errors, as it stands in the address."""
    found, _ = list_runs(paths.runs_folder())
    row = best_first(read_leaderboard(found).rows)[1]
    wrong = row.evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    label, predicted = divmod(int(wrong.argmax()), len(wrong))
    classes = row.evaluation.classes
    return f"{row.run_id}: {classes[label]} predicted as {classes[predicted]}"


def draw(page: Page, drawn: str, file: Path) -> None:
    """Save what `page` shows once `drawn` is there and nothing is left to come."""
    page.locator(drawn).first.wait_for(timeout=120_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=60_000)
    expect(page.get_by_text("Computing: ")).to_have_count(0, timeout=300_000)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=60_000)
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.mouse.move(0, 0)
    page.screenshot(path=file, animations="disabled")
    # What is drawn again every two seconds fades meanwhile.
    while page.locator("[data-stale=true]").count():
        page.screenshot(path=file, animations="disabled")
    print(file)


def _wait_until_healthy(server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            continue
    sys.exit("The app did not start; `make app` says why.")


if __name__ == "__main__":
    main()
