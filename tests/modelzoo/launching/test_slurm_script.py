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
