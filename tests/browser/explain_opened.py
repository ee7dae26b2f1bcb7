"""The page Explain as browser tests open and read it."""

import io

from PIL import Image
from playwright.sync_api import Locator, Page, expect


def overlays(page: Page, method: str = "Grad-CAM") -> Locator:
    """The overlays of the details; the address of each changes with its content."""
    return page.locator(f"img[alt^='{method} of']")


def tiles(page: Page) -> Locator:
    """Those of the models in the lens, and before them that of the image."""
    return page.get_by_role("listbox", name="The image and its models").get_by_role("option")


def wait_until_drawn(page: Page, models: int = 1) -> None:
    """Until every tile is filled."""
    expect(tiles(page)).to_have_count(1 + models)
    expect(tiles(page).locator(".status")).to_have_count(0)
    expect(page.get_by_text("Computing: ")).to_have_count(0)


def upload(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
