import base64
import json
import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pages.lens.data import (
    MOST_PX,
    Box,
    CellValues,
    Scene,
    Tile,
    TileMap,
    describe_tile,
    encode_image,
    encode_map,
    middle_square,
    payload,
)

BOX = Box(0, 0, 100, 100)
IMAGE = encode_image(Image.new("RGB", (20, 20)))
TILE = Tile(
    run_id="run",
    title="ResNet50",
    split="grouped",
    predicted="Early",
    probability=0.9996,
    correct=False,
    ood=True,
    alt="Where it lies.",
)


def of_logits(values: npt.NDArray[np.float32], *, signed: bool = False) -> TileMap:
    return TileMap(values, "logits", signed, BOX, "Benign")


def decode(sent: dict[str, Any]) -> npt.NDArray[np.float32]:
    """As `values.js` decodes it."""
    content, shape = base64.b64decode(sent["data"]), (sent["height"], sent["width"])
    if not sent["is_deflated"]:
        return np.frombuffer(content, "<f4").reshape(shape)
    steps = np.frombuffer(zlib.decompress(content), np.int8).reshape(shape)
    return np.float32(sent["step"]) * steps.astype(np.float32)


def test_a_coarse_map_arrives_bit_by_bit() -> None:
    values = np.random.default_rng(0).normal(size=(7, 12)).astype(np.float32)

    sent = encode_map(of_logits(values, signed=True))

    assert np.array_equal(decode(sent), values)
    assert (sent["low"], sent["high"]) == (values.min(), values.max())
    assert sent["end"] == np.abs(values).max()


@pytest.mark.parametrize("signed", [True, False])
def test_a_map_of_pixels_is_off_by_half_a_step_at_most(signed: bool) -> None:
    values = np.random.default_rng(0).normal(size=(224, 224)).astype(np.float32)
    values = values if signed else np.maximum(values, np.float32(0))

    sent = encode_map(of_logits(values, signed=signed))

    assert np.abs(decode(sent) - values).max() <= 0.5001 * sent["step"]
    assert sent["step"] < values.max() / 100
    assert sent["end"] < values.max()  # the strongest pixels lie beyond the scale


def test_a_map_of_pixels_that_is_zero_everywhere_stays_so() -> None:
    sent = encode_map(of_logits(np.zeros((224, 224), np.float32)))

    assert not decode(sent).any()
    assert sent["empty"] == "no positive evidence for Benign"


def test_a_map_with_negative_values_only_has_no_positive_evidence() -> None:
    below = encode_map(of_logits(np.full((2, 2), -1, np.float32), signed=True))
    above = encode_map(of_logits(np.eye(2, dtype=np.float32)))

    assert below["empty"] == "no positive evidence for Benign"
    assert above["empty"] == ""


def test_a_map_that_should_have_no_sign_but_has_is_sent_with_it() -> None:
    values = np.zeros((100, 100), np.float32)
    values[0, 0] = -2

    sent = encode_map(of_logits(values))

    assert sent["signed"]
    assert decode(sent)[0, 0] == pytest.approx(-2)


def test_a_map_that_is_not_of_numbers_is_not_drawn_and_says_so() -> None:
    tile = replace(TILE, map=of_logits(np.array([[np.nan, 1]], np.float32)))
    scene = Scene(image=IMAGE, title="a", alt="b", tiles=(tile,))

    (sent,) = payload(scene)["tiles"]

    assert sent["map"] is None
    assert sent["status"] == "The map has values that are no numbers, so it is not drawn."


def test_shares_are_printed_in_percent_of_the_map() -> None:
    sent = encode_map(TileMap(np.full((2, 2), 0.25, np.float32), "share", False, BOX, "Benign"))

    assert (sent["times"], sent["unit"]) == (100, "% of map")


def test_maps_of_any_size_share_a_scale_by_area() -> None:
    coarse = encode_map(of_logits(np.full((7, 7), 4, np.float32)))
    fine = encode_map(of_logits(np.full((14, 14), 1, np.float32)))

    # The same evidence in all, spread over four times as many entries.
    assert coarse["end"] * coarse["per_hundredth"] == fine["end"] * fine["per_hundredth"]


def test_the_middle_square_of_an_image() -> None:
    assert middle_square(1920, 2560) == Box(0, 320, 1920, 1920)
    assert middle_square(301, 200) == Box(50.5, 0, 200, 200)


def test_a_large_image_is_sent_smaller_and_keeps_its_own_size() -> None:
    image = Image.new("RGB", (4000, 3000), "pink")

    sent = encode_image(image)

    decoded = Image.open(BytesIO(base64.b64decode(sent.source.split(",")[1])))
    assert (sent.width, sent.height) == (4000, 3000)
    assert decoded.size == (MOST_PX, 1920)


def test_an_image_keeps_its_pixels_nearly() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 30:] = (200, 40, 160)

    sent = encode_image(Image.fromarray(pixels))

    decoded = np.asarray(Image.open(BytesIO(base64.b64decode(sent.source.split(",")[1]))))
    assert decoded.shape == pixels.shape
    assert np.abs(decoded.astype(int) - pixels).mean() < 4


def test_keys_change_with_what_is_shown_and_with_nothing_else() -> None:
    scene = Scene(image=IMAGE, title="a", alt="b", tiles=(TILE, TILE))
    other = replace(scene, chosen="run", tiles=(TILE, replace(TILE, note="new")))

    before, after = payload(scene), payload(other)

    assert before["image"]["key"] == after["image"]["key"]
    assert before["tiles"][0]["key"] == after["tiles"][0]["key"]
    assert before["tiles"][1]["key"] != after["tiles"][1]["key"]


def test_the_whole_is_json() -> None:
    tile = replace(TILE, cells=CellValues(np.array([0.5, -1.0]), 0.25, None))
    with_map = replace(TILE, map=of_logits(np.eye(3, dtype=np.float32)))
    scene = Scene(
        image=IMAGE,
        title="a",
        alt="b",
        tiles=(tile, with_map),
        masked=frozenset({1, 0}),
    )

    sent = json.loads(json.dumps(payload(scene), allow_nan=False))

    assert sent["tiles"][0]["cells"] == {
        "values": [0.5, -1.0],
        "background": 0.25,
        "standard_error": None,
    }
    assert sent["tiles"][1]["map"]["box"] == {"left": 0, "top": 0, "width": 100, "height": 100}
    assert sent["masked"] == [0, 1]


def test_a_tile_is_said_in_a_sentence() -> None:
    known = describe_tile(TILE)
    unknown = describe_tile(replace(TILE, correct=None, ood=None))

    assert known == (
        "ResNet50, grouped split: predicts Early, 99.9 %, not correct, out of distribution."
    )
    assert unknown == "ResNet50, grouped split: predicts Early, 99.9 %."
