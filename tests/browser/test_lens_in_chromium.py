"""The lens in Chromium: places, values, every control by keyboard, and what axe-core finds."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.lens_scene import NAMES, make_map, make_scene

pytestmark = pytest.mark.browser

GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return serve(tmp_path_factory.mktemp("home"), script="tests/browser/lens_page.py")


def open_lens(page: Page, address: str, query: str = "case=square") -> None:
    page.goto(f"{address}/?{query}")
    expect(page.locator(".tile .value").nth(1)).not_to_be_empty()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()


def tile(page: Page, index: int) -> Locator:
    """0: the image's own; from 1 on the models'."""
    return page.locator(".tile").nth(index)


def value_of(page: Page, index: int) -> Locator:
    return tile(page, index).locator(".value")


def hover(page: Page, index: int, across: float, down: float) -> None:
    """The pointer at shares of the picture's width and height."""
    box = tile(page, index).locator(".base").bounding_box()
    assert box
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def number_in(text: str) -> float:
    found = re.search(r"[+\u2212]?[\d.]+(e[-+]\d+)?", text)
    assert found, text
    return float(found[0].replace("\u2212", "-"))


def pixels_of(page: Page, index: int) -> Any:
    """The picture as it is drawn, as a hash that the browser makes."""
    return tile(page, index).locator(".base").evaluate("each => each.toDataURL()")


def wait_for_frame(page: Page) -> None:
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def test_every_model_says_the_value_of_its_own_map_under_the_pointer(
    page: Page, address: str
) -> None:
    open_lens(page, address, "case=tall")
    size = np.array([1920, 2560])
    left, top, side = 0, 320, 1920
    for across, down in ((0.5, 0.5), (0.11, 0.2), (0.93, 0.81)):
        hover(page, 3, across, down)

        expect(value_of(page, 0)).to_contain_text("x ")
        told = value_of(page, 0).inner_text()
        x, y = (int(each) for each in re.findall(r"\d+", told)[:2])
        # The pictures are 2560 px in about 200: a pixel of the screen is about 12 of theirs.
        assert np.abs(np.array([x, y]) - size * (across, down)).max() < 15
        for index in range(11):
            values = make_map(index)
            column = int((x + 0.5 - left) / side * values.shape[1])
            row = int((y + 0.5 - top) / side * values.shape[0])
            expected = float(f"{values[row, column]:.3g}")
            assert number_in(value_of(page, index + 1).inner_text()) == pytest.approx(expected)


def test_outside_of_what_models_see_no_value_is_claimed(page: Page, address: str) -> None:
    open_lens(page, address, "case=tall")

    hover(page, 0, 0.5, 0.05)

    expect(value_of(page, 1)).to_have_text("not seen by the model")


def test_without_a_pointer_each_map_says_its_maximum(page: Page, address: str) -> None:
    open_lens(page, address)
    own = number_in(value_of(page, 1).inner_text())
    assert own == pytest.approx(float(f"{make_map(0).max():.3g}"))

    page.get_by_label("Scale").select_option("shared")

    expect(value_of(page, 1)).to_contain_text("per 1 % of the area")
    shared = number_in(value_of(page, 1).inner_text())
    assert shared == pytest.approx(float(f"{make_map(0).max() * 49 / 100:.3g}"), rel=1e-2)


def test_a_map_without_positive_evidence_says_so(page: Page, address: str) -> None:
    open_lens(page, address)

    expect(tile(page, 11)).to_contain_text(re.compile("no positive evidence for (Pre|Early)"))
    expect(tile(page, 1)).not_to_contain_text("no positive evidence")


