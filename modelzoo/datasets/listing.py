"""The images that a person names: one file, or all below a folder. Nothing is opened. No torch."""

from pathlib import Path

from modelzoo.datasets.copies import change_of, original_file
from modelzoo.datasets.unread import ARCHIVE, find_unread
from modelzoo.datasets.walk import is_image, walk
from modelzoo.errors import UserError
from modelzoo.files import is_folder, is_regular_file


def list_images(path: Path) -> list[Path]:
    """`path` itself, or the images below it, in order, with those that are not read.

    Raises:
        UserError: There are none.
    """
    if is_regular_file(path):
        return [path]
    if change_of(path.name) and is_regular_file(original_file(path)):
        raise UserError(
            f"{path} is a copy that a training made in memory, and no file; give its original, "
            f"{original_file(path)}."
        )
    if not is_folder(path):
        raise UserError(f"{path} was not found; give an image or a folder of images.")
    files = walk(path).files
    unread = find_unread(path, (file for file in files if not is_image(file)))
    images = [file for file in files if is_image(file)]
    # Each is read, or gets the reason why it is not.
    images += [file for file, reason in unread.items() if not reason.startswith(ARCHIVE)]
    if not images:
        raise UserError(f"{path} holds no image; give a folder with jpg, png, bmp or tif files.")
    return [path / name for name in sorted(images)]
