"""Tensors in a safetensors file, written whole or not at all. Nothing here unpickles."""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from modelzoo.files import replacing

if TYPE_CHECKING:
    from torch import Tensor


def write_tensors(
    file: Path, tensors: "Mapping[str, Tensor]", metadata: Mapping[str, str] | None = None
) -> None:
    """Write `tensors`, from any device and memory order, to `file` in the ordinary order.

    Raises:
        UserError: The disk is full or the folder cannot be written; what was there stays.
    """
    from safetensors.torch import save_file

    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(file) as temporary:
        try:
            save_file(plain, temporary, {"format": "pt", **(metadata or {})})
        except SafetensorError as error:  # of a full disk only the text has the number
            number = re.search(r"os error (\d+)", str(error))
            code = int(number[1]) if number else errno.EIO
            raise OSError(code, os.strerror(code)) from error
