import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy import ndimage, stats
from sklearn.neighbors import KNeighborsClassifier

from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.synthetic.smears import (
    KINDS,
    Shortcut,
    Smear,
    draw_slide,
    draw_smear,
    read_masks,
    write_smears,
)
from modelzoo.errors import UserError

SEEDS = range(24)


@pytest.fixture(scope="module")
def smears() -> dict[str, list[Smear]]:
    """Of each class a field of the same slides, one a seed."""
    return {label: [draw_smear(label, seed=seed) for seed in SEEDS] for label in KINDS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set of three slides a class."""
    folder = tmp_path_factory.mktemp("data") / "smears"
    write_smears(folder, images_per_class=10, px=112)
    return folder


def whole_cells(smear: Smear) -> list[int]:
    """The cells that no border cuts."""
    frame = np.ones_like(smear.nuclei)
    frame[1:-1, 1:-1] = False
    return sorted(set(range(1, int(smear.cells.max()) + 1)) - set(smear.cells[frame].tolist()))


def medians(smears: list[Smear]) -> tuple[float, float, float]:
    """Area of a nucleus, nuclear share and number of cells: medians of cells, of cells, of fields.

    Lymphocytes, which every class has a few of, are fewer than half.
    """
    areas, shares = [], []
    for smear in smears:
        for cell in whole_cells(smear):
            inside = smear.cells == cell
            areas.append(smear.nuclei[inside].sum())
            shares.append(smear.nuclei[inside].mean())
    number = np.median([smear.cells.max() for smear in smears])
    return float(np.median(areas)), float(np.median(shares)), float(number)


def colours(smears: list[Smear], where: str) -> npt.NDArray[np.float64]:
    """(N, 3) mean R, G, B of the inside of nuclei, or of what is far from nucleated cells."""
    means = []
    for smear in smears:
        inside = smear.nuclei if where == "nuclei" else smear.cells == 0
        means.append(smear.pixels[ndimage.binary_erosion(inside, iterations=2)].mean(axis=0))
    return np.array(means)


def six_numbers(smear: Smear) -> npt.NDArray[np.float64]:
    """Mean and sd of R, G, B."""
    return np.concatenate([smear.pixels.mean((0, 1)), smear.pixels.std((0, 1))])


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (draw_smear("Pre", seed=seed, px=112) for seed in (5, 5, 6))

    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert np.array_equal(first.cells, again.cells)
    assert np.array_equal(first.nuclei, again.nuclei)
    assert first.pixels.tobytes() != other.pixels.tobytes()


def test_every_cell_has_one_nucleus_and_every_nucleus_a_cell(
    smears: dict[str, list[Smear]],
) -> None:
    for smear in [smear for fields in smears.values() for smear in fields]:
        cells = set(np.unique(smear.cells)) - {0}

        assert smear.cells[smear.nuclei].min() > 0
        assert cells == set(range(1, len(cells) + 1)) == set(np.unique(smear.cells[smear.nuclei]))
        for cell in cells:
            assert ndimage.label((smear.cells == cell) & smear.nuclei)[1] == 1


def test_nuclei_are_darker_and_bluer_than_their_cytoplasm_and_that_than_the_rest(
    smears: dict[str, list[Smear]],
) -> None:
    for smear in [smear for fields in smears.values() for smear in fields]:
        red, green, blue = np.moveaxis(smear.pixels.astype(float), 2, 0)
        masks = [smear.nuclei, (smear.cells > 0) & ~smear.nuclei, smear.cells == 0]

        assert green[masks[0]].mean() < green[masks[1]].mean() < green[masks[2]].mean()
        blueness = [(blue - (red + green) / 2)[mask].mean() for mask in masks]
        assert blueness[0] > blueness[1] > blueness[2]


def test_classes_differ_in_nucleus_nuclear_share_and_number(
    smears: dict[str, list[Smear]],
) -> None:
    measured = {label: medians(fields) for label, fields in smears.items()}

    for label, kind in KINDS.items():
        area, share, number = measured[label]
        assert area == pytest.approx(np.pi / 4 * kind.nucleus[0] ** 2, rel=0.12)
        assert share == pytest.approx(kind.nuclear_share[0], abs=0.06)
        assert kind.cells[0] <= number <= kind.cells[1] + 5  # lymphocytes, and cells cut by borders
    assert sorted(KINDS, key=lambda label: measured[label][0]) == ["Benign", "Pre", "Pro", "Early"]
    assert sorted(KINDS, key=lambda label: measured[label][1]) == ["Pro", "Pre", "Benign", "Early"]


def test_classes_differ_in_chromatin(smears: dict[str, list[Smear]]) -> None:
    def clumping(smear: Smear) -> float:
        inside = ndimage.binary_erosion(smear.nuclei, iterations=3)
        return float(np.log(smear.pixels[..., 1][inside]).std())

    median = {label: np.median([clumping(smear) for smear in smears[label]]) for label in KINDS}
    assert median["Early"] < 0.7 * min(median["Benign"], median["Pre"], median["Pro"])


def test_classes_do_not_differ_in_the_colour_of_what_is_no_cell(
    smears: dict[str, list[Smear]],
) -> None:
    by_class = [colours(fields, "background") for fields in smears.values()]

    for channel in range(3):
        same_slides = [means[:, channel] for means in by_class]
        assert stats.friedmanchisquare(*same_slides).pvalue > 0.05


def test_classes_do_not_differ_in_the_colour_of_nuclei(smears: dict[str, list[Smear]]) -> None:
    by_class = np.array([colours(fields, "nuclei") for fields in smears.values()])

    for channel in range(3):
        assert stats.kruskal(*by_class[:, :, channel]).pvalue > 0.05
    between_slides = by_class.std(axis=1).mean(axis=0)
    assert (np.ptp(by_class.mean(axis=1), axis=0) < 0.6 * between_slides).all()


def test_a_slide_looks_the_same_in_every_class() -> None:
    slide = draw_slide(3)

    fields = [draw_smear(label, seed=1, slide=slide) for label in KINDS]

    light = [np.percentile(smear.pixels, 95, axis=(0, 1)) for smear in fields]
    assert np.ptp(light, axis=0).max() < 6


def test_the_tint_gives_the_class_away_by_colour_alone(smears: dict[str, list[Smear]]) -> None:
    def accuracy(shortcut: Shortcut) -> float:
        labels = 6 * list(KINDS)
        learnt, asked = (
            [
                six_numbers(draw_smear(label, seed=start + n, px=112, shortcut=shortcut))
                for n, label in enumerate(labels)
            ]
            for start in (0, 100)
        )
        return float(KNeighborsClassifier(3).fit(learnt, labels).score(asked, labels))

    assert accuracy("tint") > 0.9
    assert accuracy("none") < 0.6


def test_the_scale_bar_gives_the_class_away_and_changes_nothing_else() -> None:
    corners = {}
    for label in KINDS:
        plain = draw_smear(label, seed=4)
        planted = draw_smear(label, seed=4, shortcut="scale bar")
        changed = (plain.pixels != planted.pixels).any(axis=2)
        assert not changed[:200].any()
        assert not changed[:, :190].any()
        assert not planted.cells[206:, 194:].any()
        ink = planted.pixels[206:, 194:].reshape(-1, 3).astype(int)
        corners[label] = ink[ink.sum(axis=1).argmin()]

    assert corners["Benign"].max() < 60
    for label, channel in (("Early", 0), ("Pre", 2), ("Pro", 1)):
        assert corners[label][channel] > np.delete(corners[label], channel).max() + 30


def test_a_written_folder_opens_as_a_data_set_of_four_classes(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(folder, store=tmp_path)

    assert dataset.images_by_class == dict.fromkeys(KINDS, 10)
    assert dataset.skipped == ()
    assert "synthetic" in (folder / "README.txt").read_text()


def test_the_table_of_slides_opens_with_slides_as_groups_of_one_class(
    folder: Path, tmp_path: Path
) -> None:
    dataset = open_dataset(folder / "slides.csv", store=tmp_path)

    labels_by_group: dict[str | None, set[str]] = {}
    for image in dataset.images:
        labels_by_group.setdefault(image.group, set()).add(image.label)
    assert len(dataset.images) == 40
    assert len(labels_by_group) == 12
    assert all(len(labels) == 1 for labels in labels_by_group.values())


def test_images_of_one_field_show_the_same_cells_where_they_overlap(folder: Path) -> None:
    with (folder / "slides.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [(a, b) for a, b in pairwise(rows) if a["field"] == b["field"]]

    assert pairs
    for a, b in pairs:
        y, x = int(b["y"]), int(b["x"])
        one, other = (np.asarray(Image.open(folder / row["path"]).convert("L")) for row in (a, b))
        common = [one[y:105, x:95].astype(float), other[: 105 - y, : 95 - x].astype(float)]
        assert np.corrcoef(common[0].ravel(), common[1].ravel())[0, 1] > 0.9
        nuclei = [read_masks(folder, row["path"])[1] for row in (a, b)]
        assert np.array_equal(nuclei[0][y:, x:], nuclei[1][: 112 - y, : 112 - x])


def test_masks_are_read_back_as_drawn_and_missing_ones_are_a_sentence(folder: Path) -> None:
    cells, nuclei = read_masks(folder, "Pro/Pro_000.jpg")

    assert cells.shape == nuclei.shape == (112, 112)
    assert cells.dtype == np.int16
    assert nuclei.dtype == np.bool_
    assert cells[nuclei].min() > 0
    with pytest.raises(UserError, match=r"Pro_999\.jpg has no masks"):
        read_masks(folder, "Pro/Pro_999.jpg")


def test_the_same_seed_writes_the_same_bytes_and_tells_how_far_it_is(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    for name in ("one", "two"):
        write_smears(
            tmp_path / name,
            images_per_class=2,
            px=64,
            progress=lambda done, total: calls.append((done, total)),
        )

    one, two = (
        {path.relative_to(tmp_path / name): path for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert calls == 2 * [(done, 8) for done in range(1, 9)]
    assert one.keys() == two.keys()
    assert all(one[name].read_bytes() == two[name].read_bytes() for name in one if name.suffix)


def test_a_folder_with_other_content_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(UserError, match="is not empty"):
        write_smears(tmp_path, images_per_class=1, px=64)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_left_of_an_interrupted_writing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_smears(tmp_path / "smears", images_per_class=1, px=64, progress=interrupt)

    assert list(tmp_path.iterdir()) == []


def test_another_who_was_first_is_not_overwritten(tmp_path: Path) -> None:
    def be_first(done: int, total: int) -> None:
        (tmp_path / "smears").mkdir(exist_ok=True)
        (tmp_path / "smears" / "first.txt").write_text("first")

    with pytest.raises(UserError, match="could not be written"):
        write_smears(tmp_path / "smears", images_per_class=1, px=64, progress=be_first)

    assert [path.name for path in tmp_path.rglob("*")] == ["smears", "first.txt"]


def test_what_cannot_be_drawn_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'Late' is unknown; give one of Benign, Early, Pre, Pro"):
        draw_smear("Late", seed=0)
    with pytest.raises(UserError, match="give at least 64"):
        draw_smear("Pro", seed=0, px=8)
    with pytest.raises(UserError, match="give at least 1"):
        write_smears(tmp_path / "smears", images_per_class=0)
