"""Links that version 0.1.0 wrote open with the meaning that they had."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.records import read_split
from pages.shell.links import read_link
from tests.pages.opened import open_page
from tests.run_folders import CLASSES
from xai.methods.table import METHODS

OLD = Path(__file__).parents[1] / "data" / "as_of_0_1"
Query = dict[str, list[str]]
# What one of these chooses decides what the others can mean, so links are joined only under one.
# So are those that open a section of Compare.
CONTEXT = (
    *("split", "only_data", "only_recipe", "cell", "right", "run", "image", "ask", "watch"),
    *("roc", "curve", "maps_by", "cell_page", "hard_page"),
)
# What a widget showed without a choice: Streamlit takes it out of the address.
DEFAULTS = {
    "score": "Accuracy",
    "figures": "PNG",
    "roc": "mean of all classes",
    "curve": "Validation accuracy",
    "maps_by": "Insertion",
    "ask": "Where it looked",
    "explain": "each model's own answer",
    "class": "any class",
    "part": "any part",
    "answers": "any answer",
    "method": "Grad-CAM",
    "scale": "logits",
    "train_recipe": "quick",
    "train_device": "auto",
}


def read_links() -> Iterator[tuple[str, Query]]:
    for link in json.loads((OLD / "links.json").read_text()):
        if link["page"] == "explain" and len(link["query"].get("method", "")) > 10:
            continue  # every method at once takes half a minute; their titles are tested below
        yield (
            link["page"],
            {
                key: value if isinstance(value, list) else [value]
                for key, value in link["query"].items()
            },
        )


def join_links() -> list[tuple[str, Query]]:
    """The links, as few as hold all choices: an opening takes most of a second."""
    joined: list[tuple[str, Query]] = []
    for page, query in read_links():
        for other_page, other in joined:
            is_alike = all(query.get(key) == other.get(key) for key in CONTEXT)
            if (
                page == other_page
                and is_alike
                and all(query[k] == other.get(k, query[k]) for k in query)
            ):
                other.update(query)
                break
        else:
            joined.append((page, dict(query)))
    return joined


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of 0.1.0, with their images, and with networks for those that had one."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(OLD / "runs", home / "runs")
    write_smears(home / "data" / "smears", images_per_class=20, px=128)
    network = create_backbone("tf_efficientnet_lite0", len(CLASSES), seed=1).eval()
    for run in (home / "runs").iterdir():
        config = run / "config.toml"
        config.write_text(config.read_text().replace('"data/smears', f'"{home}/data/smears'))
        if not (run / PREDICTIONS).is_file():
            continue
        write_backbone(run, network, CLASSES, 64)
        split = read_split(run)
        ids = [row.image for row in split.rows]
        write_neighbours(run, np.eye(len(ids), 1280, dtype=np.float32), ids, split)
    return home


JOINED = join_links()


@pytest.mark.parametrize(
    ("page", "query"), JOINED, ids=[f"{page}-{at}" for at, (page, _) in enumerate(JOINED)]
)
def test_an_old_link_chooses_what_it_chose(
    old_home: Path, monkeypatch: pytest.MonkeyPatch, page: str, query: Query
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(old_home))
    query = {
        key: [value.replace("data/smears", f"{old_home}/data/smears") for value in values]
        if key.endswith("data") and key != "only_data"
        else values
        for key, values in query.items()
    }

    app = open_page(None if page == "home" else page, **query)

    assert not app.exception
    assert not [each.value for each in app.warning if "of this link" in each.value]
    for old_key, old_values in query.items():
        (key, values), *_ = read_link(page, {old_key: old_values}).items()
        left = app.query_params.get(key, [])
        left = left if isinstance(left, list) else [left]
        if key == "runs":  # more than twelve runs bring its widget
            continue
        # What Streamlit could not give to a widget it has taken out of the address.
        is_default = old_values == [DEFAULTS.get(old_key)]
        assert len(left) == len(values) or (is_default and not left), f"{old_key}={old_values}"


def test_the_titles_of_all_methods_are_known() -> None:
    links = json.loads((OLD / "links.json").read_text())

    old = [link["query"].get("method") for link in links if link["page"] == "explain"]

    asked = [title for titles in old if isinstance(titles, list) for title in titles]
    titles = {method.title for method in METHODS.values()}
    assert set(read_link("explain", {"method": asked})["method"]) == titles
