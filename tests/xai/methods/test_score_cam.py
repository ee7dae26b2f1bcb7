"""Score-CAM, Ablation-CAM and Recipro-CAM: by hand, by brute force, and by libraries."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_grad_cam import AblationCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torch.nn import functional as F
from torchcam.methods import ScoreCAM as TorchcamScoreCAM

from modelzoo.backbones.backbone import create_backbone
from tests.xai.networks import (
    PooledNetwork,
    SmallNetwork,
    squares_in_corners,
    train_on_squares,
)
from xai.explain import explain
from xai.methods.features import feature_gradients
from xai.methods.head import ablation_cam, is_linear, recipro_cam
from xai.methods.score_cam import score_cam


@pytest.fixture
def images() -> Tensor:
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))


class Wide(PooledNetwork):
    """Of 400 channels, some of which are dark: enough for the fast mode to choose among."""

    def __init__(self) -> None:
        super().__init__(classes=3)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.body[2] = nn.Conv2d(8, 400, 3, stride=2, padding=1)
            last = nn.Linear(400, 3)
            nn.init.normal_(last.weight)
            self.tail[2] = last


def pearson(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("target", [0, 1, 2])
def test_exact_score_cam_equals_torchcams(target: int, images: Tensor) -> None:
    network = SmallNetwork().eval()

    found = score_cam(network, images[:1], target, is_exact=True, precision=torch.float32)

    with TorchcamScoreCAM(network, "body", input_shape=(3, 32, 32)) as theirs:
        with torch.no_grad():
            network(images[:1])
        (expected,) = theirs(target, normalized=False)
    ours = found.values / found.values.max()
    torch.testing.assert_close(ours, expected[0] / expected.max(), atol=1e-4, rtol=0)


def test_exact_score_cam_is_grad_cams_but_for_how_masks_are_enlarged(images: Tensor) -> None:
    # grad-cam lays the corners of map and image onto each other; a field covers its own area here,
    # as in torch-cam, so that evidence is not drawn towards the edges.
    network = SmallNetwork().eval()

    found = score_cam(network, images[:1], 1, is_exact=True, precision=torch.float32)

    with ScoreCAM(network, [network.body]) as theirs:
        theirs(images[:1], [ClassifierOutputTarget(1)])
        features = theirs.activations_and_grads.activations[0].numpy()
        raw = theirs.get_cam_image(
            images[:1], network.body, [ClassifierOutputTarget(1)], features, None, False
        )
    assert pearson(found.values.numpy(), np.maximum(raw[0], 0)) > 0.999


def test_exact_score_cam_of_efficientnet_lite0_equals_torchcams() -> None:
    backbone = create_backbone("tf_efficientnet_lite0", 4, seed=3).eval()
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(4))

    found = score_cam(backbone, image, 2, is_exact=True, precision=torch.float32)

    with TorchcamScoreCAM(backbone, "network.bn2", input_shape=(3, 64, 64)) as theirs:
        with torch.no_grad():
            backbone(image)
        (expected,) = theirs(2, normalized=False)
    ours = found.values / found.values.max()
    torch.testing.assert_close(ours, expected[0] / expected.max(), atol=1e-4, rtol=0)


def test_a_channel_that_is_the_same_everywhere_costs_no_pass(images: Tensor) -> None:
    class Dark(SmallNetwork):
        def features(self, x: Tensor) -> Tensor:
            found = super().features(x)
            found[:, 3:9] = 0
            return found

    found = score_cam(Dark().eval(), images[:1], 0, is_exact=True)

    assert found.forward_passes == 1 + 16 - 6


def test_a_network_that_sees_nothing_gives_an_empty_map(images: Tensor) -> None:
    class Blind(SmallNetwork):
        def features(self, x: Tensor) -> Tensor:
            return torch.zeros_like(super().features(x))

    for method in ("score-cam", "score-cam-exact", "ablation-cam", "recipro-cam"):
        assert explain(Blind().eval(), images[:1], method=method, target=0)[0].is_empty


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_the_map(precision: torch.dtype, images: Tensor) -> None:
    network = Wide()
    train_on_squares(network)

    full = score_cam(network, images[:1], 1, is_exact=True, precision=torch.float32)
    half = score_cam(network, images[:1], 1, is_exact=True, precision=precision)

    assert pearson(full.values.numpy(), half.values.numpy()) > 0.99
    assert all(each.dtype == torch.float32 for each in network.parameters())


class Normed(SmallNetwork):
    """With batch norms behind its convolutions; the first is read by others too when `leaks`."""

    def __init__(self, *, leaks: bool) -> None:
        super().__init__()
        self.leaks = leaks
        self.norm = nn.BatchNorm2d(8)
        with torch.no_grad():
            self.norm.bias.fill_(-3)
            self.norm.weight.fill_(5)

    def features(self, x: Tensor) -> Tensor:
        made = self.body[0](x)
        normed = self.norm(made)
        found: Tensor = self.body[2:](normed + made if self.leaks else normed)
        return found


@pytest.mark.parametrize("leaks", [False, True])
def test_batch_norms_are_folded_only_where_that_changes_nothing(
    leaks: bool, images: Tensor
) -> None:
    network = Normed(leaks=leaks).eval()

    full = score_cam(network, images[:1], 1, is_exact=True, precision=torch.float32)
    half = score_cam(network, images[:1], 1, is_exact=True, precision=torch.bfloat16)

    assert pearson(full.values.numpy(), half.values.numpy()) > 0.99
    assert isinstance(network.norm, nn.BatchNorm2d)


def test_the_fast_mode_is_like_the_exact_one_and_says_how_much() -> None:
    network = Wide()
    train_on_squares(network)
    images, labels = squares_in_corners(8, seed=3)

    for image in images[labels == 1].split(1):
        exact = score_cam(network, image, 1, is_exact=True, precision=torch.float32)
        fast = score_cam(network, image, 1, precision=torch.float32)

        assert 89 <= fast.forward_passes < exact.forward_passes
        assert exact.similarity is None
        assert fast.similarity is not None
        assert pearson(exact.values.numpy(), fast.values.numpy()) > 0.95
        assert 0.95 <= fast.similarity <= 1


class Ragged(Wide):
    """Its logits jump with the brightness of the image: no mask's score tells another's."""

    def head(self, features: Tensor) -> Tensor:
        wave = torch.sin(3e4 * features.mean(dim=(1, 2, 3), dtype=torch.float64))
        return super().head(features) + 4 * wave[:, None].float() * torch.tensor([1.0, -1, 0])


def test_the_fast_mode_spends_more_passes_where_scores_are_hard_to_predict() -> None:
    network = Ragged().eval()
    image, _ = squares_in_corners(1, seed=3)

    exact = score_cam(network, image, 0, is_exact=True, precision=torch.float32)
    fast = score_cam(network, image, 0, precision=torch.float32)

    assert 89 < fast.forward_passes <= exact.forward_passes
    if fast.similarity is None:
        torch.testing.assert_close(fast.values, exact.values)
    else:
        assert fast.similarity >= 0.95
        assert pearson(exact.values.numpy(), fast.values.numpy()) > 0.95


def test_the_fast_mode_of_few_channels_is_exact(images: Tensor) -> None:
    network = SmallNetwork().eval()

    fast = score_cam(network, images[:1], 0, precision=torch.float32)
    exact = score_cam(network, images[:1], 0, is_exact=True, precision=torch.float32)

    torch.testing.assert_close(fast.values, exact.values)
    assert fast.similarity is None


def test_logits_of_masked_images_that_spread_far_are_noted() -> None:
    class Swings(SmallNetwork):
        """Its logits are small for the whole image and large for a part of it."""

        def head(self, features: Tensor) -> Tensor:
            off = (features.mean(dim=(1, 2, 3)) - whole).abs()
            return super().head(features) + 1e3 * off[:, None] * torch.tensor([1.0, 0, 0])

    network = Swings().eval()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    whole = network.features(image).mean().detach()

    found = explain(network, image, method="score-cam", target=0)[0]

    assert "maps made by masking are unreliable for this run" in found.note
    plain = explain(SmallNetwork().eval(), image, method="score-cam", target=0)[0]
    assert "unreliable" not in plain.note


def test_a_case_of_ablation_cam_done_by_hand() -> None:
    network = PooledNetwork(classes=2).eval()
    with torch.no_grad():
        last = nn.Linear(2, 2)
        last.weight.copy_(torch.tensor([[2.0, -1.0], [0.0, 0.0]]))
        network.tail[2] = last
    features = torch.tensor([[[[1.0, 3.0]], [[4.0, 0.0]]]])
    gradients = torch.tensor([[[[1.0, 1.0]], [[-0.5, -0.5]]]])

    found = ablation_cam(network, features, gradients, [0])

    # Without the first channel the logit loses 2 * 2, without the second it gains 2:
    # 4 * 1 - 2 * 4 = -4, which the ReLU cuts, and 4 * 3.
    torch.testing.assert_close(found, torch.tensor([[[0.0, 12.0]]]))


@pytest.mark.parametrize("kind", [SmallNetwork, PooledNetwork])
def test_ablating_in_the_head_equals_running_everything_again(
    kind: type[SmallNetwork], images: Tensor
) -> None:
    network = kind(classes=3).eval()

    found = explain(network, images, method="ablation-cam", target=2)

    with torch.no_grad():
        for image, one in zip(images.split(1), found, strict=True):
            features = network.features(image)
            losses = []
            for channel in range(16):
                without = network.features(image)
                without[:, channel] = 0
                losses.append(network(image)[0, 2] - network.head(without)[0, 2])
            expected = F.relu((torch.stack(losses)[:, None, None] * features[0]).sum(dim=0))
            np.testing.assert_allclose(one.values, expected / expected.sum(), atol=1e-5)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_ablation_cam_is_grad_cams_where_the_logit_is_above_0(target: int, images: Tensor) -> None:
    # grad-cam divides each loss by the logit, as the paper does. A logit has no zero that means
    # anything: below 0 the division turns evidence for the class into evidence against it.
    network = SmallNetwork().eval()

    found = explain(network, images[:1], method="ablation-cam", target=target)[0]

    with AblationCAM(network, [network.body]) as theirs:
        theirs(images[:1], [ClassifierOutputTarget(target)])
        features = torch.cat(theirs.activations_and_grads.activations[:1]).numpy()
        raw = theirs.get_cam_image(
            images[:1], network.body, [ClassifierOutputTarget(target)], features, None, False
        )[0]
    sign = np.sign(found.logit)
    expected = np.maximum(sign * raw, 0)
    np.testing.assert_allclose(found.values, expected / expected.sum(), atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_behind_a_pool_and_a_linear_layer_the_closed_form_is_the_ablation(seed: int) -> None:
    network = PooledNetwork(classes=3, seed=seed).eval()
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    at_hand = feature_gradients(network, images, [1])

    found = ablation_cam(network, at_hand.features, at_hand.gradients, [1])

    losses = []
    with torch.no_grad():
        for channel in range(16):
            without = at_hand.features.clone()
            without[:, channel] = 0
            losses.append(network.head(at_hand.features)[0, 1] - network.head(without)[0, 1])
    expected = F.relu((torch.stack(losses)[:, None, None] * at_hand.features[0]).sum(dim=0))
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=1e-3)


def test_only_a_pool_with_one_linear_layer_is_linear(images: Tensor) -> None:
    for network, expected in ((PooledNetwork().eval(), True), (SmallNetwork().eval(), False)):
        at_hand = feature_gradients(network, images, [0, 0])

        assert is_linear(network, at_hand.features, at_hand.gradients, [0, 0]) == expected


@pytest.mark.parametrize("name", ["vgg16", "densenet121"])
def test_which_backbones_heads_are_linear(name: str) -> None:
    backbone = create_backbone(name, 4).eval()
    at_hand = feature_gradients(backbone, torch.randn(1, 3, 64, 64), [0])

    is_found = is_linear(backbone, at_hand.features, at_hand.gradients, [0])

    assert is_found == (name == "densenet121")


def test_recipro_cam_is_the_probability_of_each_field_alone(images: Tensor) -> None:
    network = SmallNetwork().eval()
    features = network.features(images).detach()

    found = recipro_cam(network, features, [0, 2])

    for one, target, image in zip(found, [0, 2], features, strict=True):
        expected = torch.zeros(8, 8)
        for y in range(8):
            for x in range(8):
                alone = torch.zeros_like(image)
                alone[:, y, x] = image[:, y, x]
                expected[y, x] = network.head(alone[None]).softmax(dim=1)[0, target]
        torch.testing.assert_close(one, (expected - expected.min()).detach(), atol=1e-6, rtol=1e-4)
