"""What a place is that runs can be sent to, and what every engine can do. No torch.

An engine is a module: `local`, `slurm` and `ray_jobs` are those there are.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from modelzoo.runs.folder import Run
from modelzoo.runs.submission import Submission

EngineName = Literal["local", "slurm", "ray"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where runs go, and what each of them is given there."""

    name: str
    engine: EngineName
    device: str = "auto"  # of this machine, torch's name of it
    cpus: int = 2
    gpus: int = 1  # of each machine
    gpu_type: str = ""  # as the cluster calls it: "a100"
    memory_gb: int = 8
    python: str = sys.executable  # on the machines of the cluster
    # Slurm's
    partition: str = ""
    account: str = ""
    nodes: int = 1  # machines
    minutes: int = 0  # the time limit; 0: the partition's own
    at_once: int = 0  # runs of an array that train at the same time; 0: as many as have room
    # Ray's
    address: str = ""
    token_file: str = ""

    @property
    def processes(self) -> int:
        """Processes that train a run together, each on a GPU of its own, or a machine's CPUs."""
        return self.nodes * max(self.gpus, 1)

    @property
    def job_device(self) -> str:
        """Torch's name of what a job trains on."""
        return "cuda" if self.gpus else "cpu"


LOCAL = Target(name="local", engine="local")


@dataclass(frozen=True, slots=True)
class Job:
    """What a scheduler says of a job that it knows."""

    state: Literal["waiting", "running", "ended"]
    words: str = ""  # why it waits, or how it ended


@dataclass(frozen=True, slots=True)
class Free:
    """How much of something is free."""

    what: str
    free: float
    total: float
    unit: str = ""

    @property
    def text(self) -> str:
        """For people."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.what}: {self.free:,.0f} of {self.total:,.0f}{unit} free"


class Engine(Protocol):
    """Where a run goes. Each raises a UserError where the place refuses or does not answer."""

    def check(self, target: Target) -> None:
        """Pass when a run could be sent there now."""

    def describe(self, target: Target, paths: Sequence[Path], *, store: Path) -> str:
        """What `submit` hands over for runs in the folders `paths`, to be read."""

    def submit(self, target: Target, runs: Sequence[Run], *, store: Path) -> list[str]:
        """Send the runs; the id of the job of each."""

    def look(self, target: Target, jobs: Sequence[str]) -> dict[str, Job]:
        """What is known of `jobs`, by their ids; those that have long ended are missing."""

    def stop(self, target: Target, run: Run, sent: Submission | None, *, after_epoch: bool) -> None:
        """Ask the job of `run` to stop at the next batch or after the epoch; one that waits goes.

        Returns at once or when it was heard.
        """

    def read_log(self, target: Target, run: Run, sent: Submission | None) -> str:
        """The end of what the job printed outside the run's own log."""

    def list_free(self, target: Target) -> list[Free]:
        """What is free there."""
