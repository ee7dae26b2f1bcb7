"""Runs that train or are queued; drawn anew from the run folders."""

import time
from typing import Literal

import streamlit as st

from modelzoo.launching import engines
from modelzoo.launching.queue import list_at_work
from modelzoo.runs.folder import Run
from modelzoo.runs.status import Status
from pages.shell.errors import error_in_place
from pages.shell.run_status import describe_at_work, draw_progress, list_runs_here, read_states
from pages.shell.targets import hold_true, read_targets_here
from pages.shell.text import plain


@st.fragment(run_every="2s")
def show_at_work(before: frozenset[tuple[str, str]]) -> None:
    """What trains, and a card for each run that trains or waits.

    The page is drawn again when a state has changed, so that all of it says the same.

    Args:
        before: `read_states()` when the page was drawn.
    """
    found = list_runs_here()
    silent = hold_true(found)
    if read_states(found) != before:
        st.rerun()
    at_work = list_at_work(found, now=time.time())
    st.markdown(f"#### {plain(describe_at_work(at_work))}")
    for sentence in silent.values():
        st.warning(plain(sentence), icon=":material/cloud_off:")
    for each in at_work:
        if each.status.state == "training":
            with st.container(border=True, key=f"work-{each.run.id}"):
                draw_progress(each.run, each.status, each.ahead)
                with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                    offer_stop(each.run, each.status, place="card")
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
                    offer_stop(each.run, each.status, place="card")


def bring_into_view(starts: int) -> None:
    """Scroll to the top, where the queue is, once for each start: on a phone it is far above.

    Args:
        starts: How many times runs were started in this tab; the browser runs the script when it
            is another than before, however often the page is drawn in between.
    """
    if starts:
        st.html(
            f"<span data-starts='{starts}'></span>"
            "<script>document.querySelector('[data-testid=stMain]').scrollTo({top: 0})</script>",
            unsafe_allow_javascript=True,
        )


def _link_to(run: Run) -> None:
    st.page_link(
        "pages/train.py",
        label="Details",
        icon=":material/monitoring:",
        query_params={"train_run": run.id},
    )


def offer_stop(run: Run, status: Status, *, place: Literal["card", "run"]) -> None:
    """Two ways to stop a training; one to cancel a queued run."""
    if status.state == "queued" and status.device:
        _stop_button(
            "Cancel",
            run,
            place,
            type="tertiary",
            help_text="The run leaves the queue and can be resumed later.",
        )
    if status.state == "training" and status.stopping != "now":
        _stop_button(
            "Stop now",
            run,
            place,
            help_text="At the next batch. The epochs that are finished are kept, and the run can "
            "be resumed.",
        )
    if status.state == "training" and not status.stopping:
        _stop_button(
            "Stop after this epoch",
            run,
            place,
            after_epoch=True,
            help_text="The current epoch is finished and kept; the run can be resumed.",
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
        with error_in_place():
            st.toast(f"{plain(run.id)} is asked to stop.")
            engines.stop(run, after_epoch=after_epoch, targets=read_targets_here())
            st.rerun()  # all of the page, from what the run says now
