"""HiResCAM, XGrad-CAM, LayerCAM, Eigen-CAM and Finer-CAM: by hand, by law, and by libraries."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_grad_cam import EigenCAM, FinerCAM, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget, FinerWeightedTarget
from torch import Tensor, nn

from modelzoo.backbones.backbone import create_backbone
from tests.xai.networks import PooledNetwork, SmallNetwork
from xai.errors import UserError
from xai.explain import explain
from xai.methods.cam import (
    eigen_cam,
    fuse_depths,
    grad_cam,
    hires_cam,
    layer_cam,
    xgrad_cam,
)
from xai.methods.features import feature_gradients, nearest_classes, stage_gradients

Maps = npt.NDArray[np.float32]
FEATURES = torch.tensor([[[[1.0, 2.0], [0.0, 1.0]], [[4.0, 0.0], [0.0, 0.0]]]])
GRADIENTS = torch.tensor([[[[1.0, 2.0], [5.0, -1.0]], [[-1.0, 3.0], [0.0, 1.0]]]])


@pytest.fixture
def images() -> Tensor:
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))


def test_a_case_of_hires_cam_done_by_hand() -> None:
    found = hires_cam(FEATURES, GRADIENTS)

    assert found.tolist() == [[[1.0 - 4.0, 4.0], [0.0, -1.0]]]


def test_a_case_of_xgrad_cam_done_by_hand() -> None:
    found = xgrad_cam(FEATURES, GRADIENTS)

    # Weights: (1 + 4 - 1) / 4 = 1, and -4 / 4 = -1.
    assert found.tolist() == [[[0.0, 2.0], [0.0, 1.0]]]


def test_a_channel_that_sums_to_nothing_has_the_mean_gradient_for_weight_in_xgrad_cam() -> None:
    features = torch.tensor([[[[0.0, 0.0]], [[1.0, 2.0]]]])

    found = xgrad_cam(features, torch.ones(1, 2, 1, 2))

    assert found.tolist() == [[[1.0, 2.0]]]


def test_a_case_of_layer_cam_done_by_hand() -> None:
    found = layer_cam(FEATURES, GRADIENTS)

    assert found.tolist() == [[[1.0, 4.0], [0.0, 0.0]]]


def test_a_case_of_fused_depths_done_by_hand() -> None:
    fine = torch.tensor([[[0.0, 2.0], [1.0, 0.0]]])
    coarse = torch.tensor([[[3.0]]])

    found = fuse_depths([fine, coarse])

    # The coarse map is its own maximum everywhere.
    torch.testing.assert_close(found, torch.full((1, 2, 2), 2.0).tanh())
    torch.testing.assert_close(fuse_depths([fine])[0, 1, 0], torch.tensor(1.0).tanh())


def test_a_depth_without_evidence_adds_nothing() -> None:
    fine = torch.rand(1, 4, 4) + 0.1

    found = fuse_depths([fine, torch.zeros(1, 2, 2)])

    torch.testing.assert_close(found, fuse_depths([fine]))


def test_a_case_of_eigen_cam_done_by_hand() -> None:
    # Field (0, 1) is three times field (0, 0) along one direction; nothing else is lit.
    features = torch.zeros(1, 2, 1, 3)
    features[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    features[0, :, 0, 1] = torch.tensor([9.0, 12.0])

    torch.testing.assert_close(eigen_cam(features), torch.tensor([[[5.0, 15.0, 0.0]]]))


def test_eigen_cam_is_the_first_right_singular_vectors_projection() -> None:
    features = torch.randn(1, 6, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    fields = features[0].flatten(1).T

    _, _, directions = np.linalg.svd(fields.numpy())

    expected = fields.numpy() @ directions[0]
    np.testing.assert_allclose(
        eigen_cam(features)[0].flatten(), expected * np.sign(expected.sum()), atol=1e-10
    )


@given(st.integers(0, 2**32 - 1))
def test_three_maps_are_one_where_each_channels_gradient_is_the_same_everywhere(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(2, 5, 3, 3, generator=generator, dtype=torch.float64)
    gradients = torch.randn(2, 5, 1, 1, generator=generator, dtype=torch.float64).expand_as(
        features
    )

    plain = grad_cam(features, gradients)

    torch.testing.assert_close(torch.relu(hires_cam(features, gradients)), plain)
    torch.testing.assert_close(xgrad_cam(features, gradients), plain)


@given(st.integers(0, 2**32 - 1))
def test_hires_cam_sums_to_the_linear_part_of_the_logit(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features, gradients = torch.randn(2, 3, 4, 2, 2, generator=generator, dtype=torch.float64)

    torch.testing.assert_close(
        hires_cam(features, gradients).sum(dim=(1, 2)), (features * gradients).sum(dim=(1, 2, 3))
    )


@pytest.mark.parametrize(
    ("method", "library"),
    [("hires-cam", HiResCAM), ("xgrad-cam", XGradCAM), ("layer-cam", LayerCAM)],
)
@pytest.mark.parametrize("target", [0, 1, 2])
def test_maps_equal_grad_cams(
    method: str, library: type[HiResCAM], target: int, images: Tensor
) -> None:
    network = SmallNetwork().eval()

    found = explain(network, images, method=method, target=target)

    theirs = raw_maps(library, network, network.body, images, target)
    assert_same([np.maximum(each.values, 0) for each in found], np.maximum(theirs, 0))


@pytest.mark.parametrize(
    ("method", "library"),
    [("hires-cam", HiResCAM), ("xgrad-cam", XGradCAM), ("layer-cam", LayerCAM)],
)
def test_maps_equal_grad_cams_on_efficientnet_lite0(method: str, library: type[HiResCAM]) -> None:
    backbone = create_backbone("tf_efficientnet_lite0", 4, seed=3).eval()
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(4))

    found = explain(backbone, images, method=method, target=2)

    layer = dict(backbone.network.named_modules())["bn2"]
    theirs = raw_maps(library, backbone, layer, images, 2)
    assert_same([np.maximum(each.values, 0) for each in found], np.maximum(theirs, 0))


def test_eigen_cam_equals_grad_cams_on_features_whose_mean_is_0(images: Tensor) -> None:
    # grad-cam takes each channel's mean away first, which the paper's eq. 3 does not, and leaves
    # the sign to chance. Ours keeps the mean: without it the map shows only how fields differ, and
    # a smear that is evenly bright would be shown as half dark.
    class Centred(SmallNetwork):
        def features(self, x: Tensor) -> Tensor:
            found = super().features(x)
            return found - found.mean(dim=(2, 3), keepdim=True)

    network = Centred().eval()

    found = explain(network, images, method="eigen-cam", target=0)

    theirs = raw_maps(EigenCAM, network, network.body, images, 0)
    for ours, other in zip(found, theirs, strict=True):
        values = ours.values / np.abs(ours.values).max()
        other = other / np.abs(other).max()
        sign = np.sign((values * other).sum())
        np.testing.assert_allclose(values, sign * other, atol=1e-4)


def test_eigen_cam_is_the_same_for_every_class(images: Tensor) -> None:
    network = SmallNetwork().eval()

    one = explain(network, images, method="eigen-cam", target=0)
    other = explain(network, images, method="eigen-cam", target=2)

    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize("target", [0, 1])
def test_finer_cam_of_two_classes_equals_grad_cams(target: int, images: Tensor) -> None:
    # With one class to compare with, the weights of grad-cam's mean are 1 and its gradient ours.
    network = SmallNetwork(classes=2).eval()

    found = explain(network, images, method="finer-cam", target=target)

    with FinerCAM(network, [network.body]) as theirs:
        targets = [FinerWeightedTarget(target, [1 - target], 1)] * len(images)
        theirs(images, targets)
        at_hand = theirs.base_cam.activations_and_grads
        features, gradients = (torch.cat(each) for each in (at_hand.activations, at_hand.gradients))
    raw = torch.relu((gradients.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1))
    assert_same([each.values for each in found], raw.detach().numpy())


def test_finer_cam_of_more_classes_sets_their_weighted_mean_against_the_target() -> None:
    # grad-cam lets gradients flow through the weights, so that its map would also show what makes
    # the other classes probable; they are constants here, and the map sums to a logit difference.
    network = PooledNetwork(classes=4).eval().double()
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)

    at_hand = feature_gradients(network, images, [2, 2])

    logits = network(images).detach()
    others = [0, 1, 3]
    weights = logits[:, others].softmax(dim=1)
    last = dict(network.named_parameters())
    weight, bias = last["tail.2.weight"], last["tail.2.bias"]
    difference = logits[:, 2] - (weights * logits[:, others]).sum(dim=1)
    from_bias = bias[2] - (weights * bias[others]).sum(dim=1)
    alpha = at_hand.contrast_gradients.mean(dim=(2, 3), keepdim=True)
    linear = (alpha * at_hand.features).sum(dim=(1, 2, 3))
    torch.testing.assert_close(linear, (difference - from_bias).detach())
    expected = (weight[2] - weights @ weight[others]).detach() / at_hand.features[0, 0].numel()
    torch.testing.assert_close(alpha[:, :, 0, 0], expected)


def test_finer_cam_takes_the_three_classes_nearest_to_the_target() -> None:
    logits = torch.tensor([[5.0, 4.0, -9.0, 6.0, 4.0]])

    found = nearest_classes(logits, [0])

    e = np.e
    total = 2 + e**2
    expected = [0, 1 / total, 0, e**2 / total, 1 / total]
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "nasnet_mobile", "vgg16"])
def test_depths_end_with_the_features_and_their_gradients(name: str) -> None:
    backbone = create_backbone(name, 4).eval()
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    stages, gradients, logits = stage_gradients(backbone, images, [3])

    at_hand = feature_gradients(backbone, images, [3])
    assert [each.shape[2] for each in stages] == [8, 4, 2]
    torch.testing.assert_close(stages[-1], at_hand.features)
    torch.testing.assert_close(gradients[-1], at_hand.gradients)
    torch.testing.assert_close(logits, at_hand.target_logits)


def test_gradients_of_an_inner_depth_are_what_a_small_step_there_does() -> None:
    network = SmallNetwork().eval().double()
    images = torch.randn(1, 3, 32, 32, dtype=torch.float64)

    stages, gradients, logits = stage_gradients(network, images, [1])

    step = 1e-6 * torch.randn_like(stages[0])
    after = network.head(network.body[2:](stages[0] + step))[0, 1]
    assert (after - logits[0]).item() == pytest.approx((gradients[0] * step).sum().item(), rel=1e-3)


def test_a_network_without_inner_maps_is_a_sentence(images: Tensor) -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            network = SmallNetwork()
            self.features, self.head = network.body, network.tail

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.head(self.features(x))
            return logits

    with pytest.raises(UserError, match="choose layer-cam in place of layer-cam-depths"):
        explain(Flat().eval(), images, method="layer-cam-depths", target=0)


def test_a_network_whose_inner_maps_lie_beside_its_way_is_a_sentence() -> None:
    backbone = create_backbone("xception", 4).eval()

    with pytest.raises(UserError, match="choose layer-cam in place of layer-cam-depths"):
        explain(backbone, torch.zeros(1, 3, 96, 96), method="layer-cam-depths", target=0)


def raw_maps(
    library: Callable[..., HiResCAM],
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    target: int,
) -> Maps:
    """The library's maps before it enlarges and scales them."""
    with library(model, [layer]) as theirs:
        theirs(images, [ClassifierOutputTarget(target)] * len(images))
        features = torch.cat(theirs.activations_and_grads.activations).numpy()
        found = theirs.activations_and_grads.gradients
        gradients = torch.cat(found).numpy() if found else None
        raw: Maps = theirs.get_cam_image(images, layer, None, features, gradients, False)
    return raw


def assert_same(ours: list[Maps], theirs: Maps) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.max() > 0
        np.testing.assert_allclose(one / one.max(), other / other.max(), atol=1e-4)
