"""Maps by any method, and the other ways of asking."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.inference.trained import load_run, predict
from modelzoo.runs.attribution_tables import write_judgement
from modelzoo.runs.file_names import VALIDITY
from modelzoo.runs.records import read_split
from tests.pages.explain.opened import PX, alt_texts, image_in_part, map_url, open_explain
from tests.pages.opened import text_of
from xai.methods.table import METHODS
from xai.say.change import describe_change


def test_both_cams_are_made_and_each_has_its_own_scale(home: Path) -> None:
    app = open_explain(run="lite0", method=["Grad-CAM", "Grad-CAM++"], view="Attribution maps")

    assert not app.exception
    texts = alt_texts(app)
    for title in ("Grad-CAM", "Grad-CAM++"):
        assert sum(text.startswith(f"{title} of EfficientNet-Lite0.") for text in texts) == 1
        assert sum(text.startswith(f"Colour scale of {title}:") for text in texts) == 1


def ask_of(smear: bytes, view: str, **query: str | list[str]) -> AppTest:
    app = open_explain(run="lite0", view=view, **query)
    app.file_uploader[0].set_value(("smear.png", smear, "image/png")).run()
    assert not app.exception
    assert not app.error
    return app


def test_the_time_of_every_method_is_known_before_any_is_chosen(home: Path) -> None:
    app = open_explain(run="lite0", method="", about="true")

    times = app.table[0].value

    assert list(times["Method"]) == [row.title for row in METHODS.values()]
    assert times["Time"].str.fullmatch(r"[\d.]+ (s|min)").all()
    assert "Choose a method to see attribution maps." in text_of(app)
    refused = "**Not for EfficientNet-Lite0:** Guided Backprop, Guided Grad-CAM. This network has"
    assert refused in text_of(app)


def test_methods_with_one_map_are_said_to_be_so(home: Path) -> None:
    app = open_explain(
        run="lite0", method=["Grad-CAM", "XGrad-CAM"], target="Pro", view="Attribution maps"
    )

    said = text_of(app)

    assert ("The same map as Grad-CAM" in said) != ("nothing is drawn" in said)


def test_a_method_that_is_not_right_for_a_network_says_so_and_the_others_go_on(home: Path) -> None:
    app = open_explain(run="lite0", method=["Guided Backprop", "Saliency"], view="Attribution maps")

    assert not app.exception
    assert "Guided Backprop is defined for ReLU alone" in app.error[0].value
    assert any("Saliency of EfficientNet-Lite0" in text for text in alt_texts(app))


def test_maps_may_be_shown_with_contours_and_cells(home: Path) -> None:
    asked = {"run": "lite0", "method": "Saliency", "view": "Attribution maps"}
    plain = open_explain(**asked)

    marked = open_explain(**asked, contours="true", outlines="true")

    assert map_url(marked) != map_url(plain)


def test_each_cell_has_what_it_adds(
    home: Path, smear: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.sections.explain.shapley.QUICK_SECONDS", 1e9)  # on any machine
    app = ask_of(smear, "Shapley values per cell")

    table = app.dataframe[0].value
    assert "Background" in set(table["Feature"])
    assert len(table) > 2
    assert "the cells contribute" in text_of(app)
    picture = next(text for text in alt_texts(app) if text.startswith("The cells, orange"))
    assert "cell 1: " in picture


def test_an_image_with_no_cell_in_it_is_a_sentence(home: Path) -> None:
    out = BytesIO()
    Image.new("RGB", (64, 64), (250, 250, 250)).save(out, "PNG")

    app = open_explain(run="lite0", view="Shapley values per cell")
    app.file_uploader[0].set_value(("white.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    assert "No nucleated cell was found in this image" in app.error[0].value


@pytest.mark.parametrize(
    "perturbation",
    ["Mask all cells (inpaint)", "Keep only the cells", "Darker", "Compress as JPEG"],
)
def test_a_change_of_the_image_says_what_the_answer_becomes(
    home: Path, smear: bytes, perturbation: str
) -> None:
    app = ask_of(smear, "Perturbations", perturbation=perturbation)

    assert f"The image after the perturbation: {perturbation}." in alt_texts(app)
    assert "; the predicted class " in text_of(app)


def test_the_whole_file_is_compressed_and_then_resized(home: Path, smear: bytes) -> None:
    whole = np.asarray(Image.open(BytesIO(smear)).convert("RGB").resize((600, 500)))
    file, compressed = BytesIO(), BytesIO()
    Image.fromarray(whole).save(file, "PNG")
    Image.fromarray(whole).save(compressed, "JPEG", quality=40)
    squares = [fit_square(decode_image(each.getvalue()), PX) for each in (file, compressed)]
    run = load_run(home / "runs" / "lite0")
    before, after = predict(run, np.stack(squares)).probabilities

    app = ask_of(file.getvalue(), "Perturbations", perturbation="Compress as JPEG")

    assert describe_change(before, after, run.classes) in text_of(app)


def test_cells_are_erased_by_their_numbers(home: Path, smear: bytes) -> None:
    app = ask_of(smear, "Perturbations", erased=["1", "2"])

    assert "Without cells 1, 2." in text_of(app)
    assert "; the predicted class " in text_of(app)


def test_a_map_is_evaluated_beside_baseline_maps(home: Path) -> None:
    app = open_explain(run="lite0", view="Faithfulness", method=["Saliency", "Occlusion"])

    assert not app.exception
    assert not app.error
    scores = app.dataframe[1].value
    assert {"This map", "Random", "Centre", "Blurred"} < set(scores.columns)
    assert {"Deletion", "Insertion"} < set(scores["Measure"])
    agreement = app.dataframe[-1].value
    assert agreement["Interpretation"].tolist() == ["Two methods on one model."]


def remember_as_decoded(home: Path, run: str) -> None:
    """Neighbours as a training leaves them: of what the files hold."""
    path = home / "runs" / run
    trained, split = load_run(path), read_split(path)
    images = [row.image for row in split.rows]
    squares = [fit_square(decode_image(home / "data" / image), PX) for image in images]
    write_neighbours(path, predict(trained, np.stack(squares)).embeddings, images, split)


def test_the_training_images_most_like_it_are_shown_and_a_copy_raises_an_alarm(home: Path) -> None:
    remember_as_decoded(home, "lite0")
    known = image_in_part(home, "lite0", "train")
    copy = (home / "data" / known).read_bytes()

    app = open_explain(run="lite0", view="Nearest training images")
    app.file_uploader[0].set_value(("copy.jpg", copy, "image/jpeg")).run()

    assert not app.exception
    assert any(text.startswith(f"Training image {known} ") for text in alt_texts(app))
    assert "a training image of this run, is nearer to this one than" in app.error[0].value


def test_a_map_made_before_is_read_from_the_store_and_not_made_again(home: Path) -> None:
    kept = home / "store" / "explanations"
    first = open_explain(run="lite0", method="Saliency", view="Attribution maps")
    files = {file.name: file.stat().st_size for file in kept.iterdir()}

    st.cache_data.clear()
    again = open_explain(run="lite0", method="Saliency", view="Attribution maps")

    assert len(files) == 1
    assert {file.name: file.stat().st_size for file in kept.iterdir()} == files
    seconds = [re.findall(r"[\d.]+ s\)", text_of(app)) for app in (first, again)]
    assert seconds[0] == seconds[1]  # as it was when it was made


def test_what_was_found_of_a_method_on_the_run_stands_below_its_verdict(home: Path) -> None:
    image = image_in_part(home, "lite0", "test")
    view = {"image": image, "run": "lite0", "ask": "Faithfulness", "method": "Grad-CAM"}
    before = open_explain(**view)
    found = [{"method": name, "sentence": f"Of {name}."} for name in ("grad-cam", "saliency")]
    write_judgement(home / "runs" / "lite0", [], found)

    after = open_explain(**view)
    (home / "runs" / "lite0" / VALIDITY).write_text("method")
    damaged = open_explain(**view)

    assert not before.exception
    assert not after.exception
    assert "**Grad-CAM.** " in text_of(before)
    assert "On a few test images of this run" not in text_of(before)
    assert "On a few test images of this run: Of grad-cam." in text_of(after)
    assert "Of saliency." not in text_of(after)
    assert "validity.csv is damaged" in damaged.error[0].value
    assert "**Grad-CAM.** " in text_of(damaged)
