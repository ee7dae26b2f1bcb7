"""Home and Compare as people meet them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.run_folders import make_run

pytestmark = pytest.mark.browser

Serve = Callable[[Path], str]


@pytest.fixture(scope="module")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("home")
    for seed in (0, 1):
        make_run(home / "runs", f"vgg-{seed}", backbone="vgg16", skill=0.4, seed=seed)
        make_run(home / "runs", f"resnet-{seed}", backbone="resnet50", skill=4.0, seed=seed)
        make_run(
            home / "runs", f"look-{seed}", backbone="resnet50", split="look", seed=seed, skill=1
        )
    make_run(home / "runs", "broken", state="failed", error="Memory ran out.")
    return serve(home)


def test_an_empty_machine_offers_the_next_step(serve: Serve, page: Page, tmp_path: Path) -> None:
    address = serve(tmp_path)

    page.goto(address)
    expect(page.get_by_role("heading", name="What is here, and what next?")).to_be_visible()
    expect(page.get_by_text("Nothing has been trained here yet.")).to_be_visible()

    page.get_by_role("link", name="Compare", exact=True).first.click()
    expect(page.get_by_text("nothing to compare")).to_be_visible()


def test_compare_answers_first_and_says_what_the_split_does(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")

    expect(page.get_by_role("heading", name="ResNet50 is best; VGG16 is behind")).to_be_visible()
    expect(page.get_by_text("Testing on held-out looks lowers ResNet50 from")).to_be_visible()
    expect(page.get_by_text("Memory ran out.")).to_be_visible()
    expect(page.locator("[data-testid=stPlotlyChart] .plot-container")).to_have_count(5)


def test_a_choice_is_in_the_link_and_a_fresh_browser_shows_the_same(
    page: Page, address: str, browser: Browser
) -> None:
    page.goto(f"{address}/compare")
    page.get_by_role("radio", name="AUC").click()
    page.wait_for_url("**score=AUC**")
    expect(page.get_by_text("AUC in %").first).to_be_attached()

    colleague = browser.new_context().new_page()
    colleague.goto(page.url)

    expect(colleague.get_by_role("radio", name="AUC")).to_be_checked(timeout=60_000)
    colleague.context.close()


def test_a_choice_by_keyboard_does_the_same(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    first = page.get_by_role("radio", name="Accuracy", exact=True)
    first.focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    page.wait_for_url("**score=**")


def test_runs_of_another_split_are_shown_alone(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.get_by_role("combobox", name="Tested on").click()
    page.get_by_role("option", name="held-out looks, seed 0").click()

    page.wait_for_url("**split=**")
    expect(page.get_by_role("heading", name="ResNet50 names")).to_be_visible()


def test_a_link_to_what_is_gone_says_so(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?split=gone")

    expect(page.get_by_text("Split gone of this link is gone.")).to_be_visible()


@pytest.mark.parametrize("path", ["", "compare"])
def test_nothing_is_wider_than_a_phone(page: Page, address: str, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/{path}")
    expect(page.get_by_text("Not for diagnosis.").first).to_be_visible()

    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")

    assert width <= 390
