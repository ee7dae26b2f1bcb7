"""The command line: `python -m xai --help`. Runs and files are read here; xai itself knows none."""

import hashlib
import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from modelzoo.errors import UserError as ZooError
from modelzoo.files import make_folder, write_bytes, write_text
from xai.attribution import Attribution
from xai.errors import UserError
from xai.measures import MEASURES, PUBLISHED, Summary, say_method
from xai.methods import METHODS, ONE_PASS, find_method
from xai.overlay import describe_evidence, draw_overlay, encode_png, shared_vmax

if TYPE_CHECKING:
    from torch import Tensor

    from modelzoo.datasets.splits import SplitRow
    from modelzoo.predict import Trained
    from xai.cells import Cells
    from xai.model import SplitModel
    from xai.quality import QualityReport
    from xai.validity import Validity

MANIFEST = "manifest.json"
OVERLAY_PX = 448  # a side, as the pages draw
OPACITY = 0.6  # of the strongest evidence
SAVE_SECONDS = 2.0  # what a killed command loses at most; a manifest of 10,000 images is 20 MB
# Images on which methods are examined. Four take two minutes for Lite0 at 224 px, half of them for
# Integrated Gradients; a few that differ say as much as many.
EXAMINED = 4
QUICK = 300  # passes; of a slower method the examination would take longer than all else
WIDE = 240  # characters: the table of methods through a pipe

app = typer.Typer(
    help="Show where trained backbones looked. Not for diagnosis.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(
    markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE
)
notes = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)  # not for pipes

Record = dict[str, Any]  # of the manifest: plain JSON
# Of a map's record: an attribution's fields (`values` a file's name), and what is drawn of it.
NOT_KEPT = ("model_hash",)  # the manifest says it once
MAP_KEYS = {spec.name for spec in fields(Attribution)} - {*NOT_KEPT} | {"overlay", "strength"}
REFUSED_KEYS = {"method", "target"}


@dataclass(slots=True)
class _Job:
    """What one command was asked for, and what has come of it."""

    trained: "Trained"
    out: Path
    root: Path  # that names of images are relative to
    manifest: Record
    made: int = 0  # maps
    found: int = 0  # maps that were there already
    refused: dict[str, str] = field(default_factory=dict)  # method -> why
    skipped: dict[str, str] = field(default_factory=dict)  # image -> why


@dataclass(slots=True)
class _Jury:
    """A run whose maps are judged, on which images, and what has come of it."""

    trained: "Trained"
    root: Path  # that image ids are relative to
    rows: "list[SplitRow]"  # test images
    seen: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)  # image -> (px, px, 3)
    reports: "dict[str, list[QualityReport]]" = field(default_factory=dict)  # by image
    refused: dict[str, str] = field(default_factory=dict)  # method -> why
    skipped: dict[str, str] = field(default_factory=dict)  # image -> why


@app.command()
def methods() -> None:
    """List the methods: what each shows, what it costs, when not to trust it."""
    names = ("method", "title", "paper", "map in", "cost", "reads", "not to trust")
    table = Table(*(Column(name, overflow="fold") for name in names), box=SIMPLE)
    for row in METHODS.values():
        unit = f"{row.unit}, {'for and against' if row.is_signed else 'for'}"
        table.add_row(row.name, row.title, row.paper, unit, row.cost, row.reads, row.not_valid)
    console.print(table)


