"""Heads that papers put on a network: their layers, their size, and what is left of the network."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from modelzoo.backbones.backbone import create_backbone, create_empty_backbone
from modelzoo.backbones.heads import HEADS, HeadedNetwork
from modelzoo.backbones.saved import read_backbone, write_backbone
from modelzoo.training.head import freeze_all_but_norms
from tests.built_here import BUILT_HERE


def count_parameters(module: nn.Module, *, trainable: bool = False) -> int:
    return sum(each.numel() for each in module.parameters() if each.requires_grad or not trainable)


def test_yaseen2025s_parameters_are_as_many_as_it_says() -> None:
    backbone = create_empty_backbone("efficientnet_b3", 4, head="fastai")
    everything = count_parameters(backbone)

    freeze_all_but_norms(backbone)

    assert everything == 12_278_312
    assert count_parameters(backbone, trainable=True) == 1_669_376
    assert sum(each.numel() for each in backbone.head_parameters()) == 1_582_080


def test_fastais_head_is_what_the_paper_lists() -> None:
    backbone = create_backbone("efficientnet_b3", 4, head="fastai", seed=1).eval()
    assert backbone.top is not None
    top: list[Any] = list(backbone.top)
    norm, _, dense, _, second, _, last = top
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        features = backbone.features(x)
        logits = backbone.head(features)
        pooled = torch.cat([features.amax((2, 3)), features.mean((2, 3))], 1)
        expected = last(second(F.relu(dense(norm(pooled)))))

    torch.testing.assert_close(logits, expected)
    assert (dense.bias, last.bias) == (None, None)
    assert (dense.in_features, last.in_features) == (3072, 512)


def test_pushpalatha2024s_head_is_what_the_paper_lists() -> None:
    backbone = create_backbone("resnet50", 2, head="dense", seed=1).eval()
    assert backbone.top is not None
    top: list[Any] = list(backbone.top)
    norm, dense, _, _, last = top
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        features = backbone.features(x)
        logits = backbone.head(features)
        expected = last(F.relu(dense(norm(features.amax((2, 3))))))

    torch.testing.assert_close(logits, expected)
    assert (norm.momentum, norm.eps) == (0.01, 0.001)
    assert (dense.in_features, dense.out_features) == (2048, 256)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", BUILT_HERE)
def test_no_layer_of_the_networks_own_head_is_left(name: str, head: str) -> None:
    backbone = create_empty_backbone(name, 4, head=head)
    own = create_empty_backbone(name, 4)
    body = {key for key, _ in backbone.network.named_parameters() if key.startswith("body.")}

    assert isinstance(backbone.network, HeadedNetwork)
    assert not any(isinstance(module, nn.Linear) for module in backbone.network.body.modules())
    assert {key.removeprefix("body.") for key in body} <= {
        key for key, _ in own.network.named_parameters()
    }


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "vgg16", "alexnet", "cnn13"])
def test_a_backbone_with_another_head_is_split_and_saved_as_any(
    name: str, head: str, tmp_path: Path
) -> None:
    backbone = create_backbone(name, 3, head=head, seed=1).eval()
    x = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))

    write_backbone(tmp_path, backbone, ("a", "b", "c"), 96, head=head)
    read, classes, input_px = read_backbone(tmp_path)

    with torch.inference_mode():
        features = backbone.features(x)
        logits = backbone(x)
        embedded = backbone.embed(features)
        assert torch.equal(read(x), logits)
        assert torch.equal(backbone.head(features), logits)
        assert torch.equal(backbone.classifier(embedded), logits)
        assert backbone.top is not None
        torch.testing.assert_close(backbone.top(backbone.pool(features)), logits)
    assert (classes, input_px, read.training) == (("a", "b", "c"), 96, False)
    assert not torch.allclose(logits[0], logits[1])


@pytest.mark.parametrize("name", BUILT_HERE)
def test_a_frozen_body_trains_its_head_and_its_norms_alone(name: str) -> None:
    backbone = create_empty_backbone(name, 4)
    head = {id(each) for each in backbone.head_parameters()}
    norms = [each for each in backbone.modules() if isinstance(each, nn.BatchNorm2d)]

    freeze_all_but_norms(backbone)

    trained = {id(each) for each in backbone.parameters() if each.requires_grad}
    assert trained == head | {id(each) for norm in norms for each in norm.parameters()}


def test_a_backbone_knows_the_weights_of_its_head() -> None:
    found = create_empty_backbone("vgg16", 4).head_parameters()

    assert [tuple(each.shape) for each in found] == [(4, 4096), (4,)]
