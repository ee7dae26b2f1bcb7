"""The reference runs that come with the project: small, whole without their images, and true."""

import re
from pathlib import Path

import numpy as np
import pytest

from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.splits import find_straddling
from modelzoo.evaluation.by_split import list_ways
from modelzoo.evaluation.rows import read_row
from modelzoo.inference.trained import LoadedRun, load_run, predict
from modelzoo.runs.folder import read_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_split
from modelzoo.text import percent

REFERENCE = Path(__file__).parents[1] / "reference"
NAMES = ("lite0-grouped", "lite0-background")


@pytest.fixture(scope="module", params=NAMES)
def loaded(request: pytest.FixtureRequest) -> LoadedRun:
    return load_run(REFERENCE / request.param)


def test_all_take_less_than_18_mb_and_name_no_place_of_the_machine_that_made_them() -> None:
    files = [file for file in REFERENCE.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 18_000_000
    for file in files:
        if file.suffix in (".json", ".toml", ".csv"):
            assert not re.search(r"/(home|work|tmp|root)/", file.read_text(encoding="utf-8"))


def test_its_predictions_are_those_of_its_network(loaded: LoadedRun, real_data: Path) -> None:
    found = read_predictions(loaded.run.path)
    rows = [
        row for row, name in enumerate(found.images) if (real_data / "all_pbs" / name).is_file()
    ]
    rows = rows[::40]
    pixels = [
        fit_square(decode_image(real_data / "all_pbs" / found.images[row]), loaded.px)
        for row in rows
    ]
    batch = predict(loaded, np.stack(pixels))
    assert len(rows) > 10
    np.testing.assert_allclose(batch.probabilities, found.probabilities[rows], atol=0.02)


def test_fields_of_another_laboratory_are_out_of_distribution(
    loaded: LoadedRun, real_data: Path
) -> None:
    files = sorted((real_data / "other").glob("*.jpg"))
    pixels = [fit_square(decode_image(file), loaded.px) for file in files]
    assert predict(loaded, np.stack(pixels)).ood_percentile.min() > 95


def test_its_scores_are_those_of_the_readme() -> None:
    readme = (REFERENCE.parent / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        run = read_run(REFERENCE / name)
        score = read_row(run).accuracy
        limits = f"95 % CI {100 * score.ci_low:.1f}–{100 * score.ci_high:.1f} %"
        assert f"{100 * score.value:.1f} % ({limits})" in readme
        split = read_split(run.path)
        assert not find_straddling(split, {row.image: row.group for row in split.rows})


def test_the_readme_has_what_was_trained_whole_on_every_split() -> None:
    readme = (REFERENCE.parent / "README.md").read_text(encoding="utf-8")
    rows = [read_row(read_run(each)) for each in REFERENCE.iterdir() if each.is_dir()]
    trained = list_ways(row for row in rows if row.mode == "finetune")
    assert len(trained) >= 4
    for way in trained:
        for kind, found in way.by_split.items():
            score = found.scores["accuracy"]
            ends = [percent(end).removesuffix(" %") for end in (score.ci_low, score.ci_high)]
            assert f"{percent(score.value)} ({'–'.join(ends)})" in readme, (way.title, kind)
