"""One training from the data to the run folder: what happens, in the order it happens."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from modelzoo.backbones.backbone import Backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.backbones.start import start_backbone
from modelzoo.backbones.weights import WeightsRecord
from modelzoo.config.train_config import require_precision
from modelzoo.datasets.copies import add_copies, keep_images
from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.opening import check_trainable, open_dataset
from modelzoo.datasets.splits import PARTS, Part, Split
from modelzoo.datasets.store import open_pixels
from modelzoo.evaluation.temperature import write_temperature
from modelzoo.inference.neighbours import ood_percentile, read_neighbours, write_neighbours
from modelzoo.runs.file_names import CHECKPOINT, ENVIRONMENT, PRECISION, WEIGHTS
from modelzoo.runs.folder import Run
from modelzoo.runs.ood import write_ood
from modelzoo.runs.predictions import Predictions, write_predictions
from modelzoo.runs.records import write_record
from modelzoo.runs.status import Status
from modelzoo.runs.trial import is_trial
from modelzoo.training.distributed import meet, together
from modelzoo.training.embeddings import embed_pixels, open_embeddings
from modelzoo.training.environment import describe_environment
from modelzoo.training.head import StandardisedLinear, freeze_all_but_norms
from modelzoo.training.job import Job, do_in_run
from modelzoo.training.loop import BEST, fit
from modelzoo.training.pixels import AnyPixels, pixel_inputs
from modelzoo.training.precision import settle_precision
from modelzoo.training.sampling import require_every_class
from modelzoo.training.split import settle_split
from modelzoo.training.step import Inputs
from modelzoo.training.team import ALONE, Team, require_shares

log = logging.getLogger(__name__)


def train(
    run: Run,
    *,
    store: Path,
    weights_folder: Path | None,
    device: str = "auto",
    team: Team = ALONE,
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
        team: The processes that train it together, of which this is the first; the others call
            `assist.assist`. A frozen body's features and its head are computed by this one alone.
        on_progress: Called with every change of the run's status.

    Returns:
        The last status: `done` or `stopped`.

    Raises:
        UserError: It cannot be trained, or training failed; the status says the same sentence.
    """

    def work(job: Job) -> None:
        require_shares(run.config, team.size)
        with meet(ALONE if run.config.mode == "frozen" else team) as job.meeting:
            _train(job, weights_folder)

    return do_in_run(
        run,
        work,
        store=store,
        device=device,
        on_progress=on_progress,
        is_shared=team.size > 1,
    )


def _train(job: Job, weights_folder: Path | None) -> None:
    dataset, split, pixels = open_data(job)
    backbone, weights = load_backbone(job, dataset, weights_folder)
    if job.meeting:
        job.meeting.begin()  # the others find what was decoded, split and measured
    task = open_task(job, backbone, weights, dataset, split, pixels)
    embeddings = _fit(job, backbone, task, pixels)
    _write_results(job, backbone, dataset, split, pixels, embeddings)


def open_data(job: Job) -> tuple[Dataset, Split, AnyPixels]:
    """The images, which of them are in which part, and their pixels; of a trial no test image's."""
    config = job.run.config
    require_precision(config, job.device.type)
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
    found: AnyPixels = pixels
    if n_copies := len(split.rows) - len(pixels.ids):
        log.info("%d images, and %d copies of them", len(pixels.ids), n_copies)
        ids = [row.image for row in split.rows]
        found = add_copies(pixels.values, pixels.ids, ids)
    if is_trial(job.run.path):
        test = set(split.ids("test"))
        log.info("a trial of a sweep: its %d test images are left out", len(test))
        found = keep_images(found.values, found.ids, [id_ for id_ in found.ids if id_ not in test])
    return dataset, split, found


