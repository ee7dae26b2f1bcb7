"""What can train on this machine, and how much memory each has free. No torch: NVML and the system.

torch is asked only by the process that trains, once it is its turn.
"""

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version

import psutil
import pynvml

from modelzoo.errors import UserError


@dataclass(frozen=True, slots=True)
class Device:
    """Something that can train one run at a time."""

    name: str  # torch's: "cpu", "cuda:0", "mps"
    title: str  # as people call it
    free_bytes: int
    total_bytes: int


def list_devices() -> list[Device]:
    """The devices of this machine, the fastest kind first; the CPU is always there and last."""
    memory = psutil.virtual_memory()
    cpu = Device("cpu", f"CPU, {os.cpu_count()} cores", memory.available, memory.total)
    if sys.platform == "darwin" and platform.machine() == "arm64":
        mps = Device("mps", "Apple GPU", memory.available, memory.total)
        return [mps, cpu]
    # A build of torch for CPUs alone cannot use what the driver shows.
    return [cpu] if version("torch").endswith("+cpu") else [*_list_gpus(), cpu]


def find_device(name: str) -> Device:
    """The device called `name`; "cuda" is the first GPU, "auto" the fastest with most free memory.

    Raises:
        UserError: There is no such device here.
    """
    devices = list_devices()
    if name == "auto":
        fastest = [each for each in devices if _kind(each) == _kind(devices[0])]
        return max(fastest, key=lambda device: device.free_bytes)
    wanted = "cuda:0" if name == "cuda" else name
    for device in devices:
        if device.name == wanted:
            return device
    here = ", ".join(device.name for device in devices)
    raise UserError(f"Device {name!r} is not here; give auto or one of {here}.")


def _kind(device: Device) -> str:
    return device.name.split(":")[0]


def _list_gpus() -> list[Device]:
    """NVIDIA GPUs as NVML counts them, which is torch's order under CUDA_DEVICE_ORDER=PCI_BUS_ID.

    CUDA_VISIBLE_DEVICES hides and renumbers them, as it does for torch.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, or no GPU
        return []
    try:
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
        ]
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible is not None:
            handles = _only_visible(handles, visible)
        return [_describe_gpu(index, handle) for index, handle in enumerate(handles)]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _only_visible(handles: list[object], visible: str) -> list[object]:
    """The GPUs that CUDA_VISIBLE_DEVICES names, by index or by the start of an id, in its order.

    CUDA stops at the first that it does not know; so do we.
    """
    chosen = []
    for name in (part.strip() for part in visible.split(",")):
        found = [
            handle
            for index, handle in enumerate(handles)
            if name == str(index) or (name and pynvml.nvmlDeviceGetUUID(handle).startswith(name))
        ]
        if len(found) != 1:
            break
        chosen += found
    return chosen


def _describe_gpu(index: int, handle: object) -> Device:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    title = str(pynvml.nvmlDeviceGetName(handle)).removeprefix("NVIDIA ")
    return Device(f"cuda:{index}", title, int(memory.free), int(memory.total))
