import random
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelzoo.datasets.background import find_background_clusters
from modelzoo.datasets.dataset import Dataset, Image
from modelzoo.datasets.groups import find_groups
from modelzoo.datasets.splits import (
    PARTS,
    Part,
    Split,
    SplitKind,
    SplitRow,
    count_folds,
    draw_evenly,
    find_straddling,
    format_split,
    parse_split,
)
from modelzoo.datasets.splitting import make_split
from modelzoo.errors import UserError

Groups = dict[str, str]


def count_parts(split: Split) -> dict[str, dict[Part, int]]:
    """Class -> part -> number of images."""
    counts: dict[str, dict[Part, int]] = {}
    for row in sorted(split.rows, key=lambda row: row.label):
        counts.setdefault(row.label, dict.fromkeys(PARTS, 0))[row.part] += 1
    return counts


def dataset_of(sizes_by_class: dict[str, list[int]]) -> tuple[Dataset, Groups, Groups]:
    """Images in groups of the given sizes; two groups that follow each other have one cluster."""
    images: list[Image] = []
    groups: Groups = {}
    clusters: Groups = {}
    for label, sizes in sorted(sizes_by_class.items()):
        for number, size in enumerate(sizes):
            for index in range(size):
                image_id = f"{label}/{number:03}-{index:03}.png"
                images.append(Image(image_id, label, 1, image_id, None, None))
                groups[image_id] = f"{label} group {number}"
                clusters[image_id] = f"{label} {number // 2 + 1}"
    return Dataset(Path("smears"), "class folders", tuple(images), ()), groups, clusters


sizes = st.lists(st.integers(1, 9), min_size=6, max_size=20)
datasets = st.dictionaries(
    st.sampled_from(["Benign", "Early", "Pre", "Pro"]), sizes, min_size=2
).map(dataset_of)


def split_of(
    data: tuple[Dataset, Groups, Groups], kind: SplitKind, seed: int = 0, share: float = 0.2
) -> Split:
    dataset, groups, clusters = data
    return make_split(
        dataset,
        kind,
        groups=groups,
        clusters=clusters,
        seed=seed,
        test_share=share,
        validation_share=0.1,
    )


def parts_of(split: Split, key: Groups) -> dict[str, set[Part]]:
    parts: dict[str, set[Part]] = defaultdict(set)
    for row in split.rows:
        parts[key[row.image]].add(row.part)
    return parts


# A machine at work elsewhere may need long for one example.
unhurried = settings(deadline=None, max_examples=40)
kinds = st.sampled_from(["random", "grouped", "background"])
seeds = st.integers(0, 1000)


@unhurried
@given(datasets, kinds, seeds)
def test_every_image_is_in_one_part_with_its_own_label_and_group(
    data: tuple[Dataset, Groups, Groups], kind: SplitKind, seed: int
) -> None:
    dataset, groups, _ = data

    split = split_of(data, kind, seed)

    assert tuple(row.image for row in split.rows) == dataset.ids
    assert {row.image: row.label for row in split.rows} == dataset.label_by_id
    assert {row.image: row.group for row in split.rows} == groups
    assert sorted(image for part in PARTS for image in split.ids(part)) == list(dataset.ids)
    assert parse_split(format_split(split)) == split


@unhurried
@given(datasets, st.sampled_from(["grouped", "background"]), seeds)
def test_no_group_straddles(
    data: tuple[Dataset, Groups, Groups], kind: SplitKind, seed: int
) -> None:
    split = split_of(data, kind, seed)

    assert find_straddling(split, data[1]) == []
    assert all(len(parts) == 1 for parts in parts_of(split, data[1]).values())


@unhurried
@given(datasets, seeds)
def test_looks_of_the_test_are_nowhere_else(
    data: tuple[Dataset, Groups, Groups], seed: int
) -> None:
    split = split_of(data, "background", seed)

    parts = parts_of(split, data[2])
    assert all(found == {"test"} or "test" not in found for found in parts.values())
    for label in data[0].classes:
        assert any(
            found == {"test"} for cluster, found in parts.items() if cluster.startswith(label)
        )


@unhurried
@given(datasets)
def test_as_many_seeds_as_clusters_test_each_cluster_once(
    data: tuple[Dataset, Groups, Groups],
) -> None:
    dataset, _, clusters = data
    clusters_by_class = {
        label: {cluster for image, cluster in clusters.items() if image.startswith(label)}
        for label in dataset.classes
    }
    folds = min(map(len, clusters_by_class.values()))

    splits = [split_of(data, "background", seed) for seed in range(folds)]

    tested = [cluster for split in splits for cluster in units_of_test(split)]
    assert sorted(tested) == sorted(set(clusters.values()))
    for split in splits:
        assert count_folds(split) == folds
        assert all(row.unit == row.cluster == clusters[row.image] for row in split.rows)
        assert {cluster.split()[0] for cluster in units_of_test(split)} == set(dataset.classes)
    assert units_of_test(split_of(data, "background", folds)) == units_of_test(splits[0])


