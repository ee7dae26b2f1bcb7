"""What will be submitted, and the buttons that start the runs of the form. No torch."""

import os
from collections.abc import Hashable

import streamlit as st

from modelzoo import paths
from modelzoo.config.train_config import require_precision
from modelzoo.errors import UserError
from modelzoo.files import make_folder
from modelzoo.launching.engines import ENGINES, submit, write_script
from modelzoo.launching.plan import PlannedRun, create_runs, format_commands
from modelzoo.launching.slurm import JOBS
from modelzoo.launching.target import LOCAL, Target
from modelzoo.runs.folder import Run
from modelzoo.text import join_few
from modelzoo.training.devices import find_device
from modelzoo.training.team import require_shares
from pages.sections.data.report import go_on, open_with_bar
from pages.shell.errors import error_in_place
from pages.shell.session import choose_next, list_started, remember_started
from pages.shell.targets import read_targets_here
from pages.shell.text import code, plain


def offer_start(planned: list[PlannedRun], target: Target) -> None:
    """Show the commands, what a cluster is handed, and the buttons that start the runs."""
    count = len(planned)
    commands = format_commands(
        planned, target, name=st.query_params.get("train_name", "").strip() or None
    )
    st.code(
        "\n".join(commands),
        language=None,
        wrap_lines=True,
        height="content" if len(commands) < 4 else 220,
    )
    if target.engine != LOCAL.engine:
        _draw_submission(planned, target)
    plan = plan_of(planned, target)
    started = list_started_here(plan)
    is_taken = any(os.path.lexists(paths.runs_folder() / each.name) for each in planned)
    is_over = bool(started) or is_taken
    place = st.container()  # of the check and of what is wrong: below the button it is out of view
    label = "Start" if count == 1 else f"Start {count} runs"
    here = "On a device that is busy they wait for their turn, first come, first served."
    with st.container(horizontal=True, gap="small"):
        is_asked = st.button(
            label,
            type="primary",
            icon=":material/play_arrow:",
            key="train_start",
            help="Each run is a process of its own and goes on when this page is closed. "
            f"{here if target.engine == LOCAL.engine else 'The cluster says when it begins.'}",
            on_click=go_on,
            args=("start",),
            disabled=is_over,
        )
        is_written = target.engine == "slurm" and st.button(
            "Write the batch script only",
            icon=":material/description:",
            key="train_sbatch",
            help="The runs are made and wait; nothing is submitted from here.",
            on_click=go_on,
            args=("start",),
            disabled=is_over,
        )
    if is_asked or is_written:
        with place, error_in_place():
            _start(planned, target, plan, is_written=is_written)
    if started:
        names = join_few([code(run_id) for run_id in started])
        st.caption(f"Started: {names}. Change something above to start another training.")


def _draw_submission(planned: list[PlannedRun], target: Target) -> None:
    """The batch script, or the requests, as they will be handed over."""
    section = st.expander(
        "What will be submitted",
        key="train_submission",
        on_change="rerun",
        bind="query-params",
    )
    if section.open:
        with section, error_in_place():
            folders = [paths.runs_folder() / each.name for each in planned]
            text = ENGINES[target.engine].describe(target, folders, store=paths.store_folder())
            st.code(text, language="bash" if target.engine == "slurm" else None, height=400)


def _start(planned: list[PlannedRun], target: Target, plan: Hashable, *, is_written: bool) -> None:
    """Make the runs and send them, or write the script for them.

    Raises:
        UserError: The target would refuse, or a run cannot be trained; none is made.
    """
    is_here = target.engine == LOCAL.engine
    device = find_device(target.device).name if is_here else target.job_device
    for each in planned:
        require_precision(each.config, device)
        require_shares(each.config, target.processes)
    if not is_written:
        ENGINES[target.engine].check(target)
    if not check_here(planned):
        return
    runs = create_runs(paths.runs_folder(), planned)
    targets, store = read_targets_here(), paths.store_folder()
    if is_written:
        file = make_folder(paths.runs_folder() / JOBS).resolve() / f"{runs[0].id}.sbatch"
        write_script(target, runs, file, store=store, targets=targets)
    else:
        _submit(target, runs)
    remember_started(plan, [run.id for run in runs])
    choose_next(train_run=runs[0].id)
    st.rerun()


def _submit(target: Target, runs: list[Run]) -> None:
    """Send the runs; where the target refuses after all, they stay, stopped, to be sent again."""
    try:
        submit(target, runs, store=paths.store_folder(), targets=read_targets_here())
    except UserError as error:
        names = join_few([run.id for run in runs])
        raise UserError(f"{error} The runs are made and wait to be resumed: {names}.") from error


def plan_of(planned: list[PlannedRun], target: Target) -> Hashable:
    """What was chosen. A name that the app gave is no choice, and is another once it is taken."""
    given = st.query_params.get("train_name", "")
    return given, target, tuple(each.config for each in planned)


def list_started_here(plan: Hashable) -> tuple[str, ...]:
    """Ids of the runs that were started from this plan; none where one was deleted since."""
    started = list_started(plan)
    there = all(os.path.lexists(paths.runs_folder() / run_id) for run_id in started)
    return started if there else ()


def check_here(planned: list[PlannedRun]) -> bool:
    """Whether all planned runs can be trained; False where a person stopped the check.

    Raises:
        UserError: One cannot be trained, and why.
    """
    from modelzoo.launching.checks import check_at_once, check_planned

    runs, config = paths.runs_folder(), planned[0].config
    check_at_once(planned, runs=runs, weights=paths.weights_folder())
    prepared = open_with_bar(config.data, key="start", columns=config.columns)
    if prepared is None:
        return False
    for note in check_planned(planned, prepared, runs=runs, store=paths.store_folder()):
        st.toast(plain(note), icon=":material/info:", duration="long")
    return True
