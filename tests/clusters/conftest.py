"""One real Slurm for a module, and small data sets that train in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.clusters.slurm_here import Slurm, install, slurm_here


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm whose commands this process finds."""
    install()
    with slurm_here(tmp_path_factory.mktemp("slurm")) as slurm:
        former = os.environ.get("SLURM_CONF")
        os.environ["SLURM_CONF"] = str(slurm.conf)
        yield slurm
        if former is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = former


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise with a bright square whose corner is the class: 2 classes, 24 images each."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for label, corner in (("left", 0), ("right", 40)):
        (folder / label).mkdir()
        for number in range(24):
            pixels = random.integers(0, 120, (64, 64, 3), dtype=np.uint8)
            pixels[:24, corner : corner + 24] = 230
            Image.fromarray(pixels).save(folder / label / f"{number:02}.png")
    return folder
