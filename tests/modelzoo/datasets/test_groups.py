import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy import ndimage

from modelzoo.datasets.background import background_mean, find_background_clusters
from modelzoo.datasets.candidates import find_candidates, invert, orient
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.doubts import Links, find_doubts
from modelzoo.datasets.groups import find_groups
from modelzoo.datasets.images import decode_image
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.overlaps import compare_fields, find_overlaps
from modelzoo.datasets.report import describe_dataset, summarise_classes


@pytest.fixture(scope="module")
def slide() -> npt.NDArray[np.uint8]:
    """(800, 800, 3): round dark spots on a light background."""
    rng = np.random.default_rng(3)
    centres = np.zeros((800, 800))
    centres[tuple(rng.integers(0, 800, (2, 900)))] = 1
    spots = ndimage.gaussian_filter(centres, 4)
    dark = np.minimum(spots / np.quantile(spots, 0.98), 1)[..., None]
    colour = 235 - dark * np.array([90, 130, 40])
    return np.asarray(colour, np.uint8)


def save_field(slide: npt.NDArray[np.uint8], path: Path, *, row: int, column: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(slide[row : row + 224, column : column + 224]).save(path, quality=92)


@pytest.fixture
def fields(slide: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    """a and b overlap, b and c, not a and c; d and f are copies; e and g stand alone."""
    root = tmp_path / "fields"
    save_field(slide, root / "Pre/a.jpg", row=0, column=0)
    save_field(slide, root / "Pre/b.jpg", row=130, column=40)
    save_field(slide, root / "Pre/c.jpg", row=250, column=110)
    save_field(slide, root / "Pre/d.jpg", row=0, column=560)
    save_field(slide, root / "Pro/e.jpg", row=570, column=0)
    save_field(slide, root / "Pro/g.jpg", row=570, column=570)
    shutil.copy(root / "Pre/d.jpg", root / "Pre/f.jpg")
    return root


def test_pieces_of_a_field_and_exact_copies_do_not_show_a_field_again(
    fields: Path, store: Path
) -> None:
    dataset = open_dataset(fields, store=store)
    links = Links.of(dataset, find_overlaps(dataset, store=store))

    assert links.overlaps
    assert (links.repeats, len(links.copies)) == (0, 1)


def test_overlapping_fields_are_found_with_their_common_area(fields: Path, store: Path) -> None:
    overlaps = find_overlaps(open_dataset(fields, store=store), store=store)

    found = {(overlap.first, overlap.second): overlap.common_share for overlap in overlaps}
    assert found == {
        ("Pre/a.jpg", "Pre/b.jpg"): pytest.approx(94 * 184 / 224**2, abs=1e-3),
        ("Pre/b.jpg", "Pre/c.jpg"): pytest.approx(104 * 154 / 224**2, abs=1e-3),
        ("Pre/d.jpg", "Pre/f.jpg"): 1,
    }
    assert all(overlap.similarity > 0.9 for overlap in overlaps)


def test_what_hangs_together_is_one_group_named_after_its_first_image(
    fields: Path, store: Path
) -> None:
    groups = find_groups(open_dataset(fields, store=store), store=store)

    assert groups == {
        "Pre/a.jpg": "Pre/a.jpg",
        "Pre/b.jpg": "Pre/a.jpg",
        "Pre/c.jpg": "Pre/a.jpg",
        "Pre/d.jpg": "Pre/d.jpg",
        "Pre/f.jpg": "Pre/d.jpg",
        "Pro/e.jpg": "Pro/e.jpg",
        "Pro/g.jpg": "Pro/g.jpg",
    }


def test_subjects_keep_their_images_and_gain_what_overlaps_them(fields: Path, store: Path) -> None:
    dataset = open_dataset(fields, store=store)
    subjects = {"Pre/c.jpg": "7", "Pro/e.jpg": "7", "Pro/g.jpg": "8"}
    known = [replace(image, group=subjects.get(image.id)) for image in dataset.images]

    groups = find_groups(replace(dataset, images=tuple(known)), store=store)

    assert groups == {
        "Pre/a.jpg": "7",
        "Pre/b.jpg": "7",
        "Pre/c.jpg": "7",
        "Pre/d.jpg": "Pre/d.jpg",
        "Pre/f.jpg": "Pre/d.jpg",
        "Pro/e.jpg": "7",
        "Pro/g.jpg": "8",
    }


def test_two_subjects_with_one_image_are_one_group(fields: Path, store: Path) -> None:
    dataset = open_dataset(fields, store=store)
    known = [replace(image, group=f"p{row}") for row, image in enumerate(dataset.images)]

    groups = find_groups(replace(dataset, images=tuple(known)), store=store)

    assert groups["Pre/a.jpg"] == groups["Pre/b.jpg"] == groups["Pre/c.jpg"] == "p0"
    assert groups["Pre/d.jpg"] == groups["Pre/f.jpg"] == "p3"
    assert groups["Pro/e.jpg"] != groups["Pro/g.jpg"]


def test_cells_on_black_are_compared_by_what_lies_inside(real_data: Path) -> None:
    """Cells of one shape, each with the inside of another field: only copies are the same cell."""
    side = 224
    down, right = np.mgrid[:side, :side] - side / 2
    is_cell = np.hypot(down, 1.2 * right) < 60
    files = sorted((real_data / "all_pbs" / "Pro").iterdir())[:40:4]
    inside = [np.asarray(Image.open(file).convert("RGB"))[..., 1] for file in files]
    cells = [np.where(is_cell, field, 0).astype(np.uint8) for field in inside]
    moved = np.roll(cells[3], (17, -9), axis=(0, 1))

    matches = compare_fields(np.stack([*cells, moved]), None)

    assert [match[:2] for match in matches] == [(3, len(cells))]


def test_turned_mirrored_resaved_and_resized_copies_are_one_group(
    slide: npt.NDArray[np.uint8], store: Path, tmp_path: Path
) -> None:
    root = tmp_path / "copies"
    for number in range(6):
        row, column = divmod(number, 3)
        field = Image.fromarray(slide[280 * row :, 260 * column :][:224, :224])
        copies = [Image.fromarray(orient(np.asarray(field), each)) for each in range(8)]
        copies += [field.resize((448, 448)), field.resize((180, 180), Image.Resampling.BICUBIC)]
        for index, copy in enumerate(copies):
            path = root / ("Pre" if number % 2 else "Pro") / f"{number}-{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            copy.save(path, quality=60 + 3 * index)
    dataset = open_dataset(root, store=store)

    groups = find_groups(dataset, store=store)
    links = Links.of(dataset, find_overlaps(dataset, store=store))

    assert (links.repeats, links.copies) == (54, ())  # of 60 images of 6 fields
    said = "54 of 60 images show the whole of a field that another one shows (turned, mirrored,"
    assert any(doubt.startswith(said) for doubt in find_doubts(dataset, links, groups))
    originals: dict[str, set[str]] = defaultdict(set)
    for image_id, group in groups.items():
        originals[group].add(image_id[4])
    assert len(originals) == 6
    assert all(len(each) == 1 for each in originals.values())


@pytest.mark.parametrize("orientation", range(8))
def test_an_orientation_is_undone_by_its_inverse(orientation: int) -> None:
    field = np.arange(25).reshape(5, 5)

    there = orient(field, orientation)

    np.testing.assert_array_equal(orient(there, invert(orientation)), field)


def test_the_orientation_of_a_copy_is_said(
    slide: npt.NDArray[np.uint8], store: Path, tmp_path: Path
) -> None:
    root = tmp_path / "turned"
    (root / "Pre").mkdir(parents=True)
    (root / "Pro").mkdir()
    for index in range(8):
        field = slide[:224, 70 * index :][:, :224]
        Image.fromarray(field).save(root / f"Pre/{index}-a.png")
        Image.fromarray(orient(field, index)).save(root / f"Pre/{index}-b.png")
    Image.fromarray(slide[500:724, :224]).save(root / "Pro/other.png")

    overlaps = find_overlaps(open_dataset(root, store=store), store=store)

    found = {
        each.first[4]: each.orientation
        for each in overlaps
        if each.first[4] == each.second[4] and each.common_share == 1
    }
    assert found == {str(index): index for index in range(8)}


def test_fields_without_structure_do_not_overlap(store: Path, tmp_path: Path) -> None:
    for number, shade in enumerate((10, 200, 201, 202)):
        path = tmp_path / f"flat/{'Pre' if number % 2 else 'Pro'}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 60), (shade, shade, shade)).save(path)
    dataset = open_dataset(tmp_path / "flat", store=store)

    groups = find_groups(dataset, store=store)
    clusters = find_background_clusters(dataset, store=store, groups=groups)

    assert len(set(groups.values())) == 4
    assert set(clusters.values()) == {"Pre 1", "Pre 2", "Pro 1", "Pro 2"}


@pytest.mark.parametrize("kept_px", [0, 12], ids=["nothing", "a speck"])
def test_drawings_on_black_with_no_area_in_common_do_not_overlap(kept_px: int) -> None:
    """Lines too thin to be compared, alike in two fields, and perhaps one small spot."""
    drawing = np.zeros((224, 224), np.uint8)
    for place in np.random.default_rng(0).integers(20, 200, (12, 2)).tolist():
        drawing[place[0] : place[0] + 2, 10:170] = 200
        drawing[10:170, place[1] : place[1] + 2] = 120
    noise = np.random.default_rng(1).integers(100, 255, (kept_px, kept_px), np.uint8)
    drawing[190 : 190 + kept_px, 20 : 20 + kept_px] = noise
    again = np.where(drawing > 0, drawing - 3, 0).astype(np.uint8)

    assert len(find_candidates(np.stack([drawing, again]), np.ones((224, 224), np.bool_))) > 0
    assert compare_fields(np.stack([drawing, again]), None) == []


def test_what_was_found_is_kept_and_made_anew_when_damaged(
    fields: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(fields, store=store)
    groups = find_groups(dataset, store=store)
    clusters = find_background_clusters(dataset, store=store, groups=groups)
    with monkeypatch.context() as patched:
        patched.setattr("modelzoo.datasets.overlaps.open_pixels", None)

        assert find_groups(dataset, store=store) == groups
        assert find_background_clusters(dataset, store=store, groups=groups) == clusters

    for file in [*(store / "overlaps").iterdir(), *(store / "background").iterdir()]:
        file.write_text("{")
    assert find_groups(dataset, store=store) == groups
    assert find_background_clusters(dataset, store=store, groups=groups) == clusters


def test_looks_are_backgrounds_numbered_from_the_lightest(store: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(9):
        shade = (240, 215, 190)[number % 3]
        pixels = np.full((64, 64, 3), shade) + rng.integers(-2, 3, (64, 64, 1))
        pixels[20:30, 10:40] = [120, 40, 160]
        path = tmp_path / f"clusters/Pre/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    dataset = open_dataset(tmp_path / "clusters", store=store)
    alone = {image_id: image_id for image_id in dataset.ids}

    clusters = find_background_clusters(dataset, store=store, groups=alone, most_clusters=3)

    assert clusters == {f"Pre/{number}.png": f"Pre {number % 3 + 1}" for number in range(9)}


def test_background_leaves_cells_and_scale_bar_out() -> None:
    field = np.full((224, 224, 3), [230, 225, 235], np.uint8)
    field[50:120, 30:140] = [110, 40, 150]
    field[195:215, 190:220] = 0

    assert background_mean(field).tolist() == [230, 225, 235]


def test_a_table_describes_every_image_and_another_every_class(fields: Path, store: Path) -> None:
    dataset = open_dataset(fields, store=store)
    groups = find_groups(dataset, store=store)
    clusters = find_background_clusters(dataset, store=store, groups=groups)

    table = describe_dataset(dataset, groups, clusters)
    classes = summarise_classes(dataset, groups, clusters)

    assert list(table.columns) == ["image", "label", "group", "background"]
    assert tuple(table["image"]) == dataset.ids
    assert [(row.name, row.images, row.groups, row.largest_group) for row in classes] == [
        ("Pre", 5, 2, 3),
        ("Pro", 2, 2, 1),
    ]
    assert [row.images_in_groups for row in classes] == [5, 0]


# Real fields


@pytest.mark.slow
def test_overlaps_among_the_real_fields_are_those_that_were_measured(
    pbs: Dataset, pbs_store: Path
) -> None:
    labels = pbs.label_by_id

    overlaps = find_overlaps(pbs, store=pbs_store)
    groups = find_groups(pbs, store=pbs_store)
    classes = summarise_classes(pbs, groups, dict.fromkeys(pbs.ids, "one"))

    # 125 pairs were measured as a lower bound; every pair at full size gives 147.
    assert 0.95 * 147 <= len(overlaps) <= 155
    assert not [o for o in overlaps if labels[o.first] != labels[o.second]]
    measured = {"Benign": (70, 20.5), "Early": (123, 34.2), "Pre": (95, 55.0), "Pro": (101, 35.2)}
    for row in classes:
        n_groups, percent = measured[row.name]
        assert 0.93 * n_groups <= row.groups <= n_groups
        assert percent - 0.1 <= 100 * row.images_in_groups / row.images <= percent + 6


@pytest.mark.slow
def test_copies_among_the_real_fields_are_in_one_group(pbs: Dataset, pbs_store: Path) -> None:
    ids_by_content: dict[str, list[str]] = defaultdict(list)
    for image in pbs.images:
        ids_by_content[image.sha256].append(image.id)
    copies = [ids for ids in ids_by_content.values() if len(ids) > 1]

    groups = find_groups(pbs, store=pbs_store)

    assert len(copies) == 10
    assert all(groups[first] == groups[second] for first, second in copies)


@pytest.mark.slow
def test_looks_of_the_real_fields_keep_groups_whole(pbs: Dataset, pbs_store: Path) -> None:
    groups = find_groups(pbs, store=pbs_store)

    clusters = find_background_clusters(pbs, store=pbs_store, groups=groups)

    sizes = Counter(clusters.values())
    of_class = Counter(cluster.split()[0] for cluster in sizes)
    # The fourth clusters of three classes held one to five images.
    assert of_class == {"Benign": 4, "Early": 3, "Pre": 3, "Pro": 3}
    images = Counter(image.label for image in pbs.images)
    assert all(n >= 0.05 * images[cluster.split()[0]] for cluster, n in sizes.items())
    clusters_by_group: dict[str, set[str]] = defaultdict(set)
    for image_id, cluster in clusters.items():
        clusters_by_group[groups[image_id]].add(cluster)
    assert all(len(found) == 1 for found in clusters_by_group.values())


def test_single_cells_on_black_do_not_overlap(real_data: Path, store: Path) -> None:
    dataset = open_dataset(real_data / "cnmc2019", store=store)
    unknown = [replace(image, group=None) for image in dataset.images]

    overlaps = find_overlaps(replace(dataset, images=tuple(unknown)), store=store)

    assert overlaps == []


@pytest.mark.slow
def test_a_real_field_moved_and_stored_again_is_found(
    pbs: Dataset, store: Path, tmp_path: Path
) -> None:
    """The truth is known: parts of one field, cut at known places and stored as JPEG again."""
    for number, image in enumerate(pbs.images[::25]):
        field = decode_image(pbs.path(image.id)).resize((320, 320), Image.Resampling.BICUBIC)
        for name, box in (("left", (0, 0, 224, 224)), ("right", (96, 80, 320, 304))):
            path = tmp_path / f"cut/Pre/{number:02}-{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            field.crop(box).save(path, quality=85)
    dataset = open_dataset(tmp_path / "cut", store=store)

    overlaps = find_overlaps(dataset, store=store)

    pairs = [(overlap.first[4:6], overlap.second[4:6]) for overlap in overlaps]
    assert sorted(pairs) == [(f"{number:02}",) * 2 for number in range(len(pbs.images[::25]))]
