"""`python -m modelzoo predict`: what a trained run predicts for images."""

from collections.abc import Iterator, Sequence
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
from modelzoo.commands.predict_shards import (
    SOME_UNREADABLE,
    check_field,
    find_scale,
    predict_in_shards,
)
from modelzoo.commands.progress import Show, show_progress
from modelzoo.commands.sharding import (
    FieldOption,
    ShardOption,
    ShardsOption,
    WorkersOption,
    read_sharded,
)
from modelzoo.errors import UserError
from modelzoo.files import replacing

if TYPE_CHECKING:
    from modelzoo.inference.smears import Smear
    from modelzoo.inference.trained import LoadedRun
    from modelzoo.runs.folder import Run
    from modelzoo.runs.records import Temperature

_FIRST = ("image", "tile", "fields", "predicted")  # columns, as far as there are any


def predict(
    image: ImageArgument,
    run: RunOption,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path,
            metavar="FILE",
            help="CSV to write, else it is printed; with --shards the folder of results.",
        ),
    ] = None,
    tiles: Annotated[
        bool,
        typer.Option(
            "--tiles", help="Predict every square that covers an image, and not the middle one."
        ),
    ] = False,
    field: FieldOption = 0,
    calibrated: CalibratedOption = False,
    shards: ShardsOption = None,
    shard: ShardOption = None,
    workers: WorkersOption = 1,
    device: DeviceOption = "auto",
    runs: RunsOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Predict images: image, predicted, ood_percentile, p:CLASS, reason; as CSV unless --json.

    An image that cannot be read has no prediction but a reason, and the exit code is 3; 2 and
    nothing is written where none can be read.

    With --shards the results are Parquet tables in a folder, which any number of processes fill.
    """
    from modelzoo.datasets.listing import list_images
    from modelzoo.evaluation.temperature import describe_scaling, find_temperature
    from modelzoo.inference.trained import load_run
    from modelzoo.training.environment import pick_device

    check_form(as_json=as_json, as_csv=as_csv)
    if as_json and out:
        raise UserError("Both --json and --out were given; --out writes CSV, so give one of them.")
    check_field(field, tiles=tiles)
    found = find_run(run, runs)
    if sharded := read_sharded(out, shards, shard, workers, _words(image, found, device)):
        if tiles:
            raise UserError("--tiles is not for work in shards; --field cuts large images there.")
        predict_in_shards(
            sharded, found, image, field_px=field, calibrated=calibrated, device=device
        )
        return
    files = list_images(image)
    temperature = find_temperature(found.path) if calibrated else None
    trained = load_run(found.path, str(pick_device(device)))
    root = image if image.is_dir() else image.parent
    shares: list[float] = []
    with show_progress() as show:
        records = list(
            _predict_tiles(trained, files, root, show, temperature)
            if tiles
            else _predict(trained, files, root, shares, show, temperature, field_px=field)
        )
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


def _words(image: Path, run: "Run", device: str) -> list[str]:
    """The command, but for its results and how it goes, as workers are started with it."""
    return ["modelzoo", "predict", str(image), "--run", str(run.path), "--device", device]


def _predict(
    trained: "LoadedRun",
    files: list[Path],
    root: Path,
    shares: list[float],
    show: Show,
    temperature: "Temperature | None",
    *,
    field_px: int,
) -> Iterator[dict[str, Any]]:
    """One record per image, in the order of the files.

    `shares` gets what of each image is not looked at. Probabilities are scaled where there is a
    temperature.
    """
    from modelzoo.inference.smears import predict_smears

    done = 0
    smears = predict_smears(trained, files, field_px=field_px, scale=find_scale(temperature))
    for ended in smears:
        for smear in ended:
            if not smear.reason:
                shares.append(smear.outside)
            yield _record(smear, root, trained.classes, cuts=bool(field_px))
        done += len(ended)
        show("predicting", done, len(files))


def _record(smear: "Smear", root: Path, classes: Sequence[str], *, cuts: bool) -> dict[str, Any]:
    """What is said of an image; with `cuts` also of how many fields, and their shares by class."""
    has_fields = bool(smear.fields)
    record: dict[str, Any] = {"image": smear.file.relative_to(root).as_posix()}
    if cuts:
        record["fields"] = len(smear.fields) or None
    known: dict[str, Any]
    if smear.reason:
        known = {"predicted": None, "ood_percentile": None, "probabilities": dict.fromkeys(classes)}
    else:
        known = {
            "predicted": classes[smear.predicted],
            "ood_percentile": smear.ood_percentile,
            "probabilities": dict(zip(classes, smear.mean.tolist(), strict=True)),
        }
    record |= known
    if cuts:
        field_shares = smear.field_shares.tolist() if has_fields else [None] * len(classes)
        record["field_shares"] = dict(zip(classes, field_shares, strict=True))
    return record | {"reason": smear.reason or None}


def _predict_tiles(
    trained: "LoadedRun",
    files: list[Path],
    root: Path,
    show: Show,
    temperature: "Temperature | None",
) -> Iterator[dict[str, Any]]:
    """One record per square that covers an image."""
    from modelzoo.inference.trained import predict_files

    place = {file: number for number, file in enumerate(files, start=1)}
    scale = find_scale(temperature)
    for pieces, batch in predict_files(trained, files, tiles=True):
        probabilities = scale(batch.probabilities) if scale else batch.probabilities
        answers = zip(probabilities, batch.ood_percentile, strict=True)
        for piece in pieces:
            p, ood_percentile = (None, None) if piece.reason else next(answers)
            yield {
                "image": piece.file.relative_to(root).as_posix(),
                "tile": piece.tile,
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
        **{name: record[name] for name in _FIRST if name in record},
        "ood_percentile": None if percentile is None else f"{percentile:.1f}",
        **{f"p:{name}": None if p is None else f"{p:.6f}" for name, p in probabilities},
        **{f"share:{name}": share for name, share in record.get("field_shares", {}).items()},
        "reason": record["reason"],
    }


def _describe_none(unreadable: list[str], image: Path) -> str:
    """That nothing was predicted, and the first reason."""
    if len(unreadable) == 1:
        return unreadable[0]
    return f"None of the {len(unreadable)} images in {image} could be read; {unreadable[0]}"
