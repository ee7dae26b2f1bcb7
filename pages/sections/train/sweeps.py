"""One sweep: how far it is, its trials, which setting matters, and its best. No torch."""

import shlex
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.launching import local
from modelzoo.launching.plan import create_runs, plan_runs
from modelzoo.runs.status import Status
from modelzoo.sweeps.folder import FOLDER, Sweep, list_sweeps, open_sweep, read_sweep_status
from modelzoo.text import capital, shorten
from pages.figures.frame import FORMATS, config
from pages.figures.importance import importance_alt, importance_bars
from pages.sections.train.run import device_again
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.run_status import STATE_COLOURS
from pages.shell.session import choose, choose_next, clicked_row
from pages.shell.studies import read_study
from pages.shell.text import code, plain

if TYPE_CHECKING:
    from modelzoo.sweeps.study import TrialFacts

DATA_LETTERS = 60  # of the name of a data set


def show_sweeps() -> None:
    """A choice among the sweeps here, and the one chosen."""
    names = list_sweeps(paths.runs_folder())
    if not names:
        st.caption(
            "There is no sweep yet; “Search for settings” above starts one, and it appears here."
        )
        return
    warn_if_gone("sweep", names, "Sweep")
    chosen = st.selectbox(
        "Sweep",
        sorted(names),
        index=None,
        placeholder=names[0],
        key="sweep",
        bind="query-params",
        help="Without a choice: the newest.",
    )
    with error_in_place():
        sweep = open_sweep(paths.runs_folder() / FOLDER / (chosen or names[0]))
        is_at_work = read_sweep_status(sweep).state in ("queued", "training")
        # Drawn anew while there is something new: a figure takes a browser a while.
        st.fragment(_show_sweep, run_every="2s" if is_at_work else None)(sweep.path)


def _show_sweep(path: Path) -> None:
    with error_in_place():
        sweep = open_sweep(path)
        status = read_sweep_status(sweep)
        trials, importance = read_study(sweep)
        _draw_state(sweep, status, trials)
        if trials:
            _draw_trials(sweep, trials)
            _draw_importance(sweep, importance, trials)
            _draw_best(sweep, status, trials)


def _draw_state(sweep: Sweep, status: Status, trials: "list[TrialFacts]") -> None:
    """What the sweep tries, how far it is, and the way to stop it or to go on."""
    from modelzoo.sweeps.best import describe_progress

    about, is_at_work = sweep.config, status.state in ("queued", "training")
    colour, words = STATE_COLOURS.get(status.state, "green"), describe_progress(sweep, trials)
    st.markdown(f":{colour}-badge[{status.state}] **{plain(sweep.name)}** {plain(words)}")
    if is_at_work:
        ended = sum(trial.state != "unfinished" for trial in trials)
        st.progress(min(ended / sweep.settings.trials, 1.0), plain(capital(status.phase)))
    data = shorten(PurePath(about.data).name or about.data, DATA_LETTERS)
    varied = ", ".join(code(each) for each in sweep.settings.over)
    st.caption(
        f"Varied: {varied}. {METRICS[sweep.settings.metric].title} on the validation images of "
        f"{plain(data)}, {SPLIT_WORDS[about.split]}, seed {about.seed}."
    )
    if status.state == "failed":
        st.error(plain(status.error), icon=":material/error:")
    if is_at_work and st.button(
        "Stop the sweep",
        icon=":material/stop:",
        key="sweep_stop",
        help="The trial that trains stops at the next batch; the sweep can go on later.",
    ):
        local.stop(sweep.run)
        st.rerun()
    if status.state in ("stopped", "failed") and st.button(
        "Go on", icon=":material/resume:", key="sweep_go_on", type="primary"
    ):
        _start(sweep, status)


def _start(sweep: Sweep, status: Status) -> None:
    local.start(
        sweep.run,
        store=paths.store_folder(),
        device=device_again(status),
        verb=("sweep", "--folder"),
    )
    st.rerun()


def _draw_trials(sweep: Sweep, trials: "list[TrialFacts]") -> None:
    """A row for each trial; a click shows its run in detail."""
    metric = METRICS[sweep.settings.metric]
    score = f"{metric.title} (95 % CI), validation"
    rows = [
        {
            "Trial": trial.number,
            "State": trial.state,
            **{each.name: trial.values.get(each.name) for each in sweep.over},
            score: describe_score_briefly(metric.name, trial.score) if trial.score else "",
            "Note": trial.why
            or ("" if trial.same_as is None else f"same settings as trial {trial.same_as}"),
        }
        for trial in trials
    ]
    names = [
        sweep.trial_name(trial.number if trial.same_as is None else trial.same_as)
        for trial in trials
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt=f"{len(trials)} trials with state, settings and {metric.title} on validation images.",
        column_config={
            over.name: st.column_config.NumberColumn(over.name.replace("_", " "), format="%.3g")
            for over in sweep.over
            if not over.choices
        },
        key="sweep_rows",
        on_select=partial(_show_trial, names),
        selection_mode="single-row",
    )


def _show_trial(names: list[str]) -> None:
    row = clicked_row("sweep_rows")
    if row is not None and row < len(names):
        choose(train_run=names[row])


def _draw_importance(
    sweep: Sweep, importance: dict[str, float], trials: "list[TrialFacts]"
) -> None:
    from modelzoo.sweeps.best import describe_importance

    st.write(plain(describe_importance(importance, trials)))
    if not importance:
        return
    scored = sum(trial.is_scored for trial in trials)
    st.plotly_chart(
        importance_bars(importance, source=f"sweep {sweep.name}, {scored} trials"),
        key="sweep-importance",
        config=config(f"importance-{sweep.name}", FORMATS[0]),
        alt=importance_alt(importance),
    )


def _draw_best(sweep: Sweep, status: Status, trials: "list[TrialFacts]") -> None:
    """The best trial, to be saved as a recipe or trained and tested."""
    from modelzoo.sweeps.best import (
        choose_seeds,
        describe_best,
        describe_seeds,
        describe_values,
        find_best,
        format_recipe,
        recipe_path,
        train_command,
    )

    best = find_best(sweep, trials)
    if best is None:
        return
    values = plain(describe_values(best.values))
    st.markdown(f"**Best: trial {best.number}** ({values}). {plain(describe_best(sweep, trials))}")
    st.caption(plain(describe_seeds(sweep.config)))
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Save best as recipe",
            format_recipe(sweep, trials),
            recipe_path(sweep).name,
            icon=":material/save:",
            key="sweep_recipe",
            on_click="ignore",
        )
        seeds = choose_seeds(sweep)
        words = f"{seeds[0]}, {seeds[1]} and {seeds[2]}"
        if st.button(
            f"Train it with seeds {words} and test", icon=":material/play_arrow:", key="sweep_train"
        ):
            _train_best(sweep, status, seeds)
    st.code(shlex.join(train_command(sweep)), language=None, wrap_lines=True)


def _train_best(sweep: Sweep, status: Status, seeds: list[int]) -> None:
    from modelzoo.sweeps.best import recipe_path

    runs = paths.runs_folder()
    planned = plan_runs(
        folder=runs,
        recipe=str(recipe_path(sweep)),
        data=sweep.config.data,
        backbones=[None],
        seeds=seeds,
        name=f"{sweep.name}-best",
        columns=sweep.config.columns or None,
    )
    created = create_runs(runs, planned)
    for run in created:
        local.start(run, store=paths.store_folder(), device=device_again(status))
    choose_next(train_run=created[0].id)
    st.rerun()
