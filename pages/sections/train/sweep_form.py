"""The form of a sweep: what is varied of the training above, held by the link. No torch."""

import shlex

import streamlit as st

from modelzoo import paths
from modelzoo.config.train_config import TrainConfig, require_precision
from modelzoo.evaluation.metrics import METRICS
from modelzoo.launching import local
from modelzoo.launching.plan import PlannedRun, format_command
from modelzoo.sweeps.folder import DEFAULT_METRIC, MOST_TRIALS, require_free, settle_sweep
from modelzoo.sweeps.ranges import SETTINGS, Over, parse_all, suggest_over
from modelzoo.training.devices import find_device
from pages.sections.data.report import go_on
from pages.sections.train.start import check_here
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.session import choose_next

DEFAULT_TRIALS = 20
TITLES = {metric.title: metric.name for metric in METRICS.values()}


def offer_sweep(planned: list[PlannedRun], device: str) -> None:
    """What a sweep of the first planned run varies, and the button that starts it."""
    section = st.expander(
        "Search for settings (sweep)", key="sweep_form", on_change="rerun", bind="query-params"
    )
    if section.open:
        with section, error_in_place():
            st.caption(
                "Trials are runs in the queue that differ in the settings below, all on one split. "
                "They are scored on validation images; the test images are not read. A trial whose "
                "validation loss stays above the median of the others is stopped."
            )
            _draw_form(planned[0].config, device)


def _draw_form(base: TrainConfig, device: str) -> None:
    texts = _choose_ranges(base)
    name, trials, metric = _choose_more(base)
    if not texts:
        st.caption("Choose at least one setting that the trials shall vary.")
        return
    over = parse_all(texts, base)
    st.code(_command(base, name, over, trials, metric, device), language=None, wrap_lines=True)
    place = st.container()
    if st.button(
        "Start the sweep",
        type="primary",
        icon=":material/play_arrow:",
        key="sweep_start",
        help="For the options above, the first backbone and the first seed. It goes on when this "
        "page is closed. A sweep of this name that was stopped goes on.",
        on_click=go_on,
        args=("start",),
    ):
        with place:
            _start(base, name, over, trials, metric, device)


def _choose_ranges(base: TrainConfig) -> list[str]:
    """What is varied, as the command takes it."""
    warn_if_gone("sweep_settings", SETTINGS, "Setting")
    chosen = st.multiselect(
        "Settings to vary",
        SETTINGS,
        format_func=lambda name: name,
        key="sweep_settings",
        bind="query-params",
        placeholder="such as learning_rate",
    )
    texts = []
    with st.grid(min_column_width=220, gap="small"):
        for name in chosen:
            suggested = suggest_over(name, base)
            given = st.text_input(
                name,
                key=f"sweep_over_{name}",
                bind="query-params",
                placeholder=suggested,
                help="`1e-4..1e-2 log`, `16..64` or `adam,sgd`: a range, or some values. Left "
                f"empty: {suggested}.",
            )
            texts.append(f"{name}={given.strip() or suggested}")
    return texts


def _choose_more(base: TrainConfig) -> tuple[str, int, str]:
    """Name, number of trials and metric."""
    by_name, by_trials, by_metric = st.columns(3, gap="medium")
    start = f"{base.backbone}-{base.split}-{base.seed}"
    name = by_name.text_input(
        "Name of the sweep", key="sweep_name", bind="query-params", placeholder=start
    )
    trials = by_trials.number_input(
        "Trials",
        1,
        MOST_TRIALS,
        value=DEFAULT_TRIALS,
        key="sweep_trials",
        bind="query-params",
        help="In all. With more settings more are needed; importances are rough below 20.",
    )
    with by_metric:
        warn_if_gone("sweep_metric", list(TITLES), "Metric")
        metric = st.selectbox(
            "Best by (on validation images)",
            list(TITLES),
            index=None,
            placeholder=METRICS[DEFAULT_METRIC].title,
            key="sweep_metric",
            bind="query-params",
            help="Without a choice the log loss, by which a training chooses its epoch: it counts "
            "probabilities, and tells trials apart that predict the same classes.",
        )
    return name.strip() or start, int(trials), TITLES[metric] if metric else DEFAULT_METRIC


def _command(
    base: TrainConfig, name: str, over: tuple[Over, ...], trials: int, metric: str, device: str
) -> str:
    """The command that does the same, to copy into a shell."""
    arguments = format_command(PlannedRun(name, base), device=device)
    arguments = arguments.replace("modelzoo train --name", "modelzoo sweep --sweep", 1)
    more = [f"--over={each}" for each in over]
    more += ["--trials", str(trials), "--metric", metric]
    return f"{arguments} {shlex.join(more)}"


def _start(
    base: TrainConfig, name: str, over: tuple[Over, ...], trials: int, metric: str, device: str
) -> None:
    with error_in_place():
        place = find_device(device).name
        require_precision(base, place)
        runs = paths.runs_folder()
        if not check_here([PlannedRun(f"{name}-check", base)]):
            return
        sweep = settle_sweep(runs, name, base, over, metric=metric, trials=trials)
        require_free(sweep)
        local.start(sweep.run, store=paths.store_folder(), device=place, verb=("sweep", "--folder"))
        choose_next(sweep=sweep.name)
        st.rerun()
