import errno
import io
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelzoo.datasets import store as store_room
from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.store import open_pixels
from modelzoo.errors import UserError
from tests.patience import PATIENCE_SECONDS


def test_the_store_holds_what_decoding_and_fitting_gives(smears: Path, store: Path) -> None:
    dataset = open_dataset(smears, store=store)

    pixels = open_pixels(dataset, input_px=10, store=store)

    expected = [fit_square(decode_image(dataset.path(image_id)), 10) for image_id in dataset.ids]
    assert pixels.ids == dataset.ids
    assert pixels.values.dtype == np.uint8
    assert np.array_equal(pixels.values, np.stack(expected))


def test_real_fields_are_kept_pixel_for_pixel(real_data: Path, store: Path) -> None:
    dataset = open_dataset(real_data / "cnmc2019", store=store)

    pixels = open_pixels(dataset, input_px=450, store=store)

    assert np.array_equal(pixels.values[7], np.asarray(decode_image(dataset.path(dataset.ids[7]))))


def test_pixels_are_mapped_and_cannot_be_written(smears: Path, store: Path) -> None:
    pixels = open_pixels(open_dataset(smears, store=store), input_px=8, store=store)

    assert isinstance(pixels.values, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels.values[0] = 0


def test_nothing_is_decoded_twice(
    smears: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(smears, store=store)
    first = open_pixels(dataset, input_px=8, store=store)
    moved = smears.rename(smears.with_name("moved"))
    after = open_dataset(moved, store=store)
    monkeypatch.setattr(store_room, "decode_image", None)

    again = open_pixels(after, input_px=8, store=store)

    assert np.array_equal(again.values, first.values)


def flip_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 255
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flip_byte,
        lambda file: file.write_bytes(file.read_bytes()[:-5]),
        lambda file: file.write_bytes(b""),
        lambda file: file.unlink(),
        lambda file: file.with_suffix(".json").write_text("{"),
        lambda file: file.with_suffix(".json").unlink(),
        lambda file: file.with_suffix(".json").write_text('{"ids": "others", "sha256": ""}'),
    ],
    ids=["flipped", "cut", "emptied", "gone", "seal damaged", "seal gone", "other ids"],
)
def test_a_damaged_store_is_built_anew(
    smears: Path, store: Path, damage: Callable[[Path], object]
) -> None:
    dataset = open_dataset(smears, store=store)
    sound = np.array(open_pixels(dataset, input_px=8, store=store).values)
    (file,) = (store / "pixels").glob("*.npy")
    damage(file)

    pixels = open_pixels(dataset, input_px=8, store=store)

    assert np.array_equal(pixels.values, sound)
    assert sorted(path.suffix for path in (store / "pixels").iterdir()) == [".json", ".npy"]


def test_an_image_changed_since_opening_is_a_sentence(smears: Path, store: Path) -> None:
    dataset = open_dataset(smears, store=store)
    (smears / "Pro/0.png").write_bytes((smears / "Pro/1.png").read_bytes())
    (smears / "Benign/0.png").unlink()

    with pytest.raises(UserError, match=r"0\.png has gone since"):
        open_pixels(dataset, input_px=8, store=store)
    (smears / "Benign/0.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"0\.png has changed since"):
        open_pixels(dataset, input_px=8, store=store)
    assert list((store / "pixels").iterdir()) == []


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    smears: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(smears, store=store)
    sound = np.array(open_pixels(dataset, input_px=8, store=store).values)

    class FullDisk(io.FileIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda path, mode: FullDisk(path, mode))
        with pytest.raises(UserError, match=r"disk of .* is full"):
            store_room._build(store / "pixels" / "other.npy", dataset, (6, 8, 8, 3), None)

    assert np.array_equal(open_pixels(dataset, input_px=8, store=store).values, sound)
    assert len(list((store / "pixels").iterdir())) == 2


def _build_in_process(root: Path, store: Path, results: "multiprocessing.Queue[int]") -> None:
    dataset = open_dataset(root, store=store)
    results.put(int(open_pixels(dataset, input_px=64, store=store).values.sum()))


@pytest.mark.slow
def test_two_processes_may_build_at_once(
    store: Path, tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    for seed in range(60):
        write_image(f"data/{'Pro' if seed % 2 else 'Pre'}/{seed}.png", seed=seed, px=200)
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    arguments = (tmp_path / "data", store, results)
    processes = [context.Process(target=_build_in_process, args=arguments) for _ in range(2)]

    for process in processes:
        process.start()
    sums = [results.get(timeout=PATIENCE_SECONDS) for _ in processes]
    for process in processes:
        process.join(PATIENCE_SECONDS)

    dataset = open_dataset(tmp_path / "data", store=store)
    expected = [fit_square(decode_image(dataset.path(image_id)), 64) for image_id in dataset.ids]
    assert sums == [int(np.stack(expected).sum())] * 2
    assert len(list((store / "pixels").iterdir())) == 2
