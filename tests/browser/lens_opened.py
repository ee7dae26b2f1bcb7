"""The lens as browser tests open and read it."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect


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
