"""`python -m modelzoo predict --shards`: the predictions of any number of images, as Parquet."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from modelzoo.commands.output import note_outside, notes, print_line
from modelzoo.commands.sharding import Sharded, describe_rest, run_shards
from modelzoo.datasets.fields import LEAST_FIELD_PX, describe_large, is_large
from modelzoo.errors import UserError
from modelzoo.text import count

if TYPE_CHECKING:
    from modelzoo.inference.smears import Scale
    from modelzoo.runs.folder import Run
    from modelzoo.runs.records import Temperature
    from modelzoo.shards.plan import Plan
    from modelzoo.shards.work import Progress, Work

SOME_UNREADABLE = 3  # exit code


def check_field(field_px: int, *, tiles: bool = False) -> None:
    """Raise a UserError where images cannot be cut so."""
    if field_px and field_px < LEAST_FIELD_PX:
        raise UserError(
            f"A field of {field_px} px was asked for; give {LEAST_FIELD_PX} or more, or 0 for the "
            "middle square."
        )
    if field_px and tiles:
        raise UserError("Both --tiles and --field were given; give one of them.")


def find_scale(temperature: "Temperature | None") -> "Scale | None":
    """What scales probabilities by a temperature; None: they stay as they are."""
    from modelzoo.evaluation.temperature import scale_probabilities

    return (lambda p: scale_probabilities(p, temperature)) if temperature else None


def fix_run_plan(
    sharded: Sharded, run: "Run", image: Path, work: str, settings: dict[str, Any]
) -> "Plan":
    """The plan for a run and a folder of images (or one image), in the folder of results."""
    from modelzoo.datasets.listing import list_images
    from modelzoo.runs.hashes import hash_model
    from modelzoo.shards.plan import Asked, fix_plan

    source = image.resolve()
    root = source if source.is_dir() else source.parent
    asked = Asked(
        work=work,
        run=run.id,
        model_sha256=hash_model(run.path),
        root=str(root),
        source=str(source),
        shards=sharded.shards,
        settings=settings,
    )
    return fix_plan(
        sharded.out,
        asked,
        lambda: [file.relative_to(root).as_posix() for file in list_images(source)],
    )


def predict_in_shards(
    sharded: Sharded,
    run: "Run",
    image: Path,
    *,
    field_px: int,
    calibrated: bool,
    device: str,
) -> None:
    """Predict what is missing, and say what there is.

    Raises:
        typer.Exit: With 3 where some image could not be read.
    """
    from modelzoo.evaluation.temperature import describe_scaling, find_temperature

    temperature = find_temperature(run.path) if calibrated else None
    settings = {"field_px": field_px, "temperature": temperature and temperature.temperature}
    plan = fix_run_plan(sharded, run, image, "predict", settings)
    more = ("--field", str(field_px), *(("--calibrated",) if calibrated else ()))
    progress = run_shards(
        sharded.with_words(*more),
        plan,
        lambda: load_work(run, Path(plan.asked.root), field_px, temperature, device),
        "predicting",
    )
    if temperature:
        notes.print(describe_scaling({run.id: temperature}))
    report(sharded, plan, progress, run.config.input_px if not field_px else 0)


def load_work(
    run: "Run", root: Path, field_px: int, temperature: "Temperature | None", device: str
) -> "Work":
    """Predictions as the work of a shard, with the run loaded; names are relative to `root`."""
    import pyarrow as pa

    from modelzoo.inference.smear_rows import prediction_columns, prediction_row
    from modelzoo.inference.smears import predict_smears
    from modelzoo.inference.trained import load_run
    from modelzoo.shards.work import Work
    from modelzoo.training.environment import pick_device

    trained = load_run(run.path, str(pick_device(device)))
    scale = find_scale(temperature)

    def compute(names: Sequence[str]) -> Iterator[tuple[list[dict[str, Any]], tuple[()]]]:
        files = [root / name for name in names]
        for smears in predict_smears(trained, files, field_px=field_px, scale=scale):
            yield [prediction_row(smear, root, trained.classes) for smear in smears], ()

    return Work(pa.schema(prediction_columns(trained.classes, cuts=bool(field_px))), compute)


def report(sharded: Sharded, plan: "Plan", progress: "Progress", px: int) -> None:
    """Say what the finished shards hold, and what is missing.

    Args:
        sharded: As it was typed.
        plan: In its folder.
        progress: Of it.
        px: Side of the network's input, where large images were not cut; 0: they were.

    Raises:
        typer.Exit: With 3 where an image of a finished shard could not be read.
    """
    import pyarrow.parquet as pq

    from modelzoo.shards.files import table_file
    from modelzoo.shards.plan import TABLE

    if rest := describe_rest(sharded, plan, progress):
        print_line(rest)
    columns = ["image", "predicted", "width", "height", "outside", "reason"]
    predicted: Counter[str] = Counter()
    outside: list[float] = []
    large, unreadable = Noted(), Noted()
    shards = sorted(progress.finished) if sharded.shard is None else [sharded.shard]
    for shard in set(shards) & progress.finished:
        table = pq.read_table(table_file(sharded.out, plan, shard), columns=columns)
        for row in table.to_pylist():
            if row["reason"]:
                unreadable.add(row["reason"])
                continue
            predicted[row["predicted"]] += 1
            outside.append(row["outside"])
            if px and is_large(row["width"], row["height"], px):
                large.add(f"{row['image']} ({row['width']:,} x {row['height']:,})")
    listed = ", ".join(f"{name} {number:,}" for name, number in sorted(predicted.items()))
    total = count(len(outside) + unreadable.number, "image")
    print_line(f"{total}, by predicted class: {listed or 'none'}. See {sharded.out / TABLE}.")
    note_outside(outside)
    if large.number:
        notes.print(describe_large(large.number, large.first, px))
    if unreadable.number:
        what = count(unreadable.number, "image")
        notes.print(f"{what} could not be read, see `reason`; the first: {unreadable.first}")
        raise typer.Exit(SOME_UNREADABLE)


@dataclass(slots=True)
class Noted:
    """How many there are of something, and the first."""

    number: int = 0
    first: str = ""

    def add(self, text: str) -> None:
        """Count one more."""
        self.first = self.first if self.number else text
        self.number += 1
