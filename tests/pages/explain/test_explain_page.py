"""What the page Explain says of models and their answers."""

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from safetensors.torch import load_file

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.runs.file_names import NEIGHBOURS
from modelzoo.runs.status import Status, this_process, write_status
from modelzoo.tensors import write_tensors
from pages.sections.explain.views import VIEWS
from tests.pages.explain.opened import PX, alt_texts, image_in_part, map_url, open_explain
from tests.pages.opened import text_of
from tests.run_folders import make_run


def test_without_a_model_the_demo_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))

    app = open_explain()

    assert not app.exception
    assert "The models shown come with BlastLens" in text_of(app)
    assert "a synthetic smear, drawn by BlastLens" in text_of(app)
    assert "Train the demo" in [button.label for button in app.button]


def test_a_sample_image_is_ready_and_explained(home: Path) -> None:
    app = open_explain(view="Attribution maps")

    assert not app.exception
    assert not app.error
    said = text_of(app)
    assert "models predict" in said or "The models disagree" in said
    assert "With all cells masked" in said or "No nucleated" in said
    assert "#### EfficientNet-Lite0" in said
    assert "#### EfficientNet-B0" in said
    assert said.count("in the test set of this model") == 2
    assert said.count(":orange-badge[from scratch]") == 1
    assert "**Not for diagnosis.**" in said
    assert "The same scale for every model" in said


def test_a_link_shows_the_same_image_run_method_and_class(home: Path) -> None:
    image = image_in_part(home, "lite0", "test")

    app = open_explain(
        image=image,
        run="lite0",
        method=["Grad-CAM", "Integrated Gradients"],
        target="Pre",
        view="Attribution maps",
    )

    said = text_of(app)
    assert not app.exception
    assert f"`{image}`: true class" in said
    assert "**Grad-CAM** for **Pre**" in said
    assert "**Integrated Gradients** for **Pre**" in said
    assert "EfficientNet-B0" not in said


def test_that_an_image_was_trained_on_is_said(home: Path) -> None:
    app = open_explain(image=image_in_part(home, "lite0", "train"), run="lite0")

    assert "This model was trained on it, so a correct prediction shows nothing." in text_of(app)


def test_a_run_and_an_image_that_are_gone_are_said(home: Path) -> None:
    app = open_explain(image="gone.jpg", run="deleted")

    assert not app.exception
    said = text_of(app)
    assert "Run deleted of this link is not here." in said
    assert "Image gone.jpg of this link is not here." in said


def test_a_damaged_model_is_a_sentence_and_the_other_is_still_asked(home: Path) -> None:
    (home / "runs" / "lite0" / "model.safetensors").write_bytes(b"nothing")

    app = open_explain(run=["lite0", "b0-random"], view="Attribution maps")

    assert not app.exception
    assert "#### EfficientNet-B0" in text_of(app)


def test_another_class_changes_the_overlay_and_comes_back(home: Path) -> None:
    app = open_explain(run="lite0", target="Pre", view="Attribution maps")
    of_pre = map_url(app)

    of_pro = map_url(app.selectbox(key="target").set_value("Pro").run())
    again = map_url(app.selectbox(key="target").set_value("Pre").run())

    assert of_pre != of_pro
    assert again == of_pre


def test_every_picture_says_in_words_what_it_shows(home: Path) -> None:
    app = open_explain(run="lite0", view="Attribution maps")

    texts = alt_texts(app)

    assert len(texts) == 2  # the scale, the map; those of the lens are its own
    assert all(texts)
    assert any("Grad-CAM of EfficientNet-Lite0" in text for text in texts)


def test_a_run_in_training_is_said_to_be_so_and_not_to_be_gone(home: Path) -> None:
    run = make_run(home / "runs", "new", state="training", backbone="vgg16")
    status = Status(state="training", phase="training", epoch=1, epochs=5, **this_process())
    write_status(run.path, status)

    app = open_explain(run="new")

    assert not app.exception
    assert "Run new cannot be explained. Training, epoch 2 of 5." in text_of(app)
    assert "gone" not in text_of(app)


def test_a_run_deleted_while_the_page_shows_it_is_said(home: Path) -> None:
    app = open_explain(run=["lite0", "b0-random"], view="Attribution maps")
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

    app = open_explain(run=["lite0", "b0-random"], target="Pro", view="Attribution maps")

    assert not app.exception
    assert "EfficientNet-B0 has no class Pro; choose another target class." in text_of(app)
    assert sum("Grad-CAM of EfficientNet-Lite0" in text for text in alt_texts(app)) == 1


def test_how_unlike_the_training_images_it_is_is_always_said_above_the_map(home: Path) -> None:
    app = open_explain(
        run="lite0", image=image_in_part(home, "lite0", "test"), view="Attribution maps"
    )

    (said,) = [each for each in app.markdown if each.value.startswith("**OOD score: ")]

    assert " percentile**, " in said.value
    assert "percentile" in said.help


def test_an_unlike_image_is_warned_of_above_its_map(home: Path) -> None:
    file = home / "runs" / "lite0" / NEIGHBOURS
    neighbours = load_file(file)
    neighbours["distances"] = torch.zeros_like(neighbours["distances"])  # as like as can be
    write_tensors(file, neighbours)

    app = open_explain(
        run="lite0", image=image_in_part(home, "lite0", "test"), view="Attribution maps"
    )

    shown = [str(getattr(each, "value", each.type)) for each in app.main]
    (warning,) = [
        row for row, each in enumerate(shown) if "This image is out of distribution" in each
    ]
    heading = shown.index(next(each for each in shown if each.startswith("**Grad-CAM** for")))
    assert warning < heading
    assert "**OOD score: 100th percentile**, out of distribution" in shown


def test_before_the_first_model_a_sample_is_shown_and_what_is_being_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    run = make_run(tmp_path / "runs", "first", state="training", backbone="vgg16")
    status = Status(state="training", phase="training", epoch=1, epochs=5, **this_process())
    write_status(run.path, status)
    make_run(tmp_path / "runs", "broken", state="failed", error="Memory ran out.")

    app = open_explain()

    assert not app.exception
    assert "a synthetic smear, drawn by BlastLens" in text_of(app)
    assert "Run broken: Memory ran out." in text_of(app)
    assert "Run first" not in text_of(app)  # it has not ended: it is in the bar
    assert len(app.get("progress")) == 1
    assert "**VGG16** `first`: Training, epoch 2 of 5" in text_of(app)
    assert "Train the demo" not in [button.label for button in app.button]  # it is at work


def test_two_runs_of_one_backbone_are_told_apart(home: Path) -> None:
    shutil.copytree(home / "runs" / "lite0", home / "runs" / "lite0-again")

    app = open_explain(view="Attribution maps")

    assert not app.exception
    for title in ("B0", "Lite0 (lite0)", "Lite0 (lite0-again)"):
        assert text_of(app).count(f"#### EfficientNet-{title}\n") == 1


def test_the_link_to_this_view_names_all_that_is_shown(home: Path) -> None:
    app = open_explain(run="lite0")

    address = urlsplit(next(each.value for each in app.code if "run=" in each.value))
    query = parse_qs(address.query)

    assert query.keys() == {"run", "image", "method", "target"}
    again = open_explain(**query)
    assert not again.exception
    assert alt_texts(again) == alt_texts(app)


def test_the_views_have_keys_and_titles_of_their_own() -> None:
    assert len({view.title for view in VIEWS.values()}) == len(VIEWS)
    assert all(key == view.key for key, view in VIEWS.items())
    assert all(view.draw_row or view.draw_below for view in VIEWS.values())
