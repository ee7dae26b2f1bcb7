"""Images of one's own on Explain, where nothing has been trained; and a browser that fails."""

import base64
import zlib

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from modelzoo.datasets.synthetic.smears import draw_smear
from tests.browser.explain_opened import overlays, png, tiles, upload, wait_until_drawn

pytestmark = pytest.mark.browser


def test_an_upload_is_explained(page: Page, empty_address: str) -> None:
    page.goto(f"{empty_address}/explain?run=reference/lite0-grouped")
    wait_until_drawn(page)

    upload(page, "mine.png", png(Image.fromarray(draw_smear("Pre", seed=99).pixels)))

    expect(page.get_by_text("mine.png: an upload, true class unknown")).to_be_visible()
    expect(tiles(page).first).to_contain_text("mine.png")
    wait_until_drawn(page)
    expect(tiles(page).nth(1)).not_to_contain_text("correct")


def test_several_uploads_can_be_chosen_among(page: Page, empty_address: str) -> None:
    page.goto(f"{empty_address}/explain?run=reference/lite0-grouped")
    wait_until_drawn(page)
    smears = [png(Image.fromarray(draw_smear("Pre", seed=seed).pixels)) for seed in range(10)]

    files: list[FilePayload] = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": each}
        for number, each in enumerate(smears)
    ]
    page.locator("input[type=file]").set_input_files(files)

    expect(tiles(page).first).to_contain_text("9.png")
    expect(page.get_by_role("combobox", name="Which of them")).to_have_value("10 of 10: 9.png")


def test_an_image_is_pasted(page: Page, empty_address: str) -> None:
    page.goto(f"{empty_address}/explain?run=reference/lite0-grouped")
    wait_until_drawn(page)

    page.evaluate(
        """content => {
            const bytes = Uint8Array.from(atob(content), each => each.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "shot.png", { type: "image/png" }));
            const event = new ClipboardEvent("paste", { clipboardData, bubbles: true });
            document.body.dispatchEvent(event);
        }""",
        base64.b64encode(png(Image.fromarray(draw_smear("Pre", seed=98).pixels))).decode(),
    )

    expect(page.get_by_text("shot.png: an upload, true class unknown")).to_be_visible()
    expect(tiles(page).first).to_contain_text("shot.png")


def test_where_the_lens_cannot_start_a_sentence_says_where_the_maps_are(
    page: Page, empty_address: str
) -> None:
    page.add_init_script("delete window.Path2D")
    page.goto(f"{empty_address}/explain?run=reference/lite0-grouped&view=Attribution maps")

    expect(page.get_by_text("did not start in this browser")).to_be_visible()
    expect(overlays(page).first).to_be_visible()


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


def test_an_upload_that_is_no_image_is_a_sentence(page: Page, empty_address: str) -> None:
    page.goto(f"{empty_address}/explain?run=reference/lite0-grouped")
    wait_until_drawn(page)

    for name, content in (
        ("letter.png", b"Dear colleague"),
        ("empty.png", b""),
        ("bomb.png", bomb()),
    ):
        upload(page, name, content)

        expect(page.get_by_test_id("stAlert").filter(has_text=name)).to_be_visible()
        expect(page.get_by_text("Traceback")).to_have_count(0)
