"""One training from the data to the run folder: what happens, in the order it happens."""

import io
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from modelzoo.backbones.backbone import Backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.backbones.start import start_backbone
from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import TrainConfig, require_precision
from modelzoo.datasets.copies import CopiedPixels, add_copies
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import check_trainable, open_dataset
from modelzoo.datasets.splits import PARTS, Part, Split
from modelzoo.datasets.store import Pixels, open_pixels
from modelzoo.errors import UserError
from modelzoo.files import open_to_append
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import CHECKPOINT, ENVIRONMENT, LOG, PRECISION, WEIGHTS
from modelzoo.runs.folder import Run
from modelzoo.runs.lock import hold_run
from modelzoo.runs.predictions import Predictions, write_predictions
from modelzoo.runs.records import PrecisionRecord, write_record
from modelzoo.runs.status import Status, read_written_status
from modelzoo.training.augment import CHANGES, augment
from modelzoo.training.embeddings import embed_pixels, open_embeddings
from modelzoo.training.environment import describe_environment, pick_device
from modelzoo.training.head import StandardisedLinear, freeze_all_but_norms
from modelzoo.training.heartbeat import Heartbeat, StopRequestedError
from modelzoo.training.loop import BEST, fit
from modelzoo.training.precision import settle_precision
from modelzoo.training.sampling import require_every_class
from modelzoo.training.split import settle_split
from modelzoo.training.step import Inputs

log = logging.getLogger(__name__)

AnyPixels = Pixels | CopiedPixels


def train(
    run: Run,
    *,
    store: Path,
    weights_folder: Path | None,
    device: str = "auto",
    on_progress: Callable[[Status], None] | None = None,
) -> Status:
    """Train `run` from where it stands, and leave everything in its folder.

    A run that was interrupted goes on after its last whole epoch, and ends, on a CPU, bit for bit
    as if it had not been.

    Args:
        run: As `runs.create_run` made it, or interrupted since.
        store: Folder of results that can be made again.
        weights_folder: Local ImageNet weights, or None.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        on_progress: Called with every change of the run's status.

    Returns:
        The last status: `done` or `stopped`.

    Raises:
        UserError: It cannot be trained, or training failed; the status says the same sentence.
    """
    place = pick_device(device)
    with (
        hold_run(run),
        _log_to(run.path / LOG),
        Heartbeat(
            run.path,
            epochs=run.config.epochs,
            epoch=_epochs_before(run),
            device=str(place),
            on_progress=on_progress,
        ) as heartbeat,
    ):
        try:
            _train(_Job(run, heartbeat, store, place), weights_folder)
            return heartbeat.end("done")
        except (StopRequestedError, KeyboardInterrupt):  # the latter when asked twice
            log.info("stopped; resume to go on after the last whole epoch")
            return heartbeat.end("stopped")
        except BaseException as error:
            if heartbeat.is_gone:
                raise heartbeat.gone() from error
            sentence = _sentence(error, run.config)
            heartbeat.end("failed", error=sentence)
            log.exception("failed")
            if isinstance(error, UserError) or not isinstance(error, Exception):
                raise
            raise UserError(sentence) from error


@dataclass(slots=True)
class _Job:
    """What the steps of one training share."""

    run: Run
    heartbeat: Heartbeat
    store: Path
    device: torch.device
    features: Literal["", "computed", "cached"] = ""
    notes: list[str] = field(default_factory=list)  # what was done otherwise than the config says
    precision: PrecisionRecord = field(
        default_factory=lambda: PrecisionRecord(training="float32", features="float32")
    )
    seconds: "_Stopwatch" = field(default_factory=lambda: _Stopwatch())

    def on_progress(self, phase: str) -> Progress:
        """What to call with the work done in `phase`, and how much there is."""
        return lambda done, total: self.heartbeat.report(phase, done, total)


def _train(job: _Job, weights_folder: Path | None) -> None:
    require_precision(job.run.config, job.device.type)
    dataset, split, pixels = _open_data(job)
    backbone, weights = _load_backbone(job, dataset, weights_folder)
    job.precision = settle_precision(
        job.run,
        backbone,
        store=job.store,
        device=job.device,
        on_progress=job.on_progress("choosing the precision"),
    )
    job.seconds.lap("weights")
    embeddings = _fit(job, backbone, weights, dataset, split, pixels)
    _write_results(job, backbone, dataset, split, pixels, embeddings)


