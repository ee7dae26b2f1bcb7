"""Images that are told apart in seconds of training. For tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_squares(folder: Path) -> Path:
    """Noise with a bright square whose corner is the class: 2 classes, 24 images each."""
    random = np.random.default_rng(0)
    for label, corner in (("left", 0), ("right", 40)):
        (folder / label).mkdir()
        for number in range(24):
            pixels = random.integers(0, 120, (64, 64, 3), dtype=np.uint8)
            pixels[:24, corner : corner + 24] = 230
            Image.fromarray(pixels).save(folder / label / f"{number:02}.png")
    return folder
