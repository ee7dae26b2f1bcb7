"""axe-core on a page: the rules that browsers' own checkers use."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = {"serious", "critical"}


def find_grave_faults(page: Page) -> list[str]:
    """What is seriously wrong for those who use keys or a screen reader, a line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
