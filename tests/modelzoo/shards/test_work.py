"""Shards in any order, by any process, stopped, killed and damaged: the table is the same."""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from modelzoo.errors import UserError
from modelzoo.shards import plan as plans
from modelzoo.shards.files import maps_file, read_maps, read_rows, read_shard, table_file
from modelzoo.shards.plan import LOCKS, MANIFEST, Plan
from modelzoo.shards.work import (
    Progress,
    describe_shard,
    look_up,
    stopping_after_batch,
    work_through,
)
from tests.modelzoo.shards.plans import NAMES, map_of, small_plan, small_work

ROOT = Path(__file__).parents[3]
EXPECTED = [(name, len(name)) for name in NAMES]


def rows(folder: Path, plan: Plan) -> list[tuple[str, int]]:
    return [(row["image"], row["letters"]) for row in read_rows(folder, plan)]


def finish(folder: Path, plan: Plan, **options: Any) -> list[str]:
    """The images that were computed to finish the plan."""
    seen: list[str] = []
    work_through(folder, plan, lambda: small_work(seen), **options)
    return seen


def test_all_shards_have_each_image_once(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)

    assert finish(tmp_path, plan) == NAMES
    assert rows(tmp_path, plan) == EXPECTED
    sizes = [len(plan.images_of(shard)) for shard in range(1, 6)]
    assert max(sizes) - min(sizes) <= 1
    assert len(list((tmp_path / "table").iterdir())) == 5
    assert len(list((tmp_path / "maps").iterdir())) == 5


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_shards_does_not_matter(tmp_path: Path, seed: int) -> None:
    plan = small_plan(tmp_path)
    order = random.Random(seed).sample(range(1, 6), 5)

    for shard in order:
        assert finish(tmp_path, plan, only=shard) == list(plan.images_of(shard))
    assert rows(tmp_path, plan) == EXPECTED
    assert finish(tmp_path, plan) == []


def test_maps_are_those_of_their_images(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    finish(tmp_path, plan)

    found = [entry for shard in range(1, 6) for entry in read_maps(tmp_path, plan, shard)]

    assert [(image, name) for image, name, _ in found] == [(name, "map") for name in NAMES]
    for image, _, values in found:
        expected = map_of(image)
        np.testing.assert_allclose(values, expected, atol=abs(expected).max() / 2000)


def test_after_a_kill_only_the_shard_in_hand_is_computed_again(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    # Shards of 4 or 5 images, 2 in a batch: the fourth batch is in the second shard.
    command = [sys.executable, "-m", "tests.modelzoo.shards.work_and_die", str(tmp_path), "4"]
    died = subprocess.run(command, cwd=ROOT, check=False)

    assert died.returncode == -signal.SIGKILL
    assert look_up(tmp_path, plan).finished == {1}
    assert finish(tmp_path, plan) == [
        name for shard in (2, 3, 4, 5) for name in plan.images_of(shard)
    ]
    assert rows(tmp_path, plan) == EXPECTED
    left = [file.name for file in tmp_path.rglob("*") if file.name.endswith((".new", ".part"))]
    assert left == []


def test_a_stop_keeps_the_batches_that_are_done(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    batches: list[int] = []

    first = finish(
        tmp_path,
        plan,
        is_stopped=lambda: len(batches) == 4,
        on_rows=lambda done, total: batches.append(done),
    )
    second = finish(tmp_path, plan)

    assert first + second == NAMES  # none was computed twice
    assert rows(tmp_path, plan) == EXPECTED
    assert [image for shard in range(1, 6) for image, *_ in read_maps(tmp_path, plan, shard)] == (
        NAMES
    )


def test_two_processes_share_the_shards(tmp_path: Path) -> None:
    """While one works at a shard another takes the rest, and none is computed twice."""
    plan = small_plan(tmp_path)
    seen: list[str] = []
    others: list[str] = []
    entered, go_on = threading.Event(), threading.Event()

    def wait(done: int, total: int) -> None:
        entered.set()
        assert go_on.wait(60)

    slow = threading.Thread(
        target=work_through,
        args=(tmp_path, plan, lambda: small_work(seen)),
        kwargs={"on_rows": wait},
    )
    slow.start()
    assert entered.wait(60)
    progress = work_through(tmp_path, plan, lambda: small_work(others))
    go_on.set()
    slow.join()

    assert progress.missing == [1]
    assert seen + others == NAMES
    assert rows(tmp_path, plan) == EXPECTED


def test_a_shard_that_another_process_holds_is_left_to_it(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    with FileLock(tmp_path / LOCKS / "2"):
        progress = work_through(tmp_path, plan, lambda: small_work([]))

    assert progress.missing == [2]


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes] | None]] = {
    "table cut": ("table", lambda content: content[:-40]),
    "table without content": ("table", lambda content: b""),
    "one byte of a column": ("table", lambda content: _flip(content, 60)),
    "maps cut": ("maps", lambda content: content[:-1]),
    "one byte of a map": ("maps", lambda content: _flip(content, 70)),
    "maps gone": ("maps", None),
    "table gone": ("table", None),
}


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_shard_is_computed_again_and_no_other(tmp_path: Path, name: str) -> None:
    plan = small_plan(tmp_path)
    finish(tmp_path, plan)
    which, damage = DAMAGES[name]
    file = (table_file if which == "table" else maps_file)(tmp_path, plan, 3)
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))

    assert read_shard(tmp_path, plan, 3) is None
    with pytest.raises(UserError, match=r"Shard 3 of 5 .* missing or damaged"):
        rows(tmp_path, plan)
    assert finish(tmp_path, plan) == list(plan.images_of(3))
    assert rows(tmp_path, plan) == EXPECTED


