"""Noise with captum as oracle, turns by hand, and weights drawn anew."""

import numpy as np
import pytest
import torch
from captum.metrics import sensitivity_max
from torch import Tensor, nn

from tests.xai.judged import corner_map
from tests.xai.networks import PooledNetwork, SmallNetwork, squares_in_corners
from xai.explain import explain
from xai.faithfulness.judge import judge
from xai.faithfulness.similarity import spearman
from xai.faithfulness.stability import noise_sensitivity, randomise, rotation_variance
from xai.types import Floats


def test_noise_changes_a_map_as_captum_says(trained_network: PooledNetwork) -> None:
    image = squares_in_corners(2, seed=9)[0][1:]
    noise = 0.05 * torch.randn(3, *image.shape[1:], generator=torch.Generator().manual_seed(4))

    def maps_of(images: Tensor) -> list[Floats]:
        found = explain(trained_network, images, method="hires-cam", target=1)
        return [each.values.astype(np.float64) for each in found]

    similarity, change = noise_sensitivity(
        maps_of, image, maps_of(image)[0], sd=0.05, draws=3, seed=4
    )

    expected = sensitivity_max(
        lambda images: (torch.from_numpy(np.stack(maps_of(images[0]))),),
        (image,),
        perturb_func=lambda inputs, _: (inputs[0] + noise,),
        n_perturb_samples=3,
    )
    assert change == pytest.approx(expected.item(), rel=1e-3)
    assert 0.5 < similarity <= 1


def test_noise_leaves_the_global_random_numbers_alone(trained_network: PooledNetwork) -> None:
    image = squares_in_corners(2)[0][1:]
    attribution = explain(trained_network, image, method="grad-cam", target=1)[0]
    state, legacy = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002  # is watched

    one = judge(trained_network, image, attribution, randomised=randomise(trained_network))
    other = judge(trained_network, image, attribution, randomised=randomise(trained_network))

    assert one == other
    assert torch.equal(state, torch.get_rng_state())
    assert legacy == repr(np.random.get_state())  # noqa: NPY002  # is watched


@pytest.mark.parametrize("size", [(16, 16), (12, 20)])
def test_a_map_that_turns_with_the_image_has_no_spread(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))

    def brightness(images: Tensor) -> list[Floats]:
        return list(images.mean(dim=1).double().numpy())

    assert rotation_variance(brightness, image) == pytest.approx(0, abs=1e-9)


def test_a_map_that_stays_where_it_is_spreads() -> None:
    image = torch.zeros(1, 3, 16, 16)

    spread = rotation_variance(lambda images: [corner_map(0, 0)] * len(images), image)

    # Each of four corners twice: 4 of 28 pairs are alike, the others have a correlation of -1/3.
    assert spread == pytest.approx(1 - (4 - 24 / 3) / 28)


def test_an_equivariant_network_has_no_spread() -> None:
    class EverywhereAlike(PooledNetwork):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 16, 1), nn.Tanh())

    network = EverywhereAlike().eval()
    image = squares_in_corners(2)[0][1:]

    report = judge(network, image, explain(network, image, method="hires-cam", target=1)[0])

    assert report.own.rotation_variance == pytest.approx(0, abs=1e-3)
    assert report.random.rotation_variance is None  # copies are no maps of other images


def test_drawing_weights_anew_leaves_the_model_as_it_was(trained_network: PooledNetwork) -> None:
    before = {name: value.clone() for name, value in trained_network.state_dict().items()}

    one, other = randomise(trained_network, seed=1), randomise(trained_network, seed=1)

    assert all(
        torch.equal(before[name], value) for name, value in trained_network.state_dict().items()
    )
    assert isinstance(one, PooledNetwork)
    assert isinstance(other, PooledNetwork)
    assert not one.training
    for name, value in one.state_dict().items():
        assert not torch.equal(before[name], value)
        assert torch.equal(value, other.state_dict()[name])


def test_batch_norms_are_kept() -> None:
    model = SmallNetwork()
    model.body.append(nn.BatchNorm2d(16))

    found = randomise(model.eval())

    assert isinstance(found, SmallNetwork)
    for name, value in model.body[4].state_dict().items():
        assert torch.equal(value, found.body[4].state_dict()[name])


def test_grad_cam_depends_on_what_was_learned(trained_network: PooledNetwork) -> None:
    images, labels = squares_in_corners(8, seed=9)
    maps = explain(trained_network, images[labels == 1], method="grad-cam", target=1)

    similarities = []
    for seed in range(5):
        others = explain(
            randomise(trained_network, seed=seed), images[labels == 1], method="grad-cam", target=1
        )
        similarities += [
            spearman(one.values.astype(np.float64), other.values.astype(np.float64))
            for one, other in zip(maps, others, strict=True)
        ]

    assert np.mean(similarities) < 0.5


def test_a_map_that_ignores_the_model_is_the_same_for_random_weights(
    trained_network: PooledNetwork,
) -> None:
    image = squares_in_corners(2)[0][1:]
    attribution = explain(trained_network, image, method="grad-cam", target=1)[0]

    report = judge(
        trained_network, image, attribution, randomised=randomise(trained_network, seed=3)
    )

    assert report.own.randomisation_similarity is not None
    assert report.own.randomisation_similarity < 0.9
    for quality in (report.centre, report.blurred):
        assert quality.randomisation_similarity == pytest.approx(1)
