"""`python -m modelzoo ood`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelzoo import paths
from modelzoo.__main__ import app
from modelzoo.errors import UserError
from modelzoo.runs.file_names import OOD
from modelzoo.runs.ood import read_ood
from modelzoo.runs.records import read_split


def test_an_older_run_gets_what_a_training_keeps(small_home: Path, tmp_path: Path) -> None:
    run = tmp_path / "lite0-64"
    shutil.copytree(small_home / "runs" / "lite0-64", run)
    (run / OOD).unlink(missing_ok=True)

    answer = CliRunner().invoke(app, ["ood", str(run)])

    assert answer.exit_code == 0, answer.output
    found = read_ood(run)
    assert found
    assert set(found) == {row.image for row in read_split(run).rows if row.part != "train"}
    image = next(iter(found))
    typed = ["predict", "--run", str(run), str(small_home / "data" / image), "--json"]
    (predicted,) = json.loads(CliRunner().invoke(app, typed).stdout)
    assert found[image] == pytest.approx(predicted["ood_percentile"], abs=3)


def test_results_of_the_project_and_runs_without_images_are_a_sentence(
    small_home: Path, tmp_path: Path
) -> None:
    ours = paths.reference_folder() / "lite0-grouped"
    moved = tmp_path / "lite0-64"
    shutil.copytree(small_home / "runs" / "lite0-64", moved)
    config = moved / "config.toml"
    config.write_text(config.read_text().replace(str(small_home / "data"), "/nowhere"))
    (moved / OOD).write_text("image,ood_percentile\n")

    for run, sentence in ((ours, "comes with the project"), (moved, "/nowhere is not there")):
        answer = CliRunner().invoke(app, ["ood", str(run)])
        assert answer.exit_code == 2
        assert sentence in answer.stderr
    assert not (ours / OOD).exists()
    assert (moved / OOD).read_text() == "image,ood_percentile\n"


@pytest.mark.parametrize(
    "content", ["", "image\na\n", "image,ood_percentile\na,101\n", "image,ood_percentile\na\n"]
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / OOD).write_text(content)

    if content:
        with pytest.raises(UserError, match=r"ood\.csv is damaged"):
            read_ood(tmp_path)
    else:
        assert read_ood(tmp_path) == {}
