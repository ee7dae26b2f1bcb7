"""`python -m xai explain`: overlays, maps and a manifest; started again, it goes on."""

import hashlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from modelzoo.commands.progress import Show
from modelzoo.datasets.images import fit_square, share_outside
from modelzoo.errors import UserError as ZooError
from modelzoo.files import make_folder, shorten_name, write_bytes, write_text
from modelzoo.text import join_few
from xai.attribution import Attribution
from xai.commands.manifest import MANIFEST, NOT_KEPT, SCHEMA, Record, read_images
from xai.draw.overlay import encode_png, render_overlay
from xai.draw.scale import shared_vmax
from xai.errors import UserError
from xai.say.evidence import describe_evidence

if TYPE_CHECKING:
    from modelzoo.inference.trained import LoadedRun

OVERLAY_PX = 448  # a side, as the pages draw
OPACITY = 0.6  # of the strongest evidence
NAME_BYTES = 100  # of an image's name, and of a class's, in that of a map: 255 are allowed in all
SAVE_SECONDS = 2.0  # what a killed command loses at most; a manifest of 10,000 images is 20 MB


@dataclass(slots=True)
class Job:
    """The task of one command, and its results."""

    trained: "LoadedRun"
    out: Path
    root: Path  # that names of images are relative to
    manifest: Record
    made: int = 0  # maps
    kept: int = 0  # maps that were there already
    refused: dict[str, str] = field(default_factory=dict)  # method -> why
    skipped: dict[str, str] = field(default_factory=dict)  # image -> why


def list_files(image: Path, out: Path) -> list[Path]:
    """The images to explain; overlays of an earlier command are none."""
    from modelzoo.datasets.listing import list_images

    files = list_images(image)
    if image.is_file():
        return files
    results = out.resolve()
    files = [file for file in files if not file.resolve().is_relative_to(results)]
    if not files:
        raise UserError(f"{out} is where the images of {image} are; give another folder for --out.")
    return files


def start(run: Path, image: Path, out: Path, device: str) -> Job:
    """The run, loaded, and the folder of results with its manifest."""
    from modelzoo.runs.hashes import hash_model
    from xai.model import prepare_process
    from xai.on_runs.open import open_run

    prepare_process()
    trained = open_run(run, device)
    model_sha256 = hash_model(run)
    manifest = {
        "schema": SCHEMA,
        "run": trained.run.id,
        "model_sha256": model_sha256,
        "backbone": trained.run.config.backbone,
        "classes": list(trained.classes),
        "versions": {name: version(name) for name in ("torch", "timm", "numpy", "pillow")},
        "images": read_images(make_folder(out) / MANIFEST, model_sha256),
    }
    return Job(trained, out, image if image.is_dir() else image.parent, manifest)


def find_class(target: str | None, classes: Sequence[str]) -> int | None:
    """The index of the class asked for; None: the predicted class of each image."""
    if target is None:
        return None
    if target not in classes:
        raise UserError(f"Class {target!r} is unknown; give one of {join_few(classes)}.")
    return classes.index(target)


def explain_files(
    job: Job, files: Sequence[Path], names: Sequence[str], target: int | None, show: Show
) -> list[Record]:
    """The records of those of `files` that can be read, with the maps that were missing."""
    from xai.on_runs.open import read_image

    before = {each["file"]: each for each in job.manifest["images"]}
    records = []
    saved = time.monotonic()
    try:
        for done, file in enumerate(files):
            name = file.relative_to(job.root).as_posix()
            show(f"explaining {name}", done, len(files))
            try:
                image = read_image(file, depth=job.trained.depth)
                sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            except ZooError as error:
                job.skipped[name] = str(error)
                continue
            pixels = fit_square(image, job.trained.px)
            record = before.get(name)
            if record is None or record["sha256"] != sha256:
                record = before[name] = _predict(job.trained, pixels, name, sha256)
            record["share_outside"] = share_outside(*image.size)
            _add_maps(job, record, pixels, names, target)
            records.append(record)
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(job, before)
                saved = time.monotonic()
    finally:
        _save(job, before)
    return records


