"""Hostile addresses: no traceback, no foreign request, nothing opened without a click."""

from pathlib import Path

import pytest

from modelzoo.runs.attribution_tables import write_judgement
from tests.modelzoo.runs.test_attribution_tables import QUALITY_ROW, VALIDITY_ROW
from tests.pages.hostile import (
    NAMES,
    Query,
    foreign_in,
    hostile_addresses,
    opened_below,
    watch_disk,
)
from tests.pages.opened import open_page
from tests.run_folders import make_run, write_images

KEYS = {
    "home": ["data", "weights"],
    "compare": [
        *("dataset", "recipe", "split", "score", "runs", "export", "entry", "entry_page", "roc"),
        *("curve", "map_metric", "n_correct", "hard_page", "cell", "drawn", "right", "figures"),
    ],
    "train": [
        *("train_data", "train_backbone", "train_recipe", "train_split", "train_seeds"),
        *("train_device", "train_name", "train_run", "train_epochs", "train_batch_size"),
        *("train_learning_rate", "train_optimizer", "train_input_px", "train_test_share"),
        *("train_weights", "train_patience", "watch"),
    ],
}
OPENINGS = {"home": 60, "compare": 60, "train": 60}  # 2,160 values


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images that no run was trained on."""
    folder = tmp_path_factory.mktemp("outside")
    write_images(folder / "images", images_per_class=1)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two data sets and recipes, one of them with names that are Markdown."""
    home = tmp_path_factory.mktemp("home")
    for number in range(13):  # more than the figures have room for
        run = make_run(home / "runs", f"lite0-{number}", images=40, data="smears")
    write_judgement(run.path, [QUALITY_ROW], [VALIDITY_ROW])
    make_run(home / "runs", "other", images=40, data="others", recipe="muduli2025", seed=1)
    hostile = make_run(home / "runs", "hostile", images=40, data=NAMES[0], recipe=NAMES[0])
    hostile.path.rename(hostile.path.with_name("![x](http:foreign.test) `x` <b>"))
    return home


@pytest.mark.parametrize("page", KEYS)
def test_hostile_addresses_do_no_harm(
    home: Path, outside: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(home))
    paths = [str(outside), str(outside / "images"), f"{outside}/images/Pro"]

    for query in hostile_addresses(KEYS[page], paths, number=OPENINGS[page], seed=len(page)):
        with watch_disk() as watched:
            app = open_page(None if page == "home" else page, **query)

        assert not app.exception, _shown(query)
        assert not foreign_in(app), _shown(query)
        assert not opened_below(watched, outside), _shown(query)


def _shown(query: Query) -> str:
    return "\n".join(f"{key}: {[value[:60] for value in values]}" for key, values in query.items())