def test_each_choice_is_drawn_and_goes_into_the_address_and_back(page: Page, address: str) -> None:
    open_lens(page, address)
    choices = (
        ("View", "map", "view=map"),
        ("Colours", "viridis", "colours=viridis"),
        ("Scale", "shared", "scale=shared"),
    )
    for label, value, words in choices:
        before = pixels_of(page, 2)
        page.get_by_label(label, exact=True).select_option(value)
        wait_for_frame(page)
        assert pixels_of(page, 2) != before, label
        page.wait_for_url(f"**{words}*")
    for label, words in (("Contours", "contours=1"), ("Cells", "outlines=1"), ("Grid", "grid=1")):
        before = pixels_of(page, 2)
        page.get_by_role("button", name=label).click()
        wait_for_frame(page)
        assert pixels_of(page, 2) != before, label
        page.wait_for_url(f"**{words}*")
    page.get_by_label("View").select_option("over")
    page.get_by_label("Opacity").fill("25")
    page.get_by_label("Lens shows").select_option("map")
    page.wait_for_url("**lens=map*")
    drawn = pixels_of(page, 2)

    page.reload()
    open_lens(page, page.url.split("/?")[0], page.url.split("/?")[1])

    assert "opacity=0.25" in page.url
    assert "view=" not in page.url
    expect(page.get_by_label("Colours")).to_have_value("viridis")
    expect(page.get_by_role("button", name="Grid")).to_have_attribute("aria-pressed", "true")
    wait_for_frame(page)
    assert pixels_of(page, 2) == drawn


def test_an_address_that_changes_is_shown(page: Page, address: str) -> None:
    open_lens(page, address, "colours=magma&zoom=250,250,4")
    expect(page.get_by_role("button", name="Reset zoom (4\u00d7)")).to_be_enabled()
    page.get_by_label("Colours").select_option("viridis")
    page.wait_for_url("**colours=viridis*")
    assert "zoom=250,250,4" in page.url.replace("%2C", ",")

    page.get_by_role("button", name="Reset zoom").click()

    page.wait_for_url(lambda url: "zoom" not in url)
    expect(page.get_by_label("Colours")).to_have_value("viridis")
    page.get_by_role("button", name="Magma by address").click()
    expect(page.get_by_label("Colours")).to_have_value("magma")
    page.get_by_label("Colours").select_option("turbo")
    page.wait_for_url(lambda url: "colours" not in url)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(page.get_by_label("Colours")).to_have_value("turbo")


def test_wheel_and_keys_zoom_all_tiles_about_the_same_place(page: Page, address: str) -> None:
    open_lens(page, address)
    whole = pixels_of(page, 1)
    hover(page, 5, 0.25, 0.75)
    place = value_of(page, 0).inner_text()

    page.mouse.wheel(0, -400)

    expect(page.get_by_role("button", name=re.compile(r"Reset zoom \("))).to_be_enabled()
    wait_for_frame(page)
    assert pixels_of(page, 1) != whole
    x, y = (int(each) for each in re.findall(r"\d+", place)[:2])
    hover(page, 2, 0.25, 0.75)
    wait_for_frame(page)
    after = [int(each) for each in re.findall(r"\d+", value_of(page, 0).inner_text())[:2]]
    assert np.abs(np.array(after) - (x, y)).max() <= 6
    tile(page, 2).locator(".base").dblclick()
    expect(page.get_by_role("button", name="Reset zoom", exact=True)).to_be_disabled()
    page.mouse.move(0, 0)
    wait_for_frame(page)
    assert pixels_of(page, 1) == whole
    tile(page, 1).focus()
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="Reset zoom (1.5\u00d7)")).to_be_enabled()
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="Reset zoom", exact=True)).to_be_disabled()


def test_dragging_moves_the_zoomed_image_and_chooses_nothing(page: Page, address: str) -> None:
    open_lens(page, address, "zoom=500,500,4")
    hover(page, 1, 0.5, 0.5)
    expect(value_of(page, 0)).to_contain_text("x ")
    x = int(re.findall(r"\d+", value_of(page, 0).inner_text())[0])
    page.mouse.down()
    hover(page, 1, 0.25, 0.5)
    page.mouse.up()
    wait_for_frame(page)

    hover(page, 1, 0.5, 0.5)
    wait_for_frame(page)

    moved = int(re.findall(r"\d+", value_of(page, 0).inner_text())[0]) - x
    assert moved == pytest.approx(1000 / 4 / 4, abs=6)  # a quarter of the quarter that is seen
    page.wait_for_url("**zoom=*")
    expect(page.get_by_text("chosen none")).to_be_visible()