def _open_data(job: _Job) -> tuple[Dataset, Split, AnyPixels]:
    """The images, which of them are in which part, and their pixels."""
    config = job.run.config
    dataset = open_dataset(
        Path(config.data),
        store=job.store,
        columns=config.columns,
        progress=job.on_progress("checking images"),
    )
    check_trainable(dataset)
    for note in dataset.notes:
        log.warning("%s", note)
    split = settle_split(job.run, dataset, job.store, job.on_progress("finding groups"))
    pixels = open_pixels(
        dataset, input_px=config.px, store=job.store, progress=job.on_progress("decoding images")
    )
    job.seconds.lap("data")
    if n_copies := len(split.rows) - len(pixels.ids):
        log.info("%d images, and %d copies of them", len(pixels.ids), n_copies)
        ids = [row.image for row in split.rows]
        return dataset, split, add_copies(pixels.values, pixels.ids, ids)
    return dataset, split, pixels


def _load_backbone(
    job: _Job, dataset: Dataset, weights_folder: Path | None
) -> tuple[Backbone, WeightsRecord]:
    """The backbone with its initial weights, or a random start that the run says plainly."""
    config = job.run.config
    job.heartbeat.report("loading weights", 0, 1)
    torch.manual_seed(config.seed)
    backbone, weights = start_backbone(
        config.backbone,
        len(dataset.classes),
        weights=config.weights,
        folder=weights_folder,
        seed=config.seed,
        head=config.head,
    )
    if config.mode == "norms":
        freeze_all_but_norms(backbone)
    write_record(job.run.path, WEIGHTS, weights)
    log.info("%s, weights: %s", backbone.row.title, weights.source or "none, a random start")
    backbone.to(job.device).to(memory_format=torch.channels_last)
    return backbone, weights


def _fit(
    job: _Job,
    backbone: Backbone,
    weights: WeightsRecord,
    dataset: Dataset,
    split: Split,
    pixels: AnyPixels,
) -> npt.NDArray[np.float32]:
    """Train the network on pixels, or its head on frozen features; the embeddings (N, D)."""
    config = job.run.config
    labels, rows = _rows_of(split, dataset, pixels, job.device)
    require_every_class(labels[rows["train"]], dataset.classes, config)
    dtype = job.precision.training
    if config.mode != "frozen":
        images = pixel_inputs(backbone, pixels, config, job.device)
        job.notes = fit(
            job.run,
            backbone,
            images,
            labels,
            rows,
            job.heartbeat,
            head=backbone.head_parameters(),
            precision=dtype,
        )
        job.seconds.lap("training")
        return embed_pixels(
            backbone, pixels.values, device=job.device, on_progress=job.on_progress("predicting")
        )
    vectors, is_cached = open_embeddings(
        backbone,
        weights,
        pixels,
        pixels_id=dataset.pixels_id,
        seed=config.seed,
        store=job.store,
        device=job.device,
        head=config.head,
        precision=job.precision.features,
        on_progress=job.on_progress("computing features"),
    )
    job.features = "cached" if is_cached else "computed"
    job.seconds.lap("features")
    inputs = torch.from_numpy(vectors).to(job.device)
    top = backbone.top
    head = top or StandardisedLinear.of(vectors[rows["train"].cpu()], len(dataset.classes))
    head.to(job.device)
    fit(job.run, head, lambda at, _: inputs[at], labels, rows, job.heartbeat, precision=dtype)
    if top is None:
        assert isinstance(head, StandardisedLinear)
        head.fold_into(backbone.classifier)
        embeddings = vectors
    else:
        with torch.inference_mode():
            embeddings = top.eval()[:-1](inputs).float().cpu().numpy()
    job.seconds.lap("training")
    return embeddings


