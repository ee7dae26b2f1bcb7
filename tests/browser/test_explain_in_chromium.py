"""Explain as people meet it: an image picked, an image uploaded, another class."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from modelzoo import runs
from modelzoo.datasets.smears import draw_smear, write_smears
from modelzoo.training.config import TrainConfig
from modelzoo.training.train import train

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(serve: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The app over two small networks trained on a few smears."""
    home = tmp_path_factory.mktemp("home")
    write_smears(home / "smears", images_per_class=10)
    for backbone in ("tf_efficientnet_lite0", "efficientnet_b0"):
        config = TrainConfig(
            data=str(home / "smears"), backbone=backbone, weights="none", split="random",
            input_px=64, epochs=20, learning_rate=0.01,
        )  # fmt: skip
        run = runs.create_run(home / "runs", backbone, config)
        train(run, store=home / "store", weights_folder=None, device="cpu")
    return serve(home)


def overlays(page: Page, method: str = "Grad-CAM") -> Locator:
    """The overlays shown; the address of each changes with its content."""
    return page.locator(f"img[alt^='{method} of']")


def wait_until_drawn(page: Page) -> None:
    expect(page.get_by_role("button", name="Values").first).to_be_visible()


def upload(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_a_sample_image_is_explained_by_two_models_at_once(page: Page, address: str) -> None:
    page.goto(f"{address}/explain")
    wait_until_drawn(page)

    expect(overlays(page)).to_have_count(2)
    expect(page.get_by_text("no ImageNet weights")).to_have_count(2)
    expect(page.get_by_text("Not for diagnosis.").first).to_be_visible()


def test_another_class_changes_the_overlay_and_the_link(
    page: Page, address: str, browser: Browser
) -> None:
    # A network with random features may have no evidence for a class; signed maps are never empty.
    method = "Integrated Gradients"
    page.goto(f"{address}/explain?explain=Pro&run=tf_efficientnet_lite0&method={method}")
    wait_until_drawn(page)
    for_pro = str(overlays(page, method).get_attribute("src"))

    page.get_by_role("combobox", name="Class explained").click()
    page.get_by_role("option", name="Benign", exact=True).click()

    expect(page.get_by_text(f"{method} for Benign")).to_be_visible()
    expect(overlays(page, method)).not_to_have_attribute("src", for_pro)
    page.wait_for_url("**explain=Benign**")
    colleague = browser.new_context().new_page()
    colleague.goto(page.url)
    expect(colleague.get_by_text(f"{method} for Benign")).to_be_visible(timeout=60_000)
    colleague.context.close()


def test_an_upload_is_explained(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0")
    wait_until_drawn(page)
    of_sample = str(overlays(page).get_attribute("src"))

    upload(page, "mine.png", png(Image.fromarray(draw_smear("Pre", seed=99).pixels)))
    expect(page.get_by_text("mine.png: an upload, true class unknown")).to_be_visible()
    expect(overlays(page)).not_to_have_attribute("src", of_sample)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", zlib.compress(bytes(99)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("letter.png", b"Dear colleague"), ("empty.png", b""), ("bomb.png", bomb())],
)
def test_an_upload_that_is_no_image_is_a_sentence(
    page: Page, address: str, name: str, content: bytes
) -> None:
    page.goto(f"{address}/explain?run=tf_efficientnet_lite0")
    wait_until_drawn(page)

    upload(page, name, content)

    expect(page.get_by_test_id("stAlert").filter(has_text=name)).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_links_to_what_is_gone_say_so(page: Page, address: str) -> None:
    page.goto(f"{address}/explain?run=gone&image=Pro/none.jpg")

    expect(page.get_by_text("Run gone of this link is gone.")).to_be_visible()
    expect(page.get_by_text("Image Pro/none.jpg of this link is gone.")).to_be_visible()


def test_both_methods_fit_a_phone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(
        f"{address}/explain?run=tf_efficientnet_lite0&method=Grad-CAM&method=Integrated+Gradients"
    )
    wait_until_drawn(page)

    expect(page.locator("img[alt^='Integrated Gradients of']")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
