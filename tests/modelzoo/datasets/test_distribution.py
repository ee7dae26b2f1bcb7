from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from modelzoo.datasets.dataset import Dataset, Image
from modelzoo.datasets.distribution import count_by_part, sample_classes
from modelzoo.datasets.splits import PARTS


def dataset_of(images_by_class: dict[str, int]) -> Dataset:
    images = [
        Image(f"{label}/{index}.png", label, 1, "", None, None)
        for label, n in images_by_class.items()
        for index in range(n)
    ]
    return Dataset(Path("data"), "class folders", tuple(images), ())


def test_parts_are_in_their_order_and_each_has_every_class() -> None:
    counts = count_by_part(
        [("b", "test"), ("a", "train"), ("b", "train"), ("b", "test"), ("c", None)]
    )

    assert list(counts) == ["train", "test", None]
    assert list(counts["train"].items()) == [("a", 1), ("b", 1), ("c", 0)]
    assert counts["test"] == {"a": 0, "b": 2, "c": 0}
    assert counts[None] == {"a": 0, "b": 0, "c": 1}
    assert count_by_part([]) == {}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*PARTS, None]))))
def test_every_image_is_counted_once(images: list[tuple[str, None]]) -> None:
    counts = count_by_part(images)

    found = {
        (label, part): n for part, by_class in counts.items() for label, n in by_class.items() if n
    }
    assert found == Counter(images)


def test_a_sample_is_of_each_class_by_the_seed() -> None:
    dataset = dataset_of({"a": 50, "b": 2, "c": 50})

    first, again, other = (sample_classes(dataset, 4, seed=seed) for seed in (0, 0, 1))

    assert list(first) == ["a", "b", "c"]
    assert [len(set(ids)) for ids in first.values()] == [4, 2, 4]
    assert all(image.startswith(f"{label}/") for label, ids in first.items() for image in ids)
    assert first == again
    assert first["a"] != other["a"]


def test_a_sample_of_one_class_does_not_depend_on_the_others() -> None:
    few, many = dataset_of({"a": 3, "b": 40}), dataset_of({"a": 30, "b": 40})

    assert sample_classes(few, 4, seed=3)["b"] == sample_classes(many, 4, seed=3)["b"]
