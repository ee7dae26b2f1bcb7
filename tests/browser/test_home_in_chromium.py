"""The first minute on an empty machine."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from modelzoo.backbones.table import BACKBONES
from modelzoo.runs.folder import list_runs
from modelzoo.runs.status import read_status

pytestmark = pytest.mark.browser


@pytest.fixture
def empty_home(tmp_path: Path) -> Iterator[Path]:
    """Nothing is here; at the end nothing trains."""
    yield tmp_path
    for run in list_runs(tmp_path / "runs")[0]:
        pid = read_status(run.path, now=time.time()).pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_one_click_queues_the_demo_and_every_page_says_so(
    page: Page, serve: Callable[..., str], empty_home: Path
) -> None:
    address = serve(empty_home)
    page.goto(address)
    for door in ("Compare models", "Explain an image", "Train a model"):
        expect(page.get_by_role("link", name=door)).to_be_visible()

    page.get_by_role("button", name="Train the demo").click()

    said = f"The demo has trained 0 of {len(BACKBONES)} backbones on synthetic smears"
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_text("the rest takes about")).to_be_visible()
    expect(page.get_by_role("button", name="Train the demo")).to_have_count(0)
    page.get_by_role("link", name="Explain an image").click()
    expect(page.locator("img[alt='A synthetic smear of class Pre.']")).to_be_visible()
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).first.click()
    expect(page.locator("[class*='st-key-work-demo-']")).to_have_count(len(BACKBONES))


def test_ten_tabs_at_once_each_get_their_page(
    page: Page, serve: Callable[..., str], empty_home: Path
) -> None:
    address = serve(empty_home)
    tabs = [page, *(page.context.new_page() for _ in range(9))]

    for tab in tabs:
        tab.goto(address, wait_until="commit")

    for tab in tabs:
        expect(tab.get_by_text("Nothing has been trained here yet.")).to_be_visible()
