"""The first minute on an empty machine."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from modelzoo import paths
from modelzoo.backbones.weights import list_weights
from modelzoo.demo import DEMO_BACKBONES
from modelzoo.runs.folder import list_runs
from modelzoo.runs.status import read_status
from tests.run_folders import make_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nothing is here; at the end nothing trains."""
    home = tmp_path_factory.mktemp("empty")
    yield home
    for run in list_runs(home / "runs")[0]:
        if pid := read_status(run.path, now=time.time()).pid:  # 0 would be this very process
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], empty_home: Path) -> str:
    return serve(empty_home)


def test_ten_tabs_at_once_each_get_their_page(page: Page, address: str) -> None:
    # The first that this server is asked for: all of them wait for the same imports.
    tabs = [page, *(page.context.new_page() for _ in range(9))]

    for tab in tabs:
        tab.goto(address, wait_until="commit")

    for tab in tabs:
        expect(tab.get_by_text("Nothing has been trained here yet.")).to_be_visible()


def test_one_click_queues_the_demo_and_every_page_says_so(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("img[alt^='Grad-CAM of EfficientNet-Lite0. ']")).to_be_visible()
    for door in ("Compare models", "Explain an image", "Train a model"):
        expect(page.get_by_role("link", name=door)).to_be_visible()

    page.get_by_role("button", name="Train the demo").click()

    here = [state for state in list_weights(paths.weights_folder()) if state.path]
    said = f"The demo has trained 0 of {len(here)} backbones on synthetic smears"
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_text("the rest takes about")).to_be_visible()
    expect(page.get_by_role("button", name="Train the demo")).to_have_count(0)
    page.get_by_role("link", name="Explain an image").click()
    expect(page.get_by_text("synthetic-smear.png: a synthetic smear").first).to_be_visible()
    page.get_by_text("No model has been trained here yet").click()
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).first.click()
    expect(page.locator("[class*='st-key-work-demo-']")).to_have_count(len(here))


def test_what_waits_for_weights_says_so_and_a_fetch_says_why_it_failed(
    page: Page, serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_CACHE", "TORCH_HOME", "BLASTLENS_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path))  # nothing but the package of Lite0
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    make_run(tmp_path / "runs", "demo-tf_efficientnet_lite0")
    page.goto(serve(tmp_path))
    waits = page.get_by_text(re.compile("In the demo EfficientNet-B0, .* and VGG19 wait for"))
    expect(waits).to_contain_text("(not fetched yet)")

    page.get_by_role("button", name="Fetch missing weights").first.click()

    expect(waits).to_contain_text("(the server refused)")
    page.get_by_role("button", name="Train from scratch").click()
    expect(page.get_by_role("button", name="VGG16", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=f"All {len(DEMO_BACKBONES) - 1}")).to_be_visible()
