"""330 hostile addresses: no traceback, no foreign request, nothing opened without a click.

Every one of them is opened under AppTest, by the app's own script. A page with few keys has more of
them, so that all of the 70 values have their turn. On Explain two untrained networks of 64 px
predict and are explained; of the methods of attribution only quick ones are asked for.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.runs.attribution_tables import write_judgement
from modelzoo.runs.records import read_split
from modelzoo.sweeps.ranges import SETTINGS
from pages.sections.compare.filters import DRAWN
from pages.shell.links import OLD_KEYS
from tests.modelzoo.runs.test_attribution_tables import QUALITY_ROW, VALIDITY_ROW
from tests.pages.hostile import (
    NAMES,
    Query,
    bound_keys,
    foreign_in,
    hostile_addresses,
    opened_below,
    options_by_key,
    watch_disk,
)
from tests.pages.opened import open_page
from tests.run_folders import CLASSES, make_run, write_images

KEYS = {
    "home": ["data", "weights", "sample_seed", "sample_page"],
    "compare": [
        *("dataset", "recipe", "split", "score", "runs", "export", "entry", "entry_page", "roc"),
        "per",
        *("more_scores", "precision_recall", "curve", "map_metric", "n_correct", "hard_page"),
        *("section", "gallery_run", "outcome", "calibration", "calibrated", "positive"),
        *("criterion", "wanted", "threshold", "prevalence", "point_run"),
    ],
    "explain": [
        *("run", "image", "class", "part", "correctness", "target", "view", "method", "about"),
        *("detail", "tile", "opacity", "scale", "contours", "outlines", "perturbation", "erased"),
        *("grid", "colours", "lens", "show", "zoom", "calibrated"),
    ],
    "papers": ["paper", "claim", "system"],
    "train": ["train_run", "all_runs", "rate_search", "train_seeds", "train_device", "train_name"]
    + ["train_target", "train_submission", "train_forecast"]
    + [f"train_{spec.name}" for spec in dataclasses.fields(TrainConfig) if spec.name != "seed"]
    + ["sweep", "sweep_form", "sweep_settings", "sweep_name", "sweep_trials", "sweep_metric"]
    + [f"sweep_over_{name}" for name in SETTINGS],
}
# Page, home, number of addresses: by what an opening costs.
OPENINGS = [
    ("home", "home", 100),
    ("train", "home", 60),
    ("papers", "home", 60),
    ("compare", "home", 60),
    ("compare", "crowded", 10),
    ("explain", "home", 40),
]
# Of what can be chosen, little enough that its maps are computed in seconds.
QUICK = {"method": ["Grad-CAM", "LayerCAM"], "erased": ["1", "2"]}
PX = 64


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images that no run was trained on."""
    folder = tmp_path_factory.mktemp("outside")
    write_images(folder / "images", images_per_class=1)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, two with a network, one with names that are Markdown."""
    home = tmp_path_factory.mktemp("home")
    ids = write_images(home / "smears")
    network = create_backbone("tf_efficientnet_lite0", len(CLASSES), seed=1).eval()
    for number, recipe in enumerate(("quick", "muduli2025")):
        run = make_run(
            home / "runs",
            f"lite0-{number}",
            image_ids=ids,
            data=str(home / "smears"),
            recipe=recipe,
            input_px=PX,
        )
        write_backbone(run.path, network, CLASSES, PX)
        write_neighbours(
            run.path, np.eye(len(ids), 1280, dtype=np.float32), ids, read_split(run.path)
        )
        write_judgement(run.path, [QUALITY_ROW], [VALIDITY_ROW])
    hostile = make_run(home / "runs", "hostile", images=40, data=NAMES[0], recipe=NAMES[0], seed=1)
    hostile.path.rename(hostile.path.with_name("![x](http:foreign.test) `x` <b>"))
    return home


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More runs than the figures of Compare have room for."""
    home = tmp_path_factory.mktemp("crowded")
    for number in range(DRAWN + 1):
        make_run(home / "runs", f"lite0-{number}", images=40)
    return home


@pytest.mark.slow
@pytest.mark.parametrize(("page", "home_name", "number"), OPENINGS)
def test_hostile_addresses_do_no_harm(
    page: str,
    home_name: str,
    number: int,
    outside: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(request.getfixturevalue(home_name)))
    known = options_by_key(_open(page, {})) | QUICK
    if page == "explain":
        known["image"] = known["image"][:2]
    paths = [str(outside), str(outside / "images"), f"{outside}/images/Pro"]
    addresses = hostile_addresses(KEYS[page], paths, number=number, seed=number, known=known)

    for at, query in enumerate(addresses):
        asked = _with_old_keys(page, query) if at % 2 else query
        with watch_disk() as watched:
            app = _open(page, asked)

        assert not app.exception, _shown(asked)
        assert not foreign_in(app), _shown(asked)
        assert not opened_below(watched, outside), _shown(asked)
        assert bound_keys(app) <= set(KEYS[page]), "KEYS lacks a key that the page reads"


def _with_old_keys(page: str, query: Query) -> Query:
    """The address as version 0.1.0 would have written it."""
    old = {new: old for old, new in OLD_KEYS.get(page, {}).items()}
    return {old.get(key, key): values for key, values in query.items()}


def _open(page: str, query: Query) -> AppTest:
    return open_page(None if page == "home" else page, **query)


def _shown(query: Query) -> str:
    return "\n".join(f"{key}: {[value[:60] for value in values]}" for key, values in query.items())
