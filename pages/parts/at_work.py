"""What trains and what waits, and one run in detail, drawn anew from the run folders. No torch."""

import time
from collections.abc import Iterable
from typing import Literal

import streamlit as st

from modelzoo import places, runs
from modelzoo.errors import UserError
from modelzoo.evaluation.leaderboard import backbone_title, describe_status
from modelzoo.evaluation.words import describe_seconds
from modelzoo.runs import Run, Status
from modelzoo.training import launch
from modelzoo.training.config import format_config
from modelzoo.training.devices import find_device
from modelzoo.training.queue import AtWork, list_at_work
from pages.parts import plots
from pages.parts.states import said_in_place, say_if_gone
from pages.parts.tables import STATE_COLOURS

LOG_LINES = 10  # of the log's end
LOG_BYTES = 20_000  # read for them


def list_runs() -> list[Run]:
    """The runs here; damaged folders are shown on the page Compare."""
    found, _ = runs.list_runs(places.runs_folder())
    return found


def say_at_work(at_work: list[AtWork]) -> str:
    """What trains, for how long, and how many wait, in one sentence."""
    training = [each for each in at_work if each.status.state == "training"]
    waiting = len(at_work) - len(training)
    wait = {0: "", 1: "; one run waits"}.get(waiting, f"; {waiting} runs wait")
    if not training:
        return f"Nothing is training{wait}."
    first = training[0]
    left = first.status.seconds_left
    until = "" if left is None else f", about {describe_seconds(left)} left"
    if len(training) == 1:
        where = first.status.device or "this machine"
        return f"{backbone_title(first.run)} is training on {where}{until}{wait}."
    return f"{len(training)} runs are training{wait}."


@st.fragment(run_every="2s")
def show_at_work(before: frozenset[tuple[str, str]]) -> None:
    """A card for each run that trains or waits; draws the page again when a state has changed.

    Args:
        before: `read_states()` when the page was drawn.
    """
    found = list_runs()
    if read_states(found) != before:
        st.rerun()
    at_work = list_at_work(found, now=time.time())
    for each in at_work:
        if each.status.state == "training":
            with st.container(border=True, key=f"work-{each.run.id}"):
                draw_progress(each.run, each.status, each.ahead)
                with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                    _offer_stop(each.run, each.status, place="card")
                    _link_to(each.run)
    waiting = [each for each in at_work if each.status.state == "queued"]
    if waiting:
        with st.container(border=True, gap="small"):
            for each in waiting:
                with st.container(
                    horizontal=True,
                    gap="small",
                    vertical_alignment="center",
                    key=f"work-{each.run.id}",
                ):
                    draw_progress(each.run, each.status, each.ahead)
                    _offer_stop(each.run, each.status, place="card")


def _link_to(run: Run) -> None:
    st.page_link(
        "pages/train.py",
        label="Watch",
        icon=":material/monitoring:",
        query_params={"watch": run.id},
    )


def read_states(found: Iterable[Run]) -> frozenset[tuple[str, str]]:
    """Id and state of each run."""
    return frozenset((run.id, _state(run)) for run in found)


def choose_run(found: list[Run]) -> Run | None:
    """The run to be shown in detail; without a choice one that trains, else the latest."""
    by_id = {run.id: run for run in found}
    say_if_gone("watch", by_id, "Run")
    at_work = list_at_work(found, now=time.time())
    latest = max(found, key=_changed, default=None)
    start = at_work[0].run if at_work else latest
    chosen = st.selectbox(
        "Run",
        sorted(by_id),
        index=None,
        placeholder=start.id if start else "none",
        key="watch",
        bind="query-params",
        help="Without a choice: the one that trains, else the one changed last.",
    )
    return by_id[chosen] if chosen else start


@st.fragment(run_every="2s")
def show_run(run: Run) -> None:
    """One run: progress, curves, log, and what can be done with it."""
    with said_in_place():
        status = runs.read_status(run.path, now=time.time())
        draw_progress(run, status)
        _draw_numbers(status)
        _draw_actions(run, status)
        _draw_curves(run)
        _draw_log(run)
    with st.expander("All settings", key="settings", on_change="rerun") as section:
        if section.open:
            st.code(format_config(run.config), language=None)


def draw_progress(run: Run, status: Status, ahead: int = 0) -> None:
    """One line on a run, and a bar while it trains; `ahead` runs have their turn before it."""
    colour = STATE_COLOURS.get(status.state, "green")
    words = describe_status(status)
    if status.state == "queued" and ahead:
        words = f"Waits for {status.device}, {ahead} before it."
    st.markdown(f":{colour}-badge[{status.state}] **{backbone_title(run)}** `{run.id}`: {words}")
    if status.state == "training":
        st.progress(_share_of(status))


