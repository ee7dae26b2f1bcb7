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
from xai.faithfulness.report import Placement, Quality
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
        "On this image better than random placement on insertion and deletion: of 24 copies of the "
        "map moved elsewhere, 24 on insertion (p = 0.040) and 24 on deletion (p = 0.040) score "
        "worse. One image says little of others."
    )
    assert name_rank(report) == (
        "map better than random placement on insertion and deletion (p = 0.040)"
    )


def test_grad_cam_of_a_trained_network_ranks_before_most_of_its_copies(
    trained_network: PooledNetwork,
) -> None:
    image = squares_in_corners(2, seed=9)[0][1:]

    report = judge(
        trained_network, image, explain(trained_network, image, method="grad-cam", target=1)[0]
    )

    (deletion,) = report.placements.values()
    assert deletion.beaten > 12  # its neighbours a fifth of the side away do nearly as well
    assert report.own.deletion < report.random.deletion
    assert "Insertion does not count: the blurred image hardly" in describe_verdict(report)


def test_a_map_elsewhere_is_not_better_than_a_random_one(checked: Tensor) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(corner_map(1, 1)))

    assert describe_verdict(report).startswith(
        "On this image not shown to be better than random placement on insertion or deletion: "
    )
    assert name_rank(report).startswith("map not shown to be better than random placement (p = ")


@pytest.mark.parametrize("value", [0, -1, 2])
def test_a_map_that_is_the_same_everywhere_is_not_better_than_a_random_one(
    value: float, checked: Tensor
) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(np.full((4, 4), float(value))))

    assert describe_verdict(report).startswith(
        "Not better than random placement: all places of the map have the same value."
    )
    assert name_rank(report) == "map not better than random placement"


def test_what_depends_on_nothing_cannot_be_evaluated(checked: Tensor) -> None:
    report = judge(ReadsCorner(slope=0), checked, as_attribution(corner_map(0, 0)))

    assert describe_verdict(report) == (
        "Cannot be evaluated: the probability of the target class falls neither for the blurred "
        "image nor for the blank reference."
    )
    assert name_rank(report) == "map cannot be evaluated"


def ranked(insertion: float, deletion: float) -> dict[str, Placement]:
    """Placements with these p values."""
    return {
        name: Placement(beaten=round(25 - 25 * p), copies=24, p=p)
        for name, p in (("insertion", insertion), ("deletion", deletion))
    }


@pytest.mark.parametrize(
    ("p_values", "others", "words", "brief"),
    [
        (
            (0.04, 0.04),
            {},
            "On this image better than random placement on insertion and deletion: of 24 copies of "
            "the map moved elsewhere, 24 on insertion (p = 0.040) and 24 on deletion (p = 0.040) "
            "score worse. One image says little of others.",
            "better than random placement on insertion and deletion (p = 0.040)",
        ),
        (
            (0.32, 0.04),
            {},
            "On this image better than random placement on deletion, not on insertion: of 24 "
            "copies of the map moved elsewhere, 17 on insertion (p = 0.320) and 24 on deletion "
            "(p = 0.040) score worse. One image says little of others.",
            "better than random placement on deletion, not on insertion (p = 0.040)",
        ),
        (
            (0.32, 0.08),
            {},
            "On this image not shown to be better than random placement on insertion or deletion: "
            "of 24 copies of the map moved elsewhere, 17 on insertion (p = 0.320) and 23 on "
            "deletion (p = 0.080) score worse.",
            "not shown to be better than random placement (p = 0.080)",
        ),
        (
            (0.04, 0.04),
            {"centre": scores(0.1, 0.1), "blurred": scores(0.3, 0.9)},
            "The centre map, which does not depend on the model, scores at least as well on "
            "deletion. The blurred map, which does not depend on the model, scores at least as "
            "well on insertion and deletion.",
            "better than random placement on insertion and deletion (p = 0.040)",
        ),
    ],
)
def test_the_verdict_follows_the_numbers(
    p_values: tuple[float, float], others: dict[str, Quality], words: str, brief: str
) -> None:
    report = replace(report_of(scores(0.3, 0.7), **others), placements=ranked(*p_values))

    assert words in describe_verdict(report)
    assert ("does not depend" in describe_verdict(report)) is bool(others)
    assert name_rank(report) == f"map {brief}"


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

    assert reported[:3] == [(1, 27), (2, 27), (3, 27)]
    assert reported[-1] == (27, 27)
    assert reported == sorted(set(reported))


def test_a_class_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(UserError, match="Target 2 is no class"):
        judge(ReadsCorner(), bright_corner(), as_attribution(corner_map(0, 0), target=2))
