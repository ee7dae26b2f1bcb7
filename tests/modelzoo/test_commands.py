"""The command line as a person types it: once in processes of its own, which take seconds each."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from modelzoo.__main__ import app

TRAIN = ("--weights", "none", "--input-px", "64", "--epochs", "2", "--split", "random")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a small data set: one image among them is damaged."""
    folder = tmp_path_factory.mktemp("home")
    random = np.random.default_rng(0)
    for label, colour in (("pale", 200), ("dark", 90)):
        (folder / "images" / label).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(colour - 60, colour + 50, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / label / f"{number:02}.png")
    (folder / "images" / "dark" / "broken.png").write_bytes(b"\x89PNG no more")
    return folder


def in_a_process(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("BLASTLENS_")
    }
    return subprocess.run(
        [sys.executable, "-m", "modelzoo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"BLASTLENS_HOME": str(home)},
    )


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Types a command in this process."""
    for name in [name for name in os.environ if name.startswith("BLASTLENS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BLASTLENS_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *arguments: CliRunner().invoke(app, [*arguments])


def test_a_folder_is_described_and_what_is_skipped_is_said(home: Path) -> None:
    answer = in_a_process(home, "data", str(home / "images"), "--out", str(home / "table.csv"))

    assert answer.returncode == 0, answer.stderr
    assert "40 images" in answer.stdout
    assert "dark/broken.png" in answer.stdout
    table = pd.read_csv(home / "table.csv")
    assert list(table.columns) == ["image", "label", "group", "background"]
    assert len(table) == 40


def test_out_is_written_again_but_never_over_anything_else(
    home: Path, run: Callable[..., Result]
) -> None:
    images, out = home / "images", home / "out.csv"
    table, image, card = home / "mine.csv", images / "dark/00.png", home / "card.md"
    table.write_text("path,label,age\nimages/dark/00.png,dark,40\n")
    args = ("data", str(images), "--out")
    assert run(*args, str(out), "--card", str(card)).exit_code == 0
    written = out.read_text()
    out.write_text(written.splitlines(keepends=True)[0])
    taken = (table, image, images / "new.png", card.with_suffix(".csv"), images)
    before = [each.read_bytes() if each.is_file() else None for each in taken]

    assert run(*args, str(out)).exit_code == 0
    refused = [run(*args, str(each)) for each in taken]
    refused += [run("data", str(each), "--out", str(each)) for each in (table, out)]

    assert out.read_text() == written
    assert [each.read_bytes() if each.is_file() else None for each in taken] == before
    assert [answer.exit_code for answer in refused] == [2] * 7
    assert all(answer.stderr.count("\n") == 1 for answer in refused)


def test_a_run_is_trained_listed_evaluated_and_predicts(
    home: Path, run: Callable[..., Result]
) -> None:
    trained = in_a_process(home, "train", "--data", str(home / "images"), "--name", "first", *TRAIN)
    assert trained.returncode == 0, trained.stderr
    assert "Accuracy" in trained.stdout

    listed = run("runs").stdout.splitlines()
    assert len(listed) == 2  # the titles, and one line per run
    assert listed[1].startswith("first")
    assert max(map(len, listed)) <= 80
    (record,) = json.loads(run("runs", "--json").stdout)
    assert (record["run"], record["state"], record["seed"]) == ("first", "done", 0)
    assert 0 <= record["accuracy_ci_low"] <= record["accuracy"] <= record["accuracy_ci_high"] <= 1
    first = str(home / "runs" / "first")
    assert "Balanced accuracy" in run("evaluate", "first").stdout
    by_path, by_name = (run("evaluate", each, "--json").stdout for each in (first, "first"))
    assert json.loads(by_path) == json.loads(by_name)

    out = home / "predictions.csv"
    answer = run("predict", "--run", first, str(home / "images"), "--out", str(out))
    assert answer.exit_code == 3, answer.stderr  # some could not be read
    assert "broken.png" in answer.stderr
    predictions = pd.read_csv(out)
    columns = ["image", "predicted", "ood_percentile", "p:dark", "p:pale", "reason"]
    assert list(predictions.columns) == columns
    unread = predictions[predictions["reason"].notna()]
    assert unread["image"].tolist() == ["dark/broken.png"]
    assert unread["predicted"].isna().all()
    predictions = predictions.drop(unread.index)
    assert len(predictions) == 40
    assert predictions["ood_percentile"].between(0, 100).all()
    np.testing.assert_allclose(predictions[["p:dark", "p:pale"]].sum(axis=1), 1, atol=1e-4)

    assert run("rename", "first", "second").exit_code == 0
    assert run("delete", "second", "--yes").exit_code == 0
    assert not list((home / "runs").glob("[a-z]*"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train"], "No images were given; say where they are with --data FOLDER."),
        (["train", "--data", "{home}/nowhere"], "nowhere was not found"),
        (["train", "--data", "{home}/images/dark"], "error: "),
        (
            ["train", "--data", "{home}/images", "--backbone", "lenet"],
            "Backbone 'lenet' is unknown",
        ),
        (["train", "--data", "{home}/images", "--learning-rate", "0"], "Learning rate 0.0 is out"),
        (["train", "--data", "{home}/images", "--name", "../x", "--weights", "none"], "Run name"),
        (["train", "--data", "{home}/images", "--recipe", "none"], "Recipe 'none' was not found"),
        (["predict", "--run", "{home}/runs/gone", "{home}/images"], "was not found"),
        (["predict", "--run", "{home}/images", "{home}/images"], "config.toml is missing"),
        (["evaluate", "{home}/runs/gone"], "was not found"),
        (["resume", "{home}/runs/gone"], "was not found"),
        (["stop", "{home}/runs/gone"], "was not found"),
        (["runs", "--runs", "{home}/none"], "holds no run"),
        (["weights", "lenet"], "Backbone 'lenet' is unknown"),
        (["data", "{home}/none"], "was not found"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    home: Path, run: Callable[..., Result], arguments: list[str], sentence: str
) -> None:
    before = sorted((home / "runs").glob("*"))

    answer = run(*(argument.format(home=home) for argument in arguments))

    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stderr
    assert sorted((home / "runs").glob("*")) == before


def test_a_mistake_ends_a_process_with_2_and_without_a_traceback(home: Path) -> None:
    answer = in_a_process(home, "train", "--data", f"{home}/nowhere")

    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1


def test_without_weights_training_says_how_to_get_them_and_starts_nothing_random(
    home: Path, run: Callable[..., Result]
) -> None:
    answer = run("train", "--data", str(home / "images"), "--backbone", "vgg16")

    assert answer.exit_code == 2
    assert "No ImageNet weights of VGG16 are on this machine" in answer.stderr
    assert "--weights none" in answer.stderr
    assert not list((home / "runs").glob("vgg16*/model.safetensors"))
