"""Home and Compare as people meet them."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_split
from tests.run_folders import CLASSES, make_run, write_images

pytestmark = pytest.mark.browser

Serve = Callable[[Path], str]


@pytest.fixture(scope="module")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("home")
    for seed in (0, 1):
        make_run(home / "runs", f"vgg-{seed}", backbone="vgg16", skill=0.4, seed=seed)
        make_run(home / "runs", f"resnet-{seed}", backbone="resnet50", skill=4.0, seed=seed)
        make_run(
            home / "runs",
            f"look-{seed}",
            backbone="resnet50",
            split="background",
            seed=seed,
            skill=1,
        )
    make_run(home / "runs", "broken", state="failed", error="Memory ran out.")
    return serve(home)


@pytest.fixture(scope="module")
def smears_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on synthetic smears; one has a model that Explain can ask."""
    home = tmp_path_factory.mktemp("home")
    image_ids = write_images(home / "smears", images_per_class=20)
    for name, backbone, skill in (("lite", "tf_efficientnet_lite0", 1), ("vgg", "vgg16", 0.5)):
        run = make_run(
            home / "runs",
            name,
            image_ids=image_ids,
            skill=skill,
            data=str(home / "smears"),
            backbone=backbone,
            input_px=64,
        )
        if name == "lite":
            network = create_backbone(backbone, len(CLASSES), seed=1).eval()
            write_backbone(run.path, network, CLASSES, 64)
            embeddings = np.eye(len(image_ids), 1280, dtype=np.float32)
            write_neighbours(run.path, embeddings, image_ids, read_split(run.path))
    return home


@pytest.fixture(scope="module")
def smears_address(serve: Serve, smears_home: Path) -> str:
    return serve(smears_home)


def a_mistake(home: Path, run: str) -> tuple[str, str, set[str]]:
    """True class, answer and image ids of a cell off the diagonal, from the run's own files."""
    predictions = read_predictions(home / "runs" / run).only("test")
    by_cell: dict[tuple[str, str], set[str]] = {}
    for image, label, said in zip(
        predictions.images,
        predictions.labels,
        predictions.probabilities.argmax(1),
        strict=True,
    ):
        if label != said:
            by_cell.setdefault((CLASSES[label], CLASSES[said]), set()).add(image)
    cell = max(by_cell, key=lambda cell: (len(by_cell[cell]), cell))
    return *cell, by_cell[cell]


def click_cell(page: Page, run: str, label: str, said: str) -> None:
    area = page.locator(f".st-key-confusion-{run} .nsewdrag")
    expect(area).to_be_visible()
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box
    across = (CLASSES.index(said) + 0.5) / len(CLASSES)
    down = (CLASSES.index(label) + 0.5) / len(CLASSES)
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def wait_for_cell(page: Page, run: str, label: str, said: str) -> None:
    """Return when the link holds the cell."""
    wanted = f"{run}: {label} predicted as {said}"
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("entry") == [wanted])


def cell_links(page: Page) -> Locator:
    """The links to Explain below the pictures of the cell that was chosen."""
    return page.locator(".st-key-gallery-entry_page").get_by_test_id("stPageLink-NavLink")


def expect_images(page: Page, image_ids: set[str]) -> None:
    expect(cell_links(page)).to_have_count(len(image_ids))
    for image_id in image_ids:
        expect(cell_links(page).filter(has_text=image_id)).to_be_visible()
        picture = page.locator(f".st-key-gallery-entry_page img[alt^='{image_id},']")
        expect(picture).to_be_visible()
        assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") > 0


def test_an_empty_machine_offers_the_next_step(page: Page, empty_address: str) -> None:
    page.goto(empty_address)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_text("Nothing has been trained here yet.")).to_be_visible()

    page.get_by_role("link", name="Compare", exact=True).first.click()
    expect(page.get_by_text("nothing to compare")).to_be_visible()


