"""Gradients by pixel: exact where they can be, captum's where it is asked, honest elsewhere."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import GradientShap, IntegratedGradients, NoiseTunnel, Saliency
from torch import Tensor

from tests.xai.networks import PooledNetwork, SmallNetwork, squares_in_corners, train_on_squares
from xai.explain import explain
from xai.methods.gradients import gradient_shap, integrated_gradients, saliency, smooth_grad
from xai.types import PixelMap


class Linear(SmallNetwork):
    """Logits that are sums of the pixels, so that its gradients are known."""

    def features(self, x: Tensor) -> Tensor:
        return x

    def head(self, features: Tensor) -> Tensor:
        total = features.sum(dim=(1, 2, 3))
        return torch.stack([2 * total + 1, -total], dim=1)


def test_on_a_linear_model_each_pixel_counts_by_its_weight_and_value() -> None:
    image = torch.randn(1, 3, 16, 16)

    integral = integrated_gradients(Linear().eval(), image, 0)

    torch.testing.assert_close(integral.values, 2 * image[0].sum(dim=0))
    assert integral.baseline_logit == 1
    assert integral.gap == pytest.approx(0, abs=1e-3)
    assert integral.forward_passes == 9 + 32  # good enough at the first try


@pytest.mark.parametrize("target", [0, 1])
def test_values_sum_to_the_difference_from_the_baseline_within_one_percent(target: int) -> None:
    network = PooledNetwork()
    train_on_squares(network)
    images, _ = squares_in_corners(4, seed=9)

    found = explain(network, images, method="integrated-gradients", target=target)

    baseline = network(torch.zeros(1, 3, 32, 32))[0, target].item()
    for attribution, logits in zip(found, network(images), strict=True):
        difference = logits[target].item() - baseline
        assert attribution.values.sum() == pytest.approx(difference, rel=0.01)
        assert attribution.baseline_logit == pytest.approx(baseline, abs=1e-5)


def test_values_are_captums_with_many_steps() -> None:
    network = SmallNetwork().eval()
    image = 3 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    integral = integrated_gradients(network, image, 1)

    theirs = IntegratedGradients(network).attribute(
        image, torch.zeros_like(image), target=1, n_steps=500, internal_batch_size=50
    )
    # Within the error that it tells of the sum.
    torch.testing.assert_close(integral.values, theirs[0].sum(dim=0), rtol=0.02, atol=1e-3)


def test_the_gap_it_tells_is_the_one_it_has() -> None:
    network = SmallNetwork().eval()
    image = 20 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    integral = integrated_gradients(network, image, 1, most_steps=32)

    with torch.no_grad():
        logits = network(torch.cat([image, torch.zeros_like(image)]))[:, 1]
    difference = (logits[0] - logits[1]).item()
    assert integral.gap == pytest.approx(abs(integral.values.sum().item() - difference), abs=1e-4)
    assert integral.gap is not None
    assert integral.gap > 1e-4


def test_steps_are_added_until_the_sum_is_right_and_no_further_than_allowed() -> None:
    network = SmallNetwork().eval()
    # So far from the baseline that the path bends sharply.
    image = 500 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    coarse = integrated_gradients(network, image, 1, most_steps=32)
    fine = integrated_gradients(network, image, 1)

    assert fine.baseline_logit is not None
    assert fine.gap is not None
    assert coarse.gap is not None
    difference = abs(fine.logit - fine.baseline_logit)
    assert coarse.forward_passes == 9 + 32
    assert coarse.gap > 0.01 * difference
    assert fine.gap <= 0.01 * difference
    assert 9 + 32 < fine.forward_passes <= 9 + 256 + 2 * 14


def test_a_large_image_goes_through_in_chunks_of_one() -> None:
    largest = []

    class Counts(PooledNetwork):
        def features(self, x: Tensor) -> Tensor:
            largest.append(len(x))
            return super().features(x[..., ::64, ::64])

    image = torch.randn(1, 3, 1024, 1024)

    integrated_gradients(Counts().eval(), image, 0)

    assert max(largest) == 1


@pytest.fixture
def network() -> SmallNetwork:
    return SmallNetwork().eval()


@pytest.fixture
def image() -> Tensor:
    return 3 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))


def test_saliency_is_the_size_of_a_linear_models_weight() -> None:
    found = saliency(Linear().eval(), torch.randn(1, 3, 16, 16), 1)

    torch.testing.assert_close(found.values, torch.ones(16, 16))
    assert found.gap is None
    assert found.baseline_logit is None


def test_saliency_is_captums_steepest_channel(network: SmallNetwork, image: Tensor) -> None:
    found = saliency(network, image, 1)

    theirs = Saliency(network).attribute(image.requires_grad_(), target=1)
    torch.testing.assert_close(found.values, theirs[0].amax(dim=0))
    assert found.logit == pytest.approx(network(image)[0, 1].item(), abs=1e-6)


def test_smooth_grad_is_captums_noise_tunnel_of_the_same_noise(
    network: SmallNetwork, image: Tensor
) -> None:
    found = smooth_grad(network, image, 1, samples=16, noise=0.1, seed=7)

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(7)
        theirs = NoiseTunnel(Saliency(network)).attribute(
            image.requires_grad_(),
            nt_samples=16,
            stdevs=0.1 * (image.max() - image.min()).item(),
            target=1,
            abs=False,
        )
    torch.testing.assert_close(found.values, theirs[0].abs().amax(dim=0), rtol=1e-4, atol=1e-7)


def test_gradient_shap_is_captums_with_many_draws(network: SmallNetwork, image: Tensor) -> None:
    found = gradient_shap(network, image, 1)

    generator = torch.Generator().manual_seed(0)
    colours = 0.5 * torch.randn(8, 3, 1, 1, generator=generator)
    colours[0] = 0
    with torch.random.fork_rng(devices=[]):
        theirs = GradientShap(network).attribute(
            image.requires_grad_(), colours.expand(8, 3, 32, 32), n_samples=2000, target=1
        )
    values, expected = found.values.flatten(), theirs[0].sum(dim=0).flatten()
    assert torch.corrcoef(torch.stack([values, expected]))[0, 1] > 0.99
    assert values.sum().item() == pytest.approx(expected.sum().item(), rel=0.1)


def test_gradient_shap_is_exact_on_a_linear_model() -> None:
    found = gradient_shap(Linear().eval(), torch.randn(1, 3, 16, 16), 0)

    assert found.gap == pytest.approx(0, abs=1e-3)


def test_gradient_shap_tells_the_gap_it_has(network: SmallNetwork, image: Tensor) -> None:
    found = gradient_shap(network, image, 1, samples_a_baseline=1)

    assert found.baseline_logit is not None
    difference = found.logit - found.baseline_logit
    assert found.gap == pytest.approx(abs(found.values.sum().item() - difference), abs=1e-5)
    assert found.gap is not None
    assert found.gap > 0.01 * abs(difference)


def test_neither_global_generator_is_drawn_from(network: SmallNetwork, image: Tensor) -> None:
    before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002  # the global one is meant

    smooth_grad(network, image, 0)
    gradient_shap(network, image, 0)

    assert torch.equal(before[0], torch.get_rng_state())
    assert str(before[1]) == str(np.random.get_state())  # noqa: NPY002  # as above


@pytest.mark.parametrize("method", [smooth_grad, gradient_shap])
def test_another_seed_is_another_map_and_the_same_seed_the_same(
    method: Callable[..., PixelMap], network: SmallNetwork, image: Tensor
) -> None:
    first, same, other = (method(network, image, 1, seed=seed).values for seed in (0, 0, 1))

    assert torch.equal(first, same)
    assert not torch.equal(first, other)
