"""Explain as people meet it: an image picked, an image uploaded, another class."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.runs.folder import create_run
from modelzoo.training.run import train
from tests.browser.explain_opened import overlays, tiles, wait_until_drawn

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small networks trained on a few smears."""
    folder = tmp_path_factory.mktemp("home")
    for backbone in ("tf_efficientnet_lite0", "efficientnet_b0"):
        train_on_smears(folder, backbone)
    return folder


@pytest.fixture(scope="module")
def address(serve: Callable[[Path], str], home: Path) -> str:
    return serve(home)


def train_on_smears(home: Path, backbone: str) -> None:
    if not (home / "smears").is_dir():
        write_smears(home / "smears", images_per_class=10)
    config = TrainConfig(
        data=str(home / "smears"), backbone=backbone, weights="none", split="random",
        input_px=64, epochs=20, learning_rate=0.01,
    )  # fmt: skip
    run = create_run(home / "runs", backbone, config)
    train(run, store=home / "store", weights_folder=None, device="cpu")


def test_a_sample_is_explained_by_two_models_and_reached_by_keys(page: Page, address: str) -> None:
    page.goto(f"{address}/explain")
    wait_until_drawn(page, models=2)

    expect(tiles(page).get_by_text("from scratch")).to_have_count(2)
    expect(tiles(page).get_by_text("cells masked: ")).to_have_count(2)
    expect(page.get_by_text("Not for diagnosis.").first).to_be_visible()

    # The first tile is a few tabs from the address.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # to the main content
    in_lens = "document.activeElement.shadowRoot?.activeElement?.getAttribute('role')"

    for _ in range(11):  # with the first, twelve
        page.keyboard.press("Tab")
        if page.evaluate(in_lens) == "option":
            break

    assert page.evaluate(in_lens) == "option"


def test_another_class_changes_the_overlay_and_the_link(
    page: Page, address: str, browser: Browser
) -> None:
    # A network with random features may have no evidence for a class; signed maps are never empty.
    method = "Integrated Gradients"
    asked = f"target=Pro&run=tf_efficientnet_lite0&method={method}&view=Attribution+maps"
    page.goto(f"{address}/explain?{asked}")
    wait_until_drawn(page)
    expect(overlays(page, method)).to_have_count(1)
    for_pro = str(overlays(page, method).get_attribute("src"))

    page.get_by_role("combobox", name="Target class").click()
    page.get_by_role("option", name="Benign", exact=True).click()

    expect(page.get_by_text(f"{method} for Benign")).to_be_visible()
    expect(overlays(page, method)).not_to_have_attribute("src", for_pro)
    page.wait_for_url("**target=Benign**")
    colleague = browser.new_context().new_page()
    colleague.goto(page.url)
    expect(colleague.get_by_text(f"{method} for Benign")).to_be_visible()
    colleague.context.close()


