"""Attributions on disk: what was put comes back, within the bound, whatever happens to files."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xai.attribution import Attribution
from xai.cache import AttributionCache, attribution_key

LARGE = 10**9
CONTENT: dict[str, Any] = {
    "model_hash": "m",
    "image_sha256": "i",
    "method": "grad-cam",
    "target": 1,
    "settings": {"steps": 32, "exact": False},
}


def attribution(seed: int = 0, size: int = 16) -> Attribution:
    values = np.random.default_rng(seed).normal(size=(size, size)).astype(np.float32)
    return Attribution(
        values=values,
        method="integrated-gradients",
        target=seed,
        is_signed=True,
        seconds=0.1,
        forward_passes=32,
        completeness_gap=1 / 3,
        logit=4.5,
        baseline_logit=None,
        model_hash="abc",
        note="Ein Satz über diese Karte.",
    )


def assert_equal(found: Attribution | None, expected: Attribution) -> None:
    assert found is not None
    for spec in fields(Attribution):
        np.testing.assert_array_equal(getattr(found, spec.name), getattr(expected, spec.name))
    assert found.values.dtype == np.float32


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


@contextmanager
def no_file_larger_than(most_bytes: int) -> Iterator[None]:
    """As on a full disk, a file that grows beyond is an OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_put_comes_back_in_another_cache_of_the_same_folder(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"

    assert AttributionCache(folder, LARGE).put("key", attribution())

    assert_equal(AttributionCache(folder, LARGE).get("key"), attribution())
    assert len(list(folder.iterdir())) == 1


@given(
    st.integers(1, 40),
    st.floats(allow_nan=False),
    st.one_of(st.none(), st.floats(allow_nan=False)),
    st.text(st.characters(codec="utf-8")),
)
def test_every_field_survives(
    tmp_path_factory: pytest.TempPathFactory,
    size: int,
    logit: float,
    error: float | None,
    note: str,
) -> None:
    cache = AttributionCache(tmp_path_factory.mktemp("cache"), LARGE)
    given = replace(attribution(size=size), logit=logit, completeness_gap=error, note=note)

    cache.put("key", given)

    assert_equal(cache.get("key"), given)


def test_numbers_of_numpy_come_back_as_those_of_python(tmp_path: Path) -> None:
    cache = AttributionCache(tmp_path, LARGE)

    numbers: dict[str, Any] = {"logit": np.float32(0.5), "target": np.int64(2)}
    cache.put("key", replace(attribution(), **numbers))

    assert_equal(cache.get("key"), replace(attribution(), logit=0.5, target=2))


def test_what_was_never_put_is_not_here(tmp_path: Path) -> None:
    assert AttributionCache(tmp_path / "none", LARGE).get("key") is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "other",
    [
        {"model_hash": "n"},
        {"image_sha256": "j"},
        {"method": "hires-cam"},
        {"target": 2},
        {"settings": {"steps": 64, "exact": False}},
        {"settings": None},
        {"model_hash": "mi", "image_sha256": ""},
    ],
)
def test_any_other_content_has_another_key(other: dict[str, Any]) -> None:
    assert attribution_key(**(CONTENT | other)) != attribution_key(**CONTENT)


def test_the_order_of_settings_does_not_change_the_key() -> None:
    turned = dict(reversed(CONTENT["settings"].items()))

    assert attribution_key(**(CONTENT | {"settings": turned})) == attribution_key(**CONTENT)


def test_the_folder_never_holds_more_than_its_bound(tmp_path: Path) -> None:
    cache = AttributionCache(tmp_path, 10_000)

    for seed in range(30):
        assert cache.put(f"key{seed}", attribution(seed, size=10 + seed))
        assert size_of(tmp_path) <= 10_000

    assert_equal(cache.get("key29"), attribution(29, size=39))
    assert cache.get("key0") is None


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    AttributionCache(tmp_path, LARGE).put("a", attribution(0))
    three = AttributionCache(tmp_path, 3 * size_of(tmp_path))
    three.put("b", attribution(1))
    three.put("c", attribution(2))

    three.get("a")
    three.put("d", attribution(3))

    assert {file.stem for file in tmp_path.iterdir()} == {"a", "c", "d"}


