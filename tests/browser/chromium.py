"""Which Chromium the browser tests drive; `python -m tests.browser.chromium` gets one.

An installed Chromium or Chrome first, else Playwright's own, else the system's package.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str | None:
    """Path of a Chromium that can be started; None where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for application in APPLICATIONS:
        if Path(application).is_file():
            return application
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def main() -> None:
    """Get a Chromium where there is none."""
    if find_chromium():
        return
    print("No Chromium or Chrome is installed; getting Playwright's own ...", flush=True)
    own = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(own, check=False).returncode == 0 and find_chromium():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("It could not be had; installing the system's package ...", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)
    if not find_chromium():
        sys.exit("No Chromium could be had for the browser tests; install Chromium or Chrome.")


if __name__ == "__main__":
    main()
