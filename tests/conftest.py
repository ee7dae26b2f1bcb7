"""Fixtures for all rooms: real images and weights where a machine has them, and seeds."""

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: threads of torch that wait for one another's cores spin, and a pass
    # takes many times as long. Set before torch is imported, for its processes too.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _folder_of(variable: str) -> Path:
    given = os.environ.get(variable)
    if not given:
        pytest.skip(f"{variable} is not set: this test needs the real thing")
    return Path(given)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with all_pbs, cnmc2019 and other."""
    return _folder_of("BLASTLENS_DATA")


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The folder with ImageNet weights of resnet50 and tf_efficientnet_lite0."""
    return _folder_of("BLASTLENS_WEIGHTS")
