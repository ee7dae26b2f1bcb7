import pytest
import torch

from modelzoo.training.augment import CHANGES, Changes, augment


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def ramp() -> torch.Tensor:
    """(1, 1, 8, 8): every pixel has a value of its own."""
    return torch.arange(64.0).view(1, 1, 8, 8)


def test_no_change_gives_the_images_back(ramp: torch.Tensor, generator: torch.Generator) -> None:
    assert augment(ramp, CHANGES["none"], generator=generator) is ramp


def test_a_flip_is_the_image_or_its_mirror_image(
    ramp: torch.Tensor, generator: torch.Generator
) -> None:
    flipped = augment(ramp.expand(32, 1, 8, 8), Changes(flip_x=True), generator=generator)

    mirrored = [torch.allclose(image, ramp[0].flip(-1), atol=1e-4) for image in flipped]
    kept = [torch.allclose(image, ramp[0], atol=1e-4) for image in flipped]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 8 <= sum(mirrored) <= 24


def test_a_turn_moves_no_pixel_farther_than_its_angle_allows(generator: torch.Generator) -> None:
    # A bright dot on the right edge of the middle row stays at its distance from the centre.
    images = torch.zeros(64, 1, 65, 65)
    images[:, :, 30:35, 54:59] = 1
    turned = augment(images, Changes(rotation=40), generator=generator)

    y, x = torch.meshgrid(torch.arange(65.0) - 32, torch.arange(65.0) - 32, indexing="ij")
    mass = turned[:, 0].sum(dim=(1, 2))
    centre_x = (turned[:, 0] * x).sum(dim=(1, 2)) / mass
    centre_y = (turned[:, 0] * y).sum(dim=(1, 2)) / mass
    angle = torch.rad2deg(torch.atan2(centre_y, centre_x))
    assert torch.allclose(torch.hypot(centre_x, centre_y), torch.tensor(24.0), atol=0.5)
    assert angle.abs().max() <= 41
    assert angle.min() < -20
    assert angle.max() > 20


def test_a_shift_of_40_percent_stays_within_it(generator: torch.Generator) -> None:
    images = torch.zeros(64, 1, 65, 65)
    images[:, :, 31:34, 31:34] = 1
    shifted = augment(images, Changes(shift=0.4), generator=generator)

    at = shifted.flatten(1).argmax(dim=1)
    moved = torch.stack([at // 65 - 32, at % 65 - 32]).abs()
    assert moved.max() <= 0.4 * 65 + 1
    assert moved.max() > 0.25 * 65


def test_every_image_of_a_batch_is_changed_in_its_own_way(
    ramp: torch.Tensor, generator: torch.Generator
) -> None:
    changed = augment(ramp.expand(8, 1, 8, 8), CHANGES["muduli2025"], generator=generator)

    assert len({tuple(image.flatten().tolist()) for image in changed}) == 8


def test_the_same_seed_gives_the_same_changes(ramp: torch.Tensor) -> None:
    first, second = (
        augment(ramp, CHANGES["mild"], generator=torch.Generator().manual_seed(3)) for _ in "ab"
    )

    assert torch.equal(first, second)


def test_a_constant_image_stays_constant_whatever_moves(generator: torch.Generator) -> None:
    images = torch.full((16, 3, 8, 8), 0.7)

    changed = augment(images, CHANGES["muduli2025"], generator=generator)

    assert torch.allclose(changed, images)
