"""Pixels of a batch are the same whether all are kept on the device or each batch is copied."""

import numpy as np
import pytest
import torch

from modelzoo.datasets.copies import keep_images
from modelzoo.datasets.store import Pixels
from modelzoo.training.pixels import AnyPixels, find_room, open_reader

ROWS = torch.tensor([4, 0, 4, 2])


@pytest.fixture
def pixels() -> Pixels:
    values = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    values.flags.writeable = False  # as those of a memory-mapped file
    return Pixels(tuple("abcde"), values)


@pytest.mark.parametrize("spare", [0, -1])
def test_pixels_of_rows_are_those_of_the_array(pixels: Pixels, spare: int) -> None:
    read = open_reader(pixels, torch.device("cpu"), room=pixels.values.nbytes + spare)

    found = read(ROWS)

    assert found.dtype == torch.uint8
    assert np.array_equal(found.numpy(), pixels.values[[4, 0, 4, 2]])


def test_images_that_are_made_when_asked_for_are_never_kept(pixels: Pixels) -> None:
    some: AnyPixels = keep_images(pixels.values, pixels.ids, ["e", "b"])

    read = open_reader(some, torch.device("cpu"), room=10**9)

    assert np.array_equal(read(torch.tensor([1, 0])).numpy(), pixels.values[[1, 4]])


def test_what_is_in_the_machines_memory_is_not_copied_there() -> None:
    assert find_room(torch.device("cpu")) == 0