def test_zoomed_in_the_image_has_its_full_resolution(page: Page, address: str) -> None:
    open_lens(page, address, "case=tall&zoom=960,1280,40")
    hover(page, 1, 0.5, 0.5)
    expect(value_of(page, 0)).to_contain_text("x ")
    places = []
    for across in (0.45, 0.55):
        hover(page, 1, across, 0.5)
        wait_for_frame(page)
        places.append(int(re.findall(r"\d+", value_of(page, 0).inner_text())[0]))

    # A tenth of the tile is a tenth of the 48 px of the image that are seen in it.
    assert 3 <= places[1] - places[0] <= 7


def test_space_blinks_between_maps_and_the_plain_image(page: Page, address: str) -> None:
    open_lens(page, address)
    tile(page, 1).focus()
    over, plain = pixels_of(page, 1), pixels_of(page, 0)

    page.keyboard.press("Space")
    wait_for_frame(page)
    assert pixels_of(page, 1) == plain
    expect(page.get_by_role("button", name="Blink")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    wait_for_frame(page)
    assert pixels_of(page, 1) == over


def test_tiles_are_chosen_by_click_and_by_keys(page: Page, address: str) -> None:
    open_lens(page, address)

    tile(page, 2).locator(".title").click()
    expect(page.get_by_text("chosen run-1")).to_be_visible()
    expect(tile(page, 2)).to_have_attribute("aria-selected", "true")

    page.keyboard.press("ArrowRight")
    expect(tile(page, 3)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("chosen run-2")).to_be_visible()
    expect(tile(page, 3)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(tile(page, 2)).to_be_focused()
    expect(tile(page, 2)).to_have_attribute("tabindex", "0")
    assert page.locator(".tile[tabindex='0']").count() == 1


def test_next_and_previous_image_are_asked_for_by_keys(page: Page, address: str) -> None:
    open_lens(page, address)
    tile(page, 1).focus()

    for _ in range(4):  # faster than the page is drawn, and none is lost
        page.keyboard.press("n")
    expect(page.get_by_text("image 4")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_text("image 3")).to_be_visible()


def test_a_cell_is_named_with_its_value_and_masked_by_a_click(page: Page, address: str) -> None:
    open_lens(page, address, "case=cells&count=2")

    hover(page, 2, 0.5, 0.5)

    tip = page.locator(".tip")
    expect(tip).to_have_text(
        "Cell 3, middle \u00b7 Shapley +0.16 \u00b1 0.05 logits \u00b7 click to mask it"
    )
    expect(value_of(page, 1)).to_have_text("Shapley +0.08 logits")
    page.mouse.down()
    page.mouse.up()
    expect(tip).to_contain_text("click to show it again")
    expect(page.get_by_text("chosen none")).to_be_visible()
    hover(page, 2, 0.5, 0.02)
    expect(tip).to_be_hidden()
    expect(value_of(page, 1)).to_have_text("background +0.3 logits")


def test_cells_are_reached_and_masked_by_keys_alone(page: Page, address: str) -> None:
    open_lens(page, address)
    tile(page, 1).focus()
    page.evaluate("window.heard = 0; document.addEventListener('keydown', () => window.heard++)")

    page.keyboard.press("c")
    page.keyboard.press("c")

    expect(page.locator("[aria-live]")).to_contain_text("Cell 2, upper right")
    expect(page.get_by_role("button", name="Cells")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.heard") == 0  # Streamlit has keys of its own, C among them
    page.keyboard.press("m")
    expect(page.locator(".tip")).to_contain_text("click to show it again")


def test_shift_and_arrows_move_the_lens(page: Page, address: str) -> None:
    open_lens(page, address)
    tile(page, 1).focus()

    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")

    expect(page.locator("[aria-live]")).to_contain_text("x 600, y 600")
    expect(value_of(page, 0)).to_contain_text("x 600, y 600")
    expect(tile(page, 1).locator(".glass")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tile(page, 1).locator(".glass")).to_be_hidden()


def test_every_control_is_reached_by_tab_and_used_by_keys(page: Page, address: str) -> None:
    open_lens(page, address)
    page.get_by_label("View").focus()
    reached = []
    for _ in range(10):
        reached.append(
            page.evaluate(
                """() => {
                  const shadow = document.activeElement.shadowRoot;
                  const now = shadow.activeElement;
                  return (now.labels?.[0] ?? now).textContent.split("\\u00a0")[0].trim();
                }"""
            )
        )
        page.keyboard.press("Tab")

    words = ("View", "Opacity", "Colours", "Scale", "Lens", "Contours", "Cells", "Grid", "Blink")
    assert all(told.startswith(word) for told, word in zip(reached, words, strict=False)), reached
    page.get_by_label("Opacity").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Opacity")).to_have_value("55")
    page.get_by_role("button", name="Contours").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Contours")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Blink")).to_have_attribute("aria-pressed", "false")


def test_those_who_hear_get_the_sentences(page: Page, address: str) -> None:
    open_lens(page, address)

    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(12)
    expect(tile(page, 5)).to_have_accessible_name(
        re.compile("DenseNet121, grouped split: predicts .*, not correct, out of distribution.")
    )
    expect(tile(page, 1)).to_have_accessible_description(make_scene("square").tiles[0].alt)


def test_a_map_that_is_waited_for_says_so_and_others_stay(page: Page, address: str) -> None:
    open_lens(page, address, "case=waiting&count=3")

    expect(tile(page, 3)).to_contain_text("Grad-CAM: 3rd in line")
    hover(page, 3, 0.5, 0.5)
    expect(value_of(page, 1)).to_contain_text("logits")


def test_fingers_show_values_choose_and_zoom(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_lens(page, address, "count=3")
    box = tile(page, 1).locator(".base").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = context.new_cdp_session(page)

    def send(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x + a, "y": y + b, "id": at} for at, (a, b) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", (0, 0))
    expect(tile(page, 2).locator(".glass")).to_be_visible()
    expect(value_of(page, 0)).to_contain_text("x 5")
    send("touchEnd")
    expect(page.get_by_text("chosen run-0")).to_be_visible()
    send("touchStart", (-20, 0))
    send("touchStart", (-20, 0), (20, 0))
    send("touchMove", (-40, 0), (40, 0))
    send("touchEnd")

    expect(page.get_by_role("button", name="Reset zoom (2\u00d7)")).to_be_enabled()
    expect(tile(page, 2).locator(".glass")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_all_tiles_fit_on_the_screen(browser: Browser, address: str, width: int) -> None:
    height = {390: 844, 1440: 900}[width]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    open_lens(page, address)

    lefts = {round(each.bounding_box()["x"]) for each in page.locator(".tile").all()}  # type: ignore[index]  # they are drawn
    last = page.locator(".tile").last.bounding_box()
    lens = page.locator(".lens").bounding_box()

    context.close()
    assert last
    assert lens
    assert lens["x"] >= 0
    assert lens["x"] + lens["width"] <= width
    if width == 390:
        assert len(lefts) == 2
    else:
        assert last["y"] + last["height"] - lens["y"] <= 640


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", ["tall", "waiting", "cells"])
def test_axe_finds_nothing_serious(browser: Browser, address: str, scheme: Any, case: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    open_lens(page, address, f"case={case}&count=6&outlines=1&zoom=500,500,2")

    found = Axe().run(page).response["violations"]

    context.close()
    grave = [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
    assert grave == []


def test_names_are_texts_and_no_markup(page: Page, address: str) -> None:
    open_lens(page, address)

    assert [each.inner_text() for each in page.locator(".title b").all()][1:] == list(NAMES)
