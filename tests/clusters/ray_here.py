"""A Ray of its own on this machine, in token mode, from its own environment.

`python -m tests.clusters.ray_here` installs it (384 MB) into the folder of BLASTLENS_RAY, else
`~/.cache/blastlens/ray`, where it stays.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "2.60.0"
ATTEMPTS = 5
PORTS = (
    "port",
    "dashboard-port",
    "dashboard-agent-listen-port",
    "dashboard-agent-grpc-port",
    "runtime-env-agent-port",
    "metrics-export-port",
    "node-manager-port",
    "object-manager-port",
    "ray-client-server-port",
)


@dataclass(frozen=True, slots=True)
class Ray:
    """A cluster of one node with two CPUs and, in name, one GPU."""

    address: str
    token_file: Path

    def ask(self, path: str) -> Any:
        """The answer of its REST interface."""
        request = urllib.request.Request(f"{self.address}{path}")
        request.add_header("Authorization", f"Bearer {self.token_file.read_text()}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def install() -> Path:
    """The folder of Ray's commands; Ray is installed where it is missing."""
    folder = Path(os.environ.get("BLASTLENS_RAY", Path.home() / ".cache" / "blastlens" / "ray"))
    commands = folder / "bin"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # filelock may not be here yet
        if not (commands / "ray").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(commands / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, f"ray[default]=={VERSION}"], check=True)
    return commands


@contextmanager
def ray_here() -> Iterator[Ray]:
    """Ray's head with its dashboard on loopback, in token mode; it ends with the block."""
    commands = install()
    # Sockets below it have names of at most 107 bytes, which pytest's own folders would exceed.
    folder = Path(tempfile.mkdtemp(prefix="ray"))
    token = folder / "token"
    token.write_text(secrets.token_hex(16))
    try:
        with _head(commands, folder, token) as address:
            yield Ray(address, token)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _head(commands: Path, folder: Path, token: Path) -> Iterator[str]:
    """Ray's head, and the address of its dashboard once it answers; started again where it ends.

    On a machine that is busy one of its parts may not answer the others within Ray's own 30 s.
    """
    environment = os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "300",
    }
    for attempt in range(ATTEMPTS):
        ports = dict(zip(PORTS, _find_free_ports(len(PORTS)), strict=True))
        options = [f"--{name}={port}" for name, port in ports.items()]
        options += ["--head", "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1"]
        options += ["--num-cpus=2", "--num-gpus=1", f"--memory={4 * 10**9}"]
        options += ["--disable-usage-stats", f"--temp-dir={folder}/{attempt}"]
        log = folder / f"{attempt}.log"
        with log.open("wb") as out:
            # `--block` keeps all of Ray in one group of processes, which ends with its first.
            head = subprocess.Popen(
                [str(commands / "ray"), "start", "--block", *options],
                env=environment, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        address = f"http://127.0.0.1:{ports['dashboard-port']}"
        try:
            while head.poll() is None and not _answers(Ray(address, token)):
                time.sleep(0.2)
            if head.poll() is None:
                yield address
                return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(head.pid, signal.SIGKILL)
            head.wait()
    raise RuntimeError(log.read_text(errors="replace")[-3000:])


def _answers(ray: Ray) -> bool:
    """Whether the dashboard knows of its node."""
    try:
        report = ray.ask("/api/cluster_status")["data"]["clusterStatus"]["loadMetricsReport"]
        return bool(report["usage"])
    except (OSError, KeyError, TypeError):
        return False


def _find_free_ports(how_many: int) -> list[int]:
    """Below 10002, where the ports of Ray's workers begin."""
    found: list[int] = []
    port = 6400 + os.getpid() % 2000
    while len(found) < how_many:
        port += 1
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found


if __name__ == "__main__":
    install()
