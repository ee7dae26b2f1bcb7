"""Train as people meet it: started, watched, stopped, resumed, finished; nothing is ever lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from modelzoo.config.train_config import TrainConfig, format_config, read_config
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.launching import local
from modelzoo.launching.queue import _device_lock
from modelzoo.runs.file_names import CONFIG, SPLIT, STATUS
from modelzoo.runs.folder import Run, list_runs
from modelzoo.runs.history import read_history
from modelzoo.runs.status import read_status

pytestmark = pytest.mark.browser

SHORT = {"train_weights": "none", "train_input_px": 64, "train_batch_size": 64, "train_epochs": 300}
# Nobody waits for the end of these: an epoch takes a good part of a second.
ENDLESS = SHORT | {"train_epochs": 10_000, "train_patience": 10_000, "train_mode": "finetune"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Few smears, and at the end no process that still trains on them."""
    home = tmp_path_factory.mktemp("home")
    write_smears(home / "data" / "synthetic-smears", images_per_class=8)
    yield home
    for run in list_runs(home / "runs")[0]:
        if read_status(run.path, now=time.time()).state in ("queued", "training"):
            local.stop(run)


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], home: Path) -> str:
    return serve(home)


def link(address: str, **choices: object) -> str:
    return f"{address}/train?{urlencode(choices)}"


def card(page: Page, run_id: str) -> Locator:
    return page.locator(f".st-key-work-{run_id}")


def state_of(home: Path, run_id: str) -> str:
    return read_status(home / "runs" / run_id, now=time.time()).state


def shorten(home: Path, run_id: str, *, epochs: int) -> None:
    """Let a run that could be stopped at any time end soon, however busy the machine is."""
    file = home / "runs" / run_id / CONFIG
    file.write_text(format_config(replace(read_config(file), epochs=epochs)))


def press_start(page: Page, name: str = "Start") -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_run_is_started_watched_stopped_resumed_and_finishes(
    page: Page, address: str, home: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(link(address, train_name="first", **ENDLESS))
    expect(page.get_by_text("--name first")).to_be_visible()
    start = page.get_by_role("button", name="Start", exact=True)
    start.scroll_into_view_if_needed()
    expect(page.get_by_role("heading", name="Nothing is training.")).not_to_be_in_viewport()

    press_start(page)
    expect(card(page, "first").get_by_text("training").first).to_be_in_viewport()
    expect(start).to_be_disabled()

    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_role("heading", name="EfficientNet-Lite0 is training")).to_be_visible()
    started = page.get_by_text("Started: first. Change something above")
    expect(started).to_be_attached()
    expect(page.get_by_text("Validation loss").or_(page.get_by_text("epoch").first)).to_be_visible()
    expect(page.locator("[data-testid=stPlotlyChart] .plot-container")).to_have_count(2)
    page.get_by_role("button", name="Stop now").first.click()
    expect(page.get_by_role("heading", name="Nothing is training.")).to_be_visible()
    expect(page.get_by_text("it can be resumed")).to_be_visible()
    assert state_of(home, "first") == "stopped"
    done = len(read_history(home / "runs" / "first"))
    shorten(home, "first", epochs=done + 2)

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("link", name="Explain an image")).to_be_visible()

    assert state_of(home, "first") == "done"
    assert 0 < done < len(read_history(home / "runs" / "first")) == done + 2
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_two_runs_on_one_device_train_one_after_the_other(
    page: Page, address: str, home: Path
) -> None:
    page.goto(link(address, train_name="both", train_seeds=0, **SHORT))
    page.get_by_role("button", name="1", exact=True).click()  # a second seed
    with _device_lock(Run(home / "runs" / "both-seed0", TrainConfig()), "cpu"):
        press_start(page, "Start 2 runs")
        # Seen while neither can end, however slow the page is.
        expect(card(page, "both-seed0").get_by_text("queued")).to_be_visible()
        expect(card(page, "both-seed1").get_by_text("Queued, position 2 on cpu.")).to_be_visible()

    expect(page.get_by_role("heading", name="Nothing is training.")).to_be_visible()
    ended = {name: _when(home, name) for name in ("both-seed0", "both-seed1")}
    assert ended["both-seed0"][1] <= ended["both-seed1"][0]  # no moment of both


def _when(home: Path, run_id: str) -> tuple[float, float]:
    """When the run began to train and when it ended, as its files say."""
    path = home / "runs" / run_id
    assert state_of(home, run_id) == "done"
    return (path / SPLIT).stat().st_mtime, (path / STATUS).stat().st_mtime


def test_a_closed_tab_and_a_killed_server_lose_nothing(
    browser: Browser,
    address: str,
    home: Path,
    serve: Callable[..., str],
    servers: dict[str, psutil.Process],
) -> None:
    choices = link(address, train_name="long", **ENDLESS)
    tab = browser.new_context().new_page()
    tab.goto(choices)
    press_start(tab)
    expect(card(tab, "long").get_by_text("Training, epoch")).to_be_visible()
    tab.context.close()

    server = servers[address]
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert state_of(home, "long") == "training"
    assert serve(home, urlsplit(address).port) == address

    again = browser.new_context().new_page()
    again.goto(choices)
    expect(card(again, "long").get_by_text("Training, epoch")).to_be_visible()
    expect(again.get_by_role("textbox", name="Name").first).to_have_value("long")  # as it was
    again.get_by_role("button", name="Stop after this epoch").first.click()
    expect(again.get_by_role("heading", name="Nothing is training.")).to_be_visible()
    assert state_of(home, "long") == "stopped"
    again.context.close()


def test_a_run_that_is_killed_is_said_and_the_next_one_starts(
    page: Page, address: str, home: Path
) -> None:
    page.goto(link(address, train_name="killed", **ENDLESS))
    press_start(page)
    expect(card(page, "killed").get_by_text("Training, epoch")).to_be_visible()
    page.goto(link(address, train_name="next", **SHORT))
    press_start(page)
    expect(card(page, "next").get_by_text("Queued, position 2 on cpu.")).to_be_visible()

    os.kill(read_status(home / "runs" / "killed", now=time.time()).pid, signal.SIGKILL)

    expect(card(page, "killed")).to_have_count(0)
    expect(page.get_by_role("heading", name="Nothing is training.")).to_be_visible()
    assert (state_of(home, "killed"), state_of(home, "next")) == ("failed", "done")
    page.goto(link(address, train_run="killed"))
    expect(page.get_by_text("The process ended without a word")).to_be_visible()


def test_a_run_is_deleted_only_after_a_second_word(page: Page, address: str, home: Path) -> None:
    page.goto(link(address, train_run="killed"))

    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Delete killed with its model")).to_be_visible()
    assert (home / "runs" / "killed").is_dir()
    page.get_by_role("button", name="Delete for good").click()

    expect(page.get_by_text("The process ended without a word")).to_have_count(0)
    expect(page.get_by_text("is not here")).to_have_count(0)
    assert not (home / "runs" / "killed").exists()


def test_a_name_with_a_path_in_it_starts_nothing(page: Page, address: str, home: Path) -> None:
    page.goto(link(address, train_name="../../escaped", **SHORT))

    expect(page.get_by_text("Run name '../../escaped' cannot be used")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    assert not list(home.parent.glob("escaped*"))
