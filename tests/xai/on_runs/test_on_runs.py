"""What joins the two libraries: a run's image, prediction and maps, beside those made by hand."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.opening import find_root
from modelzoo.errors import UserError as ZooError
from modelzoo.inference.trained import LoadedRun
from tests.xai.small_runs import write_small_runs
from xai.explain import explain
from xai.methods.table import ONE_PASS
from xai.on_runs.explain import explain_image, explain_or_refuse
from xai.on_runs.look import predict_and_explain
from xai.on_runs.open import as_input, open_run, read_pixels
from xai.on_runs.predict import find_cells, predict_image, predict_perturbed
from xai.perturb.image import PERTURBATIONS
from xai.types import Rgb


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedRun, Rgb, Path]:
    home = tmp_path_factory.mktemp("home")
    names = write_small_runs(home)
    run = open_run(home / "runs" / "lite0-64", "auto")
    return run, read_pixels(home / "data" / names[0], run.px), home / "data" / names[0]


def test_prediction_and_map_are_those_of_the_two_libraries(
    opened: tuple[LoadedRun, Rgb, Path],
) -> None:
    run, pixels, file = opened
    np.testing.assert_array_equal(pixels, fit_square(decode_image(file), 64))
    image = run.backbone.normalise(torch.from_numpy(pixels[None].copy()))
    with torch.inference_mode():
        expected = run.backbone(image).softmax(dim=1)[0].numpy()

    found = predict_image(run, pixels)
    made = explain_image(run, pixels, methods=["grad-cam"], target=found.predicted)

    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    (wanted,) = explain(run.backbone, image, method="grad-cam", target=found.predicted)
    np.testing.assert_allclose(made["grad-cam"].values, wanted.values, atol=1e-6)
    assert as_input(run, pixels, pixels).shape == (2, 3, 64, 64)


def test_one_pass_gives_the_prediction_and_the_maps_that_two_give(
    opened: tuple[LoadedRun, Rgb, Path],
) -> None:
    run, pixels, _ = opened
    alone = predict_image(run, pixels)
    maps = explain_image(run, pixels, methods=ONE_PASS, target=alone.predicted)

    prediction, attributions = predict_and_explain(run, pixels, methods=ONE_PASS)

    np.testing.assert_allclose(prediction.probabilities, alone.probabilities, atol=1e-6)
    np.testing.assert_allclose(prediction.embedding, alone.embedding, atol=1e-5)
    assert prediction.ood_percentile == alone.ood_percentile
    assert set(attributions) == set(ONE_PASS)
    for name, made in attributions.items():
        np.testing.assert_allclose(made.values, maps[name].values, atol=1e-6)


def test_a_method_that_a_network_does_not_allow_gives_its_reason_and_the_others_maps(
    opened: tuple[LoadedRun, Rgb, Path],
) -> None:
    run, pixels, _ = opened

    found = explain_or_refuse(
        run, pixels, methods=["guided-backprop", "grad-cam", "saliency"], target=0
    )

    assert list(found) == ["guided-backprop", "grad-cam", "saliency"]
    assert "ReLU" in str(found["guided-backprop"])
    assert not isinstance(found["grad-cam"], str)
    assert not isinstance(found["saliency"], str)


def test_a_perturbed_image_is_predicted_at_the_input_size(
    opened: tuple[LoadedRun, Rgb, Path],
) -> None:
    run, pixels, file = opened
    cells = find_cells(lambda px: read_pixels(file, px), 224)

    same = predict_perturbed(run, pixels, cells, lambda image, _: image)
    grey = predict_perturbed(run, pixels, cells, lambda image, _: np.full_like(image, 128))

    np.testing.assert_array_equal(same, predict_image(run, pixels).probabilities)
    assert np.abs(grey - same).max() > 0


def test_a_change_before_resizing_is_of_the_whole_image(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    again = BytesIO()
    Image.fromarray(noise).save(again, "JPEG", quality=40)

    changed = read_pixels(tmp_path / "noise.png", 64, change=PERTURBATIONS["jpeg"].change)

    np.testing.assert_array_equal(changed, read_pixels(again.getvalue(), 64))


@pytest.mark.parametrize("image_id", ["/etc/passwd", "../secret.png", "a/../../b.png", "", "a//b"])
def test_an_id_that_leaves_the_data_set_is_refused(tmp_path: Path, image_id: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.png").touch()

    with pytest.raises(ZooError, match="lies outside its data set"):
        find_root(tmp_path / "data", image_id, store=tmp_path)
