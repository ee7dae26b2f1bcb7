import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.errors import UserError
from modelzoo.launching.plan import PlannedRun, create_runs, format_command, plan_runs
from modelzoo.runs.folder import delete_run
from modelzoo.runs.status import Status, this_process, write_status


def plan(tmp_path: Path, **changes: Any) -> list[PlannedRun]:
    options: dict[str, Any] = {
        "folder": tmp_path / "runs",
        "recipe": "quick",
        "data": str(tmp_path),
        "backbones": ["vgg16"],
    }
    return plan_runs(**(options | changes))


def test_one_run_for_each_backbone_and_seed_each_with_its_name(tmp_path: Path) -> None:
    planned = plan(tmp_path, backbones=["vgg16", "resnet50"], seeds=(0, 3), name="trial")

    assert [each.name for each in planned] == [
        "trial-vgg16-seed0", "trial-vgg16-seed3", "trial-resnet50-seed0", "trial-resnet50-seed3",
    ]  # fmt: skip
    assert [each.config.seed for each in planned] == [0, 3, 0, 3]
    assert {each.config.data for each in planned} == {str(tmp_path.resolve())}


def test_a_run_without_a_name_gets_one_that_is_free(tmp_path: Path) -> None:
    first = plan(tmp_path)
    create_runs(tmp_path / "runs", first)

    assert [each.name for each in first] == ["vgg16-grouped-0"]
    assert [each.name for each in plan(tmp_path)] == ["vgg16-grouped-0-2"]


def test_where_one_name_is_taken_no_run_is_made(tmp_path: Path) -> None:
    create_runs(tmp_path / "runs", plan(tmp_path, name="trial-resnet50"))
    both = plan(tmp_path, name="trial", backbones=["vgg16", "resnet50"])

    with pytest.raises(UserError, match="Run 'trial-resnet50' is already in"):
        create_runs(tmp_path / "runs", both)

    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["trial-resnet50"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "../escaped"}, "Run name '../escaped' cannot be used"),
        ({"data": None}, "No images were given"),
        ({"data": "nowhere"}, "nowhere was not found"),
        ({"epochs": 0}, "Epochs 0 is out of range; give 1 to 10000"),
        ({"learning_rate": float("nan")}, "Learning rate nan is out of range"),
        ({"split": "none"}, "Split 'none' is unknown"),
        ({"backbones": ["vgg17"]}, "vgg17"),
    ],
)
def test_a_choice_that_does_not_hold_is_a_sentence(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        plan(tmp_path, **changes)


def test_the_command_makes_the_same_run(tmp_path: Path) -> None:
    """Up to the images: an empty folder is refused, with the options read and understood."""
    (planned,) = plan(
        tmp_path, name="mine", seeds=(4,), epochs=7, learning_rate=0.01, weights="none"
    )

    command = format_command(planned, device="cpu")

    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "modelzoo", "train"]
    assert "--patience" not in words  # as the recipe has it
    changed = dict(zip(words[4::2], words[5::2], strict=True))
    assert changed == {
        "--name": "mine", "--recipe": "quick", "--data": str(tmp_path.resolve()),
        "--backbone": "vgg16", "--seed": "4", "--epochs": "7", "--learning-rate": "0.01",
        "--weights": "none", "--device": "cpu",
    }  # fmt: skip
    answer = CliRunner().invoke(app, [*words[3:], "--runs", str(tmp_path / "runs")])
    assert answer.exit_code == 2
    assert "image" in answer.output
    assert not (tmp_path / "runs").exists()


def test_a_run_deleted_is_gone_and_one_at_work_is_not_deleted(tmp_path: Path) -> None:
    done, busy = create_runs(tmp_path / "runs", plan(tmp_path, backbones=["vgg16", "resnet50"]))
    write_status(done.path, Status(state="done"))
    write_status(busy.path, Status(state="training", **this_process()))

    delete_run(done.path)
    with pytest.raises(UserError, match="is training; stop it before it is deleted"):
        delete_run(busy.path)

    assert [path.name for path in (tmp_path / "runs").iterdir()] == [busy.id]


def test_a_folder_of_runs_that_no_disk_can_hold_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / ("n" * 300)
    planned = plan(tmp_path, folder=folder)

    with pytest.raises(UserError, match="could not be written"):
        create_runs(folder, planned)

    assert list(tmp_path.iterdir()) == []
