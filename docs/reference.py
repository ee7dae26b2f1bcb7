"""The reference runs: two trainings on real smears, without the ImageNet weights and the images.

    python -m docs.reference RUN reference/NAME

RUN was trained in frozen mode with the weights of an installed package: its last layer is enough.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from modelzoo.backbones.backbone import Backbone
from modelzoo.backbones.saved import write_head
from modelzoo.config.train_config import format_config, read_config
from modelzoo.files import make_folder, write_text
from modelzoo.inference.neighbours import quantise_neighbours
from modelzoo.inference.trained import load_run
from modelzoo.runs.file_names import (
    CONFIG,
    DATA,
    ENVIRONMENT,
    HISTORY,
    MODEL_CONFIG,
    NEIGHBOURS,
    PREDICTIONS,
    SPLIT,
    WEIGHTS,
)
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import read_weights
from modelzoo.runs.status import Status, read_written_status, write_status

DATA_SET = "ALL image data set"  # in place of a path: the images do not come with the project
KEPT = (DATA, ENVIRONMENT, HISTORY, MODEL_CONFIG, NEIGHBOURS, PREDICTIONS, SPLIT, WEIGHTS)


def make_reference(
    run: Annotated[Path, typer.Argument(help="A run that is done.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
) -> None:
    """Write the run without its body to `out`."""
    trained = load_run(run)
    assert isinstance(trained.backbone, Backbone)
    make_folder(out)
    for name in KEPT:
        shutil.copy(run / name, out / name)
    sha256 = read_weights(run).sha256
    assert sha256, "it was trained from scratch"
    write_head(out, trained.backbone, sha256)
    quantise_neighbours(out)
    config = replace(trained.run.config, data=DATA_SET)
    write_text(out / CONFIG, format_config(config))
    epochs = len((run / HISTORY).read_text(encoding="utf-8").splitlines()) - 1
    write_status(out, Status(state="done", epoch=epochs, epochs=config.epochs, progress=1.0))


RESULTS = (DATA, ENVIRONMENT, HISTORY, SPLIT, WEIGHTS)


def copy_result(run: Path, out: Path, data_set: str) -> None:
    """Keep what a run that is done measured: no network, no image, and no path of this machine.

    Of the predictions those of validation and test images are kept.

    Args:
        run: Its folder.
        out: Folder to write.
        data_set: What stands in place of the path of its images.
    """
    unfinished = make_folder(out.parent / f".{out.name}")
    for name in RESULTS:
        shutil.copy(run / name, unfinished / name)
    found = read_predictions(run)
    kept = np.flatnonzero(np.array(found.parts) != "train")
    predictions = Predictions(
        tuple(found.images[row] for row in kept),
        tuple(found.parts[row] for row in kept),
        found.labels[kept],
        found.classes,
        found.logits[kept],
        found.probabilities[kept],
    )
    write_predictions(unfinished, predictions)
    config = replace(read_config(run / CONFIG), data=data_set)
    write_text(unfinished / CONFIG, format_config(config))
    status = read_written_status(run)
    left = Status(state="done", epoch=status.epoch, epochs=status.epochs, progress=1.0)
    write_status(unfinished, left)
    unfinished.rename(out)


if __name__ == "__main__":
    typer.run(make_reference)
