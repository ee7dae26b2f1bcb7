"""Requests to a Ray that is late, or stops in the middle of its answer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.launching import ray_jobs
from modelzoo.launching.target import Target
from modelzoo.runs.folder import create_run

Asked = list[tuple[str, bytes]]


@pytest.fixture
def late() -> Iterator[tuple[Target, Asked]]:
    """A cluster that takes jobs and says so too late, and what it was asked."""
    asked: Asked = []
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"{")
            self.wfile.flush()
            ended.wait()

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, content))
            if self.path == "/api/jobs/":
                ended.wait()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield Target(name="late", engine="ray", address=address), asked
        ended.set()
        server.shutdown()


def test_a_job_whose_answer_is_lost_is_taken_back(
    late: tuple[Target, Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, asked = late
    monkeypatch.setattr(ray_jobs, "SUBMIT_SECONDS", 0.2)
    run = create_run(tmp_path / "runs", "run", TrainConfig(data="smears"))

    with pytest.raises(UserError, match="does not answer at"):
        ray_jobs.submit(target, [run], store=tmp_path)

    job = json.loads(asked[0][1])["submission_id"]
    assert [path for path, _ in asked] == ["/api/jobs/", f"/api/jobs/{job}/stop"]


def test_an_answer_that_stops_in_its_middle_is_a_sentence(
    late: tuple[Target, Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_jobs, "ANSWER_SECONDS", 0.2)

    with pytest.raises(UserError, match="does not answer at"):
        ray_jobs.list_free(late[0])
