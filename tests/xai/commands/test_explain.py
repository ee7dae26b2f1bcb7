"""`python -m xai` on a small run: what it leaves, what it does not make again, what it says."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from modelzoo.__main__ import app as modelzoo_app
from modelzoo.backbones.saved import read_backbone, write_backbone
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.inference.trained import load_run, predict
from tests.run_folders import CLASSES
from tests.xai.small_runs import write_small_runs
from xai.__main__ import app
from xai.commands.explaining import OPACITY, OVERLAY_PX
from xai.draw.overlay import render_overlay
from xai.draw.scale import shared_vmax
from xai.explain import explain
from xai.methods.table import METHODS


@dataclass(frozen=True)
class Home:
    runs: Path
    images: Path  # three smears, one of them in a folder of its own, and a broken one
    out: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    names = write_small_runs(home)
    for name, image in zip(("one.jpg", "two.jpg", "deeper/one.jpg"), names, strict=False):
        (home / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(home / "data" / image, home / "images" / name)
    (home / "images" / "broken.png").write_bytes(b"\x89PNG no more")
    return home


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Home:
    """The runs, and a copy of the images that a test may spoil."""
    shutil.copytree(trained / "images", tmp_path / "images")
    return Home(trained / "runs", tmp_path / "images", tmp_path / "out")


@pytest.fixture
def command(home: Home) -> Callable[..., Result]:
    def run(*more: str, run: str = "lite0-64", image: str = "") -> Result:
        places = ("--run", home.runs / run, "--image", home.images / image, "--out", home.out)
        return CliRunner().invoke(app, ["explain", *map(str, places), *more])

    return run


def manifest(home: Home) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home.out / "manifest.json").read_text())
    return content


def files_in(folder: Path) -> dict[str, bytes]:
    found = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def test_a_folder_is_explained_with_maps_as_the_library_makes_them(
    home: Home, command: Callable[..., Result]
) -> None:
    answer = command("--methods", "grad-cam, recipro-cam")

    assert answer.exit_code == 0, answer.output
    assert "Images: 3. Maps: 6 made, 0 there already." in answer.stdout
    assert "skipped: " in answer.stderr
    assert "broken.png" in answer.stderr
    said = manifest(home)
    assert [each["file"] for each in said["images"]] == ["deeper/one.jpg", "one.jpg", "two.jpg"]
    model = load_run(home.runs / "lite0-64")
    for record in said["images"]:
        pixels = fit_square(decode_image(home.images / record["file"]), 64)
        probabilities = predict(model, pixels[None]).probabilities[0]
        assert list(record["probabilities"].values()) == pytest.approx(probabilities, abs=1e-6)
        assert record["prediction"] == CLASSES[probabilities.argmax()]
        images = model.backbone.normalise(torch.from_numpy(pixels[None]))
        for each in record["maps"]:
            target = int(probabilities.argmax())
            (expected,) = explain(model.backbone, images, method=each["method"], target=target)
            found = np.load(home.out / each["values"])
            np.testing.assert_allclose(found, expected.values, atol=1e-5)
            assert (each["target"], each["target_name"]) == (target, record["prediction"])
            assert each["forward_passes"] == expected.forward_passes
            assert each["unit"] == METHODS[each["method"]].unit
            with Image.open(home.out / each["overlay"]) as overlay:
                assert overlay.size == (OVERLAY_PX, OVERLAY_PX)


def test_the_manifest_says_what_made_it(home: Home, command: Callable[..., Result]) -> None:
    command("--methods", "grad-cam", image="one.jpg")

    said = manifest(home)
    assert said["run"] == "lite0-64"
    assert said["classes"] == list(CLASSES)
    assert len(said["model_sha256"]) == 64
    assert {"torch", "timm", "numpy"} <= said["versions"].keys()
    (record,) = said["images"]
    (made,) = record["maps"]
    assert len(record["sha256"]) == 64
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert made["completeness_gap"] is None
    assert made["settings"] == {"input_px": 64, "device": "cpu"}
    assert made["drawn"] == {"vmax": made["strength"], "opacity": OPACITY, "px": OVERLAY_PX}


def test_overlays_of_one_method_share_a_scale(home: Home, command: Callable[..., Result]) -> None:
    command("--methods", "grad-cam", "--target", "Pre")

    model = load_run(home.runs / "lite0-64")
    names = ["deeper/one.jpg", "one.jpg", "two.jpg"]
    pictures = [decode_image(home.images / name) for name in names]
    squares = np.stack([fit_square(each, 64) for each in pictures])
    images = model.backbone.normalise(torch.from_numpy(squares))
    maps = explain(model.backbone, images, method="grad-cam", target=2)
    for name, picture, each in zip(names, pictures, maps, strict=True):
        pixels = fit_square(picture, OVERLAY_PX)
        expected = render_overlay(pixels, each, vmax=shared_vmax(maps), opacity=OPACITY)
        with Image.open(home.out / f"{name}.grad-cam.Pre.png") as overlay:
            found = np.array(overlay)
        # A batch of three rounds otherwise than one image at a time: by one grey level.
        np.testing.assert_allclose(found.astype(int), expected, atol=1)


def test_what_is_there_is_not_made_again_and_what_is_gone_is(
    home: Home, command: Callable[..., Result]
) -> None:
    first = command("--methods", "grad-cam,hires-cam")
    before = files_in(home.out)

    again = command("--methods", "grad-cam,hires-cam")

    assert "Maps: 6 made, 0 there already" in first.stdout
    assert "Maps: 0 made, 6 there already" in again.stdout
    assert files_in(home.out) == before

    gone = next(home.out.glob("one.jpg.grad-cam.*.npy"))
    gone.unlink()
    overlay = next(home.out.glob("two.jpg.hires-cam.*.png"))
    overlay.unlink()

    third = command("--methods", "grad-cam,hires-cam")

    assert "Maps: 1 made, 5 there already" in third.stdout
    assert gone.read_bytes() == before[gone.name]
    assert overlay.read_bytes() == before[overlay.name]


def test_more_methods_and_classes_are_added_to_what_is_there(
    home: Home, command: Callable[..., Result]
) -> None:
    command("--methods", "grad-cam", "--target", "Pro", image="one.jpg")
    command("--methods", "grad-cam,eigen-cam", "--target", "Pro", image="one.jpg")

    answer = command("--methods", "grad-cam", "--target", "Early", image="two.jpg")

    assert "Maps: 1 made, 0 there already" in answer.stdout
    kept = [
        (record["file"], each["method"], each["target_name"])
        for record in manifest(home)["images"]
        for each in record["maps"]
    ]
    assert kept == [
        ("one.jpg", "grad-cam", "Pro"),
        ("one.jpg", "eigen-cam", "Pro"),
        ("two.jpg", "grad-cam", "Early"),
    ]


def test_a_changed_image_is_explained_again(home: Home, command: Callable[..., Result]) -> None:
    command()
    before = {each["file"]: each["sha256"] for each in manifest(home)["images"]}
    shutil.copy(home.images / "two.jpg", home.images / "one.jpg")

    answer = command()

    assert "Maps: 1 made, 2 there already" in answer.stdout
    after = {each["file"]: each["sha256"] for each in manifest(home)["images"]}
    assert after["one.jpg"] == after["two.jpg"] == before["two.jpg"] != before["one.jpg"]


def test_another_model_begins_anew(home: Home, command: Callable[..., Result]) -> None:
    command("--methods", "integrated-gradients", image="one.jpg")

    answer = command("--methods", "integrated-gradients", image="two.jpg", run="lite0-32")

    assert answer.exit_code == 0, answer.output
    said = manifest(home)
    assert said["run"] == "lite0-32"
    assert [each["file"] for each in said["images"]] == ["two.jpg"]


def test_a_method_that_refuses_is_said_and_the_others_go_on(
    home: Home, command: Callable[..., Result]
) -> None:
    answer = command("--methods", "grad-cam,integrated-gradients", image="one.jpg", run="lite0-32")

    assert answer.exit_code == 0, answer.output
    assert "Grad-CAM: An image of this size leaves this network a feature map" in (answer.stderr)
    refused, made = manifest(home)["images"][0]["maps"]
    assert refused["refused"].startswith("An image of this size")
    assert (home.out / made["overlay"]).is_file()


def test_overlays_beside_the_images_are_not_explained(
    home: Home, command: Callable[..., Result]
) -> None:
    inside = ["--out", str(home.images / "maps")]

    command(*inside)
    answer = command(*inside)

    assert "Images: 3. Maps: 0 made, 3 there already." in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "run", "image", "sentence"),
    [
        ([], "gone", "", "was not found"),
        ([], "unfinished", "", "has no trained model yet"),
        ([], "lite0-64", "gone", "was not found; give an image or a folder of images."),
        ([], "lite0-64", "broken.png", "broken.png could not be read"),
        (["--methods", "grad-cams"], "lite0-64", "", "Method 'grad-cams' is unknown; give one of"),
        (["--methods", ""], "lite0-64", "", "Method '' is unknown; give one of grad-cam, "),
        (["--target", "pro"], "lite0-64", "", "Class 'pro' is unknown; give one of Benign, Early"),
        (["--device", "tpu"], "lite0-64", "", "Device 'tpu' is not here"),
        (["--methods", "grad-cam"], "lite0-32", "", "No map could be made"),
        (["--out", "{images}"], "lite0-64", "", "give another folder for --out"),
        (["--out", "{images}/one.jpg"], "lite0-64", "", "could not be written"),
    ],
)
def test_a_mistake_is_one_sentence(
    home: Home,
    command: Callable[..., Result],
    arguments: list[str],
    run: str,
    image: str,
    sentence: str,
) -> None:
    given = [argument.format(images=home.images) for argument in arguments]

    answer = command(*given, run=run, image=image)

    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert answer.stderr.count("error: ") == 1
    assert answer.stderr.rstrip().splitlines()[-1].startswith("error: ")
    assert isinstance(answer.exception, SystemExit)
    assert not answer.stdout


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"images": [{}], "model_sha256": ""}'])
def test_a_damaged_manifest_is_a_sentence_and_stays(
    home: Home, command: Callable[..., Result], content: str
) -> None:
    home.out.mkdir()
    (home.out / "manifest.json").write_text(content)

    answer = command()

    assert answer.exit_code == 2
    assert "manifest.json is damaged; remove it" in answer.stderr
    assert files_in(home.out) == {"manifest.json": content.encode()}


def test_methods_are_listed_with_what_they_cost() -> None:
    answer = CliRunner().invoke(app, ["methods"])

    assert answer.exit_code == 0
    for name, row in METHODS.items():
        assert name in answer.stdout
        assert row.paper.split()[0] in answer.stdout


def test_long_names_are_shortened_in_files_and_whole_in_the_manifest(
    home: Home, command: Callable[..., Result]
) -> None:
    classes = ("Benign", "Early", "é" * 120 + "X", "é" * 120 + "Y / *z*")
    write_backbone(home.runs / "lite0-64", read_backbone(home.runs / "lite0-64")[0], classes, 64)
    images = [home.images / f"{'n' * 240}{end}.jpg" for end in "12"]
    for image in images:
        (home.images / "one.jpg").rename(image)
        shutil.copy(image, home.images / "one.jpg")

    for target in classes[2:]:
        answer = command("--methods", "grad-cam", "--target", target)
        assert answer.exit_code == 0, answer.output

    records = {each["file"]: each["maps"] for each in manifest(home)["images"]}
    made = {each["values"] for maps in records.values() for each in maps}
    assert {image.name for image in images} <= records.keys()
    assert [each["target_name"] for each in records[images[0].name]] == list(classes[2:])
    assert len(made) == 5 * len(classes[2:])
    assert all((home.out / name).is_file() for name in made)
    assert all(len(name.encode()) <= 255 for name in made)


def test_what_is_not_looked_at_of_wide_images_is_said_once(
    home: Home, command: Callable[..., Result], tmp_path: Path
) -> None:
    assert "not looked at" not in command().stderr  # all are squares
    for name, size in (("wide.png", (80, 60)), ("tall.png", (50, 100))):
        Image.effect_noise(size, 50).save(home.images / name)

    explained = command()
    predicted = CliRunner().invoke(
        modelzoo_app, ["predict", str(home.images), "--run", str(home.runs / "lite0-64")]
    )

    sentence = "2 of 5 images are not square: up to 50 % of each is not looked at."
    assert explained.stderr.count(sentence) == predicted.stderr.count(sentence) == 1
    shares = {each["file"]: each["share_outside"] for each in manifest(home)["images"]}
    assert shares == {
        "deeper/one.jpg": 0, "one.jpg": 0, "two.jpg": 0, "tall.png": 0.5, "wide.png": 0.25,
    }  # fmt: skip
