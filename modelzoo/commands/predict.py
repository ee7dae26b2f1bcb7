"""`python -m modelzoo predict`: what a trained run predicts for images."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelzoo.commands.options import (
    CalibratedOption,
    CsvOption,
    DeviceOption,
    ImageArgument,
    JsonOption,
    RunOption,
    RunsOption,
    find_run,
    parse_path,
)
from modelzoo.commands.output import (
    check_form,
    note_outside,
    notes,
    print_csv,
    print_json,
    write_csv,
)
from modelzoo.commands.progress import Show, show_progress
from modelzoo.errors import UserError
from modelzoo.files import replacing

if TYPE_CHECKING:
    from modelzoo.inference.trained import LoadedRun
    from modelzoo.runs.records import Temperature

SOME_UNREADABLE = 3  # exit code


def predict(
    image: ImageArgument,
    run: RunOption,
    out: Annotated[
        Path | None,
        typer.Option(parser=parse_path, metavar="FILE", help="CSV to write; else it is printed."),
    ] = None,
    tiles: Annotated[
        bool,
        typer.Option(
            "--tiles", help="Predict every square that covers an image, and not the middle one."
        ),
    ] = False,
    calibrated: CalibratedOption = False,
    device: DeviceOption = "auto",
    runs: RunsOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Predict images: image, predicted, ood_percentile, p:CLASS, reason; as CSV unless --json.

    An image that cannot be read has no prediction but a reason, and the exit code is 3; 2 and
    nothing is written where none can be read.
    """
    from modelzoo.evaluation.temperature import describe_scaling, find_temperature
    from modelzoo.inference.trained import list_images, load_run
    from modelzoo.training.environment import pick_device

    check_form(as_json=as_json, as_csv=as_csv)
    if as_json and out:
        raise UserError("Both --json and --out were given; --out writes CSV, so give one of them.")
    found = find_run(run, runs)
    files = list_images(image)
    temperature = find_temperature(found.path) if calibrated else None
    trained = load_run(found.path, str(pick_device(device)))
    root = image if image.is_dir() else image.parent
    shares: list[float] = []
    with show_progress() as show:
        records = list(_predict(trained, files, root, shares, show, temperature, tiles=tiles))
    unreadable = [record["reason"] for record in records if record["reason"]]
    if len(unreadable) == len(records):
        raise UserError(_describe_none(unreadable, image))
    _write(records, out, as_json=as_json)
    if not tiles:
        note_outside(shares)
    if temperature:
        notes.print(describe_scaling({found.id: temperature}))
    for reason in unreadable:
        notes.print(f"skipped: {reason}")
    if unreadable:
        raise typer.Exit(SOME_UNREADABLE)


def _predict(
    trained: "LoadedRun",
    files: list[Path],
    root: Path,
    shares: list[float],
    show: Show,
    temperature: "Temperature | None",
    *,
    tiles: bool,
) -> Iterator[dict[str, Any]]:
    """One record per image or square, in the order of the files.

    `shares` gets what of each image is outside the middle square. Probabilities are scaled where
    there is a temperature.
    """
    from modelzoo.evaluation.temperature import scale_probabilities
    from modelzoo.inference.trained import predict_files

    place = {file: number for number, file in enumerate(files, start=1)}
    seen: set[Path] = set()
    for pieces, batch in predict_files(trained, files, tiles=tiles):
        probabilities = batch.probabilities
        if temperature:
            probabilities = scale_probabilities(probabilities, temperature)
        answers = zip(probabilities, batch.ood_percentile, strict=True)
        for piece in pieces:
            p, ood_percentile = (None, None) if piece.reason else next(answers)
            if not (piece.reason or piece.file in seen):
                shares.append(piece.outside)
            seen.add(piece.file)
            yield {
                "image": piece.file.relative_to(root).as_posix(),
                **({"tile": piece.tile} if tiles else {}),
                "predicted": None if p is None else trained.classes[int(p.argmax())],
                "ood_percentile": None if ood_percentile is None else float(ood_percentile),
                "probabilities": dict.fromkeys(trained.classes)
                if p is None
                else dict(zip(trained.classes, p.tolist(), strict=True)),
                "reason": piece.reason or None,
            }
        show("predicting", place[pieces[-1].file], len(files))


def _write(records: list[dict[str, Any]], out: Path | None, *, as_json: bool) -> None:
    """Write the records to `out`, whole or not at all, or else print them."""
    if as_json:
        print_json(records)
    elif out is None:
        print_csv(map(_flatten, records))
    else:
        with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            write_csv(file, map(_flatten, records))


def _flatten(record: dict[str, Any]) -> dict[str, Any]:
    """The record as a row: a column for each class, the reason last."""
    percentile = record["ood_percentile"]
    probabilities = record["probabilities"].items()
    return {
        **{name: record[name] for name in ("image", "tile", "predicted") if name in record},
        "ood_percentile": None if percentile is None else f"{percentile:.1f}",
        **{f"p:{name}": None if p is None else f"{p:.6f}" for name, p in probabilities},
        "reason": record["reason"],
    }


def _describe_none(unreadable: list[str], image: Path) -> str:
    """That nothing was predicted, and the first reason."""
    if len(unreadable) == 1:
        return unreadable[0]
    return f"None of the {len(unreadable)} images in {image} could be read; {unreadable[0]}"
