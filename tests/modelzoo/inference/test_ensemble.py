"""Ensembles: runs that predict the weighted mean of other runs, and are explained like any."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from typer.testing import CliRunner

from modelzoo.__main__ import app
from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import read_leaderboard
from modelzoo.evaluation.temperature import fit_run
from modelzoo.inference.ensemble import Ensemble
from modelzoo.inference.trained import load_run, predict
from modelzoo.runs.ensembles import read_ensemble
from modelzoo.runs.folder import list_runs, read_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_data, read_temperature
from modelzoo.training.ensemble import make_ensemble
from tests.modelzoo.training.small import make_run, start
from xai.explain import explain, explain_by_all
from xai.methods.table import METHODS, ONE_PASS

PX = 64


def write_squares(folder: Path) -> Path:
    """Noise with a bright square whose corner is the class."""
    random = np.random.default_rng(0)
    for label, corner in (("left", 0), ("right", 40)):
        (folder / label).mkdir(parents=True)
        for number in range(16):
            pixels = random.integers(0, 120, (PX, PX, 3), dtype=np.uint8)
            pixels[:24, corner : corner + 24] = 230
            Image.fromarray(pixels).save(folder / label / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two runs on one split, of networks that are normalised in different ways."""
    home = tmp_path_factory.mktemp("home")
    images = write_squares(home / "images")
    for name, backbone in (("one", "tf_efficientnet_lite0"), ("two", "densenet121")):
        start(make_run(home, images, name, backbone=backbone, epochs=6), home)
    start(make_run(home, images, "other-split", seed=3, epochs=1), home)
    return home


@pytest.fixture
def home(members: Path, tmp_path: Path) -> Path:
    shutil.copytree(members / "runs", tmp_path / "runs")
    return tmp_path


