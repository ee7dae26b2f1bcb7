"""A map's scores beside those of baseline maps, where it lies, and the verdict in words."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from torch import Tensor

from tests.xai.judged import (
    ReadsCorner,
    as_attribution,
    bright_corner,
    by_pixel,
    corner_map,
    maps,
    report_of,
    scores,
    sigmoid,
)
from tests.xai.networks import PooledNetwork, squares_in_corners
from xai.errors import UserError
from xai.explain import explain
from xai.faithfulness.judge import energy_inside, judge, points_into
from xai.faithfulness.report import Quality
from xai.say.verdict import describe_verdict, name_rank
from xai.types import Floats, Mask


class ReadsTexture(ReadsCorner):
    """As `ReadsCorner`, but by how far its pixels are from grey, so that blurring hides it."""

    def head(self, features: Tensor) -> Tensor:
        return super().head(features.abs())


@pytest.fixture
def checked() -> Tensor:
    """Single pixels of 1 and -1, which blurring takes to an even grey."""
    places = torch.arange(32)
    return (2.0 * ((places[:, None] + places) % 2) - 1).repeat(1, 3, 1, 1)


def test_drop_and_increase_of_a_map_on_what_is_read_and_of_one_beside_it() -> None:
    image = bright_corner()

    right, wrong = (
        judge(ReadsCorner(), image, as_attribution(by_pixel(corner_map(*at)))).own
        for at in ((0, 0), (1, 1))
    )

    assert right.average_drop == pytest.approx(0, abs=1e-6)
    assert right.increase_in_confidence == wrong.increase_in_confidence == 0
    assert wrong.average_drop == pytest.approx((sigmoid(2) - sigmoid(-2)) / sigmoid(2))


def test_a_map_that_hides_negative_evidence_is_an_increase() -> None:
    image = -bright_corner()  # what is read lowers the logit of class 1

    found = judge(ReadsCorner(), image, as_attribution(corner_map(1, 1))).own

    assert (found.average_drop, found.increase_in_confidence) == (0, 1)


def test_a_map_on_what_is_read_is_better_than_baseline_maps(checked: Tensor) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(corner_map(0, 0)))

    for other in report.baselines.values():
        assert report.own.deletion < other.deletion
        assert report.own.insertion > other.insertion
    assert describe_verdict(report) == (
        "Better than random, centre and blurred baseline maps on insertion and deletion, for this "
        "image."
    )
    assert name_rank(report) == "map better than the baseline maps"


def test_grad_cam_of_a_trained_network_is_better_than_baseline_maps(
    trained_network: PooledNetwork,
) -> None:
    image = squares_in_corners(2, seed=9)[0][1:]

    report = judge(
        trained_network, image, explain(trained_network, image, method="grad-cam", target=1)[0]
    )

    assert describe_verdict(report).startswith(
        "Better than random, centre and blurred baseline maps on deletion, for this image."
    )
    assert "Insertion does not count: the blurred image hardly" in describe_verdict(report)


def test_a_map_elsewhere_is_not_better_than_a_random_one(checked: Tensor) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(corner_map(1, 1)))

    assert describe_verdict(report).startswith("Not better than the random map on ")
    assert name_rank(report) == "map not better than random"


@pytest.mark.parametrize("value", [0, -1, 2])
def test_a_map_that_is_the_same_everywhere_is_not_better_than_a_random_one(
    value: float, checked: Tensor
) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(np.full((4, 4), float(value))))

    assert describe_verdict(report).startswith(
        "Not better than the random map: all places of the map have the same value."
    )
    assert name_rank(report) == "map not better than random"


def test_the_random_baseline_depends_little_on_the_draw(checked: Tensor) -> None:
    reports = []
    for seed in range(20):  # another image is another draw
        noise = 1e-3 * torch.randn(checked.shape, generator=torch.Generator().manual_seed(seed))
        report = judge(ReadsTexture(), checked + noise, as_attribution(corner_map(0, 0)))
        reports.append(report.random)

    for measure in ("deletion", "insertion"):
        areas = [getattr(each, measure) for each in reports]
        assert np.mean(areas) == pytest.approx(0.5, abs=0.03)  # half the corner at half the way
        assert np.std(areas) < 0.05


def test_what_depends_on_nothing_cannot_be_evaluated(checked: Tensor) -> None:
    report = judge(ReadsCorner(slope=0), checked, as_attribution(corner_map(0, 0)))

    assert describe_verdict(report) == (
        "Cannot be evaluated: the probability of the target class falls neither for the blurred "
        "image nor for the blank reference."
    )
    assert name_rank(report) == "map cannot be evaluated"


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({}, "Better than random, centre and blurred baseline maps on "),
        (
            {"random": scores(0.31, 0.1)},
            "Better than the random map on insertion, not on",
        ),
        (
            {"random": scores(0.9, 0.69)},
            "Better than the random map on deletion, not on",
        ),
        ({"random": scores(0.3, 0.7)}, "Not better than the random map on "),
        (
            {"centre": scores(0.1, 0.1)},
            "Better than the random map, but not than the centre map,",
        ),
        (
            {"centre": scores(0.1, 0.1), "blurred": scores(0.9, 0.9)},
            "Better than the random map, but not than the centre and the blurred map, which do not",
        ),
    ],
)
def test_the_verdict_follows_the_numbers(others: dict[str, Quality], words: str) -> None:
    assert describe_verdict(report_of(scores(0.3, 0.7), **others)).startswith(words)


def test_the_verdict_warns_of_an_unreliable_map_whatever_its_rank() -> None:
    own = replace(
        scores(0.1, 0.9), rotation_variance=0.8, noise_similarity=0.2, randomisation_similarity=0.95
    )

    assert describe_verdict(report_of(own)).endswith(
        "The map changes under rotation and flip. The map is not stable under slight noise. "
        "Randomisation sanity check failed: random weights give nearly the same map."
    )


def test_energy_by_hand() -> None:
    values = np.array([[3.0, 1.0], [-5.0, 0.0]])

    assert energy_inside(values, np.array([[True, False], [True, False]])) == 0.75
    assert energy_inside(np.full((2, 2), -1.0), np.ones((2, 2), np.bool_)) is None


def test_the_strongest_grid_cell_points_with_its_centre() -> None:
    values = np.array([[0.0, 1.0], [0.0, 0.0]])  # the upper right quarter of 8 x 8 pixels
    cells = np.zeros((8, 8), np.bool_)

    cells[2, 6] = True
    assert points_into(values, cells) == 1
    assert points_into(values, ~cells) == 0
    assert points_into(0 * values, cells) is None


@given(maps, arrays(np.bool_, (8, 10)), arrays(np.bool_, (8, 10)))
@settings(deadline=None, max_examples=30)
def test_what_lies_in_nuclei_cytoplasm_and_background_is_all(
    values: Floats, nuclei: Mask, cells: Mask
) -> None:
    cells = cells | nuclei
    parts = [energy_inside(values, mask) for mask in (nuclei, cells & ~nuclei, ~cells)]

    if (values > 0).any():
        assert sum(part or 0 for part in parts) == pytest.approx(1, abs=1e-6)
    else:
        assert parts == [None] * 3


def test_places_stand_beside_their_share_of_the_image() -> None:
    nuclei, cells = np.zeros((16, 16), np.bool_), np.zeros((16, 16), np.bool_)
    nuclei[:4, :4], cells[:8, :8] = True, True

    report = judge(
        ReadsCorner(), bright_corner(), as_attribution(corner_map(0, 0)), nuclei=nuclei, cells=cells
    )

    own = report.own
    assert (report.nucleus_area, report.cytoplasm_area, report.background_area) == (
        1 / 16,
        3 / 16,
        3 / 4,
    )
    assert own.nucleus_energy is not None
    assert own.cytoplasm_energy is not None
    assert own.background_energy is not None
    assert own.nucleus_energy + own.cytoplasm_energy > 0.75  # enlarging lets a border over
    assert own.pointing_game == 1
    assert report.random.nucleus_energy is not None


def test_without_masks_nothing_is_said_of_places() -> None:
    report = judge(ReadsCorner(), bright_corner(), as_attribution(corner_map(0, 0)))

    for quality in (report.own, *report.baselines.values()):
        assert quality.nucleus_energy is quality.background_energy is quality.pointing_game is None
    assert report.nucleus_area is None


def test_slow_methods_are_not_run_again(trained_network: PooledNetwork) -> None:
    image = squares_in_corners(2)[0][1:]

    report = judge(trained_network, image, as_attribution(corner_map(0, 0), "score-cam-exact"))

    for quality in (report.own, *report.baselines.values()):
        assert quality.noise_similarity is quality.noise_change is quality.rotation_variance is None


def test_progress_is_reported_after_each_map() -> None:
    reported: list[tuple[int, int]] = []

    judge(
        ReadsCorner(),
        bright_corner(),
        as_attribution(corner_map(0, 0)),
        on_progress=lambda done, total: reported.append((done, total)),
    )

    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_class_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(UserError, match="Target 2 is no class"):
        judge(ReadsCorner(), bright_corner(), as_attribution(corner_map(0, 0), target=2))
