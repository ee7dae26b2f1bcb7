"""The lens by keys, fingers and clicks, and for those who hear it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import find_grave_faults
from tests.browser.lens_opened import (
    hover,
    open_lens,
    tile,
    value_of,
)
from tests.browser.lens_scene import NAMES, make_scene

pytestmark = pytest.mark.browser


def test_tiles_are_chosen_by_click_and_by_keys(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)

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


def test_next_and_previous_image_are_asked_for_by_keys(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
    tile(page, 1).focus()

    for _ in range(4):  # faster than the page is drawn, and none is lost
        page.keyboard.press("n")
    expect(page.get_by_text("image 4")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_text("image 3")).to_be_visible()


def test_a_cell_is_named_with_its_value_and_masked_by_a_click(
    page: Page, lens_address: str
) -> None:
    open_lens(page, lens_address, "case=cells&count=2")

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


def test_cells_are_reached_and_masked_by_keys_alone(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
    tile(page, 1).focus()
    page.evaluate("window.heard = 0; document.addEventListener('keydown', () => window.heard++)")

    page.keyboard.press("c")
    page.keyboard.press("c")

    expect(page.locator("[aria-live]")).to_contain_text("Cell 2, upper right")
    expect(page.get_by_role("button", name="Cells")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.heard") == 0  # Streamlit has keys of its own, C among them
    page.keyboard.press("m")
    expect(page.locator(".tip")).to_contain_text("click to show it again")


def test_shift_and_arrows_move_the_lens(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
    tile(page, 1).focus()

    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")

    expect(page.locator("[aria-live]")).to_contain_text("x 600, y 600")
    expect(value_of(page, 0)).to_contain_text("x 600, y 600")
    expect(tile(page, 1).locator(".glass")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tile(page, 1).locator(".glass")).to_be_hidden()


def test_every_control_is_reached_by_tab_and_used_by_keys(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
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


def test_those_who_hear_get_the_sentences(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)

    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(12)
    expect(tile(page, 5)).to_have_accessible_name(
        re.compile("DenseNet121, grouped split: predicts .*, not correct, out of distribution.")
    )
    expect(tile(page, 1)).to_have_accessible_description(make_scene("square").tiles[0].alt)


def test_fingers_show_values_choose_and_zoom(browser: Browser, lens_address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_lens(page, lens_address, "count=3")
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


@pytest.mark.parametrize("case", ["tall", "waiting", "cells"])
def test_axe_finds_nothing_serious(page: Page, lens_address: str, case: str) -> None:
    page.emulate_media(color_scheme="light")
    open_lens(page, lens_address, f"case={case}&count=6&outlines=1&zoom=500,500,2")

    in_light = find_grave_faults(page)
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")

    assert (in_light, find_grave_faults(page)) == ([], [])


def test_names_are_texts_and_no_markup(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)

    assert [each.inner_text() for each in page.locator(".title b").all()][1:] == list(NAMES)
