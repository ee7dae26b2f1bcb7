import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from safetensors.torch import load_file
from streamlit.testing.v1 import AppTest

from modelzoo import runs
from modelzoo.backbones.saved import write_backbone
from modelzoo.backbones.split import create_backbone
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.smear_drawing import draw_smear
from modelzoo.predict import load_trained, predict, write_neighbours
from modelzoo.tensors import write_tensors
from tests.run_folders import CLASSES, make_run
from xai.methods import METHODS

ROOT = Path(__file__).parents[2]
IMAGES = 40
PX = 64


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a data set and two models as they are before any training."""
    home = tmp_path_factory.mktemp("home")
    generator = np.random.default_rng(0)
    data = home / "data"
    data.mkdir()
    pixels = generator.integers(0, 255, (IMAGES, 80, 96, 3), np.uint8)
    for index, each in enumerate(pixels):
        Image.fromarray(each).save(data / f"{index:04d}.jpg")
    for backbone, name in (("tf_efficientnet_lite0", "lite0"), ("efficientnet_b0", "b0-random")):
        run = make_run(
            home / "runs",
            name,
            images=IMAGES,
            images_per_group=1,
            starts_at_random=name.endswith("random"),
            data=str(data),
            backbone=backbone,
            input_px=PX,
        )
        network = create_backbone(backbone, len(CLASSES), seed=1).eval()
        write_backbone(run.path, network, CLASSES, PX)
        split = runs.read_split(run.path)
        with torch.inference_mode():
            squares = network.normalise(torch.from_numpy(pixels[:, :PX, :PX].copy()))
            embeddings = network.embed(network.features(squares)).numpy()
        write_neighbours(run.path, embeddings, [row.image for row in split.rows], split)
    return home


@pytest.fixture
def home(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may spoil."""
    copy = tmp_path / "home"
    shutil.copytree(trained, copy)
    for config in copy.glob("runs/*/config.toml"):
        text = config.read_text()
        config.write_text(text.replace(str(trained / "data"), str(copy / "data")))
    monkeypatch.setenv("BLASTLENS_HOME", str(copy))
    return copy


def open_explain(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/explain.py")
    return app.run()


def text_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.warning, app.info, app.error)
    return "\n".join(str(each.value) for kind in kinds for each in kind)


def image_in_part(home: Path, run: str, part: str) -> str:
    rows = runs.read_split(home / "runs" / run).rows
    return next(row.image for row in rows if row.part == part)


def alt_texts(app: AppTest) -> list[str]:
    return [image.alt for each in app.image for image in each.proto.imgs]


def map_url(app: AppTest) -> str:
    """Where the browser fetches the only map: a name made from its bytes."""
    (url,) = [
        image.url for each in app.image for image in each.proto.imgs if " of Eff" in image.alt
    ]
    return str(url)


def test_without_a_model_the_demo_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))

    app = open_explain()

    assert not app.exception
    assert "No model has been trained yet" in text_of(app)
    assert "Train the demo" in [button.label for button in app.button]


def test_a_sample_image_is_ready_and_explained(home: Path) -> None:
    app = open_explain()

    assert not app.exception
    assert not app.error
    said = text_of(app)
    assert "models say" in said or "The models disagree" in said
    assert "#### EfficientNet-Lite0" in said
    assert "#### EfficientNet-B0" in said
    assert said.count("image in its test part") == 2
    assert said.count(":orange-badge[no ImageNet weights]") == 1
    assert "**Not for diagnosis.**" in said
    assert "The same scale for every model" in said


def test_a_link_shows_the_same_image_run_method_and_class(home: Path) -> None:
    image = image_in_part(home, "lite0", "test")

    app = open_explain(
        image=image, run="lite0", method=["Grad-CAM", "Integrated Gradients"], explain="Pre"
    )

    said = text_of(app)
    assert not app.exception
    assert f"`{image}`: true class" in said
    assert "**Grad-CAM** for **Pre**" in said
    assert "**Integrated Gradients** for **Pre**" in said
    assert "EfficientNet-B0" not in said