def test_more_shards_than_images_leave_some_empty(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, shards=30)

    assert finish(tmp_path, plan) == NAMES
    assert rows(tmp_path, plan) == EXPECTED


def test_a_shard_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    with pytest.raises(UserError, match="Shard 6 was asked for; this work has shards 1 to 5"):
        finish(tmp_path, plan, only=6)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "run": ({"run": "second"}, "the run is first there and not second"),
    "weights": ({"model_sha256": "1" * 64}, "the hash of the run's weights is 000000000000…"),
    "settings": ({"settings": {"field_px": 500}}, "field_px is 0 there and not 500"),
    "shards": ({"shards": 6}, "the number of shards is 5 there and not 6"),
    "folder": ({"source": "/other", "root": "/other"}, "the folder of images is /smears there"),
    "command": ({"work": "explain"}, "the command is predict there and not explain"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_results_in_the_folder_are_a_sentence(tmp_path: Path, name: str) -> None:
    plan = small_plan(tmp_path)
    finish(tmp_path, plan)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    changes, sentence = CHANGES[name]

    with pytest.raises(UserError) as caught:
        small_plan(tmp_path, **changes)

    assert sentence in str(caught.value)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_images_that_come_later_are_not_in_the_plan(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    again = plans.fix_plan(tmp_path, plan.asked, lambda: [*NAMES, "new.png"])

    assert again == plan


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"shards": 5}', '{"images": []}'])
def test_a_manifest_that_is_not_ours_is_not_changed(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)

    with pytest.raises(UserError, match="give another folder for --out"):
        small_plan(tmp_path)

    assert (tmp_path / MANIFEST).read_text() == content


def test_shards_without_their_manifest_are_not_written_over(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    finish(tmp_path, plan)
    (tmp_path / MANIFEST).unlink()

    with pytest.raises(UserError, match=r"manifest\.json is missing beside it"):
        small_plan(tmp_path, run="second")


def test_an_edited_list_of_images_is_noticed(tmp_path: Path) -> None:
    small_plan(tmp_path)
    file = tmp_path / MANIFEST
    file.write_text(file.read_text().replace("000.png", "other.png", 1))

    with pytest.raises(UserError, match="is damaged, and nothing was changed"):
        small_plan(tmp_path)


def test_names_that_are_not_utf8_are_spelt_out(tmp_path: Path) -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    plan = plans.fix_plan(tmp_path, small_plan(tmp_path / "x", shards=1).asked, lambda: [name])

    assert finish(tmp_path, plan) == [name]
    assert [image for image, _ in rows(tmp_path, plan)] == ["caf\\xe9.png"]


def test_signals_are_noted_and_a_second_ctrl_c_ends_at_once() -> None:
    former = signal.getsignal(signal.SIGTERM)
    with stopping_after_batch() as is_stopped:
        assert not is_stopped()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert is_stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is former


def test_the_time_left_is_that_of_all_workers(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, shards=23)
    progress = Progress(plan, finished={1, 2, 3, 4, 5}, started=100.0, images_before=2)
    # 3 images in 6 seconds, 18 are left.
    assert progress.seconds_left(now=106.0) == pytest.approx(36.0)
    assert describe_shard(5, 2.0, progress, 106.0) == (
        "Shard 5 of 23: 1 image in 2 seconds. 18 shards left, about 36 seconds at this pace."
    )
