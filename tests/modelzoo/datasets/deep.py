"""Images of 16 bits per channel, drawn and written."""

from io import BytesIO
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

Deep = npt.NDArray[np.uint16]


def smooth(channels: int, peak: int, side: int = 40) -> Deep:
    """A slope from 0 to `peak` in each channel, each in another direction: (side, side[, c])."""
    slope = np.linspace(0, peak, side).round().astype(np.uint16)
    grey = np.broadcast_to(slope, (side, side))
    if channels == 1:
        return grey.copy()
    all_four = [grey, grey.T, grey[:, ::-1], np.full_like(grey, 65535)]  # the last: opaque
    return np.stack(all_four[:channels], axis=2)


def as_png(values: Deep) -> bytes:
    """By OpenCV, which has blue first."""
    order = {2: values, 3: values[..., [2, 1, 0, 3][: values.shape[-1]]]}[values.ndim]
    return bytes(cv2.imencode(".png", order)[1])


def as_tiff(values: Deep, byteorder: Literal["<", ">"] = "<") -> bytes:
    out = BytesIO()
    kind = "minisblack" if values.ndim == 2 else "rgb"
    tifffile.imwrite(out, values, byteorder=byteorder, photometric=kind)
    return out.getvalue()


def expected(values: Deep, white: int) -> npt.NDArray[np.int64]:
    """(side, side, 3) of 8 bits."""
    colours = values if values.ndim == 3 else np.stack([values] * 3, axis=2)
    return (colours[..., :3].astype(float) * 255 / white).round().astype(np.int64)


def write_deep(root: Path, images: dict[str, Deep]) -> Path:
    """Image id without its extension -> values."""
    for name, values in images.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.png").write_bytes(as_png(values))
    return root
