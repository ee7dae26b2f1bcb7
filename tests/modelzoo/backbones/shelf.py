"""A server on this machine that stands in for the internet, with the faults of the real one."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.patience import PATIENCE_SECONDS


@dataclass(eq=False)
class Shelf:
    """Gives one file, whatever the path, with the headers that the hub's client asks for."""

    content: bytes
    address: str = ""
    asked: list[str] = field(default_factory=list)  # "GET /path", and "from 12" where it says so
    cuts: list[int] = field(default_factory=list)  # where the next answers are cut, in bytes
    knows_ranges: bool = True
    status: int = 200  # of every answer to GET
    damages: bool = False  # one byte is another than was published
    is_silent: bool = False  # GET is accepted, and nothing comes
    pause: float = 0.0  # seconds before each tenth of an answer
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@contextmanager
def serve(content: bytes) -> Iterator[Shelf]:
    """A server of `content` on a free port, until the block ends."""
    shelf = Shelf(content)

    class Handler(_Handler):
        answers = shelf

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        shelf.address = f"http://127.0.0.1:{server.server_port}"
        yield shelf
        shelf.closing.set()
        server.shutdown()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    answers: Shelf

    def do_HEAD(self) -> None:
        self.answers.asked.append(f"HEAD {self.path}")
        self._send_headers(200, len(self.answers.content))

    def do_GET(self) -> None:
        shelf, content = self.answers, self.answers.content
        start = self._start()
        shelf.asked.append(f"GET {self.path}" + (f" from {start}" if start else ""))
        if shelf.is_silent:
            shelf.closing.wait(PATIENCE_SECONDS)
            return
        if start >= len(content) or shelf.status != 200:
            status = shelf.status if shelf.status != 200 else 416
            self._send_headers(status, 0, {"Content-Range": f"bytes */{len(content)}"})
            return
        if shelf.damages:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._send_headers(206 if start else 200, len(content) - start)
        end = shelf.cuts.pop(0) if shelf.cuts else len(content)
        step = -(-(end - start) // 10) if shelf.pause else end - start
        with suppress(ConnectionError):  # who asked has gone
            for each in range(start, end, step):
                shelf.closing.wait(shelf.pause)
                self.wfile.write(content[each : min(each + step, end)])

    def _start(self) -> int:
        given = self.headers.get("Range", "bytes=0-") if self.answers.knows_ranges else "bytes=0-"
        return int(given.removeprefix("bytes=").removesuffix("-"))

    def _send_headers(self, status: int, length: int, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {
            "Content-Length": str(length),
            "ETag": f'"{self.answers.sha256}"',
            "X-Repo-Commit": "0" * 40,
        }
        for name, value in (headers | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
