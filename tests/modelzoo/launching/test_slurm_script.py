"""The batch script as a text: what Slurm reads of it. What it does is tried on a real Slurm."""

import subprocess
from pathlib import Path

import pytest

from modelzoo.launching.slurm_script import format_script, list_options
from modelzoo.launching.target import Target

TARGET = Target(name="cluster", engine="slurm", gpus=0)


@pytest.mark.parametrize(
    ("runs", "changes", "option"),
    [
        (10, {"at_once": 2}, "--array=0-9%2"),
        (10, {}, "--array=0-9"),
        (1, {"gpus": 2, "gpu_type": "a100"}, "--gres=gpu:a100:2"),
        (1, {"gpus": 1}, "--gres=gpu:1"),
        (1, {"partition": "night"}, "--partition=night"),
        (1, {"account": "hematology"}, "--account=hematology"),
        (1, {"minutes": 240}, "--time=240"),
        (1, {"minutes": 240}, "--signal=B:USR2@120"),
        (1, {"minutes": 2}, "--signal=B:USR2@60"),  # not as soon as it begins
        (1, {"nodes": 2}, "--nodes=2"),
        (1, {"nodes": 2}, "--ntasks-per-node=1"),
    ],
)
def test_what_a_run_is_given_is_an_option(
    tmp_path: Path, runs: int, changes: dict[str, str | int], option: str
) -> None:
    given = {"name": "cluster", "engine": "slurm", "gpus": 0} | changes

    assert option in list_options(Target(**given), runs, tmp_path)  # type: ignore[arg-type]  # of several types


def test_what_is_not_given_is_the_clusters_own(tmp_path: Path) -> None:
    options = " ".join(list_options(TARGET, 1, tmp_path))

    assert not any(each in options for each in ("partition", "account", "gres", "time", "array"))


def test_folders_with_any_name_are_one_word_each(tmp_path: Path) -> None:
    names = ["plain", "with blank", "it's", "$(touch broken)", "`x`", '"']
    script = format_script(
        TARGET,
        [tmp_path / name for name in names],
        store=tmp_path / "a store",
        environment={"BLASTLENS_HOME": "/it's here"},
        jobs=tmp_path / "100%",
    )

    assert '/100%%/%A_%a.out"' in script
    # As far as the script has found its run; bash itself says what it read.
    start = script.split("export OMP_NUM_THREADS")[0]
    printed = subprocess.run(
        ["bash", "-c", start + 'printf "%s\\n" "${runs[@]}" "$BLASTLENS_HOME"'],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"},
    ).stdout.splitlines()  # fmt: skip
    assert printed == [str(tmp_path / name) for name in names] + ["/it's here"]
    assert not (tmp_path / "broken").exists()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def start_of(tmp_path: Path, **changes: int) -> tuple[str, str]:
    """What the script types to train, with what stands in place of its programs; the script."""
    given = {"name": "cluster", "engine": "slurm", "python": "py"} | changes
    target = Target(**given)  # type: ignore[arg-type]  # of several types
    script = format_script(
        target, [tmp_path / "run"], store=tmp_path, environment={}, jobs=tmp_path
    )
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    line = script.split("' TERM\n")[1].split(" &\n")[0].replace("scontrol show", "echo")
    shell = f"run=RUN; SLURM_JOB_ID=40007; SLURM_CPUS_PER_TASK=3; echo {line}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    return done.stdout.strip().split(" --at-once")[0], script


def test_several_gpus_or_machines_are_several_processes(tmp_path: Path) -> None:
    torchrun = "py -m torch.distributed.run"
    resume = "-m modelzoo resume RUN"

    assert start_of(tmp_path, gpus=1)[0] == start_of(tmp_path, gpus=0)[0] == f"py {resume}"
    assert start_of(tmp_path, gpus=2)[0] == f"{torchrun} --standalone --nproc-per-node=2 {resume}"
    assert start_of(tmp_path, gpus=4, nodes=2)[0] == (
        f"srun --kill-on-bad-exit=1 --cpus-per-task=3 {torchrun} --nnodes=2 --nproc-per-node=4 "
        f"--rdzv-backend=c10d --rdzv-id=40007-0 --rdzv-endpoint=hostnames:20007 {resume}"
    )
    assert "--nnodes=2 --nproc-per-node=1" in start_of(tmp_path, gpus=0, nodes=2)[0]


def test_their_threads_share_the_cores(tmp_path: Path) -> None:
    threads = []
    for gpus, cores in ((1, 8), (2, 8), (4, 2)):
        line = next(
            line
            for line in start_of(tmp_path, gpus=gpus)[1].splitlines()
            if line.startswith("export OMP_NUM_THREADS")
        )
        shell = f"SLURM_CPUS_PER_TASK={cores}; {line}; echo $OMP_NUM_THREADS"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
        threads.append(done.stdout.strip())

    assert threads == ["8", "4", "1"]


def test_a_stop_that_no_signal_can_say_is_a_file(tmp_path: Path) -> None:
    one, two, nodes = (
        start_of(tmp_path, **changes)[1] for changes in ({}, {"gpus": 2}, {"nodes": 2})
    )

    assert "trap 'again=no; signal USR1' USR1" in one
    assert "trap 'again=no; ask epoch' USR1" in two
    assert "trap 'again=no; signal TERM' INT" in two
    assert "trap 'again=no; ask now' INT" in nodes
    assert "near=yes; ask now' USR2" in nodes