@pytest.mark.parametrize("weighting", ["equal", "validation"])
def test_an_ensemble_predicts_the_weighted_mean_and_is_a_run_like_any(
    home: Path, members: Path, weighting: str
) -> None:
    arguments = ["ensemble", "one", "two", "--name", "both", "--runs", str(home / "runs")]
    answer = CliRunner().invoke(app, [*arguments, "--weighting", weighting])
    assert answer.exit_code == 0, answer.output

    record = read_ensemble(home / "runs" / "both")
    assert record
    one, two, both = (read_predictions(home / "runs" / name) for name in ("one", "two", "both"))
    expected = record.weights[0] * one.probabilities + record.weights[1] * two.probabilities
    np.testing.assert_allclose(both.probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(np.exp(both.logits), both.probabilities, atol=1e-5)
    pixels = np.stack([np.array(Image.open(members / "images" / name)) for name in both.images])
    batch = predict(load_run(home / "runs" / "both"), pixels)
    np.testing.assert_allclose(batch.probabilities, both.probabilities, atol=1e-3)
    # A training image is itself: the same in the folder and through the network.
    train = [row for row, part in enumerate(both.parts) if part == "train"]
    assert batch.ood_percentile[train].max() < 50
    own = load_run(home / "runs" / "both").neighbours.embeddings
    unit = batch.embeddings / np.linalg.norm(batch.embeddings, axis=1, keepdims=True)
    assert (unit[train] * own).sum(1).min() > 0.999
    board = read_leaderboard(list_runs(home / "runs")[0])
    row = next(row for row in board.rows if row.run_id == "both")
    assert row.title.startswith("Ensemble of DenseNet121 and EfficientNet-Lite0")
    assert row.recipe == f"quick-ensemble-{weighting}"
    assert row.parameters == sum(
        each.parameters for each in board.rows if each.run_id in ("one", "two")
    )
    assert read_temperature(home / "runs" / "both") == fit_run(both, "both")
    if weighting == "equal":
        assert record.weights == [0.5, 0.5]


def test_weights_by_validation_have_the_lowest_log_loss_of_a_grid(home: Path) -> None:
    made = make_ensemble(home / "runs", "both", ["one", "two"], "validation")
    record = read_ensemble(made.path)
    assert record
    said = []
    for name in ("one", "two"):
        validation = read_predictions(home / "runs" / name).only("validation")
        said.append(validation.probabilities[np.arange(len(validation.labels)), validation.labels])

    def loss(weight: float) -> float:
        return float(-np.log(weight * said[0] + (1 - weight) * said[1]).mean())

    assert loss(record.weights[0]) <= min(map(loss, np.linspace(0, 1, 101))) + 1e-4


def damage_gone(runs: Path) -> None:
    shutil.rmtree(runs / "two")


def damage_trained_again(runs: Path) -> None:
    shutil.copy(runs / "other-split" / "model.safetensors", runs / "one" / "model.safetensors")


def damage_record(runs: Path) -> None:
    (runs / "both" / "ensemble.json").write_text('{"members": ["one", "../two"]}')


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_gone, "two, a member of the ensemble both, is gone from"),
        (damage_trained_again, "one, a member of the ensemble both, was trained again since"),
        (damage_record, r"ensemble\.json is damaged"),
    ],
)
def test_a_member_that_is_gone_or_changed_is_a_sentence(
    home: Path, damage: Callable[[Path], None], said: str
) -> None:
    make_ensemble(home / "runs", "both", ["one", "two"], "equal")
    damage(home / "runs")

    with pytest.raises(UserError, match=said):
        load_run(home / "runs" / "both")
    assert read_run(home / "runs" / "both").has_model
    assert read_predictions(home / "runs" / "both").images


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["one"], "one was given; give two or more different runs"),
        (["one", "one"], "give two or more different runs"),
        (["one", "other-split"], "was trained and tested on another split"),
        (["one", "nowhere"], "was not found"),
        (["one", "../runs/two"], r"Run name '../runs/two' cannot be used"),
    ],
)
def test_runs_that_cannot_be_joined_are_a_sentence(home: Path, names: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_ensemble(home / "runs", "both", names, "equal")
    assert not (home / "runs" / "both").exists()


def test_other_images_under_the_same_names_are_not_joined(home: Path) -> None:
    file = home / "runs" / "two" / "images.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    table["sha256"] = table["sha256"].str[:-4] + "0000"
    table.to_csv(file, index=False)

    with pytest.raises(UserError, match="was trained and tested on other images than one"):
        make_ensemble(home / "runs", "both", ["one", "two"], "equal")


def test_an_ensemble_of_an_ensemble_is_a_sentence(home: Path) -> None:
    make_ensemble(home / "runs", "both", ["one", "two"], "equal")

    with pytest.raises(UserError, match="both is an ensemble itself"):
        make_ensemble(home / "runs", "three", ["one", "both"], "equal")


def make_pair(*names: str) -> tuple[list[Backbone], Ensemble, torch.Tensor]:
    members = [create_backbone(name, 3, seed=seed).eval() for seed, name in enumerate(names)]
    ensemble = Ensemble(members, [0.3, 0.7]).eval()
    pixels = torch.randint(
        0, 256, (2, 128, 128, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return members, ensemble, pixels


@pytest.mark.parametrize("other", ["tf_efficientnet_lite0", "alexnet"])
def test_members_see_images_in_their_own_units_and_on_their_own_grid(other: str) -> None:
    # AlexNet's map of 128 px has 3 x 3 fields, ResNet50's 4 x 4.
    members, ensemble, pixels = make_pair("resnet50", other)

    with torch.no_grad():
        x = ensemble.normalise(pixels)
        features = ensemble.features(x)
        found = ensemble.head(features).softmax(1)
        expected = sum(
            weight * member(member.normalise(pixels)).softmax(1)
            for weight, member in zip((0.3, 0.7), members, strict=True)
        )
        embedded = ensemble.embed(features)

    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert features.shape[-1] == (12 if other == "alexnet" else 4)
    assert embedded.shape[1] == ensemble.classifier.in_features
    torch.testing.assert_close(ensemble.classifier(embedded).exp().sum(1), torch.ones(2))


def test_a_map_of_an_ensemble_is_its_members_maps_by_their_share_of_the_probability() -> None:
    members, ensemble, pixels = make_pair("resnet50", "densenet121")
    x = ensemble.normalise(pixels[:1])

    (found,) = explain(ensemble, x, method="hires-cam", target=1)

    expected, said = torch.zeros(4, 4), []
    for weight, member in zip((0.3, 0.7), members, strict=True):
        features = member.features(x).detach().requires_grad_()
        logs = member.head(features).log_softmax(1)[0, 1]
        (slope,) = torch.autograd.grad(logs, features)
        said.append(weight * logs.exp().item())
        expected = expected + said[-1] * (slope * features).sum(1)[0].detach()
    np.testing.assert_allclose(found.values, (expected / sum(said)).numpy(), rtol=1e-3, atol=1e-6)


def test_an_ensemble_is_explained_by_every_method_that_its_networks_allow() -> None:
    _, ensemble, pixels = make_pair("resnet50", "densenet121")
    image = F.interpolate(ensemble.normalise(pixels[:1]), 64)
    refused = {name for name, row in METHODS.items() if row.refusal(ensemble)}
    quick = [
        name
        for name, row in METHODS.items()
        if row.passes < 60 and name not in refused | {*ONE_PASS}
    ]

    # Its inner maps are copies that its logits do not depend on.
    assert refused == {"layer-cam-depths"}
    found = explain_by_all(ensemble, image, methods=[*ONE_PASS, *quick], target=0)
    for name, (attribution,) in found.items():
        assert np.isfinite(attribution.values).all(), name


def test_members_that_were_trained_in_other_ways_are_a_doubt_of_the_ensemble(
    home: Path, members: Path
) -> None:
    # `one` and `two` differ in their backbones alone.
    start(make_run(home, members / "images", "three", epochs=1), home)

    alike = make_ensemble(home / "runs", "alike", ["one", "two"], "equal")
    unlike = make_ensemble(home / "runs", "unlike", ["one", "three"], "equal")

    said = "trained with other settings (epochs); those that are shown are of one."
    assert not any(said in doubt for doubt in read_data(alike.path).doubts)
    assert said in read_data(unlike.path).doubts[-1]


def test_predictions_keep_their_order(home: Path) -> None:
    first = read_predictions(home / "runs" / "one")
    made = make_ensemble(home / "runs", "both", ["two", "one"], "equal")

    assert read_predictions(made.path).images == first.images
    assert replace(made.config, recipe="", backbone="resnet50") == replace(
        read_run(home / "runs" / "two").config, recipe="", backbone="resnet50"
    )


def test_who_renames_or_deletes_a_member_is_told_of_the_ensemble(home: Path) -> None:
    runs = home / "runs"
    make_ensemble(runs, "both", ["one", "two"], "equal")
    where = ["--runs", str(runs)]

    renamed = CliRunner().invoke(app, ["rename", "one", "three", *where])
    assert "one is a member of the ensemble both, which cannot explain or" in renamed.output
    assert (runs / "three").is_dir()
    deleted = CliRunner().invoke(app, ["delete", "two", "--yes", *where])
    assert "two is a member of the ensemble both" in deleted.output
    alone = CliRunner().invoke(app, ["delete", "other-split", "--yes", *where])
    assert "member" not in alone.output
