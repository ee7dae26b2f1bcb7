"""A Slurm of its own on this machine, in one folder: munged, slurmctld and slurmd as root.

`python -m tests.clusters.slurm_here` installs Debian's packages where they are missing.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.patience import PATIENCE_SECONDS

CONF = """
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
SlurmdTimeout=10
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 Gres=gpu:a100:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes={host} State=UP PriorityTier=10 PreemptMode=OFF
"""
# Two that Slurm takes for GPUs: it only counts them.
GRES = "Name=gpu Type=a100 File=/dev/null\nName=gpu Type=a100 File=/dev/zero\n"


def install() -> None:
    """Install Slurm and munge where they are missing; as root, on Debian."""
    if all(map(shutil.which, ("sbatch", "slurmctld", "slurmd", "munged"))):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise SystemExit(
            "The tests of clusters start a real Slurm: as root on Debian it is installed; "
            "elsewhere put sbatch, slurmctld, slurmd and munged on the path of root first."
        )
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    packages = ["slurm-wlm", "munge"]
    subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=True, env=environment)


class Slurm:
    """The daemons, to be ended and begun anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self._host = socket.gethostname().split(".")[0]

    def begin(self) -> None:
        """Write the configuration and start all three daemons."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        self.conf.write_text(
            CONF.format(host=self._host, folder=self.folder, ports=_find_free_ports(2))
        )
        (self.folder / "gres.conf").write_text(GRES)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self.folder.chmod(0o755)  # munged wants nobody else to write there
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log"}
        options = [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]
        options += [f"--seed-file={self.folder}/munge.seed", "--force"]
        self._run("munged", *options)
        self._run("slurmctld", "-f", str(self.conf), "-c")
        self.begin_node()
        self.wait(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"))

    def begin_node(self) -> None:
        """Start the daemon of the node."""
        self._run("slurmd", "-f", str(self.conf), "-N", self._host)

    def pid(self, daemon: str) -> int:
        """The id of a daemon's process."""
        return int((self.folder / f"{daemon}.pid").read_text())

    def end(self) -> None:
        """End the daemons and whatever job still runs."""
        for step in self.list_steps():
            with suppress(psutil.NoSuchProcess):
                step.kill()
        for daemon in ("slurmd", "slurmctld", "munge"):
            try:
                process = psutil.Process(self.pid(daemon))
                process.kill()  # asked to end, it would wait for what jobs are still to be told
                process.wait(PATIENCE_SECONDS)
            except (FileNotFoundError, psutil.NoSuchProcess):
                continue

    def list_steps(self) -> list[psutil.Process]:
        """The processes of jobs on the node, those that watch over them last."""
        found = []
        for each in psutil.process_iter(["name"]):
            # In the folder of the daemon that began it, which is no parent of it.
            with suppress(psutil.Error):
                if each.info["name"] == "slurmstepd" and Path(each.cwd()) == self.folder:
                    found += [*each.children(recursive=True), each]
        return found

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = self._run(*command)
        return done.stdout

    def wait(self, condition: "object") -> None:
        """Return when `condition()` holds."""
        assert callable(condition)
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < until, (self.folder / "slurmctld.log").read_text()[-3000:]
            time.sleep(0.1)

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"SLURM_CONF": str(self.conf)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done


@contextmanager
def slurm_here(folder: Path) -> Iterator[Slurm]:
    """A Slurm with one node, two CPUs, two GPUs in name, and the partitions main and urgent."""
    slurm = Slurm(folder)
    try:
        slurm.begin()
        yield slurm
    finally:
        slurm.end()


def _find_free_ports(how_many: int) -> list[int]:
    sockets = [socket.socket() for _ in range(how_many)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


if __name__ == "__main__":
    install()
    sys.exit(0)
