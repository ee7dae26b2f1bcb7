"""Small folders of images, and the real fields, opened once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import open_dataset

WriteImage = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where results are kept."""
    return tmp_path / "store"


@pytest.fixture
def write_image(tmp_path: Path) -> WriteImage:
    """Writes noise of a seed to a path under `tmp_path`, which is given back."""

    def write(name: str, *, seed: int, px: int = 12) -> Path:
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


@pytest.fixture(scope="session")
def pbs_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where results of the real fields are kept, so that they are made once."""
    return tmp_path_factory.mktemp("pbs-store")


@pytest.fixture(scope="session")
def pbs(real_data: Path, pbs_store: Path) -> Dataset:
    """The 504 real fields."""
    return open_dataset(real_data / "all_pbs", store=pbs_store)
