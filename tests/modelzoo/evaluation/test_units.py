"""Groups and patients in place of images: cases by hand, and what holds of any predictions."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.datasets.splits import Split, SplitRow
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import describe_test, read_row
from modelzoo.evaluation.run_scores import compare_areas, evaluate_classes, evaluate_run
from modelzoo.evaluation.units import average_units, describe_units, find_units
from modelzoo.runs.folder import Run
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import read_hashes, read_patients, read_split, write_hashes, write_split
from tests.run_folders import make_run

CLASSES = ("Benign", "Early")


def predict(rows: list[tuple[str, str, int, float]]) -> Predictions:
    """Predictions of these images: id, part, label, probability of the first class."""
    images, parts, labels, first = zip(*rows, strict=True)
    probabilities = np.array([(p, 1 - p) for p in first], np.float32)
    logits = np.log(np.maximum(probabilities, 1e-30))
    return Predictions(images, parts, np.array(labels, np.int64), CLASSES, logits, probabilities)


def test_the_probabilities_of_a_unit_are_the_mean_of_its_images() -> None:
    found = average_units(
        predict(
            [
                ("b.jpg", "test", 0, 0.9),
                ("a.jpg", "test", 0, 0.2),
                ("c.jpg", "test", 0, 0.7),
                ("alone.jpg", "test", 1, 0.4),
            ]
        ),
        {"a.jpg": "P1", "b.jpg": "P1", "c.jpg": "P1"},
    )

    assert found.images == ("a.jpg", "alone.jpg")  # the first of its images stands for a unit
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose(found.probabilities, [[0.6, 0.4], [0.4, 0.6]], atol=1e-6)
    np.testing.assert_allclose(np.exp(found.logits), found.probabilities, rtol=1e-5)


def test_a_unit_of_two_classes_or_in_two_parts_is_divided() -> None:
    found = average_units(
        predict(
            [
                ("a.jpg", "test", 0, 1.0),
                ("b.jpg", "test", 1, 0.5),
                ("c.jpg", "train", 0, 0.25),
                ("d.jpg", "test", 1, 0.0),
            ]
        ),
        dict.fromkeys(("a.jpg", "b.jpg", "c.jpg", "d.jpg"), "P1"),
    )

    rows = zip(found.images, found.parts, found.labels.tolist(), strict=True)
    assert dict(zip(rows, found.probabilities[:, 0].tolist(), strict=True)) == {
        ("a.jpg", "test", 0): 1.0,
        ("b.jpg", "test", 1): 0.25,
        ("c.jpg", "train", 0): 0.25,
    }


def test_images_without_a_label_or_a_unit_are_left_as_they_are() -> None:
    images = predict(
        [("a.jpg", "test", -1, 0.1), ("b.jpg", "test", -1, 0.8), ("P1", "test", 0, 0.3)]
    )

    found = average_units(images, {"a.jpg": "P1", "b.jpg": "P1"})

    assert found.images == images.images
    np.testing.assert_array_equal(found.probabilities, images.probabilities)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"),
            st.sampled_from(("test", "validation")),
            st.integers(0, 1),
            st.floats(0, 1, width=32),
        ),
        max_size=30,
    )
)
def test_units_weighted_by_their_images_have_the_mean_of_all_images(
    drawn: list[tuple[str, str, int, float]],
) -> None:
    rows = [(f"{i:02d}.jpg", part, label, p) for i, (_, part, label, p) in enumerate(drawn)]
    unit_by_image = {row[0]: unit for row, (unit, *_) in zip(rows, drawn, strict=True)}
    if not rows:
        return
    images = predict(rows)

    units = average_units(images, unit_by_image)

    keys = [(unit, part, label) for unit, part, label, _ in drawn]
    sizes = {key: keys.count(key) for key in keys}
    found = [
        (unit_by_image[image], part, label)
        for image, part, label in zip(units.images, units.parts, units.labels.tolist(), strict=True)
    ]
    assert sorted(found) == sorted(sizes)  # each unit, part and class once
    weights = np.array([sizes[key] for key in found])
    np.testing.assert_allclose(
        (weights[:, None] * units.probabilities).sum(0), images.probabilities.sum(0), atol=1e-4
    )
    again = average_units(images, {})
    np.testing.assert_array_equal(again.probabilities, images.probabilities)


def run_of_patients(folder: Path, rows: list[tuple[str, str, str, str, float]]) -> Run:
    """A run of these images: id, class, group, patient, probability of the first class."""
    run = make_run(folder, "net", images=40)
    train = (
        SplitRow("t0.jpg", "Benign", "t0", "train"),
        SplitRow("t1.jpg", "Early", "t1", "train"),
    )
    split = Split(
        (*(SplitRow(image, label, group, "test") for image, label, group, _, _ in rows), *train)
    )
    write_split(run.path, split)
    write_hashes(
        run.path,
        {image: "0" * 64 for image, *_ in rows if "::" not in image},
        {image: patient for image, _, _, patient, _ in rows if patient},
    )
    write_predictions(
        run.path,
        predict(
            [(image, "test", CLASSES.index(label), p) for image, label, _, _, p in rows]
            + [("t0.jpg", "train", 0, 0.9), ("t1.jpg", "train", 1, 0.1)]
        ),
    )
    return run


# Two patients of one class each, one of both, and an image of nobody. Groups: G1 holds P1 and P2.
ROWS = [
    ("a.jpg", "Benign", "G1", "P1", 0.9),
    ("b.jpg", "Benign", "G1", "P1", 0.3),  # mean 0.6: P1 is right, image b is wrong
    ("c.jpg", "Benign", "G1", "P2", 0.4),
    ("d.jpg", "Early", "G2", "P3", 0.4),
    ("e.jpg", "Early", "G2", "P3", 0.8),  # mean 0.6: P3's Early is wrong, image d is right
    ("f.jpg", "Benign", "G2", "P3", 0.7),
    ("g.jpg", "Early", "g.jpg", "", 0.1),
]


def test_accuracy_per_image_per_group_and_per_patient_by_hand(tmp_path: Path) -> None:
    run = run_of_patients(tmp_path, ROWS)

    by_unit = {per: evaluate_run(run, per=per) for per in ("image", "group", "patient")}

    # Right: a, d, f, g of 7; G1 (.533), G2's Benign and g of 4; P1, P3's Benign and g of 5.
    assert {per: each.scores["accuracy"].value for per, each in by_unit.items()} == pytest.approx(
        {"image": 4 / 7, "group": 3 / 4, "patient": 3 / 5}
    )
    assert [each.units for each in by_unit.values()] == [7, 4, 5]
    assert {each.images for each in by_unit.values()} == {7}
    # Whom groups hold together stay together in the intervals.
    assert by_unit["patient"].groups == ("G1", "G2", "g.jpg")
    assert by_unit["patient"].notes[0] == (
        "Scored per patient: the probabilities of the images of one patient are averaged, which "
        "makes 3 patients of 6 test images. 1 patient holds images of several classes and is "
        "divided by class. 1 image of no known patient stands for itself."
    )
    assert "3 groups of 7 test images. 1 group holds images" in by_unit["group"].notes[0]
    assert describe_test(read_row(run, per="patient")).endswith(
        ": 4 patients of 7 test images, divided by class into 5 in 3 groups"
    )
    sensitivity = {
        each.name: each.sensitivity.value for each, _ in evaluate_classes(run, per="group")
    }
    assert sensitivity == pytest.approx({"Benign": 1.0, "Early": 0.5})


def test_notes_on_leaks_and_classes_count_images(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", images_per_group=4, split="random")
    leaky = Split(
        tuple(
            SplitRow(row.image, row.label, "one" if row.label == "Pro" else row.group, row.part)
            for row in read_split(run.path).rows
        )
    )
    write_split(run.path, leaky)
    of_images, of_groups = read_row(run), read_row(run, per="group")

    assert of_groups.leaked_images == of_images.leaked_images > 0
    assert set(of_images.notes) < set(of_groups.notes)
    assert of_groups.split_id == of_images.split_id  # links to it stay
    assert of_groups.evaluation.units < of_images.evaluation.units


def test_a_copy_belongs_to_its_originals_patient(tmp_path: Path) -> None:
    rows = [*ROWS, ("a.jpg::flip-x", "Benign", "G1", "P1", 0.0)]
    run = run_of_patients(tmp_path, rows)

    units = find_units(run, read_split(run.path), "patient")
    found = average_units(read_predictions(run.path).only("test"), units)

    assert units["a.jpg::flip-x"] == "P1"
    of_first = found.probabilities[found.images.index("a.jpg"), 0]
    assert of_first == pytest.approx((0.9 + 0.3 + 0.0) / 3)


def test_why_there_are_no_patients_is_one_sentence(tmp_path: Path) -> None:
    old = make_run(tmp_path, "old")
    without = make_run(tmp_path, "without")
    write_hashes(without.path, {"0000.jpg": "0" * 64})

    with pytest.raises(UserError, match=r"does not say which patient an image is of.*; train it"):
        evaluate_run(old, per="patient")
    with pytest.raises(UserError, match=r"names no patients.*per image or per group"):
        read_row(without, per="patient")
    assert read_patients(old.path) is None
    assert read_patients(without.path) == {"0000.jpg": ""}
    assert read_hashes(without.path) == {"0000.jpg": "0" * 16}
    (old.path / "images.csv").write_text("image,sha256\na.jpg,00\n")  # as version 0.1.0 wrote it
    assert read_patients(old.path) is None
    assert read_hashes(old.path) == {"a.jpg": "00"}


def test_areas_are_compared_over_units(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, name, skill=skill) for name, skill in (("a", 0.3), ("b", 1.0))]

    (of_images,) = compare_areas(runs, None)
    (of_groups,) = compare_areas(runs, None, per="group")

    one, other = (read_row(run, per="group").evaluation.scores["auc"].value for run in runs)
    assert of_groups.value == pytest.approx(one - other)
    assert of_groups.value != pytest.approx(of_images.value)


def test_what_is_averaged_is_said_of_any_part() -> None:
    rows = predict([("a.jpg", "validation", 0, 0.5), ("b.jpg", "validation", 1, 0.5)])

    said = describe_units(rows, {"a.jpg": "G", "b.jpg": "H"}, "group", "validation")

    assert said.endswith("which makes 2 groups of 2 validation images.")
