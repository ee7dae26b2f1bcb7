"""Devices without a GPU at hand: what NVML answers is put in its place, as it is documented."""

import os
from collections.abc import Callable
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from modelzoo.errors import UserError
from modelzoo.training.devices import find_device, list_devices

GB = 10**9
NVML_GPUS = [("NVIDIA H200", "GPU-aaa", 20 * GB), ("NVIDIA A40", "GPU-abc", 40 * GB)]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[tuple[str, str]]]:
    """A machine with two GPUs; gives name and title of those that are listed."""
    answers: dict[str, Callable[..., object]] = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: len(NVML_GPUS),
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: NVML_GPUS[handle][0],
        "nvmlDeviceGetUUID": lambda handle: NVML_GPUS[handle][1],
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(
            free=NVML_GPUS[handle][2], total=141 * GB
        ),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    monkeypatch.setattr("modelzoo.training.devices.version", lambda package: "2.11.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda: [(device.name, device.title) for device in list_devices()[:-1]]


def test_the_cpu_is_always_there_with_the_memory_that_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)

    (cpu,) = list_devices()

    assert (cpu.name, cpu.title) == ("cpu", f"CPU, {os.cpu_count()} cores")
    assert 0 < cpu.free_bytes <= cpu.total_bytes == psutil.virtual_memory().total
    assert find_device("auto").name == "cpu"


def no_driver() -> None:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)


def test_gpus_come_first_and_auto_takes_the_one_with_most_free_memory(
    gpus: Callable[[], list[tuple[str, str]]],
) -> None:
    assert gpus() == [("cuda:0", "H200"), ("cuda:1", "A40")]
    assert find_device("auto").name == "cuda:1"
    assert find_device("cuda").name == "cuda:0"
    assert find_device("cpu").name == "cpu"


@pytest.mark.parametrize(
    ("visible", "titles"),
    [
        ("1", ["A40"]),
        ("1,0", ["A40", "H200"]),
        ("GPU-ab", ["A40"]),
        ("0,7,1", ["H200"]),  # CUDA stops at the first that it does not know
        ("", []),
        ("-1", []),
    ],
)
def test_gpus_that_are_hidden_are_not_counted(
    gpus: Callable[[], list[tuple[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    visible: str,
    titles: list[str],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert gpus() == [(f"cuda:{index}", title) for index, title in enumerate(titles)]


def test_a_torch_without_cuda_has_no_gpu(
    gpus: Callable[[], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelzoo.training.devices.version", lambda package: "2.11.0+cpu")

    assert gpus() == []


def test_a_device_that_is_not_here_is_a_sentence() -> None:
    with pytest.raises(UserError, match="Device 'cuda:99' is not here; give auto or one of"):
        find_device("cuda:99")
