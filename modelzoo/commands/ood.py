"""`python -m modelzoo ood`: how far the test images of older runs are out of distribution."""

from pathlib import Path
from typing import Annotated

import typer

from modelzoo import paths
from modelzoo.commands.options import RunsOption, find_run
from modelzoo.commands.output import notes
from modelzoo.errors import UserError
from modelzoo.runs.folder import Run
from modelzoo.text import count, one_line


def ood(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names or folders of runs.")],
    runs: RunsOption = None,
) -> None:
    """Compute the OOD percentiles of a run's validation and test images, and keep them with it.

    A training keeps them itself; this is for runs of older versions and for ensembles. The images
    have to lie where the run was trained on them.
    """
    from modelzoo.runs.ood import write_ood
    from modelzoo.runs.operating_point import can_keep

    found = [find_run(name, runs) for name in run]
    for each in found:
        if not can_keep(each.path):
            raise UserError(
                f"Run {each.id!r} comes with the project and is not written to; give one of yours."
            )
    for each in found:
        percentiles = _compute(each)
        write_ood(each.path, percentiles)
        notes.print(f"{one_line(each.id)}: kept of {count(len(percentiles), 'image')}.")


def _compute(run: Run) -> dict[str, float]:
    """OOD percentile by image id.

    Raises:
        UserError: The images or the network are not there, or an image is a copy that the training
            made.
    """
    from modelzoo.datasets.copies import change_of
    from modelzoo.datasets.opening import find_root
    from modelzoo.inference.trained import load_run, predict_files
    from modelzoo.runs.records import read_split

    images = [row.image for row in read_split(run.path).rows if row.part != "train"]
    if copies := [image for image in images if change_of(image)]:
        raise UserError(
            f"{count(len(copies), 'image')} of run {run.id!r} are copies that its training made in "
            "memory, so they cannot be looked at again; train it again."
        )
    if not images:
        raise UserError(f"Run {run.id!r} has no validation or test image.")
    trained = load_run(run.path)
    root = find_root(Path(run.config.data), images[0], store=paths.store_folder())
    percentiles: list[float] = []
    for pieces, batch in predict_files(trained, [root / image for image in images]):
        for piece in pieces:
            if piece.reason:
                raise UserError(f"{piece.file} cannot be read: {piece.reason}")
        percentiles += batch.ood_percentile.tolist()
    return dict(zip(images, percentiles, strict=True))
