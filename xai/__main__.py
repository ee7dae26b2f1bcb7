"""The command line: `python -m xai --help`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from modelzoo.errors import UserError as ZooError
from xai.commands import explaining, judging
from xai.commands.manifest import MANIFEST
from xai.commands.progress import notes, show_progress
from xai.errors import UserError
from xai.faithfulness.table import PUBLISHED
from xai.methods.table import METHODS, find_method
from xai.say.verdict import describe_method

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
        files = explaining.list_files(image, out)
        job = explaining.start(run, image, out, device)
        index = explaining.find_class(target, job.trained.classes)
        with show_progress() as show:
            records = explaining.explain_files(job, files, names, index, show)
            explaining.draw_all(job, records, names, show)
        _say_what_is_missing(job.refused, job.skipped)
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
        job = judging.gather(run, n, device)
        with show_progress() as show:
            judging.score_maps(job, names, show)
            held = judging.examine_methods(job, show)
        _say_what_is_missing(job.refused, job.skipped)
        found = judging.keep_judgement(job, run, held)
    console.print(judging.quality_table(found))
    for name in dict.fromkeys(each.method for each in found):
        console.print(describe_method([each for each in found if each.method == name]))
    console.print(f"{PUBLISHED}\nSee {run / 'quality.csv'}.")


def _list_names(methods: str) -> list[str]:
    return list(dict.fromkeys(find_method(name.strip()).name for name in methods.split(",")))


def _say_what_is_missing(refused: dict[str, str], skipped: dict[str, str]) -> None:
    """Methods that the network does not allow, and images that were left out, with why."""
    for name, reason in refused.items():
        notes.print(f"{METHODS[name].title}: {reason}")
    for reason in skipped.values():
        notes.print(f"skipped: {reason}")


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