def _draw_numbers(status: Status) -> None:
    left = status.seconds_left
    with st.grid(min_column_width=130, gap="small"):
        st.metric(
            "Epoch",
            f"{status.epoch} of {status.epochs}" if status.epochs else "not begun",
            help="Epochs finished, and how many there are at most: training stops early when the "
            "validation loss does not fall any more.",
        )
        st.metric(
            "Images a second",
            f"{status.images_per_second:,.0f}" if status.images_per_second else "not yet",
            help="Training images, in the epoch at hand.",
        )
        if status.state == "training":
            st.metric(
                "Time left",
                describe_seconds(left) if left is not None else "not known",
                help="Of the epochs, if none is spared by stopping early.",
            )
        if status.device:
            st.metric(
                "Device",
                status.device,
                help="What it trains on, waits for, or trained on last.",
            )


def _draw_actions(run: Run, status: Status) -> None:
    with st.container(horizontal=True, gap="small"):
        _offer_stop(run, status, place="run")
        if status.state in ("stopped", "failed") and st.button(
            "Resume",
            icon=":material/resume:",
            key=f"resume-{run.id}",
            type="primary",
            help="Goes on after the last whole epoch, with the same result as if it had not "
            "been interrupted.",
        ):
            with said_in_place():
                launch.start(run, store=places.store_folder(), device=_device_again(status))
                st.rerun()
        if status.state == "queued":
            st.caption("It starts by itself when the device is free.")
        if status.state == "done":
            st.page_link("pages/compare.py", label="Compare", icon=":material/leaderboard:")
            st.page_link(
                "pages/explain.py",
                label="Explain with it",
                icon=":material/biotech:",
                query_params={"run": run.id},
            )
        if status.state in ("stopped", "failed", "done"):
            _offer_delete(run)
    verb = {"training": "stop", "queued": "stop", "done": "evaluate"}.get(status.state, "resume")
    st.code(f"python -m modelzoo {verb} {run.path}", language=None)


def _offer_stop(run: Run, status: Status, *, place: Literal["card", "run"]) -> None:
    """Two ways to stop a training, one to leave the queue."""
    if status.state == "queued" and status.device:
        _stop_button(
            "Leave the queue",
            run,
            place,
            type="tertiary",
            help_text="It does not train, and can be resumed later.",
        )
    if status.state == "training":
        _stop_button(
            "Stop now",
            run,
            place,
            help_text="At the next batch. The epochs that are finished are kept, and the run can "
            "be resumed.",
        )
        _stop_button(
            "Stop after this epoch",
            run,
            place,
            after_epoch=True,
            help_text="The epoch in hand is finished and kept; the run can be resumed.",
        )


def _stop_button(
    label: str,
    run: Run,
    place: str,
    *,
    after_epoch: bool = False,
    type: Literal["secondary", "tertiary"] = "secondary",
    help_text: str,
) -> None:
    if st.button(
        label,
        icon=":material/stop:",
        key=f"{place}-{label}-{run.id}",
        type=type,
        help=help_text,
    ):
        with said_in_place():
            launch.stop(run, after_epoch=after_epoch)
            st.toast(f"{run.id} has been asked to stop.")


def _offer_delete(run: Run) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"Delete **{run.id}** with its model, its scores and its log?")
        if st.button("Delete for good", key=f"delete-{run.id}", type="primary"):
            with said_in_place():
                runs.delete_run(run)
                st.query_params.pop("watch", None)
                st.rerun()


def _draw_curves(run: Run) -> None:
    history = runs.read_history(run.path)
    if history.empty:
        st.caption("Curves appear after the first epoch.")
        return
    for column, measure in zip(st.columns(2), ("loss", "accuracy"), strict=True):
        column.plotly_chart(
            plots.live_curves(history, measure),
            key=f"live-{measure}",
            config=plots.config(f"{run.id}-{measure}", plots.FORMATS[0]),
            alt=plots.live_curves_alt(history, measure),
        )


def _draw_log(run: Run) -> None:
    file = run.path / runs.LOG
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - LOG_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:  # not written yet, or the run has just been deleted
        return
    st.caption(f"The end of {file}")
    st.code("\n".join(lines[-LOG_LINES:]) or "(empty)", language=None)


def _share_of(status: Status) -> float:
    """How much of the run is done, of its epochs where it counts them, in [0, 1]."""
    if status.phase == "training" and status.epochs:
        return min((status.epoch + status.progress) / status.epochs, 1.0)
    return min(max(status.progress, 0.0), 1.0)


def _device_again(status: Status) -> str:
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


def _state(run: Run) -> str:
    try:
        return runs.read_status(run.path, now=time.time()).state
    except UserError:
        return "damaged"
