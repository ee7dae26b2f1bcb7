"""`predict`, `explain` and `quality` in shards: what they leave is what one process leaves."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import Result

from modelzoo.datasets.fields import place_fields
from modelzoo.datasets.images import fit_square
from modelzoo.inference.trained import load_run, predict
from modelzoo.runs.attribution_tables import read_quality, read_validity
from modelzoo.shards.files import maps_file, read_maps, table_file
from modelzoo.shards.plan import read_plan
from tests.commands.conftest import Command
from tests.pages.opened import ROOT
from xai.explain import explain
from xai.faithfulness.table import Summary
from xai.on_runs.open import as_input
from xai.smear.join import MapJoiner


@pytest.fixture
def smears(small_home: Path, tmp_path: Path) -> Path:
    """Nine smears, one file that is no image, and a smear that is six fields of 32 px wide."""
    folder = tmp_path / "smears"
    folder.mkdir()
    files = sorted((small_home / "data").rglob("*.jpg"))[::5]
    for index, file in enumerate(files):
        (folder / f"{index}.jpg").hardlink_to(file)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    wide = np.concatenate([np.asarray(Image.open(file).convert("RGB")) for file in files[:2]], 1)
    Image.fromarray(wide).save(folder / "wide.png")
    return folder


def table(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows by image, in the order of the files."""
    rows = pq.read_table(folder / "table").to_pylist()
    return {row["image"]: row for row in rows}


def sharded(command: Command, smears: Path, out: Path, *more: str, shards: int = 3) -> Result:
    options = ("--out", str(out), "--shards", str(shards))
    return command("modelzoo", "predict", "--run", "lite0-64", str(smears), *options, *more)


def test_shards_hold_what_one_command_prints(
    command: Command, smears: Path, tmp_path: Path
) -> None:
    printed = command("modelzoo", "predict", "--run", "lite0-64", str(smears), "--csv")
    expected = list(csv.DictReader(io.StringIO(printed.stdout)))

    answer = sharded(command, smears, tmp_path / "out")

    assert answer.exit_code == printed.exit_code == 3, answer.output
    assert "1 image could not be read, see `reason`" in answer.stderr
    found = table(tmp_path / "out")
    assert list(found) == [row["image"] for row in expected]
    for row, other in zip(expected, found.values(), strict=True):
        assert (row["reason"] or None) == other["reason"]
        if not row["reason"]:
            assert row["predicted"] == other["predicted"]
            assert float(row["p:Pre"]) == pytest.approx(other["p:Pre"], abs=1e-5)
            assert float(row["ood_percentile"]) == pytest.approx(other["ood_percentile"], abs=0.06)


