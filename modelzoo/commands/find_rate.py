"""`python -m modelzoo find-rate`: a learning rate for the options that `train` would get."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from modelzoo import paths
from modelzoo.commands.config_options import check_given, config_signature, keyword, plan_given
from modelzoo.commands.group import STOPPED
from modelzoo.commands.options import CsvOption, JsonOption, parse_path
from modelzoo.commands.output import check_form, notes, print_csv, print_json, print_line
from modelzoo.commands.progress import show_progress
from modelzoo.config.train_config import read_config, require_precision
from modelzoo.errors import UserError
from modelzoo.launching.rate_search import make_search, name_search, remove_search
from modelzoo.runs.file_names import CONFIG
from modelzoo.runs.folder import Run
from modelzoo.runs.rate_search import RateSearch, read_search
from modelzoo.training.devices import find_device


def find_rate(**options: Any) -> None:
    """Suggest a learning rate: it rises from batch to batch until the loss diverges.

    Takes the options of `train`; no run is made.
    """
    as_json, as_csv = options.pop("as_json"), options.pop("as_csv")
    check_form(as_json=as_json, as_csv=as_csv)
    runs: Path = options.pop("runs") or paths.runs_folder()
    store = options.pop("store") or paths.store_folder()
    device, folder = options.pop("device"), options.pop("folder")
    if folder is not None:  # that the app made, and reads
        _search(Run(folder, read_config(folder / CONFIG)), store, device)
        return
    planned = plan_given(runs, options)
    if len(planned) > 1:
        raise UserError("A learning rate is searched for one network; give one backbone and seed.")
    require_precision(planned[0].config, find_device(device).name)
    check_given(planned, runs, store)
    search = make_search(name_search(runs), planned[0].config)
    try:
        _print(_search(search, store, device), as_json=as_json, as_csv=as_csv)
    finally:
        remove_search(search)


find_rate.__signature__ = config_signature(  # type: ignore[attr-defined]  # read by typer
    keyword("as_json", JsonOption, default=False),
    keyword("as_csv", CsvOption, default=False),
    keyword(
        "folder",
        Annotated[
            Path | None,
            typer.Option(
                "--folder", parser=parse_path, hidden=True, help="Folder of a search of the app."
            ),
        ],
    ),
)


def _search(search: Run, store: Path, device: str) -> RateSearch:
    """What was found, when it is the search's turn; leaves with 130 when it was stopped."""
    from modelzoo.launching.queue import turn
    from modelzoo.training.heartbeat import StopRequestedError

    place = find_device(device).name
    state = "stopped"
    with (
        show_progress() as show,
        suppress(StopRequestedError),
        turn(search, place, on_progress=lambda: show(f"waiting for its turn on {place}", 0, 1)),
    ):
        from modelzoo.training import rate_finder  # torch, and not before

        state = rate_finder.find_rate(
            search,
            store=store,
            weights_folder=paths.weights_folder(),
            device=place,
            on_progress=lambda status: show(status.phase, round(1000 * status.progress), 1000),
        ).state
    if state == "stopped":
        notes.print("Stopped; no learning rate was found.")
        raise typer.Exit(STOPPED)
    return read_search(search.path)


def _print(found: RateSearch, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(asdict(found))
    elif as_csv:
        rows = zip(found.rates, found.losses, found.smoothed, strict=True)
        print_csv(
            {
                "learning_rate": rate,
                "loss": loss,
                "smoothed_loss": smoothed,
                "is_suggested": rate == found.suggested_at,
            }
            for rate, loss, smoothed in rows
        )
    else:
        print_line(found.reason)
