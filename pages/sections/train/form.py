"""The form of the page Train: made from TrainConfig, held by the link. No torch.

A choice that is left empty is the recipe's, so links stay true when recipes are mended.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from modelzoo import paths
from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import list_weights
from modelzoo.config.train_config import (
    TrainConfig,
    list_recipes,
    read_recipe,
)
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.launching.plan import (
    PlannedRun,
    check_is_there,
    plan_runs,
)
from modelzoo.launching.target import LOCAL, Target
from modelzoo.runs.folder import check_run_is_free, check_run_name
from modelzoo.training.devices import list_devices
from pages.sections.data.report import Planned, draw_report, open_with_bar
from pages.sections.train.start import list_started_here, plan_of
from pages.sections.train.target import choose_target
from pages.shell.data_picker import choose_columns, choose_data
from pages.shell.demo import offer_demo
from pages.shell.errors import error_in_place
from pages.shell.links import warn_if_gone
from pages.shell.text import plain

if TYPE_CHECKING:
    from modelzoo.datasets.preparing import Prepared

FIRST_BACKBONE = "tf_efficientnet_lite0"
TITLES = {row.title: row.name for row in BACKBONES.values()}
TEN = [row.name for row in BACKBONES.values() if row.in_muduli2025]
ALL_TEN = "all ten of Muduli et al. 2025"
# Asked before all other options.
IN_FRONT = ("data", "columns", "backbone", "recipe", "split", "seed")
SEEDS = 5  # offered: enough to see how much seeds alone change a score


def choose_runs() -> tuple[list[PlannedRun], Target]:
    """The runs that the choices describe, and where they are to train.

    Where no images are known and none are chosen, the demo is offered and no run is described.

    Raises:
        UserError: A choice does not hold.
    """
    data = choose_data(
        "Data set", "train_data", placeholder="Type the path of a folder or table", start=True
    )
    is_there = _say_at_the_field(check_is_there, data) if data else False
    columns = choose_columns(data or "", "train_columns")
    backbones = _choose_backbones()
    recipe, split, seeds = _choose_recipe()
    target, name, below_name = _choose_place_and_name()
    with below_name:
        is_usable = _say_at_the_field(check_run_name, name) if name else True
    options = _choose_options(recipe)
    if not data:
        if not st.query_params.get("train_data"):  # else it waits for its click
            st.write(
                "No data set is known here yet; give a folder above, or let the demo draw one."
            )
            offer_demo()
        return [], target
    if not (is_there and is_usable):
        return [], target
    planned = plan_runs(
        recipe=recipe,
        data=data,
        backbones=backbones,
        seeds=seeds or (None,),
        name=name or None,
        folder=paths.runs_folder(),
        split=split,
        columns=columns or None,
        **options,
    )
    planned = _from_scratch_without_weights(planned)
    if name and not list_started_here(plan_of(planned, target)):
        with below_name:
            for each in planned:
                _say_at_the_field(partial(check_run_is_free, paths.runs_folder()), each.name)
    return planned, target


def _say_at_the_field(check: Callable[[str], object], given: str) -> bool:
    """Whether `given` passes `check`; where not, the reason stands below its field."""
    try:
        check(given)
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True


def draw_data(planned: list[PlannedRun]) -> None:
    """The data set of the planned runs, and what is doubtful about it, when it is asked for."""
    config = planned[0].config
    with st.expander("What this data set holds", key="train-data", on_change="rerun") as section:
        if section.open:
            with error_in_place():
                if prepared := open_with_bar(config.data, key="train", columns=config.columns):
                    draw_report(prepared, key="train", planned=describe_planned(prepared, config))


def describe_planned(prepared: "Prepared", config: TrainConfig) -> Planned | None:
    """The split of a planned run; None, and the reason stands above, where there cannot be one."""
    from modelzoo.launching.checks import plan_split

    planned: list[Planned] = []
    with error_in_place():
        split = plan_split(prepared, config)
        copies = ", with copies" if len(split.rows) > len(prepared.dataset.images) else ""
        words = f"{SPLIT_WORDS[config.split]}, seed {config.seed}{copies}"
        planned.append(Planned(split, words, config.seed))
    return next(iter(planned), None)


def _choose_backbones() -> list[str | None]:
    warn_if_gone("train_backbone", [ALL_TEN, *TITLES], "Backbone")
    titles = st.multiselect(
        "Backbones",
        [ALL_TEN, *TITLES],
        placeholder=f"the recipe's, or {BACKBONES[FIRST_BACKBONE].title}",
        key="train_backbone",
        bind="query-params",
        help="One run each. Without a choice: the one that the recipe names, or the smallest.",
    )
    names = {name for title in titles for name in (TEN if title == ALL_TEN else [TITLES[title]])}
    return [name for name in BACKBONES if name in names] or [None]


def _choose_recipe() -> tuple[str, str | None, list[int]]:
    by_recipe, by_split, by_seed = st.columns([2, 2, 2], gap="medium")
    recipes = list_recipes()
    warn_if_gone("train_recipe", recipes, "Recipe")
    recipe = by_recipe.selectbox(
        "Recipe",
        recipes,
        index=recipes.index("quick"),
        key="train_recipe",
        bind="query-params",
        help="**quick**: frozen backbone at 128 px, only the last layer is trained; minutes on a "
        "CPU.  \n**finetune**: all weights, at a small learning rate.  \nThe others are as in the "
        "paper whose name they bear; the page Papers says what differs.",
    )
    fields = {spec.name: spec for spec in dataclasses.fields(TrainConfig)}
    with by_split:
        split = _choose_value(fields["split"], read_recipe(recipe).split)
    seeds = by_seed.pills(
        "Seeds",
        list(range(SEEDS)),
        selection_mode="multi",
        key="train_seeds",
        bind="query-params",
        help="One run each; without a choice, seed 0. Several seeds show how much scores vary "
        "by chance; the seed decides the split, too.",
    )
    return recipe, split, list(seeds)


def _choose_place_and_name() -> tuple[Target, str, DeltaGenerator]:
    """Where to train, the name, and the place below the name."""
    target = choose_target()
    by_device, by_name = st.columns(2, gap="medium")
    devices = list_devices()
    listed = ["auto", *(device.name for device in devices)]
    warn_if_gone("train_device", listed, "Device")
    free = "; ".join(
        f"{each.name} ({each.title}): {each.free_bytes / 1e9:.0f} of {each.total_bytes / 1e9:.0f} "
        "GB free"
        for each in devices
    )
    device = by_device.selectbox(
        "Device",
        listed,
        disabled=target.engine != LOCAL.engine,
        key="train_device",
        bind="query-params",
        help="auto: a GPU where there is one. One device trains one run at a time; the others "
        f"wait. Here: {free}.",
    )
    if target.engine == LOCAL.engine:
        by_device.caption(free)
        target = replace(target, device=device or "auto")
    else:
        by_device.caption(f"On {target.name}: {target.job_device}.")
    name = by_name.text_input(
        "Name",
        key="train_name",
        bind="query-params",
        placeholder="from backbone, split and seed",
        live="500ms",  # a name that is taken is said while it is typed
        help="Of the run's folder: letters, digits, dots, hyphens and underscores. With several "
        "runs, backbone and seed are put behind it.",
    )
    return target, name.strip(), by_name


def _choose_options(recipe: str) -> dict[str, Any]:
    """Every other option of TrainConfig; None where the recipe's is kept."""
    start = read_recipe(recipe)
    options = {}
    with st.expander("All options"), st.grid(min_column_width=220, gap="small"):
        for spec in dataclasses.fields(TrainConfig):
            if spec.name not in IN_FRONT:
                options[spec.name] = _choose_value(spec, getattr(start, spec.name))
    return options


