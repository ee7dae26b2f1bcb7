"""Hostile addresses in a real browser, which would ask a foreign host if it were told to."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.pages.hostile import NAMES, hostile_addresses
from tests.pages.test_addresses import KEYS
from tests.run_folders import make_run

pytestmark = pytest.mark.browser

FOOTER = "BlastLens is for research and teaching."
EACH = 2  # addresses of a page, beside two with one value of every key


@pytest.fixture(scope="module")
def address(serve: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("home")
    make_run(home / "runs", "lite0", images=40)
    make_run(home / "runs", "hostile", images=40, data=NAMES[0], recipe=NAMES[0])
    return serve(home)


@pytest.mark.parametrize("page_name", KEYS)
def test_no_page_asks_a_foreign_host(page: Page, address: str, page_name: str) -> None:
    foreign: list[str] = []
    own = (address, "data:", "blob:")
    page.on("request", lambda each: None if each.url.startswith(own) else foreign.append(each.url))
    keys = KEYS[page_name]
    queries = list(hostile_addresses(keys, number=EACH, seed=1))
    queries += [{key: [NAMES[kind]] for key in keys} for kind in (0, 1)]

    for query in queries:
        path = "" if page_name == "home" else page_name
        short = {key: [value[:300] for value in values] for key, values in query.items()}
        page.goto(f"{address}/{path}?{urlencode(short, doseq=True)}")
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("[data-testid=stStatusWidget]")).to_have_count(0)
        expect(page.get_by_text(FOOTER)).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)

    assert not foreign
