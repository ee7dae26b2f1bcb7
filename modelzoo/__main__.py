"""The command line: `python -m modelzoo --help`. All that a page does, a command does too."""

import csv
import dataclasses
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES, find_backbone
from modelzoo.config.train_config import TrainConfig, list_recipes
from modelzoo.errors import UserError
from modelzoo.files import replacing
from modelzoo.launching.plan import plan_runs
from modelzoo.paths import DEMO_PREFIX
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.folder import Run, check_run_is_free, create_run, list_runs, read_run
from modelzoo.runs.status import Status, read_status

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Train backbones on blood smears, predict and evaluate. Not for diagnosis.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# Paths and sentences are printed as they are: no [markup] in them, no line breaks of ours.
WIDE = 240  # characters: a table with every score and its interval
console = Console(
    markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE
)
notes = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)  # not for pipes

RunsOption = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs.")]
StoreOption = Annotated[Path | None, typer.Option("--store", help="Folder of decoded images.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]


@app.command()
def weights(
    names: Annotated[list[str] | None, typer.Argument(help="Backbones; all when none.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download what is not here.")] = False,
) -> None:
    """List where each backbone's ImageNet weights are, and fetch those that are missing."""
    from modelzoo.backbones.weights import fetch_weights, list_weights

    folder = paths.weights_folder()
    wanted = names or list(BACKBONES)
    failures = []
    if fetch:
        missing = [row.backbone for row in list_weights(folder, wanted) if row.path is None]
        with _progress() as show:
            for name in missing:
                try:
                    fetch_weights(name, report=_phase(show, name))
                except UserError as error:
                    failures.append(str(error))
    table = _table(["backbone", "state", "size", "weights", "licence"])
    for row in list_weights(folder, wanted):
        size = f"{row.size_bytes / 1e6:.0f} MB"
        facts = BACKBONES[row.backbone]
        table.add_row(row.backbone, row.state, size, facts.timm_name or "NASNet-A", facts.licence)
    console.print(table)
    if failures:
        raise UserError(" ".join(failures))


@app.command()
def data(
    path: Annotated[Path, typer.Argument(help="Folder or table of images.")],
    out: Annotated[Path | None, typer.Option(help="Write image,label,group,cluster here.")] = None,
    segmented: Annotated[bool, typer.Option(help="Take Segmented instead of Original.")] = False,
    store: StoreOption = None,
) -> None:
    """Say what a folder of images holds: classes, groups, clusters, and what was skipped."""
    from modelzoo.datasets.background import find_background_clusters
    from modelzoo.datasets.groups import find_groups
    from modelzoo.datasets.opening import open_dataset
    from modelzoo.datasets.report import describe_dataset, summarise_classes

    folder = store or paths.store_folder()
    with _progress() as show:
        dataset = open_dataset(
            path, store=folder, segmented=segmented, progress=_phase(show, "checking images")
        )
        groups = find_groups(dataset, store=folder, progress=_phase(show, "finding groups"))
        clusters = find_background_clusters(
            dataset, store=folder, groups=groups, progress=_phase(show, "finding looks")
        )
    table = describe_dataset(dataset, groups, clusters)
    if out:
        table.to_csv(out, index=False)
    console.print(f"{path}: {len(dataset.images)} images, layout {dataset.layout}, id {dataset.id}")
    _print_frame(summarise_classes(dataset, groups, clusters))
    for skipped in dataset.skipped:
        console.print(f"skipped {skipped.id}: {skipped.reason}")


def _train_command(**options: Any) -> None:
    """Train one or more backbones on a folder of images; Ctrl-C stops, `resume` goes on."""
    folder: Path = options.pop("runs") or paths.runs_folder()
    store, device = options.pop("store"), options.pop("device")
    recipe = options.pop("recipe") or ("finetune" if options["mode"] == "finetune" else "quick")
    backbones, seed = _list_backbones(options.pop("backbone")), options.pop("seed")
    planned = plan_runs(folder=folder, recipe=recipe, backbones=backbones, seeds=[seed], **options)
    for each in planned:
        check_run_is_free(folder, each.name)
    _check_data(Path(planned[0].config.data), store)
    _check_weights([each.config for each in planned])
    for each in planned:
        _train(create_run(folder, each.name, each.config), store, device)


def _train_signature() -> inspect.Signature:
    """The options of `train`: those of every command, then one for each field of TrainConfig."""

    def keyword(name: str, kind: Any, default: object = None) -> inspect.Parameter:
        return inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
        )

    recipes = ", ".join(list_recipes())
    parameters = [
        keyword("name", Annotated[str | None, typer.Option(help="Name of the run.")]),
        keyword("recipe", Annotated[str | None, typer.Option(help=f"{recipes}, or a .toml file.")]),
        keyword("runs", RunsOption),
        keyword("store", StoreOption),
        keyword("device", DeviceOption, "auto"),
    ]
    for spec in dataclasses.fields(TrainConfig):
        if spec.name == "recipe":
            continue
        kind = spec.type if spec.type in (int, float) else str
        choices = f" One of {', '.join(get_args(spec.type))}." if get_args(spec.type) else ""
        if spec.name == "backbone":
            choices = " Several with commas; `ten`: those of muduli2025; `all`: these and Lite0."
        option = typer.Option(help=spec.metadata["help"] + choices)
        parameters.append(keyword(spec.name, Annotated[kind | None, option]))
    return inspect.Signature(parameters)


_train_command.__signature__ = _train_signature()  # type: ignore[attr-defined]  # read by typer
app.command(name="train")(_train_command)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    store: StoreOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Go on with a run that was stopped, killed or has not begun; the result is the same."""
    found = read_run(run)
    if read_status(run, now=time.time()).state == "done":
        raise UserError(f"Run {found.id!r} is done; train a new one.")
    _train(found, store, device)


@app.command()
def stop(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    after_epoch: Annotated[
        bool, typer.Option("--after-epoch", help="Finish the epoch in hand first.")
    ] = False,
) -> None:
    """Stop a run at the next batch; what it had saved is kept, and `resume` goes on."""
    from modelzoo.launching import local

    local.stop(read_run(run), after_epoch=after_epoch)


@app.command()
def predict(
    image: Annotated[Path, typer.Argument(help="An image, or a folder of images.")],
    run: Annotated[Path, typer.Option(help="Folder of the trained run.")],
    out: Annotated[Path | None, typer.Option(help="CSV to write; else it is printed.")] = None,
    device: DeviceOption = "auto",
) -> None:
    """Say what a trained run makes of images: image, predicted, ood_percentile, p:<class>."""
    from modelzoo.inference.trained import list_images, load_run, predict_files
    from modelzoo.training.environment import pick_device

    files = list_images(image)
    trained = load_run(run, str(pick_device(device)))
    root = image if image.is_dir() else image.parent
    skipped: dict[Path, str] = {}
    written = 0
    with _progress() as show, _csv_writer(out) as write:
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


@app.command(name="runs")
def show_runs(runs_folder: RunsOption = None) -> None:
    """List the runs with their scores on the test part, each with its 95 % interval."""
    from modelzoo.evaluation.rows import list_splits, read_leaderboard
    from modelzoo.evaluation.tables import runs_table
    from modelzoo.evaluation.verdict import describe_split_effect, verdict

    folder = runs_folder or paths.runs_folder()
    found, damaged = list_runs(folder)
    if not found and not damaged:
        raise UserError(f"{folder} holds no run; `python -m modelzoo demo` trains the first ones.")
    board = read_leaderboard(found)
    for choice in list_splits(board.rows)[:1]:  # the one with most runs
        console.print(verdict([row for row in board.rows if row.split_id == choice.split_id]))
    if effect := describe_split_effect(board.rows):
        console.print(effect)
    table = runs_table(board)
    if console.is_terminal and console.width < WIDE:
        table = table[["run", "split", "tested on", "accuracy", "auc", "state"]]
        notes.print(f"(all columns in a terminal of {WIDE} characters, or through a pipe)")
    _print_frame(table)
    for sentence in damaged.values():
        notes.print(f"damaged: {sentence}")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    part: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
) -> None:
    """Print a run's scores with their 95 % intervals, from its predictions alone."""
    from modelzoo.evaluation.rows import evaluate_run
    from modelzoo.evaluation.tables import scores_table

    _print_frame(scores_table(evaluate_run(read_run(run), part=part)))


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Only where no run is here, or the demo is unfinished.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the runs in the queue, and return.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Make synthetic smears and train every backbone on them, with the weights at hand."""
    found, _ = list_runs(paths.runs_folder())
    mine = [run for run in found if not run.id.startswith(DEMO_PREFIX)]
    tested = {run.config.backbone for run in found if run.has(PREDICTIONS)}
    if once and (mine or tested == set(BACKBONES)):
        return
    from modelzoo.demo import queue_demo, run_demo
    from modelzoo.training.heartbeat import StopRequestedError

    try:
        with _progress() as show:
            if queue:
                queue_demo(device=device, show=show, say=notes.print)
            else:
                run_demo(_train_at_once, device=device, show=show, say=notes.print)
    except StopRequestedError:
        notes.print("Stopped; go on with: python -m modelzoo demo")
        raise typer.Exit(130) from None


# What the commands share


Show = Callable[[str, int, int], None]  # phase, done, total


def _train(run: Run, store: Path | None, device: str) -> None:
    """Train `run` when its turn comes, with a bar; leave with 130 when it was stopped."""
    from modelzoo.launching.queue import turn
    from modelzoo.training.devices import find_device
    from modelzoo.training.heartbeat import StopRequestedError

    notes.print(f"Run {run.id}: {run.path}")
    place = find_device(device).name
    state = "stopped"
    with (
        _progress() as show,
        suppress(StopRequestedError),
        turn(run, place, tell=lambda: show(f"waiting for its turn on {place}", 0, 1)),
    ):
        state = _train_at_once(
            run, place, lambda status: show(_say(status), *_steps(status)), store
        ).state
    if state == "stopped":
        notes.print(f"Stopped; go on with: python -m modelzoo resume {run.path}")
        raise typer.Exit(130)
    evaluate(run.path)


def _train_at_once(
    run: Run,
    device: str,
    watch: Callable[[Status], None],
    store: Path | None = None,
) -> Status:
    """Train `run`, now that it is its turn: torch is imported here and not before."""
    from modelzoo.training.run import train

    return train(
        run,
        store=store or paths.store_folder(),
        weights_folder=paths.weights_folder(),
        device=device,
        on_progress=watch,
    )


def _check_weights(configs: Sequence[TrainConfig]) -> None:
    """Look for all weights before a run is made."""
    from modelzoo.backbones.weights import require_weights

    for config in configs:
        if config.weights == "imagenet":
            require_weights(config.backbone, paths.weights_folder())


def _check_data(path: Path, store: Path | None) -> None:
    """Open the images once before a run is made, so that a mistyped path leaves none behind."""
    from modelzoo.datasets.opening import check_trainable, open_dataset

    with _progress() as show:
        progress = _phase(show, "checking images")
        dataset = open_dataset(path, store=store or paths.store_folder(), progress=progress)
    check_trainable(dataset)
    if dataset.skipped:
        notes.print(
            f"{len(dataset.skipped)} files are skipped; `python -m modelzoo data` says why."
        )


def _say(status: Status) -> str:
    """The phase; in training the epoch and the pace too."""
    if status.phase != "training":
        return status.phase
    pace = f", {status.images_per_second:.0f} images/s" if status.images_per_second else ""
    return f"training epoch {status.epoch + 1} of at most {status.epochs}{pace}"


def _steps(status: Status) -> tuple[int, int]:
    """Done and total of the phase, in thousandths."""
    if status.phase == "training":
        return round(1000 * (status.epoch + status.progress)), 1000 * status.epochs
    return round(1000 * status.progress), 1000


def _list_backbones(names: str | None) -> list[str]:
    """The backbones that `--backbone` names."""
    if names == "all":
        return list(BACKBONES)
    if names == "ten":
        return [row.name for row in BACKBONES.values() if row.in_muduli2025]
    return [
        find_backbone(name.strip()).name for name in (names or "tf_efficientnet_lite0").split(",")
    ]


@contextmanager
def _progress() -> Iterator[Show]:
    """A bar that shows one phase at a time, on the error stream."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    is_piped = not notes.is_terminal
    with Progress(*columns, console=notes, transient=True, disable=is_piped) as progress:
        task = progress.add_task("starting", total=None)
        phase = ""

        def show(name: str, done: int, total: int) -> None:
            nonlocal phase
            kind = name.split(" epoch ")[0]
            if kind != phase:  # a new phase has a time of its own
                progress.reset(task)
                phase = kind
            progress.update(task, description=name, completed=done, total=total)

        yield show


def _phase(show: Show, name: str) -> Callable[[int, int], None]:
    return lambda done, total: show(name, done, total)


@contextmanager
def _csv_writer(out: Path | None) -> Iterator[Callable[[Sequence[str]], object]]:
    """Something that writes rows to `out`, whole or not at all, or else prints them."""
    if out is None:
        yield csv.writer(sys.stdout, lineterminator="\n").writerow
        return
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield csv.writer(file, lineterminator="\n").writerow


def _table(columns: Sequence[str]) -> Table:
    """A table whose cells are folded where the terminal is narrow, never cut."""
    return Table(*(Column(name, overflow="fold") for name in columns), box=SIMPLE)


def _print_frame(frame: "pd.DataFrame") -> None:
    """Print a table of texts and numbers."""
    table = _table([str(column) for column in frame.columns])
    for row in frame.itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    console.print(table)


def main() -> None:
    """Run the command line; a UserError is printed as its sentence and exits with 2."""
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as modelzoo.training.devices counts
    try:
        app()
    except UserError as error:
        notes.print(f"error: {error}", style="red")
        sys.exit(2)


if __name__ == "__main__":
    main()
