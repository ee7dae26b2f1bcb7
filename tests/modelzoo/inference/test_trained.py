"""The training images an image is like, by a run's own features."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.splits import Split
from modelzoo.errors import UserError
from modelzoo.inference.neighbours import (
    SAME,
    Neighbours,
    duplicate_distance,
    nearest_images,
    quantise_neighbours,
    read_neighbours,
    write_neighbours,
)
from modelzoo.inference.trained import LoadedRun, load_run, predict, predict_files
from modelzoo.runs.file_names import DATA, NEIGHBOURS
from modelzoo.runs.records import DataRecord, read_split, write_record, write_split
from tests.run_folders import CLASSES, make_run, write_images

PX = 64


def read_pixels(data: Path, names: list[str]) -> npt.NDArray[np.uint8]:
    return np.stack([fit_square(decode_image(data / name), PX) for name in names])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> LoadedRun:
    """An untrained Lite0 that remembers synthetic smears by what it sees in them."""
    home = tmp_path_factory.mktemp("home")
    names = write_images(home / "data", images_per_class=10)
    run = make_run(
        home / "runs", "lite0", image_ids=names, images_per_group=1, data=str(home / "data"),
        input_px=PX,
    )  # fmt: skip
    backbone = create_backbone("tf_efficientnet_lite0", len(CLASSES), seed=0).eval()
    write_backbone(run.path, backbone, CLASSES, PX)
    with torch.inference_mode():
        images = backbone.normalise(torch.from_numpy(read_pixels(home / "data", names)))
        embeddings = backbone.embed(backbone.features(images)).numpy()
    write_neighbours(run.path, embeddings, names, read_split(run.path))
    return load_run(run.path)


def test_embeddings_of_another_network_are_a_sentence(trained: LoadedRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.run.path, run)
    split = read_split(run)
    names = [row.image for row in split.rows]
    write_neighbours(run, np.eye(len(names), 8, dtype=np.float32), names, split)

    with pytest.raises(UserError, match=r"does not fit model\.safetensors beside it"):
        load_run(run)


def test_embeddings_of_other_images_are_a_sentence(trained: LoadedRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.run.path, run)
    rows = read_split(run).rows
    write_split(run, Split(tuple(replace(row, image=f"other/{row.image}") for row in rows)))

    with pytest.raises(UserError, match=r"is of other training images than split\.csv"):
        load_run(run)


def on_a_circle(trained: LoadedRun, *degrees: float) -> LoadedRun:
    """`trained`, its first training images at these angles of a plane, in place of its features."""
    angles = np.radians(degrees)
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    images = trained.neighbours.images[: len(degrees)]
    # As far from each other as 60 degrees are.
    distances = np.full(len(degrees), 0.5, np.float32)
    return replace(
        trained,
        neighbours=Neighbours(
            images, trained.neighbours.labels[: len(degrees)], embeddings, distances
        ),
    )


def test_a_training_image_is_nearest_to_itself_among_training_images_with_their_labels(
    trained: LoadedRun,
) -> None:
    split = read_split(trained.run.path)
    row = next(row for row in split.rows if row.part == "train")
    data = Path(trained.run.config.data)

    answers = predict(trained, read_pixels(data, [row.image]))
    found = nearest_images(trained.neighbours, answers.embeddings[0])

    assert len(found) == 6
    assert found[0].distance == pytest.approx(0, abs=SAME)
    assert [each.distance for each in found] == sorted(each.distance for each in found)
    assert {each.image for each in found} <= set(split.ids("train"))
    labels = {each.image: each.label for each in split.rows}
    assert all(each.label == labels[each.image] for each in found)


def test_embeddings_of_answers_are_what_the_classifier_saw(trained: LoadedRun) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, PX, PX, 3), np.uint8)

    answers = predict(trained, pixels)

    with torch.inference_mode():
        logits = trained.backbone.classifier(torch.from_numpy(answers.embeddings)).numpy()
    assert answers.embeddings.dtype == np.float32
    assert len(answers.embeddings) == 3
    np.testing.assert_allclose(logits, answers.logits, atol=1e-5)


def test_distances_are_those_between_directions_whatever_the_length(trained: LoadedRun) -> None:
    circle = on_a_circle(trained, 180, 60, 0, 90)

    found = nearest_images(circle.neighbours, np.array([5, 0], np.float32), n=3)

    assert [each.image for each in found] == [circle.neighbours.images[row] for row in (2, 1, 3)]
    np.testing.assert_allclose([each.distance for each in found], [0, 0.5, 1], atol=1e-6)


def test_only_what_is_nearer_than_unrelated_training_images_is_a_duplicate(
    trained: LoadedRun,
) -> None:
    circle = on_a_circle(trained, 0, 59, 61)

    found = nearest_images(circle.neighbours, np.array([1, 0], np.float32))

    assert [each.is_duplicate for each in found] == [True, True, False]


def test_a_run_with_few_training_images_has_few_neighbours(trained: LoadedRun) -> None:
    circle = on_a_circle(trained, 0, 40)

    assert len(nearest_images(circle.neighbours, np.array([1, 0], np.float32), n=6)) == 2


@pytest.mark.parametrize(
    ("distances", "limit"),
    [
        (np.linspace(0.04, 0.24, 101), 0.042),  # the first percentile
        (np.r_[np.zeros(5), np.linspace(0.04, 0.24, 95)], SAME),  # duplicates that no group joined
        (np.linspace(0, 0.0002, 100), 0.0),  # a network to which all images are alike
    ],
)
def test_the_limit_lies_below_what_unrelated_images_are_from_each_other(
    distances: npt.NDArray[np.float64], limit: float
) -> None:
    neighbours = Neighbours((), (), np.zeros((0, 2), np.float32), distances.astype(np.float32))

    assert duplicate_distance(neighbours) == pytest.approx(limit, rel=1e-4)


def test_where_all_images_are_alike_none_is_called_a_duplicate(trained: LoadedRun) -> None:
    alike = replace(
        on_a_circle(trained, 0, 0.1),
        neighbours=replace(
            on_a_circle(trained, 0, 0.1).neighbours, distances=np.full(2, 1e-6, np.float32)
        ),
    )

    found = nearest_images(alike.neighbours, np.array([1, 0], np.float32))

    assert not any(each.is_duplicate for each in found)


def test_deep_files_are_scaled_as_in_training(trained: LoadedRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.run.path, run)
    write_record(run, DATA, DataRecord(layout="", doubts=[], notes=[], depth=14))
    values = np.random.default_rng(0).integers(0, 3000, (PX, PX), np.uint16)
    Image.fromarray(values).save(tmp_path / "dark.png")
    # 12 bits would do for this image alone.
    scaled = (values * np.float32(255 / 16383)).round().astype(np.uint8)

    loaded = load_run(run)
    ((_, batch),) = predict_files(loaded, [tmp_path / "dark.png"])

    expected = predict(loaded, np.stack([scaled] * 3, axis=2)[None])
    np.testing.assert_allclose(batch.logits, expected.logits, rtol=1e-4)


def test_tiles_are_the_squares_that_cover_an_image(trained: LoadedRun, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (PX, 5 * PX // 2, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    Image.fromarray(pixels[:, :PX]).save(tmp_path / "square.png")
    (tmp_path / "broken.png").write_bytes(b"none")
    files = [tmp_path / name for name in ("wide.png", "broken.png", "square.png")]

    found = list(predict_files(trained, files, tiles=True, batch_size=2))

    pieces = [piece for batch, _ in found for piece in batch]
    assert [piece.tile for piece in pieces] == ["1 of 3", "2 of 3", "3 of 3", "", ""]
    assert [bool(piece.reason) for piece in pieces] == [False, False, False, True, False]
    starts = (0, round(0.75 * PX), round(1.5 * PX), 0)
    expected = predict(trained, np.stack([pixels[:, at : at + PX] for at in starts]))
    logits = np.concatenate([batch.logits for _, batch in found])
    np.testing.assert_allclose(logits, expected.logits, rtol=1e-3, atol=1e-4)


def test_embeddings_kept_as_bytes_are_nearly_the_same(tmp_path: Path) -> None:
    run = make_run(tmp_path, "net", images=120)
    split = read_split(run.path)
    names = [row.image for row in split.rows]
    embeddings = np.random.default_rng(0).random((len(names), 64), np.float32)
    write_neighbours(run.path, embeddings, names, split)
    before = read_neighbours(run.path)
    size = (run.path / NEIGHBOURS).stat().st_size

    quantise_neighbours(run.path)

    after = read_neighbours(run.path)
    assert after.images == before.images
    np.testing.assert_allclose((after.embeddings * before.embeddings).sum(1), 1, atol=5e-4)
    np.testing.assert_allclose(np.linalg.norm(after.embeddings, axis=1), 1, rtol=1e-5)
    nearest = [
        [nearest_images(kept, each, n=1)[0].distance for each in embeddings]
        for kept in (before, after)
    ]
    np.testing.assert_allclose(nearest[1], nearest[0], atol=1e-3)
    assert (run.path / NEIGHBOURS).stat().st_size < 0.75 * size
