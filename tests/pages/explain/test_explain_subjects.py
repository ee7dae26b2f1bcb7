"""Which image is explained: uploads, filters, links."""

import hashlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelzoo.runs.predictions import read_predictions, write_predictions
from modelzoo.runs.records import read_split, write_hashes
from tests.pages.explain.opened import IMAGES, alt_texts, image_in_part, open_explain
from tests.pages.opened import text_of


def answers_of(home: Path, run: str) -> dict[str, str]:
    found = read_predictions(home / "runs" / run)
    named = found.probabilities.argmax(axis=1)
    return dict(zip(found.images, [found.classes[k] for k in named], strict=True))


def truths_of(home: Path, run: str) -> dict[str, str]:
    return {row.image: row.label for row in read_split(home / "runs" / run).rows}


def change_some_answers(home: Path, run: str) -> None:
    """Let the run's predictions name another class for every third image."""
    found = read_predictions(home / "runs" / run)
    probabilities = found.probabilities.copy()
    probabilities[::3] = np.roll(probabilities[::3], 1, axis=1)
    write_predictions(home / "runs" / run, replace(found, probabilities=probabilities))


def test_a_data_set_that_was_moved_away_is_a_sentence(home: Path) -> None:
    (home / "data").rename(home / "elsewhere")

    app = open_explain()

    assert not app.exception
    assert "put the data set back where it was" in app.error[0].value


def test_a_file_that_has_changed_since_training_is_said(home: Path) -> None:
    image = image_in_part(home, "lite0", "test")
    file = home / "data" / image
    write_hashes(home / "runs" / "lite0", {image: hashlib.sha256(file.read_bytes()).hexdigest()})
    same = open_explain(run="lite0", image=image)
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(file)
    other = open_explain(run="lite0", image=image)

    for app in (same, other):
        assert not app.exception
    assert "has changed since" not in text_of(same)
    assert "This file has changed since the models were trained" in text_of(other)


