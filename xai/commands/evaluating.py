"""`python -m xai quality`: the maps of a run evaluated over its test images."""

import hashlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelzoo.commands.progress import Show
from modelzoo.datasets.copies import original_file, original_of
from modelzoo.errors import UserError as ZooError
from modelzoo.files import is_regular_file
from xai.errors import UserError
from xai.faithfulness.table import Summary
from xai.methods.table import METHODS
from xai.types import Rgb

if TYPE_CHECKING:
    from modelzoo.datasets.splits import SplitRow
    from modelzoo.inference.trained import LoadedRun
    from xai.faithfulness.report import QualityReport
    from xai.faithfulness.validity import Validity
    from xai.smear.segment import Cells
    from xai.types import SplitModel

# Images on which methods are examined. Four take two minutes for Lite0 at 224 px, half of them for
# Integrated Gradients; a few that differ show as much as many.
EXAMINED = 4
QUICK = 300  # passes; of a slower method the checks would take longer than all else


@dataclass(slots=True)
class QualityJob:
    """A run whose maps are evaluated, on which images, and with which results."""

    trained: "LoadedRun"
    root: Path  # that image ids are relative to
    rows: "list[SplitRow]"  # test images
    hashes: dict[str, str]  # image -> start of its content hash when the run was trained
    reports: "dict[str, list[QualityReport]]" = field(default_factory=dict)  # by image
    refused: dict[str, str] = field(default_factory=dict)  # method -> why
    skipped: dict[str, str] = field(default_factory=dict)  # image -> why


def gather(run: Path, n: int, device: str) -> QualityJob:
    """The run, loaded, and `n` of its test images, as many of each class as can be.

    Raises:
        ZooError: The run, its model or its images are not there.
    """
    from modelzoo import paths
    from modelzoo.datasets.opening import find_root
    from modelzoo.datasets.splits import draw_evenly
    from modelzoo.runs.records import read_hashes, read_split
    from xai.model import prepare_process
    from xai.on_runs.open import open_run

    prepare_process()
    trained = open_run(run, device)
    test = [row for row in read_split(run).rows if row.part == "test"]
    if not test:
        raise UserError(f"Run {trained.run.id!r} has no test images; train it with some.")
    drawn = draw_evenly(test, n, seed=trained.run.config.seed)
    data = Path(trained.run.config.data)
    root = find_root(data, original_of(drawn[0].image), store=paths.store_folder())
    return QualityJob(trained, root, drawn, read_hashes(run))


def score_maps(job: QualityJob, names: Sequence[str], show: Show) -> None:
    """The reports of the images that can be read, for the methods that this network allows.

    Raises:
        UserError: No image, or no method, is left.
    """
    from xai.faithfulness.stability import randomise

    randomised = randomise(job.trained.backbone)
    for done, row in enumerate(job.rows):
        show(f"evaluating {row.image}", done, len(job.rows))
        try:
            reports = evaluate_image(job, row.image, names, randomised)
        except ZooError as error:
            job.skipped[row.image] = str(error)
            continue
        job.reports[row.image] = reports
    require_some(job)


def require_some(job: QualityJob) -> None:
    """Raise a UserError where no image, or no method, is left."""
    if not job.reports:
        first = next(iter(job.skipped.values()))
        raise UserError(f"None of the {len(job.rows)} test images can be used: {first}")
    if not any(job.reports.values()):
        raise UserError(f"No map could be made: {'; '.join(job.refused.values())}")


def _read(job: QualityJob, image_id: str) -> "tuple[Rgb, Cells]":
    """The image (px, px, 3) as the network takes it, and its cells at the same size.

    Raises:
        ZooError: It cannot be read, or is another than the run was evaluated on.
    """
    from xai.on_runs.open import read_pixels
    from xai.on_runs.predict import find_cells

    px = job.trained.px
    file = job.root / image_id
    depth = job.trained.depth
    known = job.hashes.get(original_of(image_id))
    if known and is_regular_file(original_file(file)):
        sha256 = hashlib.sha256(original_file(file).read_bytes()).hexdigest()
        if not sha256.startswith(known):
            raise ZooError(f"{file} has changed since the run was trained.")
    pixels = read_pixels(file, px, depth=depth)
    return pixels, find_cells(lambda side: read_pixels(file, side, depth=depth), px)


def evaluate_image(
    job: QualityJob, image: str, names: Sequence[str], randomised: "SplitModel"
) -> "list[QualityReport]":
    """One report per method, of its map of an image for the class that the run predicts.

    Methods that the network turns out not to allow are added to those of the job, and left out.

    Raises:
        ZooError: The image cannot be read, or is another than the run was evaluated on.
    """
    from xai.on_runs.judge import judge_image

    pixels, cells = _read(job, image)
    left = [name for name in names if name not in job.refused]
    reports = []
    for name, report in judge_image(
        job.trained, pixels, cells, methods=left, randomised=randomised
    ).items():
        if isinstance(report, str):
            job.refused[name] = report
        else:
            reports.append(report)
    return reports


def examine_methods(job: QualityJob, usable: Container[str], show: Show) -> "list[Validity]":
    """The checks of each quick method on this network, on a few of the usable images."""
    from modelzoo.datasets.splits import draw_evenly
    from xai.faithfulness.validity import examine
    from xai.on_runs.open import as_input, read_pixels

    rows = [row for row in job.rows if row.image in usable]
    few = draw_evenly(rows, EXAMINED, seed=job.trained.run.config.seed)
    pixels = [
        read_pixels(job.root / row.image, job.trained.px, depth=job.trained.depth) for row in few
    ]
    quick = [row.name for row in METHODS.values() if row.passes < QUICK]
    show("examining methods", 0, len(quick))
    return examine(
        job.trained.backbone,
        as_input(job.trained, *pixels),
        methods=quick,
        on_progress=lambda done, total: show("examining methods", done, total),
    )


def summarise_job(
    job: QualityJob, reports: "Iterable[tuple[str, Sequence[QualityReport]]]"
) -> list[Summary]:
    """The scores over all images, each with its reports; intervals are over the split's units."""
    from xai.on_runs.summary import summarise_each

    return summarise_each(reports, {row.image: row.unit for row in job.rows})


def write_scores(summaries: Sequence[Summary], run: Path, validities: "Sequence[Validity]") -> None:
    """Write the scores over all images into the run's folder, together with `validities`."""
    from modelzoo.runs.attribution_tables import write_judgement
    from xai.faithfulness.validity import to_rows

    write_judgement(run, [asdict(one) for one in summaries], to_rows(validities))
