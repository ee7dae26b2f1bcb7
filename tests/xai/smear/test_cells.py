"""Cells found on drawn and real smears, and Shapley values by hand, by law and by captum."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from captum.attr import ShapleyValueSampling
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from modelzoo.datasets.synthetic.drawing import draw_smear
from modelzoo.datasets.synthetic.slides import KINDS
from xai.errors import UserError
from xai.say.cells import describe_cells
from xai.smear.cell_shapley import (
    CellAttribution,
    cell_shapley,
    find_shapley_features,
    leave_one_out,
    shapley,
)
from xai.smear.inpaint import paint_out
from xai.smear.place import place_of
from xai.smear.segment import Cells, segment_cells


def iou(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_cells_and_nuclei_of_drawn_smears_are_found() -> None:
    smears = [draw_smear(kind, seed=seed) for kind in KINDS for seed in range(8)]

    found = [segment_cells(smear.pixels) for smear in smears]

    cells = [iou(each.mask, smear.cells > 0) for each, smear in zip(found, smears, strict=True)]
    nuclei = [iou(each.nuclei, smear.nuclei) for each, smear in zip(found, smears, strict=True)]
    counts = [
        abs(each.count - smear.cells.max()) for each, smear in zip(found, smears, strict=True)
    ]
    assert np.mean(cells) > 0.9
    assert np.mean(nuclei) > 0.85
    assert np.mean(counts) < 1


@pytest.mark.parametrize("px", [128, 299, 1000])
def test_cells_are_found_at_any_size(px: int) -> None:
    smear = draw_smear("Pre", seed=3, px=px)

    found = segment_cells(smear.pixels)

    assert found.labels.shape == found.nuclei.shape == (px, px)
    assert iou(found.mask, smear.cells > 0) > 0.85


def test_nuclei_lie_in_cells_and_cells_are_numbered_without_gaps() -> None:
    found = segment_cells(draw_smear("Benign", seed=1).pixels)

    assert set(np.unique(found.labels)) == set(range(found.count + 1))
    assert (found.labels[found.nuclei] > 0).all()
    assert all(found.nuclei[found.labels == cell].any() for cell in range(1, found.count + 1))


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (150, 160, 190), (200, 60, 60)])
def test_an_even_image_has_no_cell(colour: tuple[int, int, int]) -> None:
    pixels = np.full((200, 300, 3), colour, np.uint8)

    assert segment_cells(pixels).count == 0


def test_real_smears_have_cells_and_no_scale_bar_among_them(real_data: Path) -> None:
    files = sorted((real_data / "all_pbs").glob("*/*.jpg"))[::17]

    found = [segment_cells(np.asarray(Image.open(file).convert("RGB"))) for file in files]

    assert all(1 <= each.count <= 60 for each in found)
    # Cells reach under the bar, but the bar itself is no cell: most corners stay empty.
    assert np.mean([each.mask[212:, 196:].mean() for each in found]) < 0.1
    assert 0.01 < np.mean([each.mask.mean() for each in found]) < 0.4


def test_a_single_real_cell_on_black_is_one_cell(real_data: Path) -> None:
    files = sorted((real_data / "cnmc2019").glob("*/*/*.png"))

    found = [segment_cells(np.asarray(Image.open(file).convert("RGB"))) for file in files]

    assert [each.count for each in found] == [1] * len(files)


def test_a_cell_that_is_painted_out_leaves_the_colours_around_it() -> None:
    pixels = np.full((64, 64, 3), (200, 210, 220), np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    pixels[mask] = (90, 30, 140)

    found = paint_out(pixels, mask)

    np.testing.assert_allclose(found, np.broadcast_to((200, 210, 220), found.shape), atol=1)


def test_what_is_not_painted_out_stays() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    mask = np.zeros((40, 40), bool)
    mask[:10] = True

    found = paint_out(pixels, mask)

    np.testing.assert_array_equal(found[~mask], pixels[~mask])


def test_an_image_without_cells_is_a_sentence() -> None:
    pixels = np.full((64, 64, 3), 255, np.uint8)

    with pytest.raises(UserError, match="No nucleated cell was found in this image"):
        find_shapley_features(pixels, segment_cells(pixels))


worth_of_three = st.lists(st.floats(-5, 5), min_size=8, max_size=8).map(np.array)


@given(worth_of_three)
def test_shapley_values_sum_to_what_all_features_add(worth: npt.NDArray[np.float64]) -> None:
    assert shapley(worth, 3).sum() == pytest.approx(worth[7] - worth[0], abs=1e-9)


@given(worth_of_three)
def test_features_that_do_the_same_get_the_same(worth: npt.NDArray[np.float64]) -> None:
    swapped = [0, 2, 1, 3, 4, 6, 5, 7]  # features 0 and 1 change places
    symmetric = (worth + worth[swapped]) / 2

    values = shapley(symmetric, 3)

    assert values[0] == pytest.approx(values[1], abs=1e-9)


def test_a_worth_that_needs_two_features_gives_each_half() -> None:
    worth = np.array([0, 0, 0, 1, 0, 0, 0, 1.0])  # 1 where both 0 and 1 are in

    np.testing.assert_allclose(shapley(worth, 3), [0.5, 0.5, 0], atol=1e-12)


class Counts(nn.Module):
    """Logits that read how dark each of some places is, alone and together."""

    def __init__(self, places: list[tuple[slice, slice]]) -> None:
        super().__init__()
        self.places = places

    def features(self, x: Tensor) -> Tensor:
        return x

    def head(self, features: Tensor) -> Tensor:
        dark = [
            1 - features[(slice(None), slice(None), *at)].mean(dim=(1, 2, 3)) for at in self.places
        ]
        first = (
            sum(each * (number + 1) for number, each in enumerate(dark)) + 3 * dark[0] * dark[-1]
        )
        return torch.stack([first, torch.zeros_like(first)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def normalise(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2).float() / 255


def a_field(cells: int) -> tuple[npt.NDArray[np.uint8], Cells, list[tuple[slice, slice]]]:
    """An even image with so many dark squares."""
    pixels = np.full((96, 96, 3), 240, np.uint8)
    labels = np.zeros((96, 96), np.int16)
    places = []
    for cell in range(cells):
        y, x = divmod(cell, 4)
        at = slice(4 + 24 * y, 14 + 24 * y), slice(4 + 24 * x, 14 + 24 * x)
        pixels[at], labels[at] = (80, 40, 140), cell + 1
        places.append(at)
    return pixels, Cells(labels, labels > 0), places


def explain_field(cells: int) -> tuple[CellAttribution, Counts, npt.NDArray[np.uint8], Cells]:
    pixels, found, places = a_field(cells)
    model = Counts(places).eval()
    features = find_shapley_features(pixels, found)
    return cell_shapley(model, features, 0, normalise=normalise), model, pixels, found


@pytest.mark.parametrize("cells", [2, 9, 12])
def test_values_of_cells_and_background_sum_to_what_the_image_adds(cells: int) -> None:
    found, model, pixels, _ = explain_field(cells)

    even = np.broadcast_to(np.array([240, 240, 240], np.uint8), pixels.shape)
    own, none = model(normalise(torch.from_numpy(np.stack([pixels, even]))))[:, 0].tolist()
    assert found.logit == pytest.approx(own, rel=1e-5)
    assert found.baseline_logit == pytest.approx(none, rel=1e-5)
    assert found.values.sum() + found.background == pytest.approx(own - none, rel=0.01)
    assert (found.standard_error is None) == (cells <= 9)


def test_each_cell_gets_what_it_adds() -> None:
    found, _, _, _ = explain_field(3)

    darker = (1 - (80 + 40 + 140) / 3 / 255) - (1 - 240 / 255)
    pale = 1 - 240 / 255
    # Alone a cell counts its number; the product of the first and the last is shared by both.
    product = 3 * (darker * (darker + 2 * pale)) / 2
    expected = [darker + product, 2 * darker, 3 * darker + product]
    np.testing.assert_allclose(found.values, expected, rtol=0.02)
    assert found.background == pytest.approx(0, abs=0.02)


def test_a_cell_left_out_alone_counts_what_the_logit_loses() -> None:
    pixels, cells, places = a_field(3)
    model = Counts(places).eval()

    found = leave_one_out(model, find_shapley_features(pixels, cells), 0, normalise=normalise)

    whole, *without = model(
        normalise(
            torch.from_numpy(
                np.stack(
                    [
                        pixels,
                        *(np.where((cells.labels == n)[..., None], 240, pixels) for n in (1, 2, 3)),
                    ]
                ).astype(np.uint8)
            )
        )
    )[:, 0].tolist()
    assert found.logit == pytest.approx(whole, rel=1e-5)
    np.testing.assert_allclose(found.values, [whole - each for each in without], rtol=0.02)
    assert found.background == pytest.approx(0, abs=0.02)
    assert (found.forward_passes, found.is_shapley, found.standard_error) == (6, False, None)


def test_more_orders_begin_with_the_same_ones_and_lower_the_error() -> None:
    pixels, cells, places = a_field(12)
    model, features = Counts(places).eval(), find_shapley_features(pixels, cells)

    few, many = (
        cell_shapley(model, features, 0, normalise=normalise, permutations=n) for n in (4, 32)
    )

    assert few.forward_passes == 2 * 4 * 14 + 12
    assert few.standard_error is not None
    assert many.standard_error is not None
    assert many.standard_error < few.standard_error
    assert few.values.sum() + few.background == pytest.approx(few.logit - few.baseline_logit)


def test_sampled_values_are_near_the_exact_ones_within_their_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exact, model, pixels, cells = explain_field(8)

    monkeypatch.setattr("xai.smear.cell_shapley.EXACT_FEATURES", 2)
    sampled = cell_shapley(model, find_shapley_features(pixels, cells), 0, normalise=normalise)

    assert sampled.standard_error is not None
    assert np.abs(sampled.values - exact.values).max() < max(4 * sampled.standard_error, 1e-6)


def test_exact_values_are_captums() -> None:
    found, model, pixels, cells = explain_field(4)
    features = find_shapley_features(pixels, cells)

    def logit_of(shown: Tensor) -> Tensor:
        images = []
        for row in shown.bool().numpy():
            rest = features.painted if row[0] else features.even
            images.append(np.where(row[features.regions][..., None], features.image, rest))
        logits: Tensor = model(normalise(torch.from_numpy(np.stack(images))))
        return logits[:, 0].detach()

    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = ShapleyValueSampling(logit_of).attribute(torch.ones(1, 5), n_samples=400)[0]

    np.testing.assert_allclose([found.background, *found.values], theirs, atol=0.05)


def test_a_background_that_decides_is_said() -> None:
    pixels, cells, _ = a_field(3)
    pixels[:, 80:] = (120, 240, 120)  # what the model reads lies beside the cells
    model = Counts([(slice(0, 96), slice(84, 96))]).eval()

    found = cell_shapley(model, find_shapley_features(pixels, cells), 0, normalise=normalise)

    said = describe_cells(found, cells.labels, "Pro")
    assert found.background > 10 * np.abs(found.values).sum()
    assert said.startswith("The background contributes more to the logit of Pro than all cells.")


def test_a_cell_that_decides_is_named_with_its_place() -> None:
    found, _, _, cells = explain_field(3)

    said = describe_cells(found, cells.labels, "Pro")

    assert "background contributes" not in said
    assert f"Cell 3 (upper) has the largest absolute value: +{found.values[2]:.2f}" in said
    assert place_of(cells.labels, 1) == "upper left"


def test_progress_may_stop_it_and_the_model_is_left_alone() -> None:
    pixels, cells, places = a_field(6)
    model = Counts(places).eval()
    seen: list[tuple[int, int]] = []

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done:
            raise StopError

    with pytest.raises(StopError):
        cell_shapley(
            model, find_shapley_features(pixels, cells), 0, normalise=normalise, on_progress=stop
        )

    assert seen[0] == (0, 2**7 + 6)
    assert len(seen) == 2


def test_a_class_that_does_not_exist_is_a_sentence() -> None:
    pixels, cells, places = a_field(2)

    with pytest.raises(UserError, match="Target 7 is no class of this model"):
        cell_shapley(
            Counts(places).eval(), find_shapley_features(pixels, cells), 7, normalise=normalise
        )
