"""The grid of the page Explain: which models, in which order, what their tiles say."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from streamlit.testing.v1 import AppTest

from modelzoo.datasets.synthetic.smears import draw_smear
from modelzoo.runs.attribution_tables import write_judgement
from modelzoo.runs.file_names import NEIGHBOURS
from modelzoo.tensors import write_tensors
from pages.lens.data import payload
from pages.lens.display import Display
from pages.sections.explain.cell_methods import CELL_METHODS
from pages.sections.explain.grid import Grid, look, wait_for_more
from pages.sections.explain.image import Subject
from pages.sections.explain.tiles import covered_box, make_scene
from pages.sections.explain.workbench import leave_out_ood, order_spots
from pages.shell.inference import evaluate_map
from pages.shell.pictures import Picture
from pages.shell.prediction import OWN
from pages.shell.reads import list_models, list_reference_models
from tests.modelzoo.runs.test_attribution_tables import QUALITY_ROW, VALIDITY_ROW
from tests.pages.explain.opened import open_explain
from tests.pages.opened import text_of
from tests.patience import PATIENCE_SECONDS
from xai.methods.table import METHODS
from xai.say.verdict import name_rank


def set_distances(home: Path, run: str, distance: float) -> None:
    """Let every image be in or out of distribution for a run: training images are so far apart."""
    file = home / "runs" / run / NEIGHBOURS
    neighbours = load_file(file)
    neighbours["distances"] = torch.full_like(neighbours["distances"], distance)
    write_tensors(file, neighbours)


def smear(seed: int = 4) -> Picture:
    out = BytesIO()
    Image.fromarray(draw_smear("Early", seed=seed).pixels).save(out, "PNG")
    return Picture("smear.png", out.getvalue())


def look_until_whole(picture: Picture, methods: list[str], *runs: str) -> Grid:
    known = METHODS | CELL_METHODS
    models = [model for model in list_models() if model.key in runs]
    for _ in range(int(PATIENCE_SECONDS)):
        grid = look(picture, models, [known[name] for name in methods], OWN)
        if not grid.waiting:
            return grid
        wait_for_more(grid)
    raise AssertionError("it does not end")


def test_every_model_has_prediction_map_and_prediction_without_cells(home: Path) -> None:
    grid = look_until_whole(smear(), ["grad-cam", "cells-left-out"], "lite0", "b0-random")

    assert len(grid.spots) == 4
    for spot in grid.spots:
        assert spot.seen
        assert spot.seen.prediction
        assert spot.masked is not None
        assert spot.masked.sum() == pytest.approx(1, abs=1e-4)
        assert (spot.seen.attribution is None) == (spot.method.name == "cells-left-out")
        assert (spot.seen.cells is None) == (spot.method.name == "grad-cam")


def test_tiles_hold_what_was_computed(home: Path) -> None:
    picture = smear()
    grid = look_until_whole(picture, ["grad-cam", "cells-shapley"], "lite0")
    subject = Subject(picture, label="Early")

    scene = make_scene(
        subject, grid, Display(), chosen="", masked=frozenset({0}), shows_method=True
    )

    maps, cells = scene.tiles
    seen = grid.spots[0].seen
    assert seen
    assert seen.attribution
    assert maps.map
    np.testing.assert_array_equal(maps.map.values, seen.attribution.values)
    assert (maps.title, maps.method) == ("EfficientNet-Lite0", "Grad-CAM")
    assert "cells masked: " in maps.note
    assert cells.cells
    assert len(cells.cells.values) == len(scene.cells) > 1
    assert maps.correct == (maps.predicted == "Early")
    assert payload(scene)["masked"] == [0]


def test_a_tile_says_how_faithful_its_map_is_once_that_was_asked(home: Path) -> None:
    picture = smear()
    grid = look_until_whole(picture, ["grad-cam"], "lite0")
    (spot,) = grid.spots
    assert spot.seen
    assert spot.seen.attribution

    def note() -> str:
        scene = make_scene(
            Subject(picture), grid, Display(), chosen="", masked=frozenset(), shows_method=False
        )
        return scene.tiles[0].note

    before = note()
    report = evaluate_map(
        spot.model, picture, spot.seen.attribution, on_progress=lambda done, total: None
    )

    assert "random" not in before
    assert name_rank(report) in note()


def test_a_tile_says_what_the_quality_table_has_of_the_method(home: Path) -> None:
    picture = smear(8)
    write_judgement(
        home / "runs" / "lite0", [QUALITY_ROW | {"measure": "deletion"}], [VALIDITY_ROW]
    )
    grid = look_until_whole(picture, ["grad-cam"], "lite0")

    scene = make_scene(
        Subject(picture), grid, Display(), chosen="", masked=frozenset(), shows_method=False
    )

    assert "such maps on " in scene.tiles[0].note


def test_maps_without_positive_evidence_come_with_a_method_that_is_signed(home: Path) -> None:
    def draw() -> None:
        import numpy as np

        from pages.sections.explain.grid import Grid, Seen, Spot
        from pages.sections.explain.workbench import offer_signed
        from pages.shell.reads import list_models
        from tests.xai.judged import as_attribution
        from xai.methods.table import METHODS

        (method, model) = METHODS["grad-cam"], list_models()[0]
        spots = []
        for value in (0, 1):
            made = as_attribution(np.full((7, 7), value), method.name)
            spots.append(Spot(model, method, Seen(attribution=made)))
        offer_signed(Grid(tuple(spots), 0, {}), [method])

    app = AppTest.from_function(draw).run()

    assert "1 map of 2 without positive evidence" in app.caption[0].value
    app.button[0].click().run()
    assert app.session_state["method"] == ["Grad-CAM", "HiResCAM"]


def test_a_run_that_is_gone_says_so_in_its_tile_and_the_other_goes_on(home: Path) -> None:
    models = list_models()
    shutil.rmtree(home / "runs" / "lite0")

    grid = look(smear(5), models, [METHODS["grad-cam"]], OWN)

    gone = next(spot for spot in grid.spots if spot.model.key == "lite0")
    assert gone.seen
    assert "has no model any more" in gone.seen.why_not


def test_models_for_which_an_image_is_out_of_distribution_come_last_or_not_at_all(
    home: Path,
) -> None:
    set_distances(home, "lite0", 0)
    set_distances(home, "b0-random", 2)
    grid = look_until_whole(smear(6), ["grad-cam"], "lite0", "b0-random")

    ordered = order_spots(grid)
    kept, left_out = leave_out_ood(grid)

    assert [spot.model.key for spot in ordered.spots] == ["b0-random", "lite0"]
    assert [spot.model.key for spot in kept.spots] == ["b0-random"]
    assert left_out == ["EfficientNet-Lite0"]


def test_where_all_are_out_of_distribution_all_are_shown_and_this_comes_first(home: Path) -> None:
    for run in ("lite0", "b0-random"):
        set_distances(home, run, 0)

    app = open_explain()

    assert not app.exception
    assert app.error[0].value.startswith("Out of distribution for 2 of 2 models: do not interpret")


def test_reference_runs_explain_an_upload_and_have_no_images_of_their_own(home: Path) -> None:
    reference = list_reference_models()

    assert [model.key for model in reference] == [
        "reference/lite0-background", "reference/lite0-grouped",
    ]  # fmt: skip
    assert all(not model.rows and model.accuracy and model.has_imagenet for model in reference)
    app = open_explain(run="reference/lite0-grouped")
    assert not app.exception
    assert "a synthetic smear, drawn by BlastLens" in text_of(app)
    assert "EfficientNet-Lite0 predicts" in text_of(app)


def test_stopped_work_says_what_is_missing_and_goes_on_by_a_click(home: Path) -> None:
    models, methods = list_models()[:2], [METHODS["grad-cam"]]

    grid = look(smear(7), models, methods, OWN, is_stopped=True)

    assert grid.waiting == 0
    assert all(spot.seen is None for spot in grid.spots)


def test_a_wide_image_is_covered_where_the_models_see_it() -> None:
    middle = covered_box((300, 100), None)
    last = covered_box((300, 100), (3, 3))

    assert (middle.left, middle.top, middle.width, middle.height) == (100, 0, 100, 100)
    assert (last.left, last.top, last.width, last.height) == (200, 0, 100, 100)


def test_the_training_images_of_a_reference_run_are_named_since_they_are_not_here(
    home: Path,
) -> None:
    app = open_explain(run="reference/lite0-grouped", view="Nearest training images")

    assert not app.exception
    assert not app.error
    assert "do not come with BlastLens; these are their names." in text_of(app)
    assert "distance 0." in text_of(app)