def units_of_test(split: Split) -> set[str]:
    return {row.unit for row in split.rows if row.part == "test"}


@unhurried
@given(datasets, kinds, seeds)
def test_every_class_is_in_train_and_in_test(
    data: tuple[Dataset, Groups, Groups], kind: SplitKind, seed: int
) -> None:
    for counts in count_parts(split_of(data, kind, seed)).values():
        assert counts["train"] > 0
        assert counts["test"] > 0


@unhurried
@given(datasets, seeds, st.sampled_from([0.1, 0.2, 0.3, 0.5]))
def test_shares_of_a_random_split_are_held_to_the_image(
    data: tuple[Dataset, Groups, Groups], seed: int, share: float
) -> None:
    for label, counts in count_parts(split_of(data, "random", seed, share)).items():
        total = data[0].images_by_class[label]
        assert abs(counts["test"] - max(1, share * total)) <= 0.5 + 1e-9
        assert abs(counts["validation"] - max(1, 0.1 * total)) <= 0.5 + 1e-9


@unhurried
@given(datasets, seeds, st.sampled_from([0.1, 0.2, 0.3]))
def test_shares_of_a_group_split_are_held_to_half_a_group(
    data: tuple[Dataset, Groups, Groups], seed: int, share: float
) -> None:
    largest = Counter(data[1].values()).most_common(1)[0][1]

    for label, counts in count_parts(split_of(data, "grouped", seed, share)).items():
        assert abs(counts["test"] - share * data[0].images_by_class[label]) <= max(1, largest / 2)


@unhurried
@given(datasets, kinds, seeds)
def test_a_split_does_not_depend_on_the_order_of_files(
    data: tuple[Dataset, Groups, Groups], kind: SplitKind, seed: int
) -> None:
    dataset, groups, clusters = data
    images = list(dataset.images)
    random.Random(seed).shuffle(images)
    shuffled = replace(dataset, images=tuple(images))
    of_shuffled = {image.id: groups[image.id] for image in images}

    assert split_of((shuffled, of_shuffled, clusters), kind, seed) == split_of(data, kind, seed)


_PRINT_IDS = """
import sys
sys.path[:0] = sys.argv[1:]
from test_splits import ids_of_splits
print(*ids_of_splits())
"""


def ids_of_splits() -> list[str]:
    data = dataset_of({"Pre": [3, 1, 4, 1, 5, 9], "Pro": [2, 6, 5, 3, 5, 8]})
    kinds: tuple[SplitKind, ...] = ("random", "grouped", "background")
    return [split_of(data, kind, seed).id for kind in kinds for seed in (0, 7)]


@pytest.mark.slow
def test_a_split_is_the_same_in_another_process() -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", _PRINT_IDS, str(here), str(here.parents[2])]

    printed = subprocess.run(
        command, env={"PYTHONHASHSEED": "1"}, capture_output=True, text=True, check=True
    ).stdout

    assert printed.split() == ids_of_splits()


def test_seeds_choose_different_images_and_looks() -> None:
    data = dataset_of({"Pre": [5] * 8, "Pro": [5] * 8})

    for kind in ("random", "grouped"):
        tests = {tuple(split_of(data, kind, seed).ids("test")) for seed in range(8)}
        assert len(tests) > 3
    assert len({tuple(split_of(data, "background", seed).ids("test")) for seed in range(8)}) == 4
    trained = {tuple(split_of(data, "background", seed).ids("train")) for seed in range(0, 32, 4)}
    assert len(trained) > 3  # the seed still chooses who validates


def test_a_subject_with_images_of_two_classes_stays_whole() -> None:
    dataset, groups, clusters = dataset_of({"Pre": [2] * 6, "Pro": [2] * 6})
    joined = {image: group.replace("Pre", "Pro") for image, group in groups.items()}

    for kind in ("grouped", "background"):
        split = split_of((dataset, joined, clusters), kind)
        assert find_straddling(split, joined) == []
        assert all(counts["test"] and counts["train"] for counts in count_parts(split).values())


def test_a_random_split_lets_groups_straddle_and_says_which() -> None:
    data = dataset_of({"Pre": [10, 1, 1], "Pro": [10, 1, 1]})

    straddling = find_straddling(split_of(data, "random"), data[1])

    assert straddling == ["Pre group 0", "Pro group 0"]