def test_an_upload_is_explained_and_its_truth_is_unknown(home: Path) -> None:
    out = BytesIO()
    Image.fromarray(np.full((70, 90), 128, np.uint8)).save(out, "PNG")

    app = open_explain(run="lite0")
    app.file_uploader[0].set_value(("cell.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    said = text_of(app)
    assert "`cell.png`: an upload, true class unknown" in said
    assert "part]" not in said


@pytest.mark.parametrize(
    ("size", "share", "ends"),
    [
        ((64, 48), "25 %", "left and right"),
        ((50, 100), "50 %", "top and bottom"),
        ((160, 32), "80 %", "left and right"),
    ],
)
def test_what_is_not_looked_at_of_an_image_is_said_in_place(
    home: Path, size: tuple[int, int], share: str, ends: str
) -> None:
    app = open_explain(run="lite0")
    for each in ((64, 64), size):
        assert "not looked at" not in text_of(app) or each == (64, 64)
        out = BytesIO()
        Image.effect_noise(each, 50).save(out, "PNG")
        app.file_uploader[0].set_value(("field.png", out.getvalue(), "image/png")).run()

    assert f"{share} of the image, at the {ends}, is not looked at." in text_of(app)


def test_each_square_of_a_wide_image_can_be_explained(home: Path) -> None:
    app = open_explain(run="lite0")
    out = BytesIO()
    Image.effect_noise((100, 50), 50).save(out, "PNG")
    app.file_uploader[0].set_value(("field.png", out.getvalue(), "image/png")).run()

    chosen = app.segmented_control(key="tile").set_value("2 of 2").run()

    assert not chosen.exception
    said = text_of(chosen)
    assert "The models are given square 2 of 2; 50 % of the image is not looked at." in said


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (16, 16), "purple"),
        Image.new("I;16", (50, 40), 40_000),
        Image.new("RGBA", (30, 90), (90, 0, 90, 120)),
        Image.new("P", (20, 20), 3),
    ],
    ids=["small", "16 bits", "transparent", "palette"],
)
def test_any_kind_of_image_is_explained(home: Path, image: Image.Image) -> None:
    out = BytesIO()
    image.save(out, "PNG")

    app = open_explain(run="lite0", view="Attribution maps")
    app.file_uploader[0].set_value(("mine.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    assert not app.error
    assert any("Grad-CAM of EfficientNet-Lite0" in text for text in alt_texts(app))
    assert "it has no link, because it is not stored" in text_of(app)


def test_a_decompression_bomb_is_a_sentence(home: Path) -> None:
    out = BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")

    app = open_explain(run="lite0")
    app.file_uploader[0].set_value(("bomb.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    assert "bomb.png cannot be used: it has" in app.error[0].value


def test_an_image_of_one_pixel_is_a_sentence(home: Path) -> None:
    out = BytesIO()
    Image.new("RGB", (1, 1), "purple").save(out, "PNG")

    app = open_explain(run="lite0")
    app.file_uploader[0].set_value(("dot.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    assert "dot.png cannot be used: its 1 x 1 pixels can show no cell" in app.error[0].value


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken"])
def test_an_upload_that_is_no_image_is_a_sentence(home: Path, content: bytes) -> None:
    app = open_explain(run="lite0")
    app.file_uploader[0].set_value(("notes.png", content, "image/png")).run()

    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("notes.png cannot be used")


def test_a_filter_that_leaves_nothing_says_so(home: Path) -> None:
    app = open_explain(run="lite0", part="test")
    kept = app.selectbox(key="image").options
    (home / "runs" / "lite0" / "split.csv").write_text(
        (home / "runs" / "lite0" / "split.csv").read_text().replace(",test", ",train")
    )

    app.run()

    assert 0 < len(kept) < IMAGES
    assert "No image matches for the models shown" in text_of(app)


def test_images_are_filtered_by_right_and_wrong_and_by_disagreement(home: Path) -> None:
    change_some_answers(home, "b0-random")
    truth = truths_of(home, "lite0")
    one, other = answers_of(home, "lite0"), answers_of(home, "b0-random")
    expected = {
        "all correct": {each for each in truth if one[each] == other[each] == truth[each]},
        "some wrong": {each for each in truth if not one[each] == other[each] == truth[each]},
        "all wrong": {each for each in truth if truth[each] not in (one[each], other[each])},
        "models disagree": {each for each in truth if one[each] != other[each]},
    }
    app = open_explain(run=["lite0", "b0-random"])

    for wanted, images in expected.items():
        app.selectbox(key="correctness").set_value(wanted).run()

        assert not app.exception
        assert images
        assert set(app.selectbox(key="image").options) == images


def test_a_run_without_predictions_is_said_and_the_other_is_filtered_by(home: Path) -> None:
    (home / "runs" / "lite0" / "predictions.parquet").unlink()
    truth, said = truths_of(home, "b0-random"), answers_of(home, "b0-random")

    app = open_explain(run=["lite0", "b0-random"], correctness="all correct")

    assert not app.exception
    assert "lite0/predictions.parquet is missing; resume the run" in app.error[0].value
    assert set(app.selectbox(key="image").options) == {
        each for each in truth if said[each] == truth[each]
    }


def test_one_model_cannot_disagree(home: Path) -> None:
    app = open_explain(run="lite0", correctness="models disagree")

    assert not app.exception
    assert "One model alone cannot disagree" in text_of(app)


def test_next_and_previous_walk_through_the_images_that_match(home: Path) -> None:
    app = open_explain(run="lite0", part="test")
    images = app.selectbox(key="image").options

    app.button(key="next").click().run()
    at_second = app.selectbox(key="image").value
    app.button(key="next").click().run()
    app.button(key="previous").click().run()

    assert at_second == images[1]
    assert app.selectbox(key="image").value == images[1]
    assert f"2 of {len(images)} images" in text_of(app)
    app.button(key="previous").click().run()
    assert app.button(key="previous").disabled


def test_an_image_of_a_link_that_does_not_match_is_shown_and_this_is_said(home: Path) -> None:
    image = image_in_part(home, "lite0", "train")

    app = open_explain(run="lite0", part="test", image=image)

    assert f"`{image}`: true class" in text_of(app)
    assert "images match; the one shown does not" in text_of(app)