def test_one_that_is_larger_than_the_bound_is_not_kept_and_drives_no_other_out(
    tmp_path: Path,
) -> None:
    cache = AttributionCache(tmp_path, 5_000)
    cache.put("small", attribution())

    assert not cache.put("large", attribution(size=100))

    assert_equal(cache.get("small"), attribution())
    assert cache.get("large") is None


@pytest.mark.parametrize("flip", [1, 32])
def test_with_any_byte_damaged_a_file_is_absent_or_what_was_put(tmp_path: Path, flip: int) -> None:
    cache = AttributionCache(tmp_path, LARGE)
    cache.put("key", attribution(size=2))
    file = tmp_path / "key.npz"
    content = file.read_bytes()

    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= flip
        file.write_bytes(damaged)

        found = cache.get("key")

        if found is None:
            assert not file.exists()
        else:  # a byte that no reader looks at, as a file's date
            assert_equal(found, attribution(size=2))


def test_a_file_that_was_cut_off_anywhere_is_absent(tmp_path: Path) -> None:
    cache = AttributionCache(tmp_path, LARGE)
    cache.put("key", attribution(size=2))
    content = (tmp_path / "key.npz").read_bytes()

    for length in range(len(content)):
        (tmp_path / "key.npz").write_bytes(content[:length])

        assert cache.get("key") is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_attribution_is_removed_and_can_be_put_again(
    tmp_path: Path, content: bytes
) -> None:
    cache = AttributionCache(tmp_path, LARGE)
    (tmp_path / "key.npz").write_bytes(content)

    assert cache.get("key") is None
    assert not list(tmp_path.iterdir())
    assert cache.put("key", attribution())
    assert_equal(cache.get("key"), attribution())


def test_arrays_of_another_kind_are_no_attribution(tmp_path: Path) -> None:
    np.savez(tmp_path / "key.npz", values=np.array([{}], object), facts=np.zeros(2, np.uint8))

    assert AttributionCache(tmp_path, LARGE).get("key") is None


def test_on_a_full_disk_nothing_is_kept_and_what_was_there_stays(tmp_path: Path) -> None:
    cache = AttributionCache(tmp_path, LARGE)
    cache.put("key", attribution())

    with no_file_larger_than(100):
        assert not cache.put("key", attribution(1))
        assert not cache.put("other", attribution(1))

    assert_equal(cache.get("key"), attribution())
    assert len(list(tmp_path.iterdir())) == 1


def test_where_no_folder_can_be_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = AttributionCache(tmp_path / "file", LARGE)

    assert not cache.put("key", attribution())
    assert cache.get("key") is None


def test_eight_threads_share_a_folder_that_is_too_small_for_all(tmp_path: Path) -> None:
    AttributionCache(tmp_path, LARGE).put("0", attribution())
    cache = AttributionCache(tmp_path, 5 * size_of(tmp_path))
    found = []

    def work(thread: int) -> None:
        random = np.random.default_rng(thread)
        for seed in random.integers(0, 12, 60):
            cache.put(str(seed), attribution(int(seed)))
            other = int(random.integers(0, 12))
            found.append((other, cache.get(str(other))))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert size_of(tmp_path) <= cache.most_bytes
    hits = [(seed, each) for seed, each in found if each is not None]
    assert len(hits) > 8
    for seed, each in hits:
        assert_equal(each, attribution(seed))


def test_processes_share_a_folder(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from xai.cache import AttributionCache;"
        "from tests.xai.test_cache import attribution;"
        "cache = AttributionCache(Path(sys.argv[1]), 8_000);"
        "[cache.put(str(seed), attribution(seed)) or sys.exit(1) for seed in range(40)]"
    )
    root = Path(__file__).parents[2]

    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=root) for _ in range(2)
    ]

    # A put may lose its unfinished file to the other's bound, never its reader a whole one.
    assert all(worker.wait() in (0, 1) for worker in workers)
    assert size_of(tmp_path) <= 8_000
    cache = AttributionCache(tmp_path, 8_000)
    for file in list(tmp_path.iterdir()):
        assert_equal(cache.get(file.stem), attribution(int(file.stem)))
