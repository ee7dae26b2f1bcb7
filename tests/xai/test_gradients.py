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
    assert integral.forwards == 9 + 32  # good enough at the first try


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
    assert integral.gap > 1e-4


def test_steps_are_added_until_the_sum_is_right_and_no_further_than_allowed() -> None:
    network = SmallNetwork().eval()
    # So far from the baseline that the path bends sharply.
    image = 500 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))

    coarse = integrated_gradients(network, image, 1, most_steps=32)
    fine = integrated_gradients(network, image, 1)

    difference = abs(fine.logit - fine.baseline_logit)
    assert coarse.forwards == 9 + 32
    assert coarse.gap > 0.01 * difference
    assert fine.gap <= 0.01 * difference
    assert 9 + 32 < fine.forwards <= 9 + 256 + 2 * 14


def test_a_large_image_goes_through_in_chunks_of_one() -> None:
    largest = []

    class Counts(PooledNetwork):
        def features(self, x: Tensor) -> Tensor:
            largest.append(len(x))
            return super().features(x[..., ::64, ::64])

    image = torch.randn(1, 3, 1024, 1024)

    integrated_gradients(Counts().eval(), image, 0)

    assert max(largest) == 1
