"""Small folders of images."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteImage = Callable[..., Path]


def write_noise(folder: Path, names: Iterable[str]) -> None:
    """Images that differ, under these ids."""
    generator = np.random.default_rng(0)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where results are kept."""
    return tmp_path / "store"


@pytest.fixture
def write_image(tmp_path: Path) -> WriteImage:
    """Writes noise of a seed to a path under `tmp_path`, which is given back."""

    def write(name: str, *, seed: int, px: int = 16) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (px, px, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        return path

    return write


@pytest.fixture
def smears(tmp_path: Path, write_image: WriteImage) -> Path:
    """Two classes of three images each."""
    for seed in range(3):
        write_image(f"smears/Benign/{seed}.png", seed=seed)
        write_image(f"smears/Pro/{seed}.png", seed=10 + seed)
    return tmp_path / "smears"
