import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.backbones.saved import read_backbone, write_backbone, write_head
from modelzoo.backbones.start import start_backbone
from modelzoo.backbones.weights import FoundWeights
from modelzoo.errors import UserError
from tests.built_here import BUILT_HERE

CLASSES = ("Benign", "Early Pre-B", "Pre-B", "Pro-B — ÄÖ")


@pytest.mark.parametrize("name", BUILT_HERE)
def test_a_run_folder_gives_the_same_logits_here_and_in_timm(name: str, tmp_path: Path) -> None:
    backbone = create_backbone(name, len(CLASSES), seed=1).eval()
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    write_backbone(tmp_path, backbone, CLASSES, 64)
    read, classes, input_px = read_backbone(tmp_path)
    # NASNet-Mobile too, since importing the project tells timm about it.
    alone = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()

    assert (classes, input_px) == (CLASSES, 64)
    assert read.row is backbone.row
    assert not read.training
    with torch.inference_mode():
        logits = backbone(x)
        assert torch.equal(read(x), logits)
        # VGG's first dense layer is a convolution in timm, which sums in another order.
        assert torch.allclose(alone(x), logits, rtol=1e-5, atol=1e-6)
    assert logits.abs().max() > 0
    told = vars(alone)["pretrained_cfg"]
    assert (tuple(told["mean"]), tuple(told["std"])) == (backbone.row.mean, backbone.row.std)
    assert (list(told["input_size"]), told["crop_pct"]) == ([3, 64, 64], 1.0)
    assert told["label_names"] == list(CLASSES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


@pytest.fixture
def lite0() -> Backbone:
    return create_backbone("tf_efficientnet_lite0", 2)


@pytest.fixture
def run_folder(lite0: Backbone, tmp_path: Path) -> Path:
    write_backbone(tmp_path, lite0, ("a", "b"), 64)
    return tmp_path


def test_a_backbone_in_channels_last_memory_is_written_in_the_ordinary_order(
    lite0: Backbone, tmp_path: Path
) -> None:
    lite0.to(memory_format=torch.channels_last)

    write_backbone(tmp_path, lite0, ("a", "b"), 64)
    read, _, _ = read_backbone(tmp_path)

    weight, trained = (net.network.state_dict()["conv_stem.weight"] for net in (read, lite0))
    assert torch.equal(weight, trained)
    assert weight.is_contiguous()
    assert not trained.is_contiguous()  # it may be trained on


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_missing_file_is_one_sentence(run_folder: Path, file: str) -> None:
    (run_folder / file).unlink()

    with pytest.raises(UserError, match=rf"{file} is missing; train the run again\.$"):
        read_backbone(run_folder)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_truncated_file_is_one_sentence(run_folder: Path, file: str) -> None:
    content = (run_folder / file).read_bytes()
    (run_folder / file).write_bytes(content[: len(content) // 2])

    with pytest.raises(UserError, match=rf"{file} is damaged; put a good copy"):
        read_backbone(run_folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": 1},
        {"backbone": None},
        {"label_names": "ab"},
        {"label_names": ["a", 2]},
        {"label_names": {"a": 0, "b": 1}},
        *(
            {"pretrained_cfg": {"input_size": [3, px, px]}}
            for px in (0, -64, 10**9, 64.5, "64", True)
        ),
        {"pretrained_cfg": {"input_size": []}},
        {"pretrained_cfg": [[]]},
    ],
    ids=repr,
)
def test_a_config_of_wrong_types_is_one_sentence(
    run_folder: Path, changes: dict[str, object]
) -> None:
    config = json.loads((run_folder / "config.json").read_text(encoding="utf-8"))
    (run_folder / "config.json").write_text(json.dumps(config | changes))

    with pytest.raises(UserError, match=r"config\.json is damaged; put a good copy"):
        read_backbone(run_folder)


def test_a_config_of_another_network_is_one_sentence(run_folder: Path) -> None:
    config = json.loads((run_folder / "config.json").read_text(encoding="utf-8"))
    (run_folder / "config.json").write_text(json.dumps(config | {"backbone": "resnet50"}))

    with pytest.raises(UserError, match=r"does not fit config\.json beside it \(\d+ tensors are"):
        read_backbone(run_folder)


def test_a_disk_that_fills_up_leaves_the_old_model(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_to_a_full_disk(_: object, file: Path, __: object) -> None:
        file.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    before = (run_folder / "model.safetensors").read_bytes()
    # What safetensors says when write(2) gives ENOSPC; a real full disk needs root to mount.
    monkeypatch.setattr("safetensors.torch.save_file", save_to_a_full_disk)

    with pytest.raises(UserError, match="is full, and nothing that was there is lost"):
        write_backbone(run_folder, create_backbone("tf_efficientnet_lite0", 2, seed=5), "ab", 64)

    assert (run_folder / "model.safetensors").read_bytes() == before
    assert sorted(path.name for path in run_folder.iterdir()) == [
        "config.json",
        "model.safetensors",
    ]


# The last layer alone


@pytest.fixture
def imagenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ImageNet weights of Lite0 as a package has them, here random ones."""
    file = tmp_path / "body.safetensors"
    save_file(create_backbone("tf_efficientnet_lite0", 1000, seed=5).network.state_dict(), file)
    found = FoundWeights(file, "package body 1.0")
    monkeypatch.setattr("modelzoo.backbones.weights._in_package", lambda row: found)
    return file


@pytest.fixture
def head_only(imagenet: Path, tmp_path: Path) -> tuple[Path, Backbone]:
    """A run's folder with its last layer, and the whole network."""
    whole, record = start_backbone(
        "tf_efficientnet_lite0", 2, weights="imagenet", folder=None, seed=7
    )
    folder = tmp_path / "run"
    folder.mkdir()
    write_backbone(folder, whole, ("a", "b"), 64)
    write_head(folder, whole, record.sha256)
    (folder / "model.safetensors").unlink()
    return folder, whole.eval()


def test_a_last_layer_on_imagenet_weights_is_the_whole_network(
    head_only: tuple[Path, Backbone],
) -> None:
    folder, whole = head_only
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    read, classes, input_px = read_backbone(folder)

    assert (classes, input_px) == (("a", "b"), 64)
    assert (folder / "head.safetensors").stat().st_size < 20_000
    with torch.inference_mode():
        assert torch.equal(read(x), whole(x))


def test_other_imagenet_weights_than_it_was_trained_with_are_refused(
    head_only: tuple[Path, Backbone], imagenet: Path
) -> None:
    save_file(create_backbone("tf_efficientnet_lite0", 1000, seed=6).network.state_dict(), imagenet)
    with pytest.raises(UserError, match="are not those that run was trained with"):
        read_backbone(head_only[0])


@pytest.mark.parametrize("content", [b"", b"no tensors", None])
def test_a_damaged_last_layer_is_a_sentence(
    head_only: tuple[Path, Backbone], content: bytes | None
) -> None:
    file = head_only[0] / "head.safetensors"
    if content is None:
        save_file({"weight": torch.zeros(3, 3)}, file)
    else:
        file.write_bytes(content)
    with pytest.raises(UserError, match="is damaged"):
        read_backbone(head_only[0])
