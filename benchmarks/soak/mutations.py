"""What is good, spoiled at random: bytes, names, folders of images, run folders, addresses."""

import os
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

from modelzoo.datasets.synthetic.smears import draw_smear
from tests.damages import BINARIES, DAMAGES, TEXTS
from tests.pages.hostile import VALUES

ODD = (
    *("a b", "ä🩸", "-rf", "%s%n", "a'b\"c", "\x1b[31mred", "\u202egnp", "x" * 200, "a\nb", "*?["),
    *("[x](y)", "$(id)", "日本", "a;b", "..a", "con", "é́́", "<b>", "`", "#1", "a\tb", "~", "{0}"),
)
FORMATS = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP", "gif": "GIF"}


def spoil_bytes(chance: random.Random, content: bytes) -> bytes:
    """`content` truncated, flipped, cut, doubled, overwritten or empty."""
    size = max(4, len(content))
    start, length = chance.randrange(size), chance.randrange(1, 1 + size // 4)
    changed = bytearray(content)
    match chance.randrange(7):
        case 0:
            return content[:start]
        case 1:
            for _ in range(chance.choice([1, 8, 200]) if content else 0):
                changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case 2:
            del changed[start : start + length]
        case 3:
            changed[start:start] = changed[start : start + length]
        case 4:
            changed[start : start + length] = bytes(length)
        case 5:
            changed[start : start + length] = chance.randbytes(length)
        case _:
            return chance.choice([b"", chance.randbytes(300), b"\xff\xd8\xff\xe0", content * 2])
    return bytes(changed)


def write_bad_image(chance: random.Random, folder: Path) -> Path:
    """An image of one of six formats, spoiled, under an odd name in most cases."""
    ending = chance.choice(list(FORMATS))
    name = chance.choice(ODD) if chance.random() < 0.7 else "image"
    file = folder / f"{name}.{chance.choice([ending, ending.upper(), 'png'])}"
    side = chance.choice([1, 7, 64, 300])
    smear = Image.fromarray(draw_smear("Pre", seed=chance.randrange(99), px=64).pixels)
    smear = smear.resize((side, chance.choice([side, 1, 64]))).convert(chance.choice(["RGB", "L"]))
    smear.save(file, FORMATS[ending])
    if chance.random() < 0.9:
        file.write_bytes(spoil_bytes(chance, file.read_bytes()))
    return file


def write_bad_folder(chance: random.Random, good: Path, folder: Path) -> Path:
    """A copy of the data set `good`, with a table, on which several accidents fell."""
    path = folder / (chance.choice(ODD) if chance.random() < 0.5 else "set")
    shutil.copytree(good, path)
    files = sorted(path.rglob("*.jpg"))
    rows = "\n".join(f"{each.name},{each.parent.name},p{at % 7}" for at, each in enumerate(files))
    table = path / chance.choice(["labels.csv", "metadata.csv", "train.csv"])
    if chance.random() < 0.6:
        table.write_text(f"image,label,patient\n{rows}\n")
    for _ in range(chance.randrange(1, 5)):
        with suppress(OSError):
            chance.choice(_ACCIDENTS)(chance, path, chance.choice(files), table)
    return path


def _spoil_file(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    file.write_bytes(spoil_bytes(chance, file.read_bytes()))


def _spoil_table(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    table.write_bytes(spoil_bytes(chance, table.read_bytes()))


def _rename(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    file.rename(file.with_name(chance.choice(ODD) + chance.choice([".jpg", "", ".JPG", ".csv"])))


def _rename_class(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    file.parent.rename(path / chance.choice(ODD))


def _put_odd_file(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    match chance.randrange(5):
        case 0:
            (file.parent / "loop").symlink_to(path)
        case 1:
            os.mkfifo(file.parent / "pipe.jpg")
        case 2:
            (file.parent / "gone.jpg").symlink_to("nowhere")
        case 3:
            Path(os.fsdecode(os.fsencode(file.parent) + b"/\xff\xfe.jpg")).write_bytes(b"x")
        case _:
            (file.parent / "folder.jpg").mkdir()


def _nest(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    deep = path.joinpath(*["d"] * chance.choice([1, 3, 60]))
    deep.mkdir(parents=True)
    file.rename(deep / file.name)


def _empty(chance: random.Random, path: Path, file: Path, table: Path) -> None:
    shutil.rmtree(file.parent)
    if chance.random() < 0.5:
        file.parent.mkdir()


_ACCIDENTS: Sequence[Callable[[random.Random, Path, Path, Path], None]] = (
    _spoil_file,
    _spoil_table,
    _rename,
    _rename_class,
    _put_odd_file,
    _nest,
    _empty,
)


def write_bad_run(chance: random.Random, good: Path, runs: Path) -> Path:
    """A copy of the run `good` beside the others, spoiled in one file or several."""
    name = chance.choice(ODD) if chance.random() < 0.3 else f"spoiled-{chance.randrange(10**6)}"
    path = runs / name
    shutil.copytree(good, path, ignore=shutil.ignore_patterns(".lock"))
    if chance.random() < 0.7:
        chance.choice(DAMAGES).spoil(path)
    for _ in range(chance.randrange(3)):
        file = path / chance.choice([*TEXTS, *BINARIES])
        if file.is_file() and not file.is_symlink() and file.stat().st_size < 10**8:
            file.write_bytes(spoil_bytes(chance, file.read_bytes()))
    return path


def spoil_address(
    chance: random.Random, keys: Sequence[str], known: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """A query of a page: values that it has, spoiled ones, and ones that nobody would type."""
    query: dict[str, list[str]] = {}
    for key in chance.sample(list(keys), min(len(keys), chance.randrange(1, 9))):
        good = chance.choice([*known.get(key, ()), "lite0-64"])
        text = spoil_bytes(chance, good.encode()).decode(errors="replace")
        values = [good, text[:2000], chance.choice(VALUES), chance.choice(ODD)]
        query[key] = chance.sample(values, chance.choice([1, 1, 1, 2, 3]))
    return query
