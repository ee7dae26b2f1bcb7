"""Grad-CAM and Grad-CAM++ against cases by hand and published libraries."""

import numpy as np
import numpy.typing as npt
import pytest
import timm
import torch
from captum.attr import LayerGradCam
from hypothesis import given
from hypothesis import strategies as st
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from modelzoo.backbones.backbone import Backbone, create_backbone
from tests.xai.networks import PooledNetwork, SmallNetwork
from xai.explain import explain
from xai.methods.cam import grad_cam, grad_cam_plus_plus
from xai.methods.features import feature_gradients


def unit(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    assert values.max() > 0
    scaled: npt.NDArray[np.float32] = values / values.max()
    return scaled


def test_a_case_done_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0], [0.0, 3.0]], [[4.0, 0.0], [1.0, 1.0]]]])
    # The means over the places are 2 and -1.
    gradients = torch.tensor([[[[2.0, 4.0], [2.0, 0.0]], [[-1.0, -1.0], [-2.0, 0.0]]]])

    found = grad_cam(features, gradients)

    # 2 * 1 - 4 = -2, which the ReLU cuts; 2 * 2 - 0; 2 * 0 - 1 = -1; 2 * 3 - 1.
    assert found.tolist() == [[[0.0, 4.0], [0.0, 5.0]]]


def test_evidence_against_alone_leaves_an_empty_map() -> None:
    features, gradients = torch.rand(1, 4, 3, 3), -torch.ones(1, 4, 3, 3)

    assert not grad_cam(features, gradients).any()


def test_behind_a_pool_and_a_linear_layer_the_map_sums_to_the_logit_less_its_bias() -> None:
    network = PooledNetwork().eval().double()
    images = torch.randn(3, 3, 32, 32, dtype=torch.float64)

    at_hand = feature_gradients(network, images, [1, 1, 1])

    alpha = at_hand.gradients.mean(dim=(2, 3), keepdim=True)
    before_relu = (alpha * at_hand.features).sum(dim=(1, 2, 3))
    bias = dict(network.named_parameters())["tail.2.bias"][1]
    torch.testing.assert_close(before_relu, (network(images)[:, 1] - bias).detach())


def test_a_head_may_begin_in_place() -> None:
    class InPlace(SmallNetwork):
        def features(self, x: Tensor) -> Tensor:
            return super().features(x) - 0.1

        def head(self, features: Tensor) -> Tensor:
            return super().head(features.relu_())

    network = InPlace().eval()
    images = torch.randn(1, 3, 32, 32)

    at_hand = feature_gradients(network, images, [0])

    torch.testing.assert_close(at_hand.features, network.features(images).detach())


@pytest.mark.parametrize("target", [0, 1, 2])
def test_maps_equal_grad_cams_and_captums_on_a_small_network(target: int) -> None:
    network = SmallNetwork().eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))

    found = explain(network, images, method="grad-cam", target=target)

    assert_same_as_others(network, network.body, images, target, [each.values for each in found])


def test_maps_equal_grad_cams_and_captums_on_efficientnet_lite0() -> None:
    backbone = create_backbone("tf_efficientnet_lite0", 4, seed=3).eval()
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(4))

    found = explain(backbone, images, method="grad-cam", target=2)

    layer = timm_last_layer(backbone.network)
    assert_same_as_others(backbone, layer, images, 2, [each.values for each in found])


def timm_last_layer(network: nn.Module) -> nn.Module:
    assert isinstance(network, timm.models.EfficientNet)
    last: nn.Module = network.bn2  # its ReLU6 is part of it
    return last


def assert_same_as_others(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    target: int,
    maps: list[npt.NDArray[np.float32]],
) -> None:
    with GradCAM(model, [layer]) as theirs:
        theirs(images, [ClassifierOutputTarget(target)] * len(images))
        features = torch.cat(theirs.activations_and_grads.activations)
        gradients = torch.cat(theirs.activations_and_grads.gradients)
        raw = theirs.get_cam_image(
            images, layer, None, features.numpy(), gradients.numpy(), eigen_smooth=False
        )
    captums = LayerGradCam(model, layer).attribute(images, target, relu_attributions=True)
    for ours, other, third in zip(maps, raw, captums[:, 0].detach().numpy(), strict=True):
        np.testing.assert_allclose(unit(ours), unit(np.maximum(other, 0)), atol=1e-4)
        np.testing.assert_allclose(ours, third, rtol=1e-3, atol=1e-5)  # logits, not a shape alone


