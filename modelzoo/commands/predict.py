"""`python -m modelzoo predict`: what a trained run predicts for images."""

from pathlib import Path
from typing import Annotated

import typer

from modelzoo.commands.options import DeviceOption
from modelzoo.commands.output import csv_writer, notes
from modelzoo.commands.progress import show_progress
from modelzoo.errors import UserError


def predict(
    image: Annotated[Path, typer.Argument(help="An image, or a folder of images.")],
    run: Annotated[Path, typer.Option(help="Folder of the trained run.")],
    out: Annotated[Path | None, typer.Option(help="CSV to write; else it is printed.")] = None,
    device: DeviceOption = "auto",
) -> None:
    """Predict the class of images: image, predicted, ood_percentile, p:<class>."""
    from modelzoo.inference.trained import list_images, load_run, predict_files
    from modelzoo.training.environment import pick_device

    files = list_images(image)
    trained = load_run(run, str(pick_device(device)))
    root = image if image.is_dir() else image.parent
    skipped: dict[Path, str] = {}
    written = 0
    with show_progress() as show, csv_writer(out) as write:
        write(["image", "predicted", "ood_percentile", *(f"p:{name}" for name in trained.classes)])
        for good, answers, bad in predict_files(trained, files):
            skipped |= bad
            for file, p, ood_percentile in zip(
                good, answers.probabilities, answers.ood_percentile, strict=True
            ):
                label = trained.classes[int(p.argmax())]
                row = [file.relative_to(root).as_posix(), label, f"{ood_percentile:.1f}"]
                write([*row, *(f"{value:.6f}" for value in p)])
            written += len(good)
            show("predicting", written + len(skipped), len(files))
    for reason in skipped.values():
        notes.print(f"skipped: {reason}")
    if not written:
        raise UserError(f"None of the {len(files)} images in {image} could be read.")