def _write_results(
    job: _Job,
    backbone: Backbone,
    dataset: Dataset,
    split: Split,
    pixels: AnyPixels,
    embeddings: npt.NDArray[np.float32],
) -> None:
    """The network, its predictions, what it was trained on, and what it cost."""
    path, config = job.run.path, job.run.config
    job.heartbeat.report("writing results", 0, 1)
    write_backbone(path, backbone, dataset.classes, config.px, head=config.head)
    write_predictions(path, _predict(backbone.classifier, embeddings, split, dataset, pixels))
    write_neighbours(path, embeddings, pixels.ids, split)
    job.seconds.lap("results")
    environment = describe_environment(
        backbone,
        job.device,
        px=config.px,
        seed=config.seed,
        dataset_id=dataset.id,
        seconds=job.seconds.laps,
        features=job.features,
        precision=job.precision,
        notes=job.notes,
    )
    write_record(path, ENVIRONMENT, environment)
    for name in (CHECKPOINT, BEST, PRECISION):
        (path / name).unlink(missing_ok=True)


def pixel_inputs(
    backbone: Backbone, pixels: AnyPixels, config: TrainConfig, device: torch.device
) -> Inputs:
    """Normalised images of the rows asked for, augmented where a generator is given."""
    changes = CHANGES[config.augmentation]

    def inputs(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        batch = torch.from_numpy(pixels.values[rows.cpu().numpy()])
        images = backbone.normalise(batch.to(device, non_blocking=True))
        if generator is not None:
            images = augment(images, changes, generator=generator)
        return images.contiguous(memory_format=torch.channels_last)

    return inputs


def _rows_of(
    split: Split, dataset: Dataset, pixels: AnyPixels, device: torch.device
) -> tuple[Tensor, dict[Part, Tensor]]:
    """Labels (N,) as indices into the classes, and the rows of each part."""
    row_by_id = {image: row for row, image in enumerate(pixels.ids)}
    label_by_id = {row.image: dataset.classes.index(row.label) for row in split.rows}
    labels = torch.tensor([label_by_id[image] for image in pixels.ids], device=device)
    rows = {
        part: torch.tensor([row_by_id[image] for image in split.ids(part)], device=device)
        for part in PARTS
    }
    return labels, rows


def _predict(
    classifier: nn.Linear,
    embeddings: npt.NDArray[np.float32],
    split: Split,
    dataset: Dataset,
    pixels: AnyPixels,
) -> Predictions:
    """Logits and probabilities of every image, through the last layer as it was saved."""
    with torch.inference_mode():
        vectors = torch.from_numpy(embeddings).to(classifier.weight.device)
        logits = classifier(vectors).float().cpu()
    row_by_id = {row.image: row for row in split.rows}
    ordered = [row_by_id[image] for image in pixels.ids]
    return Predictions(
        pixels.ids,
        tuple(row.part for row in ordered),
        np.array([dataset.classes.index(row.label) for row in ordered], np.int64),
        dataset.classes,
        logits.numpy(),
        logits.softmax(dim=1).numpy(),
    )


def _epochs_before(run: Run) -> int:
    """Epochs that the run had finished when it was interrupted."""
    try:
        return read_written_status(run.path).epoch
    except UserError:  # damaged: the checkpoint says it when the training begins
        return 0


def _sentence(error: BaseException, config: TrainConfig) -> str:
    """What happened and what to do, in one sentence."""
    if isinstance(error, UserError):
        return str(error)
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    # What PyTorch says on a CPU, where it has no error class of its own for it.
    if out_of_memory or "can't allocate memory" in str(error):
        return (
            f"Memory ran out with batches of {config.batch_size} images of {config.px} px; "
            "the last whole epoch is kept, train again with a smaller batch size."
        )
    reason = str(error).strip().split("\n")[0] or "no reason given"
    return f"Training ended with {type(error).__name__} ({reason}); the run's log.txt has the rest."


@contextmanager
def _log_to(file: Path) -> Iterator[None]:
    """Let what the trainer logs go to `file` as well.

    Raises:
        UserError: It cannot be written, or is no regular file.
    """
    out = io.TextIOWrapper(open_to_append(file), encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    room = logging.getLogger("modelzoo")
    room.setLevel(logging.INFO)
    room.addHandler(handler)
    try:
        yield
    finally:
        room.removeHandler(handler)
        handler.close()
        out.close()


class _Stopwatch:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Say that `phase` ends here."""
        now = time.perf_counter()
        self.laps[phase] = round(now - self._since, 3)
        self._since = now