def test_a_tile_is_chosen_and_the_next_image_shown_by_keys(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?part=test")
    wait_until_drawn(page, models=2)
    first = tiles(page).first.inner_text()

    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Grad-CAM for ")).to_have_count(1)
    page.wait_for_url("**detail=**")
    tiles(page).nth(1).focus()
    page.keyboard.press("n")

    page.wait_for_url("**image=**")
    expect(tiles(page).first).not_to_have_text(first)
    wait_until_drawn(page, models=2)


def test_cells_are_valued_in_place_of_a_map(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0&method=Shapley+values+per+cell")

    wait_until_drawn(page)
    expect(tiles(page).nth(1)).to_contain_text("background")


def test_a_choice_of_display_is_in_the_link_and_opens_again(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0")
    wait_until_drawn(page)

    page.get_by_role("button", name="Contours").click()
    page.wait_for_url("**contours=1**")
    page.get_by_label("Opacity").focus()
    page.keyboard.press("ArrowRight")

    page.wait_for_url("**opacity=55**")
    assert "contours=1" in page.url
    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_role("button", name="Contours")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Opacity")).to_have_value("55")


def test_links_to_what_is_gone_say_so(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=gone&image=Pro/none.jpg")

    expect(page.get_by_text("Run gone of this link is not here.")).to_be_visible()
    expect(page.get_by_text("Image Pro/none.jpg of this link is not here.")).to_be_visible()


def test_both_methods_fit_a_phone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(
        f"{address}/explain?run=tf_efficientnet_lite0&method=Grad-CAM&method=Integrated+Gradients"
    )
    wait_until_drawn(page, models=2)

    expect(tiles(page).nth(2)).to_contain_text("Integrated Gradients")
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    assert height <= 2100
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def image_shown(page: Page) -> str:
    """The id of the image that is looked at."""
    return page.locator("[data-testid=stMarkdown] code").first.inner_text()


def test_next_changes_the_image_and_the_link_and_back_goes_back(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0&part=test")
    wait_until_drawn(page)
    first = image_shown(page)

    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")

    page.wait_for_url("**image=**")
    expect(page.locator("[data-testid=stMarkdown] code").first).not_to_have_text(first)
    expect(page.get_by_text("2 of ")).to_be_visible()
    second = image_shown(page)
    page.reload()
    expect(page.get_by_text(f"{second}: true class")).to_be_visible()
    page.go_back()
    expect(page.get_by_text(f"{first}: true class")).to_be_visible()


def test_the_answers_filter_is_in_the_link(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?part=test")
    wait_until_drawn(page, models=2)

    page.get_by_role("combobox", name="Correctness").click()
    page.get_by_role("option", name="some wrong").click()

    page.wait_for_url("**correctness=some+wrong**")
    page.reload()
    expect(page.get_by_role("combobox", name="Correctness")).to_have_value("some wrong")


def test_the_files_are_the_overlay_and_the_map_as_it_was_computed(page: Page, address: str) -> None:
    asked = "run=tf_efficientnet_lite0&method=Grad-CAM%2B%2B&view=Attribution+maps"
    page.goto(f"{address}/explain?{asked}")
    wait_until_drawn(page)
    expect(page.get_by_role("button", name="Raw map")).to_be_visible()
    page.get_by_role("button", name="Stop").wait_for(state="detached")

    with page.expect_download() as of_values:
        page.get_by_role("button", name="Raw map").click()
    with page.expect_download() as of_overlay:
        page.get_by_role("button", name="PNG").click()

    values = np.load(of_values.value.path())
    assert of_values.value.suggested_filename.endswith(".npy")
    assert values.dtype == np.float32
    assert values.shape == (2, 2)
    with Image.open(of_overlay.value.path()) as overlay:
        assert overlay.format == "PNG"
        assert overlay.size == (448, 448)


def test_stop_keeps_what_is_shown_and_go_on_makes_the_rest(
    page: Page, home: Path, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    run_ids = [f"copy-{number}" for number in range(10)]
    for run_id in run_ids:
        shutil.copytree(home / "runs" / "efficientnet_b0", tmp_path / "runs" / run_id)
    chosen = "&".join(f"run={run_id}" for run_id in run_ids)
    page.goto(f"{serve(tmp_path)}/explain?method=Score-CAM&{chosen}")  # at work for seconds
    waiting = tiles(page).locator(".status")
    expect(waiting.first).to_be_visible()

    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_text("Stopped: ")).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    wait_until_drawn(page, models=len(run_ids))
    expect(page.get_by_text("Stopped: ")).to_have_count(0)


def test_the_reference_models_are_shown_until_there_is_one_of_ones_own(
    page: Page, home: Path, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    page.goto(f"{serve(tmp_path)}/explain")
    expect(page.get_by_text("No model has been trained here yet")).to_be_visible()
    expect(tiles(page).first).to_contain_text("synthetic-smear.png")
    expect(tiles(page).get_by_text("EfficientNet-Lite0").first).to_be_visible()

    name = "tf_efficientnet_lite0"
    shutil.copytree(home / "runs" / name, tmp_path / "runs" / name)
    page.reload()

    wait_until_drawn(page)
    expect(page.get_by_text("No model has been trained here yet")).to_have_count(0)


def click_first_cell(page: Page, *, clicked_before: int) -> None:
    """Plotly clicks what it hovers over, so that must be there first."""
    chart = page.locator(f".st-key-cells-after-{clicked_before}-clicks")
    point = chart.locator(".point").first
    point.hover(force=True)
    expect(chart.locator(".hovertext").first).to_be_visible()
    point.click(force=True)


def test_a_click_on_a_cell_erases_it_and_a_second_click_puts_it_back(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0&view=Perturbations")

    for clicks in (0, 2):
        click_first_cell(page, clicked_before=clicks)
        expect(page.get_by_text("Without cell 1.")).to_be_visible()
        expect(page.get_by_text("; the predicted class ").first).to_be_visible()
        page.wait_for_url("**erased=1**")

        click_first_cell(page, clicked_before=clicks + 1)
        expect(page.get_by_text("or click a cell to mask it")).to_be_visible()


def test_each_way_of_asking_is_one_click_and_has_a_link(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0")
    wait_until_drawn(page)

    page.get_by_role("radio", name="Shapley values per cell").click()
    expect(page.get_by_text("the cells contribute").first).to_be_visible()
    page.wait_for_url("**view=Shapley+values+per+cell**")

    page.get_by_role("radio", name="Nearest training images").click()
    expect(page.get_by_text("of the 6 nearest training images")).to_be_visible()

    page.get_by_role("radio", name="Faithfulness").click()
    expect(page.get_by_text("Measures, beside those of the three baseline maps")).to_be_visible()


def test_several_methods_are_shown_side_by_side_and_can_be_saved(page: Page, address: str) -> None:
    titles = ["Grad-CAM", "HiResCAM", "Score-CAM", "DeepLIFT", "Occlusion"]
    query = "&".join(f"method={title}" for title in titles)
    page.goto(f"{address}/explain?run=efficientnet_b0&{query}&view=Attribution+maps")
    wait_until_drawn(page, models=len(titles))

    for title in titles:
        expect(page.locator(f"img[alt^='{title} of EfficientNet-B0']")).to_be_visible()
    expect(page.get_by_role("button", name="PNG")).to_have_count(len(titles))
