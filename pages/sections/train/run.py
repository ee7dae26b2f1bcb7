"""One run in detail: progress, learning curves, log, and what can be done with it."""

import shlex
import time
from dataclasses import replace
from functools import partial
from pathlib import PurePath

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.config.train_config import format_config
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.evaluation.tables import run_records
from modelzoo.files import portable_name, read_end
from modelzoo.launching import engines
from modelzoo.launching.queue import list_at_work
from modelzoo.launching.target import LOCAL
from modelzoo.runs.ensembles import say_member
from modelzoo.runs.file_names import ENSEMBLE, LOG
from modelzoo.runs.folder import Run, delete_run
from modelzoo.runs.history import read_history
from modelzoo.runs.status import PACE_WORDS, Status, read_status
from modelzoo.runs.submission import read_submission
from modelzoo.runs.trial import is_trial
from modelzoo.text import capital, describe_seconds, shorten
from modelzoo.training.devices import find_device
from pages.figures.frame import FORMATS, config
from pages.figures.learning import live_curves, live_curves_alt
from pages.sections.train.queue import offer_stop
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.reads import read_board
from pages.shell.run_status import draw_progress
from pages.shell.session import choose, choose_next, clicked_row
from pages.shell.targets import read_targets_here
from pages.shell.text import plain

DATA_LETTERS = 60  # of the name of a data set in a figure
COLUMNS = {  # of a run's record, with their titles
    "run": "Run",
    "date": "Date",
    "state": "State",
    "title": "Backbone",
    "data": "Data",
    "split": "Split",
    "seed": "Seed",
    "accuracy": "Accuracy",
}
LOG_LINES = 10  # of the log's end
LOG_BYTES = 20_000  # read for them


def choose_run(found: list[Run], *, is_from_link: bool) -> Run | None:
    """The run to be shown in detail; without a choice one that trains, else the latest.

    Args:
        found: The runs here.
        is_from_link: Whether the address says which, and not the click before, such as Delete: the
            address follows that only later.
    """
    by_id = {run.id: run for run in found}
    if is_from_link:
        warn_if_gone("train_run", by_id, "Run")
    at_work = list_at_work(found, now=time.time())
    latest = max(found, key=_changed, default=None)
    start = at_work[0].run if at_work else latest
    chosen = st.selectbox(
        "Run",
        sorted(by_id),
        index=None,
        placeholder=start.id if start else "none",
        key="train_run",
        bind="query-params",
        help="Without a choice: the one that trains, else the one changed last.",
    )
    return by_id[chosen] if chosen else start


def list_all(found: list[Run]) -> None:
    """Every run with its date and state, newest first; a click on a row shows it in detail."""
    section = st.expander("All runs", key="all_runs", on_change="rerun", bind="query-params")
    if not section.open:
        return
    with section, error_in_place():
        records = run_records(read_board(), found)
        ids = [record["run"] for record in records]
        table = pd.DataFrame(records, columns=list(COLUMNS)).rename(columns=COLUMNS)
        table["Date"] = pd.to_datetime(table["Date"], errors="coerce", utc=True)
        table["Accuracy"] *= 100
        st.dataframe(
            table,
            hide_index=True,
            alt="All runs with date, state, backbone, data, split, seed, accuracy, newest first.",
            column_config={
                "Date": st.column_config.DatetimeColumn("Date (UTC)", format="YYYY-MM-DD HH:mm"),
                "Accuracy": st.column_config.NumberColumn("Accuracy in %", format="%.1f"),
            },
            key="run_rows",
            on_select=partial(_show_row, ids),
            selection_mode="single-row",
        )


def _show_row(ids: list[str]) -> None:
    row = clicked_row("run_rows")
    if row is not None and row < len(ids):
        choose(train_run=ids[row])


@st.fragment(run_every="2s")
def show_run(run: Run, before: frozenset[tuple[str, str]]) -> None:
    """One run: progress, curves, log, and what can be done with it.

    Args:
        run: To be shown.
        before: `read_states()` when the page was drawn; all of it is drawn again after a change.
    """
    with error_in_place():
        status = read_status(run.path, now=time.time())
        if (run.id, status.state) not in before:
            st.rerun()
        draw_progress(run, status)
        _draw_numbers(run, status)
        _draw_actions(run, status)
        _draw_curves(run)
        _draw_log(run)
    with st.expander("Configuration", key="configuration", on_change="rerun") as section:
        if section.open:
            st.code(format_config(run.config), language=None)


