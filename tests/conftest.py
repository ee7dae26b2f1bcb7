"""Fixtures for all rooms: real images and weights where a machine has them, and seeds."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from modelzoo.datasets.dataset import Dataset

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: threads of torch that wait for one another's cores spin, and a pass
    # takes many times as long. Set before torch is imported, for its processes too.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


# How long an example takes says how busy the machine is, not what is right.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test first: a worker that gets one last lets the others wait for it."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


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


@pytest.fixture(scope="session")
def pbs_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where results of the real fields are kept, so that they are made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "pbs-store"


@pytest.fixture(scope="session")
def pbs(real_data: Path, pbs_store: Path) -> "Dataset":
    """The 504 real fields; their groups, which take longest, are in `pbs_store`."""
    # Here, so that what a worker sets above is set before any library counts the cores.
    from modelzoo.datasets.groups import find_groups
    from modelzoo.datasets.opening import open_dataset

    with FileLock(f"{pbs_store}.lock"):
        dataset = open_dataset(real_data / "all_pbs", store=pbs_store)
        find_groups(dataset, store=pbs_store)
    return dataset
