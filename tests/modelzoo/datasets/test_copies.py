"""Copies that papers train on, and the splits in which copies are on both sides."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modelzoo.datasets.copies import (
    CHANGED,
    TURNED,
    add_copies,
    change_of,
    change_pixels,
    copy_id,
    fill_classes,
    original_of,
)
from modelzoo.datasets.doubts import describe_copies
from modelzoo.datasets.images import decode_image
from modelzoo.datasets.splits import Split, SplitKind, count_leaked, is_image_id
from modelzoo.datasets.splitting import make_split
from modelzoo.errors import UserError
from tests.modelzoo.datasets.test_splits import Groups, dataset_of


def noise(height: int = 20, width: int = 30) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("change", "transpose"),
    [
        ("flip-y", Image.Transpose.FLIP_TOP_BOTTOM),
        ("flip-x", Image.Transpose.FLIP_LEFT_RIGHT),
        ("turn-right", Image.Transpose.ROTATE_270),  # Pillow turns to the left
    ],
)
def test_a_copy_is_what_pillow_makes_of_its_original(
    change: str, transpose: Image.Transpose, tmp_path: Path
) -> None:
    original = noise()
    Image.fromarray(original).save(tmp_path / "a.png")
    expected = np.asarray(Image.fromarray(original).transpose(transpose))

    copy = copy_id("a.png", change)

    np.testing.assert_array_equal(change_pixels(original, copy), expected)
    np.testing.assert_array_equal(np.asarray(decode_image(tmp_path / copy)), expected)


def test_a_changed_copy_is_another_image_of_the_same_pixels() -> None:
    original = noise(64, 64)

    one, again = (change_pixels(original, copy_id(f"x/a.png{n}", CHANGED)) for n in ("", ""))
    other = change_pixels(original, copy_id("x/b.png", CHANGED))

    assert one.shape == original.shape
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, original)
    assert abs(float(one.mean()) - float(original.mean())) < 10  # borders are repeated, not black


@pytest.mark.parametrize("image", ["a/b.png", "a::b/c.png", "a/c::d.jpg", "a/b::flip-z"])
def test_a_name_that_says_nothing_of_a_copy_is_an_image(image: str) -> None:
    assert change_of(image) == ""
    assert original_of(image) == image
    np.testing.assert_array_equal(change_pixels(noise(), image), noise())


def test_a_missing_original_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.png::flip-x cannot be used: it could not be read"):
        decode_image(tmp_path / "a.png::flip-x")


def test_pixels_of_copies_are_made_of_the_rows_asked_for() -> None:
    originals = np.stack([noise(8, 8), 255 - noise(8, 8)])
    ids = ["a.png", "a.png::turn-right", "b.png", "b.png::flip-y"]

    pixels = add_copies(originals, ["a.png", "b.png"], ids)

    assert pixels.ids == tuple(ids)
    assert pixels.values.shape == (4, 8, 8, 3)
    assert len(pixels) == 4
    np.testing.assert_array_equal(pixels[np.array([3, 1])][0], originals[1, ::-1])
    np.testing.assert_array_equal(pixels[0:2][0], originals[0])
    np.testing.assert_array_equal(pixels[0:2][1], np.rot90(originals[0], -1))
    assert pixels[4:9].shape == (0, 8, 8, 3)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 60), st.integers(0, 99))
def test_classes_are_filled_up_as_far_as_copies_go(a: int, b: int, most: int, seed: int) -> None:
    labels = {f"a/{n}.png": "a" for n in range(a)} | {f"b/{n}.png": "b" for n in range(b)}

    copies = fill_classes(labels, {"a": most, "b": most}, np.random.default_rng(seed))

    counts = Counter(labels.values()) + Counter(copies.values())
    assert counts == {"a": max(a, min(4 * a, most)), "b": max(b, min(4 * b, most))}
    assert all(labels[original_of(copy)] == label for copy, label in copies.items())
    assert all(is_image_id(copy) and change_of(copy) in TURNED for copy in copies)
    for label in "ab":  # no second kind of copy before the first is used up
        kinds = Counter(change_of(copy) for copy, its in copies.items() if its == label)
        used = [kinds[kind] for kind in TURNED]
        assert used == sorted(used, reverse=True)


def split_of(data: tuple[object, Groups, Groups], kind: SplitKind, copies: int = 0) -> Split:
    dataset, groups, clusters = data
    return make_split(
        dataset,  # type: ignore[arg-type]  # the first of `dataset_of`
        kind,
        groups=groups,
        clusters=clusters,
        seed=1,
        test_share=0.2,
        validation_share=0.1,
        copies_per_class=copies,
    )


SIZES = {"Benign": [1] * 50, "Pro": [2] * 40}


@pytest.mark.parametrize(
    ("kind", "copies", "said"),
    [
        ("random", 200, ""),  # 35 of 50 images are trained on: 140 with three copies of each
        ("random", 240, "Benign does not reach the copies asked for, since an image has 3 copies "),
        ("leaky-augmented", 160, ""),
        ("leaky-augmented", 201, "Benign does not reach the copies asked for, since an image has "),
        ("leaky-validation", 400, ""),
        ("random", 0, ""),
    ],
)
def test_a_class_that_copies_do_not_fill_up_is_named(
    kind: SplitKind, copies: int, said: str
) -> None:
    split = split_of(dataset_of(SIZES), kind, copies)

    assert "".join(describe_copies(split, kind, copies)).startswith(said)
    assert bool(describe_copies(split, kind, copies)) == bool(said)


def test_copies_before_the_split_are_on_both_sides() -> None:
    split = split_of(dataset_of(SIZES), "leaky-augmented", 150)

    test = split.ids("test")
    trained = {original_of(image) for image in split.ids("train")}
    assert Counter(row.label for row in split.rows) == {"Benign": 150, "Pro": 150}
    assert len(test) == 60
    assert any(change_of(image) for image in test)
    leaked = sum(original_of(image) in trained for image in test)
    assert leaked > 40
    assert count_leaked(split, "test") >= leaked


def test_copies_before_the_split_need_a_number() -> None:
    with pytest.raises(UserError, match="copies per class is 0; give how many"):
        split_of(dataset_of(SIZES), "leaky-augmented")


def test_validation_images_are_copies_of_training_images_and_the_test_is_not() -> None:
    split = split_of(dataset_of(SIZES), "leaky-validation")

    assert not any(change_of(image) for image in split.ids("test"))
    assert len(split.ids("test")) == 26
    validation = {original_of(image) for image in split.ids("validation")}
    trained = {original_of(image) for image in split.ids("train")}
    assert len(validation & trained) > 0.8 * len(validation)
    assert validation.isdisjoint(split.ids("test"))
    assert Counter(map(change_of, (row.image for row in split.rows)))[CHANGED] == 130 - 26


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["random", "grouped", "background"]), st.integers(0, 300))
def test_copies_after_the_split_are_of_training_images_alone(kind: SplitKind, most: int) -> None:
    data = dataset_of(SIZES)
    plain, filled = split_of(data, kind), split_of(data, kind, most)

    originals = [row for row in filled.rows if not change_of(row.image)]
    assert originals == list(plain.rows)
    assert all(row.part == "train" for row in filled.rows if change_of(row.image))
    assert all(row.group == data[1][original_of(row.image)] for row in filled.rows)
    if kind != "random":
        assert count_leaked(filled, "test") == 0
    counts = Counter(row.label for row in filled.rows if row.part == "train")
    shares = Counter(row.label for row in plain.rows if row.part == "train")
    for label, all_images in (("Benign", 50), ("Pro", 80)):
        wanted = round(most * shares[label] / all_images)
        assert counts[label] == max(shares[label], min(4 * shares[label], wanted))
