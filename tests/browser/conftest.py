"""A real server and a real Chromium; one that is missing fails the tests, never skips them."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.patience import PATIENCE_SECONDS

PATIENCE_MS = 1000 * PATIENCE_SECONDS
expect.set_options(timeout=PATIENCE_MS)
PROJECT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    path = find_chromium()
    assert path, "No Chromium was found; `make test` gets one."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab at 1440 px, without anything remembered."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


Servers = dict[str, psutil.Process]
Preloaded = subprocess.Popen[str]


@pytest.fixture(scope="session")
def preloaded() -> Iterator[Preloaded]:
    """What servers are forked from."""
    command = [sys.executable, "-m", "tests.browser.preloaded"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """The servers that a file of tests started, by address; a test may kill one."""
    with _ended() as servers:
        yield servers


@pytest.fixture(scope="module")
def serve(preloaded: Preloaded, servers: Servers) -> Callable[..., str]:
    """Starts the app over a folder of runs, until the tests of a file end; gives its address."""
    return partial(_start, preloaded, servers)


@pytest.fixture(scope="session")
def serve_on(preloaded: Preloaded) -> Iterator[Callable[..., str]]:
    """The same, until all tests end."""
    with _ended() as servers:
        yield partial(_start, preloaded, servers)


@pytest.fixture(scope="session")
def lens_address(serve_on: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with nothing but the lens."""
    return serve_on(tmp_path_factory.mktemp("lens"), script="tests/browser/lens_page.py")


@pytest.fixture(scope="session")
def empty_address(serve_on: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The app where nothing has been trained, for tests that leave it so."""
    return serve_on(tmp_path_factory.mktemp("empty"))


@contextmanager
def _ended() -> Iterator[Servers]:
    """Room for servers, which end with the block."""
    started: Servers = {}
    yield started
    for server in started.values():
        with suppress(psutil.NoSuchProcess):
            server.kill()  # asked to end, each takes seconds, and it would keep nothing
            server.wait(PATIENCE_SECONDS)


def _start(
    preloaded: Preloaded,
    servers: Servers,
    home: Path,
    port: int = 0,
    script: str = "streamlit_app.py",
) -> str:
    """The app, or one page alone, over a folder of runs; its address."""
    if not port:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    asked = {
        "arguments": ["run", script, "--server.headless=true", f"--server.port={port}"],
        "environment": os.environ | {"BLASTLENS_HOME": str(home)},
        "log": str(home / "server.log"),
    }
    assert preloaded.stdin
    assert preloaded.stdout
    preloaded.stdin.write(f"{json.dumps(asked)}\n")
    preloaded.stdin.flush()
    server = psutil.Process(int(preloaded.stdout.readline()))
    address = f"http://127.0.0.1:{port}"
    servers[address] = server
    _wait_until_healthy(address, server)
    return address


def _wait_until_healthy(address: str, server: psutil.Process) -> None:
    """Return when the server answers; it must while its process lives."""
    while server.is_running():
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # a loop without it takes the core that the server starts on
    raise AssertionError("the server ended; its log is server.log in its home")
