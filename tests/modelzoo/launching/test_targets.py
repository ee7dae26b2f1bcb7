"""The settings file: what it may say, and that every mistake is named with its line."""

from pathlib import Path

import pytest

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.launching import engines
from modelzoo.launching.target import LOCAL, Target
from modelzoo.launching.targets import find_target, read_targets
from modelzoo.runs.folder import create_run
from modelzoo.runs.submission import Submission, write_submission

SLURM = """[cluster]
engine = "slurm"
partition = "gpu"
account = "hematology"
gpus = 2
gpu_type = "a100"
minutes = 240
at_once = 2
"""
RAY = """
[ray]
engine = "ray"
address = "http://127.0.0.1:8265"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "targets.toml"


def test_without_a_file_there_is_this_machine(file: Path) -> None:
    assert read_targets(file) == {"local": LOCAL}


def test_targets_are_read_in_their_order(file: Path) -> None:
    file.write_text(SLURM + RAY)

    found = read_targets(file)

    assert list(found) == ["local", "cluster", "ray"]
    assert found["cluster"] == Target(
        name="cluster", engine="slurm", partition="gpu", account="hematology", gpus=2,
        gpu_type="a100", minutes=240, at_once=2,
    )  # fmt: skip
    assert found["ray"].address == "http://127.0.0.1:8265"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (SLURM + "partitoin = 'gpu'", "line 9: 'partitoin' is unknown for engine slurm; give one"),
        (SLURM + RAY + "minutes = 3", "line 13: 'minutes' is unknown for engine ray"),
        (RAY + SLURM.replace("minutes", "minuets"), "line 11: 'minuets' is unknown"),
        (SLURM.replace("= 2\ngpu", "= -1\ngpu"), "line 5: gpus is -1; give a whole number from 0"),
        (SLURM.replace("240", "true"), "line 7: minutes is True; give a whole number"),
        (SLURM.replace('"a100"', "100"), "line 6: gpu_type is 100; give a text in quotes"),
        (SLURM.replace('"gpu"', '"gpu\\n#SBATCH"'), "line 3: partition is .* give a text"),
        (SLURM.replace('"gpu"', '"gpu --uid=0"'), "line 3: partition is .* give a name as"),
        (SLURM.replace('"slurm"', '"pbs"'), "line 2: target 'cluster' needs an engine"),
        ("\n[a]\ncpus = 2", "line 2: target 'a' needs an engine; give engine = 'slurm' or 'ray'"),
        ("[local]\nengine = 'slurm'", "line 1: a target cannot be called 'local'"),
        ("['a b']\nengine = 'slurm'", "line 1: a target cannot be called 'a b'"),
        ("engine = 'slurm'", "line 1: 'engine' stands outside of a target"),
        ("[ray]\nengine = 'ray'", "line 1: target 'ray' needs an address"),
        (RAY.replace("http://", "ftp://"), "line 4: address is 'ftp:.*give one such as"),
        (RAY.replace("127.0.0.1", "me:secret@host"), "line 4: address is"),
        ("[cluster]\ncpus 2", r"is no TOML \(.*line 2"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_its_line(
    file: Path, text: str, sentence: str
) -> None:
    file.write_text(text)

    with pytest.raises(UserError, match=sentence) as raised:
        read_targets(file)

    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_target_is_answered_with_those_there_are(file: Path) -> None:
    file.write_text(SLURM)

    with pytest.raises(UserError, match=r"'clutser' is not in .* give one of local and cluster"):
        find_target("clutser", file)


def test_a_run_of_a_target_that_was_taken_out_is_not_stopped_here(tmp_path: Path) -> None:
    run = create_run(tmp_path, "run", TrainConfig())
    write_submission(run.path, Submission(target="gone", job="12"))

    with pytest.raises(UserError, match="was sent to 'gone', which the settings file does not"):
        engines.stop(run, targets={"local": LOCAL})
    engines.require_not_sent(run, {"local": LOCAL})  # resumed here it may be
