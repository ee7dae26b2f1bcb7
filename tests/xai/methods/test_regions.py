"""Regions taken away: captum's answers, Shapley's by brute force, and sums that hold."""

import itertools
import math

import numpy as np
import pytest
import torch
from captum.attr import KernelShap, Occlusion
from torch import Tensor

from tests.xai.networks import SmallNetwork
from xai.methods.kernel_shap import draw_coalitions, find_superpixels, kernel_shap, solve_shapley
from xai.methods.occlusion import occlusion
from xai.model import CHUNK_PIXELS


class Corner(SmallNetwork):
    """Reads the upper left quarter alone."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        total = x[:, :, : height // 2, : width // 2].sum(dim=(1, 2, 3))
        return torch.stack([total + 1, -total], dim=1)


@pytest.fixture
def network() -> SmallNetwork:
    return SmallNetwork().eval()


@pytest.fixture
def image() -> Tensor:
    return 3 * torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(3))


def test_occlusion_is_captums_by_the_pixels_of_a_window(
    network: SmallNetwork, image: Tensor
) -> None:
    found = occlusion(network, image, 1)

    theirs = Occlusion(network).attribute(
        image, sliding_window_shapes=(3, 4, 4), strides=(3, 2, 2), baselines=0, target=1
    )
    torch.testing.assert_close(16 * found.values, theirs[0, 0], rtol=1e-4, atol=1e-6)
    assert found.forward_passes == 2 + 13 * 13


def test_what_is_not_read_loses_nothing_when_hidden() -> None:
    found = occlusion(Corner().eval(), torch.ones(1, 3, 28, 28), 0)

    assert not found.values[16:].any()
    assert not found.values[:, 16:].any()
    # A window within it hides 4 x 4 pixels of 3 channels: 48 logits over 16 pixels.
    torch.testing.assert_close(found.values[:12, :12], torch.full((12, 12), 3.0))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (29, 45)])
def test_sides_that_the_stride_does_not_divide_are_covered(height: int, width: int) -> None:
    found = occlusion(Corner().eval(), torch.ones(1, 3, height, width), 0)

    assert found.values.shape == (height, width)
    assert found.values[0, 0] > 0
    assert torch.isfinite(found.values).all()


def test_superpixels_are_about_as_many_as_asked_and_always_the_same() -> None:
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    first, again = find_superpixels(image, 48), find_superpixels(image, 48)

    assert np.array_equal(first, again)
    assert 30 <= first.max() + 1 <= 50
    assert set(first.ravel()) == set(range(first.max() + 1))


def test_an_even_image_has_superpixels_too(network: SmallNetwork) -> None:
    found = kernel_shap(network, torch.ones(1, 3, 32, 32), 1)

    assert found.gap == pytest.approx(0, abs=1e-5)


def test_kernel_shap_sums_to_the_difference(network: SmallNetwork, image: Tensor) -> None:
    found = kernel_shap(network, image, 1)

    with torch.no_grad():
        logit, baseline = network(torch.cat([image, 0 * image]))[:, 1].tolist()
    assert found.values.sum().item() == pytest.approx(logit - baseline, rel=0.01)
    assert found.logit == pytest.approx(logit, abs=1e-5)
    assert found.baseline_logit == pytest.approx(baseline, abs=1e-5)


def test_on_a_linear_model_each_superpixel_counts_by_its_sum(image: Tensor) -> None:
    found = kernel_shap(Corner().eval(), image, 0)

    segments = find_superpixels(image, 48)
    read = torch.zeros(28, 28)
    read[:14, :14] = image[0, :, :14, :14].sum(dim=0)
    for number in range(segments.max() + 1):
        inside = torch.from_numpy(segments == number)
        torch.testing.assert_close(
            found.values[inside].sum(), read[inside].sum(), rtol=0, atol=1e-3
        )


def test_it_nears_shapleys_values_by_brute_force_and_captums(network: SmallNetwork) -> None:
    image = 3 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    segments = find_superpixels(image, 9)
    mask = torch.from_numpy(segments)[None, None]
    M = int(segments.max()) + 1
    assert 4 <= M <= 10

    found = kernel_shap(network, image, 1, superpixels=9, coalitions=2000)

    worth = {}
    for some in itertools.product((False, True), repeat=M):
        shown = torch.tensor(some)[mask].float() * image
        with torch.no_grad():
            worth[some] = network(shown)[0, 1].item()
    shapley = np.zeros(M)
    for some, value in worth.items():
        for player in range(M):
            if not some[player]:
                more = (*some[:player], True, *some[player + 1 :])
                weight = 1 / (M * math.comb(M - 1, sum(some)))
                shapley[player] += weight * (worth[more] - value)
    ours = np.bincount(segments.ravel(), found.values.numpy().ravel())
    scale = np.abs(shapley).max()
    np.testing.assert_allclose(ours, shapley, atol=0.03 * scale)

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        theirs = KernelShap(network).attribute(
            image, target=1, feature_mask=mask, n_samples=1000, perturbations_per_eval=1
        )[0, 0]
    captums = [theirs[torch.from_numpy(segments == number)][0].item() for number in range(M)]
    np.testing.assert_allclose(ours, captums, atol=0.05 * scale)


def test_coalitions_come_with_their_complements_and_are_neither_empty_nor_full() -> None:
    drawn = draw_coalitions(7, 100, seed=0)

    assert drawn.shape == (100, 7)
    assert np.array_equal(drawn[::2], ~drawn[1::2])
    assert set(drawn.sum(axis=1)) <= set(range(1, 7))


def test_one_player_gets_all() -> None:
    assert draw_coalitions(1, 10, seed=0).shape == (0, 1)
    np.testing.assert_array_equal(solve_shapley(np.zeros((0, 1), bool), np.zeros(0), 2.5), [2.5])


def test_no_more_pixels_go_through_than_a_chunk_has(image: Tensor) -> None:
    largest = []

    class Counts(Corner):
        def forward(self, x: Tensor) -> Tensor:
            largest.append(x.shape[0] * x.shape[2] * x.shape[3])
            return super().forward(x)

    occlusion(Counts().eval(), torch.ones(1, 3, 448, 448), 0)
    kernel_shap(Counts().eval(), torch.ones(1, 3, 448, 448), 0, coalitions=16)

    assert max(largest) <= CHUNK_PIXELS