def _draw_numbers(run: Run, status: Status) -> None:
    what = PACE_WORDS[run.config.mode]
    left = status.seconds_left
    with st.grid(min_column_width=160, gap="small"):
        st.metric(
            "Epoch",
            f"{status.epoch} of {status.epochs}" if status.epochs else "–",
            help="Epochs finished, and how many there are at most: training stops early when the "
            "validation loss does not fall any more.",
        )
        st.metric(
            f"{capital(what)}/s",
            f"{status.images_per_second:,.0f}" if status.images_per_second else "–",
            help={
                "finetune": "Training images, in the current epoch.",
                "norms": "Training images, in the current epoch.",
                "frozen": "In the current epoch. The backbone is frozen: its features of each "
                "image are computed once, and only the last layer is trained on them.",
            }[run.config.mode],
        )
        if status.state == "training":
            st.metric(
                "Time left",
                describe_seconds(left) if left is not None else "–",
                help="For the epochs that remain, without early stopping.",
            )
        if status.device:
            st.metric(
                "Device",
                status.device,
                help="The device that the run uses, waits for, or used last.",
            )


def _draw_actions(run: Run, status: Status) -> None:
    with st.container(horizontal=True, gap="small"):
        offer_stop(run, status, place="run")
        if status.state in ("stopped", "failed") and st.button(
            "Resume",
            icon=":material/resume:",
            key=f"resume-{run.id}",
            type="primary",
            help="Training continues after the last whole epoch, with the same result as if it had "
            "not been interrupted.",
        ):
            with error_in_place():
                targets = read_targets_here()
                sent = read_submission(run.path)
                target = targets.get(sent.target, LOCAL) if sent else LOCAL
                if target == LOCAL:
                    target = replace(LOCAL, device=device_again(status))
                engines.submit(target, [run], store=paths.store_folder(), targets=targets)
                st.rerun()
        if status.state == "queued" and status.pid:
            st.caption("It starts when the device is free.")
        if is_trial(run.path):
            st.caption(
                "A trial of a sweep: its test images are left out, so Compare does not list it."
            )
        elif status.state == "done":
            st.page_link("pages/compare.py", label="Compare models", icon=":material/leaderboard:")
            st.page_link(
                "pages/explain.py",
                label="Explain an image",
                icon=":material/biotech:",
                query_params={"run": run.id},
            )
        if status.state in ("stopped", "failed", "done"):
            _offer_delete(run)
    verb = {"training": "stop", "queued": "stop", "done": "evaluate"}.get(status.state, "resume")
    part = " --part validation" if verb == "evaluate" and is_trial(run.path) else ""
    st.code(f"python -m modelzoo {verb} {shlex.quote(str(run.path))}{part}", language=None)


def _offer_delete(run: Run) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"Delete **{plain(run.id)}** with its model, its scores and its log?")
        if joined := say_member(run.path):
            st.warning(plain(joined))
        if st.button("Delete for good", key=f"delete-{run.id}", type="primary"):
            with error_in_place():
                delete_run(run.path)
                choose_next(train_run=None)
                st.rerun()


def _draw_curves(run: Run) -> None:
    history = read_history(run.path)
    if history.empty:
        if not run.has(ENSEMBLE):
            st.caption("Learning curves appear after the first epoch.")
        return
    about = run.config
    data = shorten(PurePath(about.data).name or about.data, DATA_LETTERS)
    source = f"{run.id}: {data}, {SPLIT_WORDS[about.split]}, seed {about.seed}"
    for column, measure in zip(st.columns(2), ("loss", "accuracy"), strict=True):
        column.plotly_chart(
            live_curves(history, measure, source=source),
            key=f"live-{measure}",
            config=config(
                f"{measure}-{portable_name(run.id)}-{about.split}-seed{about.seed}", FORMATS[0]
            ),
            alt=live_curves_alt(history, measure),
        )


def _draw_log(run: Run) -> None:
    file = run.path / LOG
    try:
        lines = read_end(file, LOG_BYTES).decode(errors="replace").splitlines()
    except (FileNotFoundError, UserError):  # not written yet, just deleted, or no log
        return
    st.caption(plain(f"Log (last lines): {file}"))
    st.code("\n".join(lines[-LOG_LINES:]) or "(empty)", language=None)


def device_again(status: Status) -> str:
    """Where a run goes on: where it was, if that is still here."""
    try:
        return find_device(status.device or "auto").name
    except UserError:
        return find_device("auto").name


def _changed(run: Run) -> float:
    """When something was last written into the run's folder; 0 where it has just been deleted."""
    try:
        return run.path.stat().st_mtime
    except OSError:
        return 0.0