def test_compare_answers_first_and_a_choice_of_the_link_is_there_in_a_fresh_browser(
    page: Page, address: str, browser: Browser
) -> None:
    page.goto(f"{address}/compare")
    expect(
        page.get_by_role("heading", name="ResNet50 has the highest accuracy; VGG16 is lower")
    ).to_be_visible()
    expect(page.get_by_text("Mean test accuracy of ResNet50 on smears: ")).to_be_visible()
    expect(page.get_by_text("Memory ran out.")).to_be_visible()
    expect(page.locator("[data-testid=stPlotlyChart] .plot-container")).to_have_count(2)

    page.get_by_role("radio", name="Accuracy", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**score=**")
    page.get_by_role("radio", name="AUC").click()
    page.wait_for_url("**score=AUC**")
    expect(page.get_by_text("AUC with 95 % CI").first).to_be_attached()

    colleague = browser.new_context().new_page()
    colleague.goto(page.url)
    expect(colleague.get_by_role("radio", name="AUC")).to_be_checked()
    colleague.context.close()


def test_a_link_to_a_split_that_is_gone_says_so_and_runs_of_another_are_shown_alone(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/compare?split=gone")
    expect(page.get_by_text("Split gone of this link is not here.")).to_be_visible()

    page.get_by_role("combobox", name="Test split").click()
    page.get_by_role("option", name="background-cluster split, seed 0").click()

    page.wait_for_url(
        lambda url: parse_qs(urlsplit(url).query).get("split") not in (None, ["gone"])
    )
    expect(page.get_by_role("heading", name="ResNet50 has an accuracy of")).to_be_visible()


def test_a_section_keeps_its_choices_and_the_link_has_those_of_the_open_one(
    page: Page, address: str, browser: Browser
) -> None:
    entry = "vgg-0: Pre predicted as Pro"
    page.goto(f"{address}/compare?entry={entry}")
    expect(page.get_by_role("tab", name="Confusion", selected=True)).to_be_visible()
    page.wait_for_url("**section=Confusion**")

    page.get_by_role("tab", name="Ranking").click()
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    page.wait_for_url(lambda url: not urlsplit(url).query)
    page.get_by_role("tab", name="Confusion").click()

    wait_for_cell(page, "vgg-0", "Pre", "Pro")
    expect(page.get_by_role("heading", name="Images of this entry")).to_be_visible()
    colleague = browser.new_context().new_page()
    colleague.goto(page.url)
    expect(colleague.get_by_role("heading", name="Images of this entry")).to_be_visible()
    colleague.context.close()


def test_a_click_on_a_confusion_cell_opens_its_images(
    page: Page, smears_home: Path, smears_address: str, browser: Browser
) -> None:
    label, said, images = a_mistake(smears_home, "vgg")
    page.goto(f"{smears_address}/compare?section=Confusion")

    click_cell(page, "vgg", label, said)

    wait_for_cell(page, "vgg", label, said)
    expect_images(page, images)
    click_cell(page, "lite", "Pro", "Pro")  # another model, another cell, the first one left
    wait_for_cell(page, "lite", "Pro", "Pro")
    page.go_back()
    expect_images(page, images)

    colleague = browser.new_context().new_page()
    colleague.goto(page.url)
    expect_images(colleague, images)
    colleague.context.close()


def test_a_cell_is_reached_by_keyboard(page: Page, smears_home: Path, smears_address: str) -> None:
    label, said, images = a_mistake(smears_home, "vgg")
    page.goto(f"{smears_address}/compare?section=Confusion")

    box = page.get_by_role("combobox", name="Images of an entry")
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    box.focus()
    page.keyboard.type(f"vgg: {label} predicted as {said}")
    expect(page.get_by_role("option")).to_have_count(1)  # the list is narrowed after the letters
    page.keyboard.press("Enter")

    wait_for_cell(page, "vgg", label, said)
    expect_images(page, images)


def test_an_image_of_a_cell_leads_to_its_explanation(
    page: Page, smears_home: Path, smears_address: str
) -> None:
    label, said, images = a_mistake(smears_home, "lite")
    image = min(images)
    page.goto(f"{smears_address}/compare?entry=lite: {label} predicted as {said}")

    cell_links(page).filter(has_text=image).click()

    page.wait_for_url("**/explain?**")
    tiles = page.get_by_role("listbox", name="The image and its models").get_by_role("option")
    expect(tiles).to_have_count(2)
    expect(tiles.first).to_contain_text(f"{image}, true class {label}")
    expect(tiles.last).to_contain_text("%")  # of its prediction
    expect(page.get_by_role("button", name="Remove lite")).to_be_visible()


def test_the_hardest_images_come_first_and_can_be_filtered(page: Page, smears_address: str) -> None:
    page.goto(f"{smears_address}/compare?section=Hard images")
    gallery = page.locator(".st-key-gallery-hard_page")
    expect(gallery.get_by_text("0 of 2 models correct").first).to_be_visible()

    page.get_by_role("radio", name="2", exact=True).click()

    page.wait_for_url("**n_correct=2**")
    expect(gallery.get_by_text("2 of 2 models correct").first).to_be_visible()
    expect(gallery.get_by_text("0 of 2 models correct")).to_have_count(0)


def test_the_section_and_the_switches_are_there_again_after_another_page(
    page: Page, smears_address: str
) -> None:
    page.goto(f"{smears_address}/compare?section=ROC&per=per+group&calibrated=true")
    expect(page.get_by_role("heading", name="ROC curves")).to_be_visible()
    page.get_by_role("link", name="Explain").first.click()
    expect(page.get_by_role("heading", name="Explain an image")).to_be_visible()

    page.get_by_role("link", name="Compare").first.click()

    expect(page.get_by_role("heading", name="ROC curves")).to_be_visible()
    expect(page.get_by_role("radio", name="per group")).to_be_checked()
    expect(page.get_by_role("switch", name="Calibrated probabilities")).to_be_checked()
    page.wait_for_url(re.compile("section=ROC"))


def test_a_figure_is_saved_in_the_format_chosen(page: Page, smears_address: str) -> None:
    page.goto(f"{smears_address}/compare?section=ROC")

    assert save_figure(page, "PNG", "Download plot as a PNG").startswith(b"\x89PNG")
    page.get_by_role("radio", name="SVG", exact=True).click()
    page.wait_for_url("**export=SVG**")
    saved = save_figure(page, "SVG", "Download plot")

    assert saved.startswith(b"<svg")
    assert_legend_is_whole(saved.decode())


def save_figure(page: Page, kind: str, button: str) -> bytes:
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    figure = page.locator(".st-key-roc-curves")
    expect(figure).to_have_count(1)  # while the page is drawn again there is the old one, too
    with page.expect_download() as download:
        figure.locator(f"[data-title='{button}']").click()
    name = download.value.suggested_filename
    about = "macro-average-smears-grouped-seed0-[0-9a-f]{6}"
    assert re.fullmatch(rf"blastlens-roc-{about}\.{kind.lower()}", name)
    return download.value.path().read_bytes()


def assert_legend_is_whole(svg: str) -> None:
    """What names the curves, and the source, are in the file; nothing of a wider font is cut."""
    entries = re.findall(r">(AUC [01]\.\d{3}, [^<]+)<", svg)
    width = re.search(r'<clipPath id="legend[^"]*"><rect width="([\d.]+)"', svg)
    assert len(entries) >= 2
    assert width
    assert float(width[1]) >= 40 + 10 * max(map(len, entries))  # as wide as any font of 12 px
    text = " ".join(re.sub("<[^>]*>", " ", svg).split())
    assert "ROC curves, macro-average" in text
    assert "smears, grouped split, seed 0, " in text
