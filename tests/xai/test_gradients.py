"""Integrated Gradients: complete, exact where it can be, and honest where it is not."""

import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from tests.xai.networks import PooledNetwork, SmallNetwork, squares_in_corners, train_on_squares
from xai.explain import explain
from xai.gradients import integrated_gradients


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
    assert integral.forwards == 2 + 32  # good enough at the first try


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


def test_the_gap_it_tells_is_captums_delta() -> None:
    network = SmallNetwork().eval()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    integral = integrated_gradients(network, image, 1, first_steps=3, most_steps=3)

    _, delta = IntegratedGradients(network).attribute(
        image, torch.zeros_like(image), target=1, n_steps=3, return_convergence_delta=True
    )
    assert integral.gap == pytest.approx(abs(delta.item()), abs=1e-5)
    assert integral.gap > 1e-4


def test_steps_are_added_until_the_sum_is_right_and_no_further_than_allowed() -> None:
    network = SmallNetwork().eval()
    # So far from the baseline that the path bends.
    image = 20 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    coarse = integrated_gradients(network, image, 1, first_steps=2, most_steps=2)
    fine = integrated_gradients(network, image, 1, first_steps=2, most_steps=64)

    assert coarse.forwards == 2 + 2
    assert 2 + 2 + 4 <= fine.forwards <= 2 + 2 + 4 + 8 + 16 + 32 + 64
    assert fine.gap < coarse.gap


def test_a_large_image_goes_through_in_chunks_of_one() -> None:
    largest = []

    class Counts(PooledNetwork):
        def features(self, x: Tensor) -> Tensor:
            largest.append(len(x))
            return super().features(x[..., ::64, ::64])

    image = torch.randn(1, 3, 1024, 1024)

    integrated_gradients(Counts().eval(), image, 0, first_steps=4, most_steps=4)

    assert max(largest[1:]) == 1