def _choose_value(spec: "dataclasses.Field[Any]", start: Any) -> Any:
    """A widget for one field of TrainConfig; None while the recipe's value `start` is kept."""
    label, key = spec.name.replace("_", " ").capitalize(), f"train_{spec.name}"
    text, low, high = (spec.metadata[name] for name in ("help", "low", "high"))
    if get_origin(spec.type) is Literal:
        choices = list(get_args(spec.type))
        warn_if_gone(key, choices, label)
        return st.selectbox(
            label,
            choices,
            index=None,
            placeholder=f"{start} (recipe)",
            key=key,
            bind="query-params",
            help=text,
        )
    if spec.type is str:
        given: str = st.text_input(
            label,
            placeholder=f"{start or 'none'} (recipe)",
            key=key,
            bind="query-params",
            help=text,
        )
        return given.strip() or None
    is_whole = spec.type is int
    return st.number_input(
        label,
        int(low) if is_whole else float(low),
        int(high) if is_whole else float(high),
        value=None,
        step=1 if is_whole else None,
        format=None if is_whole else "%g",
        placeholder=f"{start:g} (recipe)",
        key=key,
        bind="query-params",
        help=f"{text} From {low:g} to {high:g}.",
    )


def _from_scratch_without_weights(planned: list[PlannedRun]) -> list[PlannedRun]:
    """Runs whose ImageNet weights are missing are trained from scratch, with a warning before."""
    wanted = sorted({run.config.backbone for run in planned if run.config.weights == "imagenet"})
    if not wanted:
        return planned
    states = list_weights(paths.weights_folder(), wanted)
    missing = [state.backbone for state in states if state.path is None]
    if not missing:
        return planned
    titles = ", ".join(BACKBONES[name].title for name in missing)
    fetchable = any(BACKBONES[name].has_imagenet for name in missing)
    advice = " Fetch the weights first on the page Home, under ImageNet weights."
    st.warning(
        f"ImageNet weights of {titles} are missing, so the training starts at random weights; in "
        f"frozen mode the features stay random.{advice if fetchable else ''}",
        icon=":material/cloud_off:",
    )
    return [
        dataclasses.replace(run, config=dataclasses.replace(run.config, weights="none"))
        if run.config.backbone in missing and run.config.weights == "imagenet"
        else run
        for run in planned
    ]
