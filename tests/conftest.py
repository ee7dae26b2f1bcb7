"""Fixtures for all rooms: real images and weights where a machine has them, and seeds."""

import os
from pathlib import Path

import pytest


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
