"""Methods through captum's hooks: right on every backbone, or refused, and without a trace."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import DeepLift, GuidedBackprop, GuidedGradCam
from torch import Tensor, nn
from torch.nn import functional as F

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.backbones.heads import HEADS
from tests.built_here import BUILT_HERE
from tests.xai.networks import SmallNetwork
from xai.errors import UserError
from xai.explain import explain_by_all
from xai.methods.deeplift import _MaxPool, deep_lift
from xai.methods.gradients import saliency
from xai.methods.guided import guided_backprop, guided_grad_cam
from xai.methods.kernel_shap import kernel_shap
from xai.methods.occlusion import occlusion
from xai.methods.table import METHODS
from xai.types import PixelMap, SplitModel

NOT_GUIDED = {
    "efficientnet_b0": "SiLU",
    "efficientnetv2_b0": "SiLU",
    "tf_efficientnet_lite0": "ReLU6",
    "efficientnet_b3": "SiLU",
    "yolov8n_cls": "SiLU",
}


class Modules(SmallNetwork):
    """Each ReLU a module of its own, as captum wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.body[1] = nn.ReLU()


class Functions(Modules):
    """The same network, its ReLUs called as functions and one map read twice."""

    def features(self, x: Tensor) -> Tensor:
        x = torch.relu(self.body[0](x))
        features: Tensor = F.relu(self.body[2](x), inplace=True)
        return features


class Reused(Modules):
    """The same network, with one ReLU module for both places."""

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.body[3](self.body[2](self.body[3](self.body[0](x))))
        return features


class Shortcut(Modules):
    """A map that a ReLU reads, and a shortcut past it."""

    def features(self, x: Tensor) -> Tensor:
        x = self.body[2](torch.relu(self.body[0](x)))
        return x + torch.relu(x)


@pytest.fixture
def image() -> Tensor:
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """With random weights, and batch norms that have seen noise, as a trained one has."""
    backbone = create_backbone(request.param, 4)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean
            module.reset_running_stats()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        backbone(2 * torch.randn(4, 3, 96, 96, generator=generator))
    return backbone.eval()


DEEPER_TWINS = ("vgg19", "resnet152")  # of vgg16 and resnet50, and the slowest
every_backbone = pytest.mark.parametrize(
    "backbone",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in DEEPER_TWINS else [])
        for name in BUILT_HERE
    ],
    indirect=True,
)


@every_backbone
def test_each_backbone_is_complete_or_refused(backbone: Backbone) -> None:
    image = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    versions = [each._version for each in backbone.state_dict().values()]  # counts of writes
    hooks = [len(each._forward_hooks) + len(each._backward_hooks) for each in backbone.modules()]

    found = [deep_lift(backbone, image, 2)]
    lifted = found[0]
    if activation := NOT_GUIDED.get(backbone.row.name):
        for method in (guided_backprop, guided_grad_cam):
            with pytest.raises(UserError, match=f"This network has {activation}, and Guided"):
                method(backbone, image, 2)
    else:
        found += [guided_backprop(backbone, image, 2), guided_grad_cam(backbone, image, 2)]
        plain = saliency(backbone, image, 2).values
        assert not torch.allclose(found[1].values.abs(), plain, rtol=0.1)
    assert lifted.gap is not None
    assert lifted.baseline_logit is not None
    assert lifted.gap < 0.01 * abs(lifted.logit - lifted.baseline_logit)
    with torch.no_grad():
        logit = backbone(image)[0, 2].item()
    for each in found:
        assert each.values.shape == (96, 96)
        assert torch.isfinite(each.values).all()
        assert each.logit == pytest.approx(logit, rel=1e-4, abs=1e-5)
    assert versions == [each._version for each in backbone.state_dict().values()]
    assert all(parameter.grad is None for parameter in backbone.parameters())
    assert hooks == [
        len(each._forward_hooks) + len(each._backward_hooks) for each in backbone.modules()
    ]


@pytest.mark.parametrize("head", HEADS)
def test_every_method_explains_a_network_with_another_head(head: str) -> None:
    # Batch norms and a maximum over the whole map, which no network's own head has.
    backbone = create_backbone("cnn13", 4, head=head, seed=1)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = None
            module.reset_running_stats()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        backbone(2 * torch.randn(8, 3, 96, 96, generator=generator))
    backbone.eval()
    image = torch.randn(1, 3, 96, 96, generator=generator)

    assert [name for name, row in METHODS.items() if row.refusal(backbone)] == []
    lifted = deep_lift(backbone, image, 2)
    assert lifted.gap is not None
    assert lifted.baseline_logit is not None
    assert lifted.gap < 0.01 * abs(lifted.logit - lifted.baseline_logit)
    quick = [name for name, row in METHODS.items() if row.passes < 60]
    for name, found in explain_by_all(backbone, image, methods=quick, target=2).items():
        assert np.isfinite(found[0].values).all(), name


