"""What cannot be opened is a sentence, and what was checked is kept."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.images import Facts, inspect_image
from modelzoo.datasets.listing import list_images
from modelzoo.datasets.opening import check_trainable, open_dataset
from modelzoo.errors import UserError


def reasons(dataset: Dataset) -> dict[str, str]:
    return {entry.id: entry.reason for entry in dataset.skipped}


# Errors


def test_nothing_there_is_a_sentence(tmp_path: Path, store: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()

    with pytest.raises(UserError, match=r"missing was not found"):
        open_dataset(tmp_path / "missing", store=store)
    with pytest.raises(UserError, match=r"empty holds no images"):
        open_dataset(tmp_path / "empty", store=store)
    with pytest.raises(UserError, match=r"neither a folder nor a table"):
        open_dataset(tmp_path / "notes.txt", store=store)


def test_images_without_classes_are_a_sentence(real_data: Path, store: Path) -> None:
    with pytest.raises(UserError, match="10 images but no classes"):
        open_dataset(real_data / "other", store=store)


def test_nothing_usable_is_a_sentence_with_the_commonest_reason(
    tmp_path: Path, store: Path
) -> None:
    for name in ("Pro/1.png", "Pre/1.png"):
        (tmp_path / "data" / name).parent.mkdir(parents=True)
        (tmp_path / "data" / name).write_text("no image")

    with pytest.raises(UserError, match="2 because: it is no image of a known format"):
        open_dataset(tmp_path / "data", store=store)


def test_one_class_opens_but_cannot_be_trained_on(
    store: Path, tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image("data/Pro/1.png", seed=1)
    dataset = open_dataset(tmp_path / "data", store=store)

    with pytest.raises(UserError, match=r"only one class \(Pro 1\)"):
        check_trainable(dataset)


def test_thirty_images_with_five_of_a_class_can_be_trained_on(
    store: Path, tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    for seed in range(30):
        write_image(f"data/{'Pro' if seed < 5 else 'Pre'}/{seed}.png", seed=seed)

    check_trainable(open_dataset(tmp_path / "data", store=store))


# What is kept


def test_a_second_opening_decodes_only_what_is_new(
    smears: Path,
    store: Path,
    write_image: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[bytes] = []

    def record(content: bytes) -> Facts:
        decoded.append(content)
        return inspect_image(content)

    monkeypatch.setattr("modelzoo.datasets.checks.inspect_image", record)
    first = open_dataset(smears, store=store)
    before = len(decoded)
    new = write_image("smears/Pro/new.png", seed=77)

    second = open_dataset(smears, store=store)

    assert before == 6
    assert decoded[before:] == [new.read_bytes()]
    assert set(second.ids) - set(first.ids) == {"Pro/new.png"}


def test_a_damaged_cache_is_made_anew(smears: Path, store: Path) -> None:
    dataset = open_dataset(smears, store=store)
    (cache,) = (store / "checks").iterdir()
    cache.write_bytes(b"damaged")

    assert open_dataset(smears, store=store) == dataset
    assert pd.read_parquet(cache).shape[0] == 6


def test_a_file_that_was_changed_is_checked_again(smears: Path, store: Path) -> None:
    before = open_dataset(smears, store=store)
    (smears / "Pro/0.png").write_text("not an image any more")

    after = open_dataset(smears, store=store)

    assert reasons(after) == {"Pro/0.png": "it is no image of a known format"}
    assert after.id != before.id


def test_moved_data_are_the_same_data_set(smears: Path, store: Path) -> None:
    before = open_dataset(smears, store=store)
    moved = smears.rename(smears.with_name("moved"))

    after = open_dataset(moved, store=store)

    assert after.id == before.id
    assert after.root == moved


def test_progress_ends_at_the_number_of_files(smears: Path, store: Path) -> None:
    calls: list[tuple[int, int]] = []

    open_dataset(smears, store=store, progress=lambda done, total: calls.append((done, total)))

    assert calls == [(n, 6) for n in range(1, 7)]


def test_image_files_are_listed_at_any_depth(smears: Path) -> None:
    (smears / "notes.txt").touch()

    assert list_images(smears)[0] == smears / "Benign/0.png"
    assert len(list_images(smears)) == 6
