"""The lens in Chromium: places, values, choices of display, and room on the screen."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.lens_opened import (
    hover,
    number_in,
    open_lens,
    pixels_of,
    tile,
    value_of,
    wait_for_frame,
)
from tests.browser.lens_scene import make_map

pytestmark = pytest.mark.browser


def test_every_model_says_the_value_of_its_own_map_under_the_pointer(
    page: Page, lens_address: str
) -> None:
    open_lens(page, lens_address, "case=tall")
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


def test_outside_of_what_models_see_no_value_is_claimed(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address, "case=tall")

    hover(page, 0, 0.5, 0.05)

    expect(value_of(page, 1)).to_have_text("not seen by the model")


def test_without_a_pointer_each_map_says_its_maximum(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
    own = number_in(value_of(page, 1).inner_text())
    assert own == pytest.approx(float(f"{make_map(0).max():.3g}"))

    page.get_by_label("Scale").select_option("shared")

    expect(value_of(page, 1)).to_contain_text("per 1 % of the area")
    shared = number_in(value_of(page, 1).inner_text())
    assert shared == pytest.approx(float(f"{make_map(0).max() * 49 / 100:.3g}"), rel=1e-2)


def test_a_map_without_positive_evidence_says_so(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)

    expect(tile(page, 11)).to_contain_text(re.compile("no positive evidence for (Pre|Early)"))
    expect(tile(page, 1)).not_to_contain_text("no positive evidence")


def test_each_choice_is_drawn_and_goes_into_the_address_and_back(
    page: Page, lens_address: str
) -> None:
    open_lens(page, lens_address)
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


def test_an_address_that_changes_is_shown(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address, "colours=magma&zoom=250,250,4")
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


def test_wheel_and_keys_zoom_all_tiles_about_the_same_place(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
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


def test_dragging_moves_the_zoomed_image_and_chooses_nothing(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address, "zoom=500,500,4")
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


def test_zoomed_in_the_image_has_its_full_resolution(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address, "case=tall&zoom=960,1280,40")
    hover(page, 1, 0.5, 0.5)
    expect(value_of(page, 0)).to_contain_text("x ")
    places = []
    for across in (0.45, 0.55):
        hover(page, 1, across, 0.5)
        wait_for_frame(page)
        places.append(int(re.findall(r"\d+", value_of(page, 0).inner_text())[0]))

    # A tenth of the tile is a tenth of the 48 px of the image that are seen in it.
    assert 3 <= places[1] - places[0] <= 7


def test_space_blinks_between_maps_and_the_plain_image(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address)
    tile(page, 1).focus()
    over, plain = pixels_of(page, 1), pixels_of(page, 0)

    page.keyboard.press("Space")
    wait_for_frame(page)
    assert pixels_of(page, 1) == plain
    expect(page.get_by_role("button", name="Blink")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    wait_for_frame(page)
    assert pixels_of(page, 1) == over


def test_a_map_that_is_waited_for_says_so_and_others_stay(page: Page, lens_address: str) -> None:
    open_lens(page, lens_address, "case=waiting&count=3")

    expect(tile(page, 3)).to_contain_text("Grad-CAM: 3rd in line")
    hover(page, 3, 0.5, 0.5)
    expect(value_of(page, 1)).to_contain_text("logits")


@pytest.mark.parametrize("width", [390, 1440])
def test_all_tiles_fit_on_the_screen(browser: Browser, lens_address: str, width: int) -> None:
    height = {390: 844, 1440: 900}[width]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    open_lens(page, lens_address)

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
