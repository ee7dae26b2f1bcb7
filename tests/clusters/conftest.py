"""One real Slurm for a module, and small data sets that train in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters.slurm_here import Slurm, install, slurm_here
from tests.squares import write_squares


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
    return write_squares(tmp_path_factory.mktemp("images"))