def load_backbone(
    job: Job, dataset: Dataset, weights_folder: Path | None
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
    if job.team.is_first:
        write_record(job.run.path, WEIGHTS, weights)
    log.info("%s, weights: %s", backbone.row.title, weights.source or "none, a random start")
    backbone.to(job.device).to(memory_format=torch.channels_last)
    job.precision = settle_precision(
        job.run,
        backbone,
        store=job.store,
        device=job.device,
        on_progress=job.on_progress("choosing the precision"),
    )
    job.seconds.lap("weights")
    return backbone, weights


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained of a run, on what."""

    module: nn.Module  # inputs -> logits
    inputs: Inputs
    labels: Tensor  # (N,) int64
    rows: dict[Part, Tensor]
    head: list[nn.Parameter]  # of `module`
    features: npt.NDArray[np.float32] | None  # (N, D), of a frozen backbone


def open_task(
    job: Job,
    backbone: Backbone,
    weights: WeightsRecord,
    dataset: Dataset,
    split: Split,
    pixels: AnyPixels,
) -> Task:
    """The network on pixels, or its head on frozen features.

    Raises:
        UserError: A class has no training image and has to be balanced.
    """
    config = job.run.config
    labels, rows = _rows_of(split, dataset, pixels, job.device)
    require_every_class(labels[rows["train"]], dataset.classes, config)
    if config.mode != "frozen":
        images = pixel_inputs(backbone, pixels, config, job.device, job.team)
        return Task(backbone, images, labels, rows, backbone.head_parameters(), None)
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
    n_classes = len(dataset.classes)
    head = backbone.top or StandardisedLinear.of(vectors[rows["train"].cpu()], n_classes)
    head.to(job.device)
    return Task(
        head, lambda at, _: inputs[at], labels, rows, list(head.parameters()), features=vectors
    )


def _fit(job: Job, backbone: Backbone, task: Task, pixels: AnyPixels) -> npt.NDArray[np.float32]:
    """Train what `task` says; the embeddings (N, D) of all images."""
    fit_task(job, task)
    embeddings = task.features
    if embeddings is None:
        job.seconds.lap("training")
        return embed_pixels(
            backbone, pixels.values, device=job.device, on_progress=job.on_progress("predicting")
        )
    if isinstance(task.module, StandardisedLinear):
        task.module.fold_into(backbone.classifier)
    else:
        top, inputs = backbone.top, torch.from_numpy(embeddings).to(job.device)
        assert top is not None
        with torch.inference_mode():
            embeddings = top.eval()[:-1](inputs).float().cpu().numpy()
    job.seconds.lap("training")
    return embeddings


def fit_task(job: Job, task: Task) -> None:
    """Train what `task` says, with the other processes where there are some."""
    with together(job.meeting, task.module, job.heartbeat, job.device) as (team, heartbeat):
        job.notes = fit(
            job.run,
            task.module,
            task.inputs,
            task.labels,
            task.rows,
            heartbeat,
            head=task.head,
            precision=job.precision.training,
            team=team,
        )


def _write_results(
    job: Job,
    backbone: Backbone,
    dataset: Dataset,
    split: Split,
    pixels: AnyPixels,
    embeddings: npt.NDArray[np.float32],
) -> None:
    """The network, its predictions, what it was trained on, and what it cost."""
    path, config = job.run.path, job.run.config
    job.heartbeat.report("writing results", 0, 1)
    predictions = _predict(backbone.classifier, embeddings, split, dataset, pixels)
    write_predictions(path, predictions)
    # Of a trial only its validation score is asked for: without its network it cannot be tested by
    # mistake, and twenty networks of 100 MB are not kept.
    if not is_trial(path):
        write_backbone(path, backbone, dataset.classes, config.px, head=config.head)
        write_temperature(path, predictions)
        write_neighbours(path, embeddings, pixels.ids, split)
        _write_ood(path, embeddings, pixels.ids, split)
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
        processes=job.team.size,
    )
    write_record(path, ENVIRONMENT, environment)
    for name in (CHECKPOINT, BEST, PRECISION):
        (path / name).unlink(missing_ok=True)


def _write_ood(
    path: Path, embeddings: npt.NDArray[np.float32], images: Sequence[str], split: Split
) -> None:
    """How far validation and test images are out of distribution, as Explain says it of an image.

    Args:
        path: Of the run, with its neighbours.
        embeddings: (N, D), of all `images`.
        images: Ids.
        split: Which of them are in which part.
    """
    row_by_id = {image: row for row, image in enumerate(images)}
    held_out = [row.image for row in split.rows if row.part != "train"]
    vectors = embeddings[[row_by_id[image] for image in held_out]]
    if held_out:
        percentiles = ood_percentile(vectors, read_neighbours(path))
        write_ood(path, dict(zip(held_out, percentiles.tolist(), strict=True)))


def _rows_of(
    split: Split, dataset: Dataset, pixels: AnyPixels, device: torch.device
) -> tuple[Tensor, dict[Part, Tensor]]:
    """Labels (N,) as indices into the classes, and the rows of each part."""
    row_by_id = {image: row for row, image in enumerate(pixels.ids)}
    label_by_id = {row.image: dataset.classes.index(row.label) for row in split.rows}
    labels = torch.tensor([label_by_id[image] for image in pixels.ids], device=device)
    rows = {
        part: torch.tensor(
            [row_by_id[image] for image in split.ids(part) if image in row_by_id],
            dtype=torch.int64,
            device=device,
        )
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