def test_that_an_image_was_trained_on_is_said(home: Path) -> None:
    app = open_explain(image=image_in_part(home, "lite0", "train"), run="lite0")

    assert "This image was in the training part of this run" in text_of(app)


def test_a_run_and_an_image_that_are_gone_are_said(home: Path) -> None:
    app = open_explain(image="gone.jpg", run="deleted")

    assert not app.exception
    said = text_of(app)
    assert "Run deleted of this link is gone." in said
    assert "Image gone.jpg of this link is gone." in said


def test_a_data_set_that_was_moved_away_is_a_sentence(home: Path) -> None:
    (home / "data").rename(home / "elsewhere")

    app = open_explain()

    assert not app.exception
    assert "put the data set back where it was" in app.error[0].value


def test_a_damaged_model_is_a_sentence_and_the_other_is_still_asked(home: Path) -> None:
    (home / "runs" / "lite0" / "model.safetensors").write_bytes(b"nothing")

    app = open_explain(run=["lite0", "b0-random"])

    assert not app.exception
    assert "is damaged" in app.error[0].value
    assert "#### EfficientNet-B0" in text_of(app)


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

    app = open_explain(run="lite0")
    app.file_uploader[0].set_value(("mine.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    assert not app.error
    assert any("Grad-CAM of EfficientNet-Lite0" in text for text in alt_texts(app))
    assert "it has no link, because it is kept nowhere" in text_of(app)


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


def test_another_class_changes_the_overlay_and_comes_back(home: Path) -> None:
    app = open_explain(run="lite0", explain="Pre")
    of_pre = map_url(app)

    of_pro = map_url(app.selectbox(key="explain").set_value("Pro").run())
    again = map_url(app.selectbox(key="explain").set_value("Pre").run())

    assert of_pre != of_pro
    assert again == of_pre


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


def test_every_picture_says_in_words_what_it_shows(home: Path) -> None:
    app = open_explain(run="lite0")

    texts = alt_texts(app)

    assert len(texts) == 3  # the image, the scale, the map
    assert all(texts)
    assert any("Grad-CAM of EfficientNet-Lite0" in text for text in texts)


def answers_of(home: Path, run: str) -> dict[str, str]:
    found = runs.read_predictions(home / "runs" / run)
    named = found.probabilities.argmax(axis=1)
    return dict(zip(found.images, [found.classes[k] for k in named], strict=True))


def truths_of(home: Path, run: str) -> dict[str, str]:
    return {row.image: row.label for row in runs.read_split(home / "runs" / run).rows}


def change_some_answers(home: Path, run: str) -> None:
    """Let the run's predictions name another class for every third image."""
    found = runs.read_predictions(home / "runs" / run)
    probabilities = found.probabilities.copy()
    probabilities[::3] = np.roll(probabilities[::3], 1, axis=1)
    runs.write_predictions(home / "runs" / run, replace(found, probabilities=probabilities))


def test_images_are_filtered_by_right_and_wrong_and_by_disagreement(home: Path) -> None:
    change_some_answers(home, "b0-random")
    truth = truths_of(home, "lite0")
    one, other = answers_of(home, "lite0"), answers_of(home, "b0-random")
    expected = {
        "all right": {each for each in truth if one[each] == other[each] == truth[each]},
        "some wrong": {each for each in truth if not one[each] == other[each] == truth[each]},
        "all wrong": {each for each in truth if truth[each] not in (one[each], other[each])},
        "models disagree": {each for each in truth if one[each] != other[each]},
    }
    app = open_explain(run=["lite0", "b0-random"])

    for wanted, images in expected.items():
        app.selectbox(key="answers").set_value(wanted).run()

        assert not app.exception
        assert images
        assert set(app.selectbox(key="image").options) == images


def test_a_run_without_predictions_is_said_and_the_other_is_filtered_by(home: Path) -> None:
    (home / "runs" / "lite0" / "predictions.parquet").unlink()
    truth, said = truths_of(home, "b0-random"), answers_of(home, "b0-random")

    app = open_explain(run=["lite0", "b0-random"], answers="all right")

    assert not app.exception
    assert "lite0/predictions.parquet is missing; resume the run" in app.error[0].value
    assert set(app.selectbox(key="image").options) == {
        each for each in truth if said[each] == truth[each]
    }


def test_one_model_cannot_disagree(home: Path) -> None:
    app = open_explain(run="lite0", answers="models disagree")

    assert not app.exception
    assert "One model cannot disagree" in text_of(app)


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


def test_a_run_in_training_is_said_to_be_so_and_not_to_be_gone(home: Path) -> None:
    run = make_run(home / "runs", "new", state="training", backbone="vgg16")
    status = runs.Status(
        state="training", phase="training", epoch=1, epochs=5, **runs.this_process()
    )
    runs.write_status(run.path, status)

    app = open_explain(run="new")

    assert not app.exception
    assert "Run new cannot be asked yet. Training, epoch 2 of 5." in text_of(app)
    assert "gone" not in text_of(app)


def test_a_run_deleted_while_the_page_shows_it_is_said(home: Path) -> None:
    app = open_explain(run=["lite0", "b0-random"])
    shutil.rmtree(home / "runs" / "lite0")

    app.run()

    assert not app.exception
    assert "#### EfficientNet-B0" in text_of(app)
    assert "#### EfficientNet-Lite0" not in text_of(app)


def test_a_class_that_a_model_does_not_know_is_a_sentence_beside_the_others_map(
    home: Path,
) -> None:
    path = home / "runs" / "b0-random"
    network = create_backbone("efficientnet_b0", 2, seed=1).eval()
    write_backbone(path, network, ("Benign", "Other"), PX)
    split = path / "split.csv"
    split.write_text(split.read_text().replace(",Pro,", ",Other,"))

    app = open_explain(run=["lite0", "b0-random"], explain="Pro")

    assert not app.exception
    assert "EfficientNet-B0 knows no class Pro: choose another to explain." in text_of(app)
    assert sum("Grad-CAM of EfficientNet-Lite0" in text for text in alt_texts(app)) == 1


def test_how_unlike_the_training_images_it_is_is_always_said_above_the_map(home: Path) -> None:
    app = open_explain(run="lite0", image=image_in_part(home, "lite0", "test"))

    (said,) = [each for each in app.markdown if each.value.startswith("**Unlikeness ")]

    assert " of 100: " in said.value
    assert "percentile" in said.help


def test_an_unlike_image_is_warned_of_above_its_map(home: Path) -> None:
    file = home / "runs" / "lite0" / runs.NEIGHBOURS
    neighbours = load_file(file)
    neighbours["distances"] = torch.zeros_like(neighbours["distances"])  # as like as can be
    write_tensors(file, neighbours)

    app = open_explain(run="lite0", image=image_in_part(home, "lite0", "test"))

    shown = [str(getattr(each, "value", each.type)) for each in app.main]
    (warning,) = [row for row, each in enumerate(shown) if "This image is unlike what" in each]
    heading = shown.index(next(each for each in shown if each.startswith("**Grad-CAM** for")))
    assert warning < heading
    assert "**Unlikeness 100** of 100: unlike its training images" in shown


def test_both_cams_are_made_and_each_has_its_own_scale(home: Path) -> None:
    app = open_explain(run="lite0", method=["Grad-CAM", "Grad-CAM++"])

    assert not app.exception
    texts = alt_texts(app)
    for title in ("Grad-CAM", "Grad-CAM++"):
        assert sum(text.startswith(f"{title} of EfficientNet-Lite0.") for text in texts) == 1
        assert sum(text.startswith(f"Colour scale of {title}:") for text in texts) == 1


def test_before_the_first_model_a_sample_is_shown_and_what_is_being_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    run = make_run(tmp_path / "runs", "first", state="training", backbone="vgg16")
    status = runs.Status(
        state="training", phase="training", epoch=1, epochs=5, **runs.this_process()
    )
    runs.write_status(run.path, status)
    make_run(tmp_path / "runs", "broken", state="failed", error="Memory ran out.")

    app = open_explain()

    assert not app.exception
    assert alt_texts(app) == ["A synthetic smear of class Pre."]
    assert "Run broken: Memory ran out." in text_of(app)
    assert "Run first" not in text_of(app)  # it has not ended: it is in the bar
    assert len(app.get("progress")) == 1
    assert "**VGG16** `first`: Training, epoch 2 of 5" in text_of(app)
    assert not app.button  # the demo is offered only where nothing is at work


@pytest.fixture
def smear() -> bytes:
    """An upload that shows a few cells."""
    out = BytesIO()
    Image.fromarray(draw_smear("Early", seed=4).pixels).save(out, "PNG")
    return out.getvalue()


def ask_of(smear: bytes, view: str, **query: str | list[str]) -> AppTest:
    app = open_explain(run="lite0", ask=view, **query)
    app.file_uploader[0].set_value(("smear.png", smear, "image/png")).run()
    assert not app.exception
    assert not app.error
    return app


def test_the_time_of_every_method_is_known_before_any_is_chosen(home: Path) -> None:
    app = open_explain(run="lite0", method="")

    times = app.dataframe[0].value

    assert list(times["Method"]) == [row.title for row in METHODS.values()]
    assert times["About"].str.fullmatch(r"[\d.]+ (s|min)").all()
    assert "Choose a method to see where the models looked." in text_of(app)


def test_methods_with_one_map_are_said_to_be_so(home: Path) -> None:
    app = open_explain(run="lite0", method=["Grad-CAM", "XGrad-CAM"], explain="Pro")

    said = text_of(app)

    assert ("The same map as Grad-CAM" in said) != ("nothing is drawn" in said)


def test_a_method_that_is_not_right_for_a_network_says_so_and_the_others_go_on(home: Path) -> None:
    app = open_explain(run="lite0", method=["Guided Backprop", "Saliency"])

    assert not app.exception
    assert "Guided Backprop is defined for ReLU alone" in app.error[0].value
    assert any("Saliency of EfficientNet-Lite0" in text for text in alt_texts(app))


def test_maps_may_be_shown_as_shares_with_contours_and_cells(home: Path) -> None:
    plain = open_explain(run="lite0", method="Saliency")

    marked = open_explain(run="lite0", method="Saliency", contours="true", outlines="true")
    shares = open_explain(run="lite0", method="Integrated Gradients", scale="share of the map")

    assert map_url(marked) != map_url(plain)
    assert "% of the map for each 1 % of the image" in text_of(shares)


def test_each_cell_has_what_it_adds(home: Path, smear: bytes) -> None:
    app = ask_of(smear, "Cell by cell")

    table = app.dataframe[0].value
    assert "Background" in set(table["Player"])
    assert len(table) > 2
    assert "the cells add" in text_of(app)
    picture = next(text for text in alt_texts(app) if text.startswith("The cells, orange"))
    assert "cell 1: " in picture


def test_an_image_with_no_cell_in_it_is_a_sentence(home: Path) -> None:
    out = BytesIO()
    Image.new("RGB", (64, 64), (250, 250, 250)).save(out, "PNG")

    app = open_explain(run="lite0", ask="Cell by cell")
    app.file_uploader[0].set_value(("white.png", out.getvalue(), "image/png")).run()

    assert not app.exception
    assert "No nucleated cell was found in this image" in app.error[0].value


@pytest.mark.parametrize("probe", ["Paint all cells out", "Keep only the cells", "Darker"])
def test_a_change_of_the_image_says_what_the_answer_becomes(
    home: Path, smear: bytes, probe: str
) -> None:
    app = ask_of(smear, "What if", probe=probe)

    assert f"The image after this: {probe}." in alt_texts(app)
    assert "; the answer " in text_of(app)


def test_cells_are_erased_by_their_numbers(home: Path, smear: bytes) -> None:
    app = ask_of(smear, "What if", erased=["1", "2"])

    assert "Without cells 1, 2." in text_of(app)
    assert "; the answer " in text_of(app)


def test_a_map_is_judged_beside_maps_that_never_asked_the_model(home: Path) -> None:
    app = open_explain(run="lite0", ask="How far to trust it", method=["Saliency", "Occlusion"])

    assert not app.exception
    assert not app.error
    scores = app.dataframe[1].value
    assert {"This map", "Random", "Centre", "Blurred"} < set(scores.columns)
    assert {"Deletion", "Insertion"} < set(scores["Score"])
    agreement = app.dataframe[-1].value
    assert agreement["So"].tolist() == ["Two methods on one model."]


def remember_as_decoded(home: Path, run: str) -> None:
    """Neighbours as a training leaves them: of what the files hold."""
    path = home / "runs" / run
    trained, split = load_trained(path), runs.read_split(path)
    images = [row.image for row in split.rows]
    squares = [fit_square(decode_image(home / "data" / image), PX) for image in images]
    write_neighbours(path, predict(trained, np.stack(squares)).embeddings, images, split)


def test_the_training_images_most_like_it_are_shown_and_a_copy_raises_an_alarm(home: Path) -> None:
    remember_as_decoded(home, "lite0")
    known = image_in_part(home, "lite0", "train")
    copy = (home / "data" / known).read_bytes()

    app = open_explain(run="lite0", ask="Training images like it")
    app.file_uploader[0].set_value(("copy.jpg", copy, "image/jpeg")).run()

    assert not app.exception
    assert any(text.startswith(f"Training image {known} ") for text in alt_texts(app))
    assert app.error[0].value.startswith(f"{known}, a training image of this run, is as like")


def test_a_map_made_before_is_read_from_the_store_and_not_made_again(home: Path) -> None:
    kept = home / "store" / "explanations"
    first = open_explain(run="lite0", method="Saliency")
    files = {file.name: file.stat().st_size for file in kept.iterdir()}

    st.cache_data.clear()
    again = open_explain(run="lite0", method="Saliency")

    assert len(files) == 1
    assert {file.name: file.stat().st_size for file in kept.iterdir()} == files
    seconds = [re.findall(r"[\d.]+ s\)", text_of(app)) for app in (first, again)]
    assert seconds[0] == seconds[1]  # as it was when it was made


def test_what_was_found_of_a_method_on_the_run_stands_below_its_verdict(home: Path) -> None:
    image = image_in_part(home, "lite0", "test")
    view = {"image": image, "run": "lite0", "ask": "How far to trust it", "method": "Grad-CAM"}
    before = open_explain(**view)
    row = dict.fromkeys(runs.VALIDITY_COLUMNS, "")
    found = [row | {"method": name, "sentence": f"Of {name}."} for name in ("grad-cam", "saliency")]
    runs.write_judgement(home / "runs" / "lite0", [], found)

    after = open_explain(**view)
    (home / "runs" / "lite0" / runs.VALIDITY).write_text("method")
    damaged = open_explain(**view)

    assert not before.exception
    assert not after.exception
    assert "**Grad-CAM.** " in text_of(before)
    assert "On a few test images of this run" not in text_of(before)
    assert "On a few test images of this run: Of grad-cam." in text_of(after)
    assert "Of saliency." not in text_of(after)
    assert "validity.csv is damaged" in damaged.error[0].value
    assert "**Grad-CAM.** " in text_of(damaged)
