"""What is known of a network before it explains: how much one grey level is to it."""

import pytest
import torch

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.table import BACKBONES
from tests.built_here import BUILT_HERE
from tests.xai.networks import SmallNetwork
from xai.methods.gradients import BASELINE_GREY_LEVELS
from xai.model import grey_level

BY_STD = {BACKBONES[name].std: name for name in BUILT_HERE}  # one network of each normalisation


@pytest.mark.parametrize("name", BY_STD.values())
def test_a_grey_level_is_the_same_to_the_eye_whatever_a_network_is_normalised_by(
    name: str,
) -> None:
    std = torch.tensor(BACKBONES[name].std)[:, None, None]

    level = grey_level(create_backbone(name, 2).eval())

    torch.testing.assert_close(255 * std * level, torch.ones(3, 1, 1))


def test_without_a_normalisation_it_is_that_of_imagenet() -> None:
    level = grey_level(SmallNetwork().eval())

    assert (3 * level).mean().item() == pytest.approx(0.05, abs=0.005)
    assert (BASELINE_GREY_LEVELS * level).mean().item() == pytest.approx(0.5, abs=0.01)
