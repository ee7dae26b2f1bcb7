"""`python -m modelzoo sweep`: settings that are tried one after another, on validation images."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelzoo import paths
from modelzoo.commands.config_options import check_given, config_signature, keyword, plan_given
from modelzoo.commands.group import STOPPED
from modelzoo.commands.options import CsvOption, JsonOption, parse_path
from modelzoo.commands.output import (
    Column,
    check_form,
    notes,
    print_line,
    print_records,
)
from modelzoo.commands.progress import show_progress
from modelzoo.config.train_config import require_precision
from modelzoo.errors import UserError
from modelzoo.evaluation.metrics import METRICS
from modelzoo.launching.plan import PlannedRun
from modelzoo.sweeps.folder import (
    DEFAULT_METRIC,
    Sweep,
    check_settings,
    extend_sweep,
    find_sweep,
    open_sweep,
    require_free,
    settle_sweep,
)
from modelzoo.sweeps.ranges import FORM, parse_all
from modelzoo.text import shorten
from modelzoo.training.devices import find_device

if TYPE_CHECKING:
    from modelzoo.sweeps.study import TrialFacts

DEFAULT_TRIALS = 20
WHY_LETTERS = 80


def sweep(**options: Any) -> None:
    """Search for settings on validation images, one trial after another; test images are not read.

    Takes the options of `train`. Asked again with the same name it goes on.
    """
    as_json, as_csv = options.pop("as_json"), options.pop("as_csv")
    check_form(as_json=as_json, as_csv=as_csv)
    runs: Path = options.pop("runs") or paths.runs_folder()
    store = options.pop("store") or paths.store_folder()
    device, folder, is_shown_only = (options.pop(name) for name in ("device", "folder", "show"))
    if folder is not None:  # that the page has settled
        _drive(open_sweep(folder), store, device)
        return
    place = find_device(device).name
    found = _find(options, runs) if is_shown_only else _settle(options, runs, store, place)
    if not is_shown_only:
        _drive(found, store, place)
    _print(found, as_json=as_json, as_csv=as_csv)


sweep.__signature__ = config_signature(  # type: ignore[attr-defined]  # read by typer
    keyword(
        "sweep",
        Annotated[
            str | None, typer.Option(help="Name of the sweep; of one that is there: go on with it.")
        ],
    ),
    keyword(
        "over",
        Annotated[
            list[str] | None,
            typer.Option(help=f"A setting to be varied, one option each: {FORM}."),
        ],
    ),
    keyword(
        "trials",
        Annotated[int | None, typer.Option(help=f"Trials in all; {DEFAULT_TRIALS} at first.")],
    ),
    keyword(
        "metric",
        Annotated[
            str | None,
            typer.Option(
                help=f"What is best on validation images: {', '.join(METRICS)}. Without it: "
                f"{DEFAULT_METRIC}."
            ),
        ],
    ),
    keyword(
        "show", Annotated[bool, typer.Option("--show", help="Print what is there.")], default=False
    ),
    keyword("as_json", JsonOption, default=False),
    keyword("as_csv", CsvOption, default=False),
    keyword(
        "folder",
        Annotated[
            Path | None,
            typer.Option(
                "--folder", parser=parse_path, hidden=True, help="Folder of a sweep of the app."
            ),
        ],
    ),
)


def _find(options: dict[str, Any], runs: Path) -> Sweep:
    if options["sweep"] is None:
        raise UserError("No sweep was named; say which with --sweep NAME.")
    return find_sweep(runs, options["sweep"])


def _settle(options: dict[str, Any], runs: Path, store: Path, place: str) -> Sweep:
    """The sweep that the options describe, or name alone; made where it is not there."""
    rest = dict(options)
    name, over, trials, metric = (rest.pop(key) for key in ("sweep", "over", "trials", "metric"))
    if not over and not any(value is not None for value in (metric, *rest.values())):
        found = _find(options, runs)
        require_free(found)
        return found if trials is None else extend_sweep(found, trials)
    planned = plan_given(runs, {**rest, "name": None})
    if len(planned) > 1:
        raise UserError("A sweep is over settings of one network; give one backbone and seed.")
    config = planned[0].config
    require_precision(config, place)
    ranges = parse_all(over or [], config)
    name = f"{config.backbone}-{config.split}-{config.seed}" if name is None else name
    metric = DEFAULT_METRIC if metric is None else metric
    trials = DEFAULT_TRIALS if trials is None else trials
    check_settings(name, metric, trials)  # before the images are looked at
    check_given([PlannedRun(planned[0].name, config)], runs, store)
    return settle_sweep(runs, name, config, ranges, metric=metric, trials=trials)


def _drive(found: Sweep, store: Path, device: str) -> None:
    """Train the trials that are left, with a bar; leave with 130 when it was stopped."""
    from modelzoo.sweeps.drive import Place, drive

    notes.print(f"Sweep {found.name}: {found.path}")
    with show_progress() as show:
        state = drive(
            found,
            Place(store, find_device(device).name),
            on_progress=lambda status: show(status.phase, status.epoch, status.epochs),
            on_trial=lambda trial: notes.print(_describe(found, trial)),
        ).state
    if state == "stopped":
        notes.print(f"Stopped; go on with: {_command(found)}")
        raise typer.Exit(STOPPED)


def _command(found: Sweep) -> str:
    runs = [] if found.runs == paths.runs_folder() else ["--runs", str(found.runs)]
    return shlex.join(["python", "-m", "modelzoo", "sweep", "--sweep", found.name, *runs])


def _describe(found: Sweep, trial: "TrialFacts") -> str:
    """One trial that has ended, in a line."""
    from modelzoo.sweeps.best import describe_values

    words = trial.state if trial.score is None else _describe_score(found, trial)
    why = f": {trial.why}" if trial.why else ""
    return f"trial {trial.number} ({describe_values(trial.values)}): {words}{why}"


def _describe_score(found: Sweep, trial: "TrialFacts") -> str:
    from modelzoo.evaluation.tables import describe_score_briefly

    return describe_score_briefly(found.settings.metric, trial.score) if trial.score else ""


def _print(found: Sweep, *, as_json: bool, as_csv: bool) -> None:
    """Print the trials, what matters and the best."""
    from modelzoo.sweeps.best import (
        describe_best,
        describe_importance,
        describe_progress,
        describe_seeds,
        find_best,
        recipe_path,
        train_command,
    )
    from modelzoo.sweeps.study import Study, read_trials

    trials = read_trials(found)
    importance = Study(found).importance() if trials else {}
    best = find_best(found, trials)
    about = [describe_progress(found, trials), describe_importance(importance, trials)]
    about += [describe_best(found, trials)]
    about += [describe_seeds(found.config)] if best else []
    records = [trial_record(found, trial) for trial in trials]
    whole = {
        "sweep": found.name,
        "metric": found.settings.metric,
        "part": "validation",
        "over": found.settings.over,
        "trials": records,
        "importance": importance,
        "best": best.number if best else None,
        "recipe": recipe_path(found) if best else None,
        "notes": about,
    }
    metric = METRICS[found.settings.metric]
    columns = [
        Column("trial", lambda row: row["run"]),
        Column("state", lambda row: row["state"]),
        Column("settings", lambda row: row["settings"]),
        Column(f"validation {metric.title} (95 % CI)", lambda row: row["text"]),
        Column("note", lambda row: shorten(row["why"], WHY_LETTERS), rank=1),
    ]
    print_records(records, columns, as_json=as_json, as_csv=as_csv, whole=whole)
    if not (as_json or as_csv):
        for sentence in about:
            print_line(sentence)
        if best:
            print_line(f"Train and test it: {shlex.join(train_command(found))}")


def trial_record(found: Sweep, trial: "TrialFacts") -> dict[str, Any]:
    """One trial as plain values; a score that is not there is NaN."""
    from modelzoo.sweeps.best import describe_values

    score = trial.score
    return {
        "trial": trial.number,
        "run": found.trial_name(trial.number if trial.same_as is None else trial.same_as),
        "state": trial.state,
        **trial.values,
        "settings": describe_values(trial.values),
        "value": score.value if score else float("nan"),
        "ci_low": score.ci_low if score else float("nan"),
        "ci_high": score.ci_high if score else float("nan"),
        "text": _describe_score(found, trial),
        "why": trial.why,
        "same_as": trial.same_as,
    }