@pytest.mark.parametrize(
    ("kind", "sizes_by_class", "sentence"),
    [
        ("random", {"Pre": [9], "Pro": [1]}, "'Pro' has too few images"),
        ("grouped", {"Pre": [4, 4], "Pro": [9]}, "'Pro' has too few groups"),
        ("background", {"Pre": [4, 4, 4], "Pro": [4, 4]}, "'Pro' has too few background clusters"),
        ("grouped", {"Pre": [4, 4], "Pro": [4, 4]}, "too few groups to keep some for validation"),
    ],
)
def test_too_little_of_a_class_is_a_sentence(
    kind: SplitKind, sizes_by_class: dict[str, list[int]], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        split_of(dataset_of(sizes_by_class), kind)


# Parts that the data give


def with_parts(data: tuple[Dataset, Groups, Groups], parts: list[Part | None]) -> Dataset:
    images = [replace(image, part=part) for image, part in zip(data[0].images, parts, strict=True)]
    return replace(data[0], images=tuple(images))


def test_given_parts_are_kept_even_where_a_group_straddles() -> None:
    data = dataset_of({"Pre": [2, 1], "Pro": [2, 1]})
    given_parts: list[Part | None] = ["train", "test", "validation"] * 2

    split = split_of((with_parts(data, given_parts), *data[1:]), "given")

    assert given_parts == [row.part for row in split.rows]
    assert find_straddling(split, data[1]) == ["Pre group 0", "Pro group 0"]


def test_a_missing_validation_part_takes_whole_groups_of_train() -> None:
    data = dataset_of({"Pre": [3] * 8, "Pro": [3] * 8})
    start: list[Part | None] = ["test"] * 6
    rest: list[Part | None] = ["train"] * 18

    split = split_of((with_parts(data, (start + rest) * 2), *data[1:]), "given")

    assert count_parts(split) == {
        label: {"train": 15, "validation": 3, "test": 6} for label in ("Pre", "Pro")
    }
    assert find_straddling(split, data[1]) == []


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([None] * 4, "says nothing about parts"),
        (["train", "test", None, None], "gives 2 of 4 images no part"),
        (["train"] * 4, "gives no image the part test"),
        (["test"] * 4, "gives no image the part train"),
    ],
)
def test_parts_that_are_missing_are_a_sentence(parts: list[Part | None], sentence: str) -> None:
    data = dataset_of({"Pre": [2], "Pro": [2]})

    with pytest.raises(UserError, match=sentence):
        split_of((with_parts(data, parts), *data[1:]), "given")


# Drawing some


@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=4),
    n=st.integers(1, 40),
    seed=st.integers(0, 3),
)
def test_as_many_of_each_class_are_drawn_as_can_be(sizes: list[int], n: int, seed: int) -> None:
    rows = [
        SplitRow(f"{label}/{index}.png", str(label), "a group", "test")
        for label, size in enumerate(sizes)
        for index in range(size)
    ]

    drawn = draw_evenly(rows, n, seed=seed)

    assert len(drawn) == len(set(drawn)) == min(n, len(rows))
    assert drawn == sorted(drawn, key=lambda row: row.image)
    assert drawn == draw_evenly(rows[::-1], n, seed=seed)
    of_class = Counter(row.label for row in drawn)
    most = max(of_class.values(), default=0)
    for label, size in enumerate(sizes):
        assert of_class[str(label)] >= min(size, most - 1)


def test_another_seed_draws_others() -> None:
    rows = [SplitRow(f"{index:02}.png", "Pre", "a group", "test") for index in range(40)]

    assert draw_evenly(rows, 5, seed=0) != draw_evenly(rows, 5, seed=1)


# Real fields


@pytest.mark.slow
def test_real_fields_split_by_group_without_losing_the_shares(
    pbs: Dataset, pbs_store: Path
) -> None:
    groups = find_groups(pbs, store=pbs_store)
    clusters = find_background_clusters(pbs, store=pbs_store, groups=groups)

    by_group, by_chance, by_look = (
        split_of((pbs, groups, clusters), kind) for kind in ("grouped", "random", "background")
    )

    assert len(by_group.ids("test")) == len(by_chance.ids("test")) == 101
    tested = {"Benign 1", "Benign 4", "Early 2", "Pre 3", "Pro 1"}  # of four and thrice three
    assert units_of_test(by_look) == tested
    folds = [split_of((pbs, groups, clusters), "background", seed) for seed in range(3)]
    assert sorted(image for fold in folds for image in fold.ids("test")) == list(pbs.ids)
    assert len(find_straddling(by_chance, groups)) > 20
    assert find_straddling(by_group, groups) == find_straddling(by_look, groups) == []
