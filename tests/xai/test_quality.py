"""Scores by hand on a network that reads one corner, laws, captum as oracle, and honest words."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.metrics import sensitivity_max
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from tests.xai.networks import PooledNetwork, SmallNetwork, squares_in_corners, train_on_squares
from xai.attribution import Attribution
from xai.errors import UserError
from xai.explain import explain
from xai.quality import (
    MEASURES,
    Floats,
    Mask,
    Quality,
    QualityReport,
    agreement,
    ask,
    average_drop,
    bootstrap_interval,
    deletion_auc,
    energy_inside,
    insertion_auc,
    judge,
    noise_sensitivity,
    points_into,
    randomise,
    rank_pixels,
    say_agreement,
    say_verdict,
    spearman,
    summarise,
    turn_spread,
)

maps = arrays(np.float64, (4, 5), elements=st.floats(-10, 10, width=32))


class ReadsCorner(nn.Module):
    """The logit of class 1 is `slope` times the mean of the upper left quarter, of class 0 it is 0.

    Its features are the image itself, so that it needs no weights.
    """

    def __init__(self, slope: float = 4.0) -> None:
        super().__init__()
        self.slope = slope

    def features(self, x: Tensor) -> Tensor:
        return x.clone()

    def head(self, features: Tensor) -> Tensor:
        height, width = features.shape[2:]
        read = features[:, :, : height // 2, : width // 2].mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(read), self.slope * (read - 0.5)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


@pytest.fixture(scope="module")
def trained() -> PooledNetwork:
    network = PooledNetwork()
    train_on_squares(network)
    return network


@pytest.fixture
def checked() -> Tensor:
    """Single pixels of 1 and -1, which blurring takes to an even grey."""
    places = torch.arange(32)
    return (2.0 * ((places[:, None] + places) % 2) - 1).repeat(1, 3, 1, 1)


class ReadsTexture(ReadsCorner):
    """As `ReadsCorner`, but by how far its pixels are from grey, so that blurring hides it."""

    def head(self, features: Tensor) -> Tensor:
        return super().head(features.abs())


def bright_corner() -> Tensor:
    image = torch.zeros(1, 3, 16, 16)
    image[:, :, :8, :8] = 1
    return image


def corner_map(row: int, column: int) -> Floats:
    """(4, 4) with 1 in one of the quarters."""
    values = np.zeros((4, 4))
    values[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 1
    return values


def by_pixel(values: Floats) -> Floats:
    """(4, 4) as (16, 16), without the blending that enlarging does."""
    return values.repeat(4, axis=0).repeat(4, axis=1)


def as_attribution(values: Floats, method: str = "score-cam", target: int = 1) -> Attribution:
    return Attribution(
        values=values.astype(np.float32),
        method=method,
        target=target,
        is_signed=False,
        seconds=0,
        forwards=1,
        expected_error=None,
        logit=0,
        baseline_logit=None,
    )


def sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


# --- Removing and inserting


def test_deletion_by_hand() -> None:
    answer = ask(ReadsCorner(), bright_corner(), 1)

    found = deletion_auc(answer, by_pixel(corner_map(0, 0)), steps=4)

    # The quarter is gone after the first of four steps.
    curve = [sigmoid(2), sigmoid(-2), sigmoid(-2), sigmoid(-2), sigmoid(-2)]
    assert found == pytest.approx(np.trapezoid(curve, dx=1 / 4), abs=1e-6)


def test_insertion_by_hand() -> None:
    image = bright_corner()
    answer = replace(ask(ReadsCorner(), image, 1), blurred=torch.zeros_like(image))
    answer = replace(answer, blurred_probability=answer.grey_probability)

    first = insertion_auc(answer, by_pixel(corner_map(0, 0)), steps=4)
    last = insertion_auc(answer, by_pixel(1 - corner_map(0, 0)), steps=4)

    absent, present = sigmoid(-2), sigmoid(2)
    at_first = np.trapezoid([absent, present, present, present, present], dx=1 / 4)
    at_last = np.trapezoid([absent, absent, absent, absent, present], dx=1 / 4)
    assert first == pytest.approx(at_first, abs=1e-6)
    assert last == pytest.approx(at_last, abs=1e-6)


@given(maps, st.integers(1, 12))
@settings(deadline=None, max_examples=30)
def test_both_areas_lie_between_nought_and_one(values: Floats, steps: int) -> None:
    answer = ask(ReadsCorner(slope=100), bright_corner(), 1)

    for area in (deletion_auc, insertion_auc):
        assert 0 <= area(answer, values, steps=steps) <= 1


@given(maps)
@settings(deadline=None, max_examples=30)
def test_every_pixel_has_one_place_and_stronger_ones_come_first(values: Floats) -> None:
    ranks = rank_pixels(values, values.shape).numpy()

    assert sorted(ranks.ravel()) == list(range(values.size))
    in_order = np.maximum(values, 0).ravel()[np.argsort(ranks.ravel())]
    assert (np.diff(in_order) <= 0).all()


def test_where_a_map_says_nothing_no_corner_is_favoured() -> None:
    ranks = rank_pixels(np.zeros((4, 4)), (32, 32)).numpy().astype(float)

    place = np.arange(32 * 32).reshape(32, 32).astype(float)
    assert abs(spearman(ranks, place)) < 0.5


@pytest.mark.parametrize(("probability", "masked", "drop"), [(0.8, 0.2, 0.75), (0.5, 0.9, 0.0)])
def test_average_drop_by_hand(probability: float, masked: float, drop: float) -> None:
    assert average_drop(probability, masked) == pytest.approx(drop)


def test_drop_and_increase_of_a_map_on_what_is_read_and_of_one_beside_it() -> None:
    image = bright_corner()

    right, wrong = (
        judge(ReadsCorner(), image, as_attribution(by_pixel(corner_map(*at)))).own
        for at in ((0, 0), (1, 1))
    )

    assert right.drop == pytest.approx(0, abs=1e-6)
    assert right.increase == wrong.increase == 0
    assert wrong.drop == pytest.approx((sigmoid(2) - sigmoid(-2)) / sigmoid(2))


def test_a_map_that_hides_what_speaks_against_is_an_increase() -> None:
    image = -bright_corner()  # what is read speaks against class 1

    found = judge(ReadsCorner(), image, as_attribution(corner_map(1, 1))).own

    assert (found.drop, found.increase) == (0, 1)


# --- Beside the references


def test_a_map_on_what_is_read_is_better_than_maps_that_never_asked(checked: Tensor) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(corner_map(0, 0)))

    for other in report.references.values():
        assert report.own.deletion < other.deletion
        assert report.own.insertion > other.insertion
    assert say_verdict(report) == (
        "Better than random, centre and blurred maps on insertion and deletion: it shows where "
        "this model's answer comes from."
    )


def test_grad_cam_of_a_trained_network_is_better_than_maps_that_never_asked(
    trained: PooledNetwork,
) -> None:
    image = squares_in_corners(2, seed=9)[0][1:]

    report = judge(trained, image, explain(trained, image, method="grad-cam", target=1)[0])

    assert say_verdict(report).startswith("Better than random, centre and blurred maps on deletion")
    assert "Insertion does not count: the blurred image gets the same" in say_verdict(report)


def test_a_map_elsewhere_is_no_better_than_chance(checked: Tensor) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(corner_map(1, 1)))

    assert say_verdict(report).startswith("No better than chance: ")


@pytest.mark.parametrize("value", [0, -1, 2])
def test_a_map_that_is_the_same_everywhere_is_no_better_than_chance(
    value: float, checked: Tensor
) -> None:
    report = judge(ReadsTexture(), checked, as_attribution(np.full((4, 4), float(value))))

    assert say_verdict(report).startswith(
        "No better than chance: the map puts no place before another."
    )


def test_the_random_reference_owes_nothing_to_luck(checked: Tensor) -> None:
    found = []
    for seed in range(20):  # another image is another draw
        noise = 1e-3 * torch.randn(checked.shape, generator=torch.Generator().manual_seed(seed))
        report = judge(ReadsTexture(), checked + noise, as_attribution(corner_map(0, 0)))
        found.append(report.random)

    for measure in ("deletion", "insertion"):
        areas = [getattr(each, measure) for each in found]
        assert np.mean(areas) == pytest.approx(0.5, abs=0.03)  # half the corner at half the way
        assert np.std(areas) < 0.05


def test_what_never_looks_cannot_be_judged(checked: Tensor) -> None:
    report = judge(ReadsCorner(slope=0), checked, as_attribution(corner_map(0, 0)))

    assert say_verdict(report) == (
        "Cannot be judged: the model answers the same, or with more certainty, to the blurred "
        "image and to an image of nothing."
    )


def report_of(own: Quality, **others: Quality) -> QualityReport:
    worst = Quality(deletion=1, insertion=0, drop=1, increase=0)
    return QualityReport(
        method="grad-cam",
        own=own,
        random=others.get("random", worst),
        centre=others.get("centre", worst),
        blurred=others.get("blurred", worst),
        probability=0.9,
        grey_probability=0.5,
        blurred_probability=0.5,
    )


def scores(deletion: float, insertion: float) -> Quality:
    return Quality(deletion=deletion, insertion=insertion, drop=0, increase=0)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({}, "Better than random, centre and blurred maps"),
        ({"random": scores(0.31, 0.1)}, "No better than chance: showing what it shows brings"),
        ({"random": scores(0.9, 0.69)}, "No better than chance: removing what it shows costs"),
        ({"random": scores(0.3, 0.7)}, "No better than chance: a random map finds"),
        ({"centre": scores(0.1, 0.1)}, "Better than chance, but no better than the centre map"),
        (
            {"centre": scores(0.1, 0.1), "blurred": scores(0.9, 0.9)},
            "Better than chance, but no better than the centre and the blurred map",
        ),
    ],
)
def test_the_verdict_follows_the_numbers(others: dict[str, Quality], words: str) -> None:
    assert say_verdict(report_of(scores(0.3, 0.7), **others)).startswith(words)


def test_the_verdict_warns_of_what_speaks_against_a_map_whatever_its_rank() -> None:
    own = replace(
        scores(0.1, 0.9), turn_spread=0.8, noise_similarity=0.2, random_weights_similarity=0.95
    )

    assert say_verdict(report_of(own)).endswith(
        "Turning the image changes the map. Noise that no eye sees changes the map. "
        "A model with random weights gives the same map."
    )


# --- Where in the smear


def test_energy_by_hand() -> None:
    values = np.array([[3.0, 1.0], [-5.0, 0.0]])

    assert energy_inside(values, np.array([[True, False], [True, False]])) == 0.75
    assert energy_inside(np.full((2, 2), -1.0), np.ones((2, 2), np.bool_)) is None


def test_the_strongest_field_points_with_its_centre() -> None:
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
    assert own.pointing == 1
    assert report.random.nucleus_energy is not None


def test_without_masks_nothing_is_said_of_places() -> None:
    report = judge(ReadsCorner(), bright_corner(), as_attribution(corner_map(0, 0)))

    for quality in (report.own, *report.references.values()):
        assert quality.nucleus_energy is quality.background_energy is quality.pointing is None
    assert report.nucleus_area is None


# --- The same map again


def test_noise_changes_a_map_as_captum_says(trained: PooledNetwork) -> None:
    image = squares_in_corners(2, seed=9)[0][1:]
    noise = 0.05 * torch.randn(3, *image.shape[1:], generator=torch.Generator().manual_seed(4))

    def maps_of(images: Tensor) -> list[Floats]:
        found = explain(trained, images, method="hires-cam", target=1)
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


def test_noise_leaves_the_global_random_numbers_alone(trained: PooledNetwork) -> None:
    image = squares_in_corners(2)[0][1:]
    attribution = explain(trained, image, method="grad-cam", target=1)[0]
    state, legacy = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002  # is watched

    one = judge(trained, image, attribution, randomised=randomise(trained))
    other = judge(trained, image, attribution, randomised=randomise(trained))

    assert one == other
    assert torch.equal(state, torch.get_rng_state())
    assert legacy == repr(np.random.get_state())  # noqa: NPY002  # is watched


@pytest.mark.parametrize("size", [(16, 16), (12, 20)])
def test_a_map_that_turns_with_the_image_has_no_spread(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))

    def brightness(images: Tensor) -> list[Floats]:
        return list(images.mean(dim=1).double().numpy())

    assert turn_spread(brightness, image) == pytest.approx(0, abs=1e-9)


def test_a_map_that_stays_where_it_is_spreads() -> None:
    image = torch.zeros(1, 3, 16, 16)

    spread = turn_spread(lambda images: [corner_map(0, 0)] * len(images), image)

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

    assert report.own.turn_spread == pytest.approx(0, abs=1e-3)
    assert report.random.turn_spread is not None
    assert report.random.turn_spread > 0.5


def test_dear_methods_are_not_run_again(trained: PooledNetwork) -> None:
    image = squares_in_corners(2)[0][1:]

    report = judge(trained, image, as_attribution(corner_map(0, 0), "score-cam-exact"))

    for quality in (report.own, *report.references.values()):
        assert quality.noise_similarity is quality.noise_change is quality.turn_spread is None


# --- Random weights


def test_drawing_weights_anew_leaves_the_model_as_it_was(trained: PooledNetwork) -> None:
    before = {name: value.clone() for name, value in trained.state_dict().items()}

    one, other = randomise(trained, seed=1), randomise(trained, seed=1)

    assert all(torch.equal(before[name], value) for name, value in trained.state_dict().items())
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


def test_grad_cam_depends_on_what_was_learned(trained: PooledNetwork) -> None:
    images, labels = squares_in_corners(8, seed=9)
    maps = explain(trained, images[labels == 1], method="grad-cam", target=1)

    similarities = []
    for seed in range(5):
        others = explain(
            randomise(trained, seed=seed), images[labels == 1], method="grad-cam", target=1
        )
        similarities += [
            spearman(one.values.astype(np.float64), other.values.astype(np.float64))
            for one, other in zip(maps, others, strict=True)
        ]

    assert np.mean(similarities) < 0.5


def test_a_map_that_ignores_the_model_is_the_same_for_random_weights(
    trained: PooledNetwork,
) -> None:
    image = squares_in_corners(2)[0][1:]
    attribution = explain(trained, image, method="grad-cam", target=1)[0]

    report = judge(trained, image, attribution, randomised=randomise(trained, seed=3))

    assert report.own.random_weights_similarity is not None
    assert report.own.random_weights_similarity < 0.9
    for quality in report.references.values():
        assert quality.random_weights_similarity == pytest.approx(1)


# --- Two maps


@given(maps)
def test_a_map_agrees_with_itself_whatever_its_scale(values: Floats) -> None:
    assert agreement(values, 3 * values) == pytest.approx(1)


@given(maps, maps)
def test_agreement_is_a_correlation_and_the_same_both_ways(one: Floats, other: Floats) -> None:
    found = agreement(one, other)

    assert -1 <= found <= 1
    assert found == pytest.approx(agreement(other, one))


def test_maps_of_two_sizes_are_compared_on_the_coarser() -> None:
    coarse = np.arange(16.0).reshape(4, 4)

    assert agreement(coarse, np.kron(coarse, np.ones((8, 8)))) == pytest.approx(1)
    assert agreement(coarse, np.kron(coarse[::-1, ::-1], np.ones((8, 8)))) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("similarity", "same_answer", "words"),
    [
        (0.9, True, "Same answer, same reason."),
        (0.5, True, "Same answer, partly the same reason."),
        (0.1, True, "Same answer, different reason."),
        (0.9, False, "Different answers, from the same places."),
        (-0.2, False, "Different answers, from different places."),
    ],
)
def test_agreement_in_words(similarity: float, same_answer: bool, words: str) -> None:
    assert say_agreement(similarity, same_answer=same_answer) == words


# --- Over a test set


def test_the_interval_of_one_value_is_a_point() -> None:
    low, high = bootstrap_interval([0.3, 0.3, 0.3, 0.3], ["a", "a", "b", "c"])

    assert low == pytest.approx(0.3)
    assert high == pytest.approx(0.3)
    assert bootstrap_interval([0.1, 0.5], ["a", "a"]) == pytest.approx((0.3, 0.3))


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=4, max_size=30))
@settings(deadline=None, max_examples=50)
def test_the_interval_lies_within_the_groups_means(found: list[tuple[float, str]]) -> None:
    values, groups = [value for value, _ in found], [group for _, group in found]

    low, high = bootstrap_interval(values, groups, resamples=200)

    means = [np.mean([value for value, name in found if name == group]) for group in set(groups)]
    assert min(means) - 1e-9 <= low <= high <= max(means) + 1e-9


def test_the_interval_holds_the_mean_and_narrows_with_groups() -> None:
    values = np.random.default_rng(0).random(200)
    few, many = [str(i % 5) for i in range(200)], [str(i % 100) for i in range(200)]

    clustered = np.sort(values)  # so that groups of neighbours differ
    together = bootstrap_interval(clustered.tolist(), [str(i // 40) for i in range(200)])
    apart = bootstrap_interval(clustered.tolist(), many)

    for groups in (few, many):
        low, high = bootstrap_interval(values.tolist(), groups)
        assert low < values.mean() < high
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])


def test_a_summary_by_hand() -> None:
    reports = {
        "1": [report_of(scores(0.1, 0.9))],
        "2": [report_of(scores(0.3, 0.7), centre=scores(0.2, 0.1))],
    }

    found = {row.measure: row for row in summarise(reports, {"1": "a", "2": "b"})}

    assert list(found) == ["deletion", "drop", "increase", "insertion"]  # what has values
    assert set(found) < set(MEASURES)
    deletion = found["deletion"]
    assert deletion.method == "grad-cam"
    assert deletion.value == pytest.approx(0.2)
    assert (deletion.low, deletion.high) == pytest.approx((0.1, 0.3))
    assert (deletion.random, deletion.blurred) == (1, 1)
    assert deletion.centre == pytest.approx(0.6)
    assert deletion.better == 0.5
    assert (deletion.images, deletion.groups) == (2, 2)
    assert found["insertion"].better == 1
    assert found["increase"].better == 0  # as good is not better
    # Beside the centre map the two images gain 0.9 and -0.1, beside the others 0.9 and 0.7.
    assert deletion.lead == pytest.approx(0.4)
    assert deletion.lead_low == pytest.approx(-0.1)
    assert not deletion.beats
    assert found["insertion"].beats
    assert not found["increase"].beats
    assert deletion.area is None


def test_the_area_is_the_mean_of_the_images_that_have_the_score() -> None:
    def report(energy: float | None, area: float) -> QualityReport:
        own = replace(scores(0.1, 0.9), nucleus_energy=energy)
        return replace(report_of(own, random=own, centre=own, blurred=own), nucleus_area=area)

    reports = {"1": [report(0.5, 0.2)], "2": [report(0.7, 0.4)], "3": [report(None, 0.9)]}

    found = {row.measure: row for row in summarise(reports, dict.fromkeys("123", "a"))}

    assert found["nucleus_energy"].area == pytest.approx(0.3)
    assert found["nucleus_energy"].lead == 0
    assert found["deletion"].area is None


def test_what_has_no_better_is_not_counted() -> None:
    own = replace(scores(0.1, 0.9), turn_spread=0.2)
    reports = {"1": [report_of(own, random=replace(own, turn_spread=0.9))]}

    found = {row.measure: row for row in summarise(reports, {"1": "a"})}

    assert found["turn_spread"].better is None
    assert (found["turn_spread"].random, found["turn_spread"].centre) == (0.9, None)


# --- Edges


def test_progress_is_heard_after_each_map() -> None:
    heard: list[tuple[int, int]] = []

    judge(
        ReadsCorner(),
        bright_corner(),
        as_attribution(corner_map(0, 0)),
        progress=lambda done, all_: heard.append((done, all_)),
    )

    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_class_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(UserError, match="Target 2 is no class"):
        judge(ReadsCorner(), bright_corner(), as_attribution(corner_map(0, 0), target=2))
