"""How the time to find overlapping fields grows with their number.

`python -m benchmarks.datasets [--fields 500,1000,3000,10000,30000] [--out bench/datasets.json]`

BLASTLENS_DATA names a folder with the real fields (its all_pbs_large, else its all_pbs); without it
synthetic smears are drawn. Fields beyond those there are parts of them: each is enlarged by a
seventh and cut out at a random place, so parts of one field overlap by 73 % or more. Limited by:
the processor, of which every core is used.
"""

import argparse
import json
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from modelzoo.datasets.images import decode_image, fit_square
from modelzoo.datasets.overlaps import FIELD_PX, compare_fields
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.parallel import worker_threads

Fields = npt.NDArray[np.uint8]  # (N, FIELD_PX, FIELD_PX), the green channel


def main() -> None:
    """Measure each number of fields once, print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--fields", default="500,1000,3000,10000,30000")
    parser.add_argument("--out", type=Path, default=Path("bench/datasets.json"))
    options = parser.parse_args()
    real = _read_fields()
    numbers = [int(each) for each in options.fields.split(",")]
    seconds: dict[int, float] = {}
    for number in numbers:
        fields, sources = _make_fields(real, number)
        started = time.perf_counter()
        matches = compare_fields(fields, None)
        seconds[number] = time.perf_counter() - started
        found = {match[:2] for match in matches}
        pairs = [
            (rows[i], rows[j])
            for rows in _rows_by_source(sources)
            for i in range(len(rows))
            for j in range(i)
        ]
        recall = np.mean([(min(pair), max(pair)) in found for pair in pairs]) if pairs else 1.0
        print(
            f"{number:6} fields  {seconds[number]:7.1f} s  {len(matches):8} pairs  "
            f"{100 * recall:.1f} % of {len(pairs)} known pairs"
        )
    for few, many in pairwise(numbers):
        growth = np.log(seconds[many] / seconds[few]) / np.log(many / few)
        print(f"{few} to {many}: time grows with the number to the power of {growth:.2f}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"cores": os.cpu_count(), "seconds": seconds}))


def _read_fields() -> Fields:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.environ.get("BLASTLENS_DATA", folder))
        root = next(
            (root / each for each in ("all_pbs_large", "all_pbs") if (root / each).is_dir()), root
        )
        if root == Path(folder):
            write_smears(root, images_per_class=125)
        files = sorted(root.rglob("*.jpg"))
        with worker_threads() as pool:
            return np.stack(list(pool.map(_read_green, files)))


def _read_green(file: Path) -> Fields:
    return fit_square(decode_image(file), FIELD_PX)[..., 1]


def _make_fields(real: Fields, number: int) -> tuple[Fields, list[int]]:
    """So many fields, and which real field each is a part of; the first are the real ones."""
    generator = np.random.default_rng(0)
    order = generator.permutation(len(real))[:number]
    fields = np.empty((number, FIELD_PX, FIELD_PX), np.uint8)
    fields[: len(order)] = real[order]
    larger = FIELD_PX * 8 // 7
    sources = [int(order[row % len(order)]) for row in range(number)]
    for row in range(len(order), number):
        down, right = generator.integers(0, larger - FIELD_PX + 1, 2)
        enlarged = np.asarray(Image.fromarray(real[sources[row]]).resize((larger, larger)))
        fields[row] = enlarged[down:, right:][:FIELD_PX, :FIELD_PX]
    sources[: len(order)] = [-1] * len(order)  # of another scale than their parts
    return fields, sources


def _rows_by_source(sources: list[int]) -> list[list[int]]:
    rows: dict[int, list[int]] = {}
    for row, source in enumerate(sources):
        if source >= 0:
            rows.setdefault(source, []).append(row)
    return list(rows.values())


if __name__ == "__main__":
    main()