@app.command()
def explain(
    run: Annotated[Path, typer.Option(help="Folder of the trained run.")],
    image: Annotated[Path, typer.Option(help="An image, or a folder of images.")],
    out: Annotated[Path, typer.Option(help="Folder for overlays, maps and manifest.json.")],
    methods: Annotated[str, typer.Option(help="Several with commas.")] = "grad-cam",
    target: Annotated[str | None, typer.Option(help="Class; each image's answer if none.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "cpu",
) -> None:
    """Explain images: an overlay (PNG) and a map (.npy) each; what is there is not made again."""
    with _mistakes_said():
        names = _list_names(methods)
        files = _list_files(image, out)
        job = _start(run, image, out, device)
        index = _find_class(target, job.trained.classes)
        with _progress() as show:
            records = _explain_files(job, files, names, index, show)
            _draw_all(job, records, names, show)
        for name, reason in job.refused.items():
            notes.print(f"{METHODS[name].title}: {reason}")
        for reason in job.skipped.values():
            notes.print(f"skipped: {reason}")
        if not records:
            raise UserError(f"None of the {len(files)} images in {image} could be read.")
        if not job.made + job.found:
            raise UserError(f"No map could be made of {image}; give other methods, or another run.")
    console.print(
        f"Images: {len(records)}. Maps: {job.made} made, {job.found} there already. "
        f"See {out / MANIFEST}."
    )


@app.command(epilog=PUBLISHED)
def quality(
    run: Annotated[Path, typer.Option(help="Folder of the trained run.")],
    methods: Annotated[str, typer.Option(help="Several with commas.")] = "grad-cam,score-cam",
    n: Annotated[int, typer.Option("--n", help="Images of its test part, all if fewer.")] = 100,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "cpu",
) -> None:
    """Judge a run's maps over its test images, for the page Compare: quality.csv, validity.csv.

    Each map is judged beside a random one, one of the middle and one of what is dark.
    """
    with _mistakes_said():
        names = _list_names(methods)
        if n < 1:
            raise UserError(f"{n} images cannot be judged; give 1 or more for --n.")
        jury = _gather(run, n, device)
        with _progress() as show:
            _judge_images(jury, names, show)
            held = _examine(jury, show)
        for name, reason in jury.refused.items():
            notes.print(f"{METHODS[name].title}: {reason}")
        for reason in jury.skipped.values():
            notes.print(f"skipped: {reason}")
        found = _summarise(jury)
        _write_judgement(run, found, held)
    console.print(_quality_table(found))
    for name in dict.fromkeys(each.method for each in found):
        console.print(say_method([each for each in found if each.method == name]))
    console.print(f"{PUBLISHED}\nSee {run / 'quality.csv'}.")


# What is asked for


def _list_names(methods: str) -> list[str]:
    return list(dict.fromkeys(find_method(name.strip()).name for name in methods.split(",")))


def _list_files(image: Path, out: Path) -> list[Path]:
    """The images to explain; overlays of an earlier command are none."""
    from modelzoo.predict import list_images

    files = list_images(image)
    if image.is_file():
        return files
    results = out.resolve()
    files = [file for file in files if not file.resolve().is_relative_to(results)]
    if not files:
        raise UserError(f"{out} is where the images of {image} are; give another folder for --out.")
    return files


def _start(run: Path, image: Path, out: Path, device: str) -> _Job:
    """The run, loaded, and the folder of results with what its manifest says."""
    from modelzoo import runs
    from modelzoo.predict import load_trained
    from modelzoo.training.environment import pick_device

    trained = load_trained(run, str(pick_device(device)))
    with (run / runs.MODEL).open("rb") as file:
        model_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = {
        "run": trained.run.id,
        "model_sha256": model_sha256,
        "backbone": trained.run.config.backbone,
        "classes": list(trained.classes),
        "versions": {name: version(name) for name in ("torch", "timm", "numpy", "pillow")},
        "images": _read_images(make_folder(out) / MANIFEST, model_sha256),
    }
    return _Job(trained, out, image if image.is_dir() else image.parent, manifest)


def _read_images(file: Path, model_sha256: str) -> list[Record]:
    """What an earlier command left of the same model's maps; nothing where there is none."""
    if not file.exists():
        return []
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
        images: list[Record] = before["images"]
        for each in images:
            _check_keys(each, {"file", "sha256", "answer", "maps"})
            for made in each["maps"]:
                _check_keys(made, REFUSED_KEYS if "refused" in made else MAP_KEYS)
        return images if before["model_sha256"] == model_sha256 else []
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(
            f"{file} is damaged; remove it, or give another folder for --out."
        ) from error


def _check_keys(record: Record, keys: set[str]) -> None:
    if not keys <= record.keys():
        raise ValueError(f"without {', '.join(sorted(keys - record.keys()))}")


def _find_class(target: str | None, classes: Sequence[str]) -> int | None:
    if target is None:
        return None
    if target not in classes:
        raise UserError(f"Class {target!r} is unknown; give one of {', '.join(classes)}.")
    return classes.index(target)


# Maps


def _explain_files(
    job: _Job, files: Sequence[Path], names: Sequence[str], target: int | None, show: "_Show"
) -> list[Record]:
    """The records of those of `files` that can be read, with the maps that were missing."""
    from modelzoo.datasets.images import decode_image, fit_square, require_cells_visible

    before = {each["file"]: each for each in job.manifest["images"]}
    records = []
    saved = time.monotonic()
    try:
        for done, file in enumerate(files):
            name = file.relative_to(job.root).as_posix()
            show(f"explaining {name}", done, len(files))
            try:
                image = require_cells_visible(decode_image(file), str(file))
                pixels = fit_square(image, job.trained.px)
                sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            except ZooError as error:
                job.skipped[name] = str(error)
                continue
            record = before.get(name)
            if record is None or record["sha256"] != sha256:
                record = before[name] = _answer(job.trained, pixels, name, sha256)
            _add_maps(job, record, pixels, names, target)
            records.append(record)
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(job, before)
                saved = time.monotonic()
    finally:
        _save(job, before)
    return records


def _save(job: _Job, record_by_file: dict[str, Record]) -> None:
    """Write the manifest, so that a command that is stopped can go on."""
    job.manifest["images"] = [record_by_file[name] for name in sorted(record_by_file)]
    content = job.manifest | {"skipped": job.skipped}
    write_text(job.out / MANIFEST, json.dumps(content, indent=1, ensure_ascii=False))


def _answer(trained: "Trained", pixels: npt.NDArray[np.uint8], name: str, sha256: str) -> Record:
    """The record of an image without maps: what the run says of it."""
    from modelzoo.predict import predict

    answers = predict(trained, pixels[None])
    probabilities = answers.probabilities[0]
    return {
        "file": name,
        "sha256": sha256,
        "answer": trained.classes[int(probabilities.argmax())],
        "probabilities": dict(zip(trained.classes, probabilities.tolist(), strict=True)),
        "unlikeness": float(answers.unlikeness[0]),
        "maps": [],
    }


def _add_maps(
    job: _Job,
    record: Record,
    pixels: npt.NDArray[np.uint8],
    names: Sequence[str],
    target: int | None,
) -> None:
    """Make those maps of an image that its record does not list or whose files are gone."""
    if target is None:
        target = job.trained.classes.index(record["answer"])
    there = {
        each["method"]
        for each in record["maps"]
        if each["target"] == target and (job.out / each.get("values", "?")).is_file()
    }
    missing = [name for name in names if name not in there]
    job.found += len(names) - len(missing)
    record["maps"] = [
        each for each in record["maps"] if each["target"] != target or each["method"] not in missing
    ]
    for name, made in _explain(job, pixels, missing, target).items():
        if isinstance(made, str):
            job.refused[name] = made
            record["maps"].append({"method": name, "target": target, "refused": made})
        else:
            record["maps"].append(_keep(job, record["file"], made))
            job.made += 1


def _explain(
    job: _Job, pixels: npt.NDArray[np.uint8], names: Sequence[str], target: int
) -> dict[str, Attribution | str]:
    """An attribution by method, or why there is none for this network."""
    import torch

    from xai.explain import explain_by_all

    backbone = job.trained.backbone
    device = next(backbone.parameters()).device
    images = backbone.normalise(torch.from_numpy(pixels[None]).to(device))
    cheap = [name for name in names if name in ONE_PASS]
    groups = [cheap] if cheap else []
    groups += [[name] for name in names if name not in ONE_PASS]
    found: dict[str, Attribution | str] = {}
    while groups:
        group = groups.pop()
        try:
            made = explain_by_all(
                backbone,
                images,
                methods=group,
                target=target,
                model_hash=job.manifest["model_sha256"],
            )
            found |= {name: attributions[0] for name, attributions in made.items()}
        except UserError as error:
            if len(group) == 1:
                found[group[0]] = str(error)
            groups += [[name] for name in group] if len(group) > 1 else []
    return {name: found[name] for name in names}


def _keep(job: _Job, image: str, attribution: Attribution) -> Record:
    """Write a map; the record of it, with every field of the attribution but its values."""
    name = job.trained.classes[attribution.target]
    # Quoted, as a class of a table may be called "pre/pro".
    stem = f"{image}.{attribution.method}.{quote(name, safe=' ')}"
    content = io.BytesIO()
    np.save(content, attribution.values)
    make_folder((job.out / stem).parent)
    write_bytes(job.out / f"{stem}.npy", content.getvalue())
    plain = {
        spec.name: getattr(attribution, spec.name)
        for spec in fields(Attribution)
        if spec.name not in (*NOT_KEPT, "values")
    }
    return plain | {
        "target_name": name,
        "unit": attribution.unit,
        "says": describe_evidence(attribution, name),
        "settings": {"input_px": job.trained.px, "device": str(_device(job))},
        "values": f"{stem}.npy",
        "overlay": f"{stem}.png",
        "strength": shared_vmax([attribution]),
    }


def _device(job: _Job) -> object:
    return next(job.trained.backbone.parameters()).device


# Overlays


def _draw_all(job: _Job, records: list[Record], names: Sequence[str], show: "_Show") -> None:
    """Draw the images' maps, each method's on one scale; what is drawn so already stays."""
    maps = [
        (record, each)
        for record in records
        for each in record["maps"]
        if each["method"] in names and "values" in each
    ]
    vmax = {
        name: max((each["strength"] for _, each in maps if each["method"] == name), default=0.0)
        for name in names
    }
    for done, (record, each) in enumerate(maps):
        show(f"drawing {record['file']}", done, len(maps))
        drawn = {"vmax": vmax[each["method"]], "opacity": OPACITY, "px": OVERLAY_PX}
        if each.get("drawn") != drawn or not (job.out / each["overlay"]).is_file():
            _draw(job, record["file"], each, drawn["vmax"])
            each["drawn"] = drawn
    _save(job, {record["file"]: record for record in job.manifest["images"]})


def _draw(job: _Job, image: str, record: Record, vmax: float) -> None:
    from modelzoo.datasets.images import decode_image, fit_square

    pixels = fit_square(decode_image(job.root / image), OVERLAY_PX)
    drawn = draw_overlay(pixels, _read_map(job.out, record), vmax=vmax, opacity=OPACITY)
    write_bytes(job.out / record["overlay"], encode_png(drawn))


def _read_map(out: Path, record: Record) -> Attribution:
    """The attribution that `_keep` wrote."""
    file = out / record["values"]
    facts = {spec.name: record[spec.name] for spec in fields(Attribution) if spec.name in record}
    try:
        return Attribution(**facts | {"values": np.load(file, allow_pickle=False)})
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{file} is damaged; remove it and start again.") from error


# Judging a run's maps


def _gather(run: Path, n: int, device: str) -> _Jury:
    """The run, loaded, and `n` of its test images, as many of each class as can be.

    Raises:
        ZooError: The run, its model or its images are not there.
    """
    from modelzoo import runs
    from modelzoo.datasets.splits import draw_evenly
    from modelzoo.predict import load_trained
    from modelzoo.training.environment import pick_device

    trained = load_trained(run, str(pick_device(device)))
    test = [row for row in runs.read_split(run).rows if row.part == "test"]
    if not test:
        raise UserError(f"Run {trained.run.id!r} has no test images; train it with some.")
    drawn = draw_evenly(test, n, seed=trained.run.config.seed)
    data = Path(trained.run.config.data)
    return _Jury(trained, _find_root(data, drawn[0].image), drawn)


def _find_root(data: Path, image_id: str) -> Path:
    """The folder that image ids are relative to; it may lie deeper than the data set's path."""
    from modelzoo import places
    from modelzoo.datasets.layouts import open_dataset

    if not data.exists():
        raise UserError(
            f"{data} is not there any more; put the data set back where it was when the run was "
            "trained."
        )
    root = data if data.is_dir() else data.parent
    if (root / image_id).is_file():
        return root
    return open_dataset(data, store=places.store_folder()).root


def _judge_images(jury: _Jury, names: Sequence[str], show: "_Show") -> None:
    """The reports of the images that can be read, for the methods that this network allows.

    Raises:
        UserError: No image, or no method, is left.
    """
    from xai.quality import randomise

    randomised = randomise(jury.trained.backbone)
    for done, row in enumerate(jury.rows):
        show(f"judging {row.image}", done, len(jury.rows))
        try:
            pixels, cells = _see(jury, row.image)
        except ZooError as error:
            jury.skipped[row.image] = str(error)
            continue
        jury.seen[row.image] = pixels
        jury.reports[row.image] = _judge_image(jury, pixels, cells, names, randomised)
    if not jury.seen:
        raise UserError(f"None of the {len(jury.rows)} test images could be read.")
    if not any(jury.reports.values()):
        raise UserError(f"No map could be made: {'; '.join(jury.refused.values())}")


def _see(jury: _Jury, image_id: str) -> "tuple[npt.NDArray[np.uint8], Cells]":
    """The image (px, px, 3) as the run sees it, and its cells, sought where they are sharp."""
    from modelzoo.datasets.images import decode_image, fit_square
    from xai.cells import WORK_PX, segment_cells

    px = jury.trained.px
    picture = decode_image(jury.root / image_id)
    cells = segment_cells(fit_square(picture, max(px, WORK_PX)))
    return fit_square(picture, px), cells.resized(px)


def _judge_image(
    jury: _Jury,
    pixels: npt.NDArray[np.uint8],
    cells: "Cells",
    names: Sequence[str],
    randomised: "SplitModel",
) -> "list[QualityReport]":
    """A report a method, of its map for the run's own answer."""
    from modelzoo.predict import predict
    from xai.explain import explain
    from xai.quality import judge

    model = jury.trained.backbone
    image = _as_input(jury, [pixels])
    target = int(predict(jury.trained, pixels[None]).probabilities[0].argmax())
    found = []
    for name in names:
        if name in jury.refused:
            continue
        try:
            (attribution,) = explain(model, image, method=name, target=target)
        except UserError as error:
            jury.refused[name] = str(error)
            continue
        found.append(
            judge(
                model,
                image,
                attribution,
                nuclei=cells.nuclei,
                cells=cells.mask,
                randomised=randomised,
            )
        )
    return found


def _as_input(jury: _Jury, pixels: Sequence[npt.NDArray[np.uint8]]) -> "Tensor":
    """Images (px, px, 3) uint8 as the network takes them: (N, 3, px, px), normalised."""
    import torch

    backbone = jury.trained.backbone
    device = next(backbone.parameters()).device
    return backbone.normalise(torch.from_numpy(np.stack(pixels)).to(device))


def _examine(jury: _Jury, show: "_Show") -> "list[Validity]":
    """What of each quick method holds on this network, seen on a few of the images."""
    from modelzoo.datasets.splits import draw_evenly
    from xai.validity import examine

    rows = [row for row in jury.rows if row.image in jury.seen]
    few = draw_evenly(rows, EXAMINED, seed=jury.trained.run.config.seed)
    quick = [row.name for row in METHODS.values() if row.passes < QUICK]
    show("examining methods", 0, len(quick))
    return examine(
        jury.trained.backbone,
        _as_input(jury, [jury.seen[row.image] for row in few]),
        methods=quick,
        progress=lambda done, total: show("examining methods", done, total),
    )


def _summarise(jury: _Jury) -> list[Summary]:
    from xai.quality import summarise

    return summarise(jury.reports, {row.image: row.group for row in jury.rows})


def _write_judgement(run: Path, found: Sequence[Summary], held: "Sequence[Validity]") -> None:
    from modelzoo import runs
    from xai.validity import to_rows

    runs.write_judgement(run, [asdict(each) for each in found], to_rows(held))


def _quality_table(found: Sequence[Summary]) -> Table:
    """A row a method and measure, in the order of `MEASURES`."""
    names = ("method", "score", "better", "mean (95 %)", "random", "centre", "blurred", "area")
    table = Table(*names, "beats all three", "images", box=SIMPLE)
    row_by_key = {(each.method, each.measure): each for each in found}
    for method in dict.fromkeys(each.method for each in found):
        for name, measure in MEASURES.items():
            if row := row_by_key.get((method, name)):
                references = (row.random, row.centre, row.blurred, row.area)
                table.add_row(
                    METHODS[method].title,
                    measure.title,
                    {True: "up", False: "down", None: ""}[measure.up_is_better],
                    f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})",
                    *("" if value is None else f"{value:.2f}" for value in references),
                    "" if row.better is None else f"{row.better:.0%}",
                    f"{row.images} in {row.groups} groups",
                )
    return table


# What the commands share


class _Show:
    """A bar that shows one phase at a time."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task("starting", total=None)

    def __call__(self, name: str, done: int, total: int) -> None:
        self.progress.update(self.task, description=name, completed=done, total=total)


@contextmanager
def _progress() -> Iterator[_Show]:
    """A bar on the error stream, where a person looks at it."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    is_piped = not notes.is_terminal
    with Progress(*columns, console=notes, transient=True, disable=is_piped) as progress:
        yield _Show(progress)


@contextmanager
def _mistakes_said() -> Iterator[None]:
    """Print what a person asked wrongly as its sentence, and exit with 2."""
    try:
        yield
    except (UserError, ZooError) as error:
        notes.print(f"error: {error}", style="red")
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