def _save(job: Job, record_by_file: dict[str, Record]) -> None:
    """Write the manifest, so that a command that is stopped can go on."""
    job.manifest["images"] = [record_by_file[name] for name in sorted(record_by_file)]
    content = job.manifest | {"skipped": job.skipped}
    write_text(job.out / MANIFEST, json.dumps(content, indent=1, ensure_ascii=False))


def _predict(trained: "LoadedRun", pixels: npt.NDArray[np.uint8], name: str, sha256: str) -> Record:
    """The record of an image without maps: its prediction."""
    from xai.on_runs.predict import predict_image

    prediction = predict_image(trained, pixels)
    return {
        "file": name,
        "sha256": sha256,
        "prediction": trained.classes[prediction.predicted],
        "probabilities": dict(zip(trained.classes, prediction.probabilities.tolist(), strict=True)),
        "ood_percentile": prediction.ood_percentile,
        "maps": [],
    }


def _add_maps(
    job: Job,
    record: Record,
    pixels: npt.NDArray[np.uint8],
    names: Sequence[str],
    target: int | None,
) -> None:
    """Make those maps of an image that its record does not list or whose files are gone."""
    if target is None:
        target = job.trained.classes.index(record["prediction"])
    there = {
        each["method"]
        for each in record["maps"]
        if each["target"] == target and (job.out / each.get("values", "?")).is_file()
    }
    missing = [name for name in names if name not in there]
    job.kept += len(names) - len(missing)
    record["maps"] = [
        each for each in record["maps"] if each["target"] != target or each["method"] not in missing
    ]
    from xai.on_runs.explain import explain_or_refuse

    made_by_name = explain_or_refuse(
        job.trained,
        pixels,
        methods=missing,
        target=target,
        model_hash=job.manifest["model_sha256"],
    )
    for name, made in made_by_name.items():
        if isinstance(made, str):
            job.refused[name] = made
            record["maps"].append({"method": name, "target": target, "refused": made})
        else:
            record["maps"].append(_keep(job, record["file"], made))
            job.made += 1


def _keep(job: Job, image: str, attribution: Attribution) -> Record:
    """Write a map; the record of it, with every field of the attribution but its values."""
    name = job.trained.classes[attribution.target]
    stem = _name_map(image, attribution.method, name)
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
        "description": describe_evidence(attribution, name),
        "settings": {"input_px": job.trained.px, "device": str(_device(job))},
        "values": f"{stem}.npy",
        "overlay": f"{stem}.png",
        "strength": shared_vmax([attribution]),
    }


def _name_map(image: str, method: str, target: str) -> str:
    """The path of a map below the folder of results, without its ending.

    Image and class are each shortened where they must be, so that all three can be read; the
    manifest has them whole.
    """
    folder, _, file = image.rpartition("/")
    # Quoted, as a class of a table may be called "pre/pro".
    parts = (shorten_name(file, NAME_BYTES), method, shorten_name(quote(target, " "), NAME_BYTES))
    return f"{folder}/{'.'.join(parts)}" if folder else ".".join(parts)


def _device(job: Job) -> object:
    return next(job.trained.backbone.parameters()).device


def draw_all(job: Job, records: list[Record], names: Sequence[str], show: Show) -> None:
    """Draw the images' maps, each method's on one scale; a map drawn so already stays."""
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


def _draw(job: Job, image: str, record: Record, vmax: float) -> None:
    from xai.on_runs.open import read_pixels

    pixels = read_pixels(job.root / image, OVERLAY_PX, depth=job.trained.depth)
    drawn = render_overlay(pixels, _read_map(job.out, record), vmax=vmax, opacity=OPACITY)
    write_bytes(job.out / record["overlay"], encode_png(drawn))


def _read_map(out: Path, record: Record) -> Attribution:
    """The attribution that `_keep` wrote."""
    file = out / record["values"]
    facts = {spec.name: record[spec.name] for spec in fields(Attribution) if spec.name in record}
    try:
        return Attribution(**facts | {"values": np.load(file, allow_pickle=False)})
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{file} is damaged; remove it and start again.") from error