def test_a_case_of_grad_cam_plus_plus_done_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 0.0]]]])
    gradients = torch.tensor([[[[0.5, 0.0], [-3.0, 1.0]], [[-1.0, -2.0], [0.0, -3.0]]]])

    found = grad_cam_plus_plus(features, gradients)

    # The first channel sums to 4, so its alphas are 1 / (2 + 4 * 0.5) and 1 / (2 + 4 * 1) where the
    # gradient is above 0; the second has none. Its weight is (0.5 / 4 + 1 / 6) / 4 = 7 / 96.
    torch.testing.assert_close(found, torch.tensor([[[7.0, 14.0], [0.0, 7.0]]]) / 96)


def test_each_of_several_cells_shows_in_grad_cam_plus_plus() -> None:
    # One channel lights up in many places and one in a single place: the paper's figure 2.
    features = torch.zeros(1, 2, 8, 8)
    features[0, 0, :4] = 1
    features[0, 1, 7, 7] = 1
    gradients = (features > 0).float()  # of a head that only asks whether a place is lit

    plain, plus = grad_cam(features, gradients)[0], grad_cam_plus_plus(features, gradients)[0]

    assert plain[7, 7] / plain[0, 0] == pytest.approx(1 / 32)
    assert plus[7, 7] / plus[0, 0] > 0.3


@given(
    st.integers(0, 2**32 - 1),
    st.floats(1e-6, 100),
    st.floats(-5, 5),
)
def test_grad_cam_plus_plus_is_finite_never_negative_and_at_most_the_evidence_for(
    seed: int, scale: float, shift: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 5, 4, 4, generator=generator, dtype=torch.float64) + shift
    gradients = scale * torch.randn(2, 5, 4, 4, generator=generator, dtype=torch.float64)

    found = grad_cam_plus_plus(features, gradients)

    # alpha is at most 1, so no weight exceeds the mean of the gradients above 0.
    bound = torch.relu(gradients).mean(dim=(2, 3), keepdim=True) * torch.relu(features)
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= bound.sum(dim=1) + 1e-9).all()


@given(st.integers(0, 2**32 - 1), st.permutations(range(9)))
def test_grad_cam_plus_plus_follows_places_that_are_moved(seed: int, order: list[int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    features, gradients = torch.randn(2, 1, 4, 9, generator=generator, dtype=torch.float64)

    found = grad_cam_plus_plus(features.view(1, 4, 3, 3), gradients.view(1, 4, 3, 3))
    moved = grad_cam_plus_plus(
        features[..., order].view(1, 4, 3, 3), gradients[..., order].view(1, 4, 3, 3)
    )

    torch.testing.assert_close(moved.view(9), found.view(9)[order])


@pytest.mark.parametrize("target", [0, 1, 2])
def test_maps_equal_grad_cam_plus_plus_on_a_small_network(target: int) -> None:
    network = SmallNetwork().eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))

    assert_same_as_grad_cam_plus_plus(network, network.body, network.tail[-1], images, target)


def test_maps_equal_grad_cam_plus_plus_on_efficientnet_lite0() -> None:
    backbone = create_backbone("tf_efficientnet_lite0", 4, seed=3).eval()
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(4))

    layer = timm_last_layer(backbone.network)
    assert_same_as_grad_cam_plus_plus(backbone, layer, backbone.classifier, images, 2)


def assert_same_as_grad_cam_plus_plus(
    model: SmallNetwork | Backbone,
    layer: nn.Module,
    last: nn.Module,
    images: Tensor,
    target: int,
) -> None:
    """The library adds 1e-6 to eq. 19's denominator, in the square of a gradient.

    Gradients of a hundredth or less then count for too little, the less the finer the map. So
    the last layer is made a thousand times stronger here: eq. 19 stays, the 1e-6 vanishes.
    """
    with torch.no_grad():
        next(last.parameters()).mul_(1000)

    found = explain(model, images, method="grad-cam-plus-plus", target=target)

    with GradCAMPlusPlus(model, [layer]) as theirs:
        theirs(images, [ClassifierOutputTarget(target)] * len(images))
        features = torch.cat(theirs.activations_and_grads.activations).numpy()
        gradients = torch.cat(theirs.activations_and_grads.gradients).numpy()
        raw = theirs.get_cam_image(images, layer, None, features, gradients, eigen_smooth=False)
    for ours, other in zip(found, raw, strict=True):
        np.testing.assert_allclose(unit(ours.values), unit(np.maximum(other, 0)), atol=1e-4)
