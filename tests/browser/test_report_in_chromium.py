"""The report as a browser shows it: from a disk, without a network, on a phone and on A4."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from modelzoo.reporting.facts import read_reported
from modelzoo.reporting.page import write_report
from tests.browser.axe import find_grave_faults
from tests.run_folders import make_run

pytestmark = pytest.mark.browser

A4_PX = 695  # within its margins, at 96 px an inch
PHONE_PX = 390
TOO_WIDE = """() => [...document.querySelectorAll("table, svg, img, pre, p, h1, dd")]
    .filter(each => each.getBoundingClientRect().right > document.body.clientWidth + 1)
    .map(each => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of eleven runs, one with a name as long as there can be, and a data set of 250 letters."""
    folder = tmp_path_factory.mktemp("home")
    names = ("vgg16", "vgg19", "resnet50", "resnet152", "densenet121", "densenet169", "xception")
    more = ("nasnet_mobile", "efficientnet_b0", "efficientnetv2_b0")
    runs = [make_run(folder / "runs", name, backbone=name, data="d" * 250) for name in names + more]
    runs.append(make_run(folder / "runs", "n" * 100, backbone="vgg16", data="d" * 250))
    file = folder / "report.html"
    write_report(file, read_reported(runs, made=time.time(), command="python -m modelzoo report"))
    return file


@pytest.mark.parametrize(
    ("width", "media"), [(1440, "screen"), (PHONE_PX, "screen"), (A4_PX, "print")]
)
def test_a_report_opens_alone_and_nothing_is_cut(
    browser: Browser, report: Path, width: int, media: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.emulate_media(media=media)  # type: ignore[arg-type]  # one of two words

    page.goto(report.as_uri())

    assert asked == [report.as_uri()]
    assert not said
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if media == "print":
        assert page.evaluate(TOO_WIDE) == []
    context.close()


def test_a_report_can_be_read_by_keys_and_screen_readers(browser: Browser, report: Path) -> None:
    # The file's own policy lets no script in, so that axe needs a way past it.
    context = browser.new_context(viewport={"width": PHONE_PX, "height": 900}, bypass_csp=True)
    page = context.new_page()

    page.goto(report.as_uri())

    assert find_grave_faults(page) == []
    context.close()