def test_two_workers_leave_the_table_of_one(
    command: Command, small_home: Path, smears: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for shard in ("3", "1"):
        sharded(command, smears, one, "--shard", shard)
    assert "1 shard missing (2); the same command without --shard" in (
        sharded(command, smears, one, "--shard", "1").stdout
    )
    sharded(command, smears, one)
    # Workers are processes, so the command is typed where they can be started.
    typed = ["--run", "lite0-64", str(smears), "--out", str(two), "--shards", "3", "--workers", "2"]
    answer = subprocess.run(
        [sys.executable, "-m", "modelzoo", "predict", *typed],
        cwd=ROOT,
        env=os.environ | {"BLASTLENS_HOME": str(small_home)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 3, answer.stderr
    assert "All shards are finished." in answer.stderr
    assert list(table(one).items()) == list(table(two).items())
    assert pd.read_parquet(two / "table").shape[0] == len(list(smears.iterdir()))


def test_a_task_of_an_array_does_its_shard(
    command: Command, smears: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    answer = sharded(command, smears, tmp_path / "out")

    assert answer.exit_code in (0, 3), answer.output
    assert [file.name for file in (tmp_path / "out" / "table").glob("*.parquet")] == [
        "2-of-3.parquet"
    ]


def test_fields_are_predicted_and_joined(command: Command, smears: Path, tmp_path: Path) -> None:
    sharded(command, smears, tmp_path / "out", "--field", "32", shards=1)
    row = table(tmp_path / "out")["wide.png"]
    run = load_run(Path("runs/lite0-64"))
    image = Image.open(smears / "wide.png")
    # Steps of 24 px at most: three fields along 64 px, five along 128 px.
    places = [(left, upper) for upper in (0, 16, 32) for left in (0, 24, 48, 72, 96)]
    fields = place_fields((128, 64), 32)

    assert [(each["left"], each["upper"]) for each in row["fields"]] == places
    cut = [fit_square(image.crop((f.left, f.upper, f.left + 32, f.upper + 32)), 64) for f in fields]
    probabilities = predict(run, np.stack(cut)).probabilities
    for index, name in enumerate(run.classes):
        assert row[f"p:{name}"] == pytest.approx(probabilities[:, index].mean(), abs=1e-5)
        assert row[f"share:{name}"] == (probabilities.argmax(1) == index).mean()
    assert row["note"].startswith(f"Cut into {len(fields)} fields of 32 x 32 pixels")
    assert "not cells or patients" in row["note"]


def test_maps_in_shards_are_those_of_the_library(
    command: Command, smears: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--out", str(out), "--shards", "2", "--methods", "grad-cam,saliency")
    answer = command(
        "xai", "explain", "--run", "lite0-64", "--image", str(smears), *options, "--field", "32"
    )
    assert answer.exit_code == 3, answer.output
    plan, rows = read_plan(out), table(out)
    maps = {
        (image, name): values
        for shard in (1, 2)
        for image, name, values in read_maps(out, plan, shard)
    }
    run = load_run(Path("runs/lite0-64"))
    assert not any(image == "broken.jpg" for image, _ in maps)
    for name in ("0.jpg", "wide.png"):
        image = Image.open(smears / name).convert("RGB")
        target = run.classes.index(rows[name]["target"])
        assert rows[name]["target"] == rows[name]["predicted"]
        fields = place_fields(image.size, 32)
        for method in ("grad-cam", "saliency"):
            joiner = None
            for field in fields:
                box = (field.left, field.upper, field.left + 32, field.upper + 32)
                pixels = as_input(run, fit_square(image.crop(box), 64))
                (made,) = explain(run.backbone, pixels, method=method, target=target)
                joiner = joiner or MapJoiner(image.size, 32, made.values.shape)
                joiner.add(field.left, field.upper, made.values)
            assert joiner
            expected = joiner.values
            most = abs(expected).max()
            np.testing.assert_allclose(maps[name, method], expected, atol=most / 200)


def test_scores_in_shards_are_those_of_one_process(command: Command, tmp_path: Path) -> None:
    run = Path("runs/lite0-64")
    common = ("quality", "--run", "lite0-64", "--methods", "grad-cam", "--n", "2")
    whole = command("xai", *common)
    assert whole.exit_code == 0, whole.output
    expected = read_quality(run, Summary), read_validity(run)
    (run / "quality.csv").unlink()
    out = ("--out", str(tmp_path / "out"), "--shards", "2")

    for shard in ("2", "1"):
        part = command("xai", *common, *out, "--shard", shard)
        assert part.exit_code == 0, part.output
        assert not (run / "quality.csv").exists()
    assert "the same command without --shard writes the tables" in part.stdout
    merged = command("xai", *common, *out)

    assert merged.stdout == whole.stdout
    assert (read_quality(run, Summary), read_validity(run)) == expected


MISTAKES = {
    "--out is missing": (("--shards", "3"), "--shards was given without --out"),
    "shards of nothing": (("--out", "o", "--shards", "0"), "0 shards were asked for"),
    "a shard of none": (("--shard", "1"), "--shard and --workers are for work in shards"),
    "workers at one shard": (
        ("--out", "o", "--shards", "3", "--shard", "1", "--workers", "2"),
        "One shard has one worker",
    ),
    "a shard beyond": (("--out", "o", "--shards", "3", "--shard", "4"), "Shard 4 was asked for"),
    "tiles in shards": (("--out", "o", "--shards", "3", "--tiles"), "--tiles is not for work"),
    "a tiny field": (("--field", "8"), "A field of 8 px was asked for"),
    "both ways to cut": (("--field", "64", "--tiles"), "Both --tiles and --field"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_does_not_go_together_is_a_sentence(
    command: Command, smears: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, sentence = MISTAKES[name]
    options = tuple(str(tmp_path / "o") if each == "o" else each for each in options)
    answer = command("modelzoo", "predict", "--run", "lite0-64", str(smears), *options)

    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_another_run_leaves_the_results_as_they_are(
    command: Command, smears: Path, tmp_path: Path
) -> None:
    sharded(command, smears, tmp_path / "out", shards=1)
    plan = read_plan(tmp_path / "out")
    before = table_file(tmp_path / "out", plan, 1).read_bytes()
    other = ("--out", str(tmp_path / "out"), "--shards", "1")
    answer = command("modelzoo", "predict", "--run", "lite0-32", str(smears), *other)

    assert answer.exit_code == 2
    assert "the run is lite0-64 there and not lite0-32" in answer.stderr
    assert table_file(tmp_path / "out", plan, 1).read_bytes() == before
    assert not maps_file(tmp_path / "out", plan, 1).exists()