@every_backbone
def test_regions_can_be_hidden_from_every_backbone(backbone: Backbone) -> None:
    px = 64 if backbone.row.name == "alexnet" else 32  # whose last pool needs a map of 3 x 3
    image = torch.randn(1, 3, px, px, generator=torch.Generator().manual_seed(1))

    hidden = occlusion(backbone, image, 1)
    shared = kernel_shap(backbone, image, 1, superpixels=9, coalitions=8)

    for found in (hidden, shared):
        assert found.values.shape == (px, px)
        assert torch.isfinite(found.values).all()
    assert shared.gap is not None
    assert shared.baseline_logit is not None
    difference = abs(shared.logit - shared.baseline_logit)
    assert shared.gap <= 0.01 * difference + 1e-6 * abs(shared.logit)


def test_on_a_linear_model_deep_lift_is_weight_times_value(image: Tensor) -> None:
    class Linear(SmallNetwork):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([2 * x.sum(dim=(1, 2, 3)) + 1, -x.sum(dim=(1, 2, 3))], dim=1)

    found = deep_lift(Linear().eval(), image, 0)

    torch.testing.assert_close(found.values, 2 * image[0].sum(dim=0))
    assert found.baseline_logit == 1
    assert found.gap == pytest.approx(0, abs=1e-3)


def test_a_relu_counts_by_how_much_it_changed() -> None:
    class Kinked(SmallNetwork):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x[:, 0, 0] - 1).sum(dim=1, keepdim=True)

    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, 0, :3] = torch.tensor([3.0, 1.0, -2.0])

    found = deep_lift(Kinked().eval(), image, 0)

    # By hand: relu(3 - 1) - relu(0 - 1) = 2 for the first; the others change nothing.
    expected = torch.zeros(8, 8)
    expected[0, 0] = 2
    torch.testing.assert_close(found.values, expected)


def test_the_factors_of_a_product_share_it_evenly() -> None:
    class Gated(SmallNetwork):
        def forward(self, x: Tensor) -> Tensor:
            return ((x[:, 0, 0, :1] + 1) * x[:, 0, 0, 1:2]).sum(dim=1, keepdim=True)

    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, 0, :2] = torch.tensor([3.0, 5.0])

    found = deep_lift(Gated().eval(), image, 0)

    # (3 + 1) * 5 = 20: Shapley's shares, the mean over both orders: 15 / 2 and (5 + 20) / 2.
    torch.testing.assert_close(found.values[0, :2], torch.tensor([7.5, 12.5]))


@pytest.mark.parametrize("kind", [Modules, Functions, Reused])
def test_how_a_relu_is_called_changes_nothing(kind: type[SmallNetwork], image: Tensor) -> None:
    network = kind().eval()
    theirs = Modules().eval()
    theirs.body[3] = nn.ReLU()

    lifted = deep_lift(network, image, 1)
    guided = guided_backprop(network, image, 1)

    leaf = image.clone().requires_grad_()
    expected = DeepLift(theirs).attribute(leaf, target=1)[0].sum(dim=0)
    torch.testing.assert_close(lifted.values, expected, rtol=1e-4, atol=1e-6)
    expected = GuidedBackprop(theirs).attribute(leaf, target=1)[0].sum(dim=0)
    torch.testing.assert_close(guided.values, expected, rtol=1e-4, atol=1e-6)


def test_guided_grad_cam_is_captums(image: Tensor) -> None:
    network = Modules().eval()
    network.body[3] = nn.ReLU()

    found = guided_grad_cam(network, image, 1)

    theirs = GuidedGradCam(network, network.body[3]).attribute(
        image.clone().requires_grad_(), target=1, interpolate_mode="bilinear"
    )
    torch.testing.assert_close(found.values, theirs[0].sum(dim=0), rtol=1e-4, atol=1e-7)


def test_a_shortcut_past_a_relu_keeps_its_own_gradient(image: Tensor) -> None:
    network = Shortcut().eval()

    lifted = deep_lift(network, image, 1)

    assert lifted.gap == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2, "stride": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 2, "ceil_mode": True},
        {"kernel_size": 3, "stride": 2, "padding": (0, 1), "ceil_mode": True},
        {"kernel_size": 3, "stride": 1, "padding": 1},
    ],
)
@pytest.mark.parametrize("px", [7, 8])
def test_a_maximum_as_relus_is_that_maximum(options: dict[str, Any], px: int) -> None:
    x = torch.randn(2, 3, px, px + 3, generator=torch.Generator().manual_seed(1))

    torch.testing.assert_close(_MaxPool(**options)(x), F.max_pool2d(x, **options))


@pytest.mark.parametrize("method", [guided_backprop, guided_grad_cam])
def test_guided_methods_refuse_silu_in_a_sentence(
    method: Callable[[SplitModel, Tensor, int], PixelMap], image: Tensor
) -> None:
    with pytest.raises(UserError, match=r"has SiLU, and Guided Backprop .* choose saliency or"):
        method(SmallNetwork().eval(), image, 0)


def test_guided_backprop_refuses_a_network_without_relu(image: Tensor) -> None:
    network = SmallNetwork().eval()
    network.body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Tanh())

    with pytest.raises(UserError, match="This network has no ReLU"):
        guided_backprop(network, image, 0)
