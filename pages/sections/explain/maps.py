"""Attribution maps: one row per model, one scale per method."""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from modelzoo.datasets.splits import PART_WORDS
from modelzoo.files import portable_name
from modelzoo.text import count, percent, shorten_all
from pages.sections.explain.image import Subject
from pages.sections.explain.prediction import OOD_HELP, describe_doubts, describe_ood
from pages.shell import inference, pictures
from pages.shell.errors import error_in_place
from pages.shell.palette import class_colours
from pages.shell.pictures import DISPLAY_PX
from pages.shell.prediction import Prediction
from pages.shell.reads import Model
from pages.shell.text import plain
from xai.attribution import Attribution, is_same_map  # noqa: TID253  # no torch behind it
from xai.draw.outlines import render_outlines  # noqa: TID253  # no torch behind it
from xai.draw.overlay import encode_png, render_overlay  # noqa: TID253  # no torch behind it
from xai.draw.scale import as_share, render_colour_bar, shared_vmax  # noqa: TID253  # no torch behind it
from xai.methods.table import Method  # noqa: TID253  # no torch behind it
from xai.say.evidence import describe_evidence  # noqa: TID253  # no torch behind it

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


PROBABILITIES_HELP = (
    "The softmax of the logits of the model; they add up to 100 %. The confidence of a network is "
    "not how often it is correct."
)
COST_HELP = (
    "Logits are the outputs of a network before the softmax. The feature map is the resolution at "
    "which the method computes; what is drawn between its entries is interpolated. A forward pass "
    "is the image once through the network."
)


BAR_LETTERS = 40  # of the name of a class beside its bar; the whole is under the mouse


@dataclass(slots=True)
class Panel:
    """One map's place on the page."""

    slot: "DeltaGenerator"  # the overlay
    tools: "DeltaGenerator"  # what is below it
    method: Method
    model: Model
    attribution: Attribution  # as it is drawn
    raw: Attribution  # as its method made it
    target_name: str
    png: bytes = b""  # the overlay as it is shown


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """Display options of the maps."""

    opacity: float = 0.7  # [0, 1]
    as_share: bool = False  # every map is 100 %, so that strong and weak ones look alike
    contours: bool = False  # around the strongest 10 and 20 % of the image
    outlines: bool = False  # of cells and nuclei


@dataclass(slots=True)
class Panels:
    """All maps on the page, by method on one scale."""

    subject: Subject
    display: DisplayOptions
    may_compute: bool = True  # else only maps in memory are shown
    are_all: bool = True  # whether none was left out for that
    shown: list[Panel] = field(default_factory=list)
    vmax_by_method: dict[str, float] = field(default_factory=dict)

    def add(self, panel: Panel) -> None:
        """Draw one more map; the others again where it has moved their scale."""
        self.shown.append(panel)
        name = panel.method.name
        same = [each for each in self.shown if each.method.name == name]
        vmax = shared_vmax(each.attribution for each in same)
        moved = vmax != self.vmax_by_method.get(name)
        self.vmax_by_method[name] = vmax
        for each in same if moved else [panel]:
            self._draw(each, vmax)

    def same_maps(self, model: Model, attribution: Attribution) -> list[str]:
        """Titles of the methods whose map of this model, already shown, is the same."""
        return [
            each.method.title
            for each in self.shown
            if each.model is model and is_same_map(each.attribution, attribution)
        ]

    def _draw(self, panel: Panel, vmax: float) -> None:
        pixels = pictures.square(self.subject.picture, DISPLAY_PX)
        cells = pictures.find_cells(self.subject.picture)
        drawn = render_overlay(
            pixels,
            panel.attribution,
            vmax=vmax,
            opacity=self.display.opacity,
            contours=self.display.contours,
        )
        if self.display.outlines:
            drawn = render_outlines(drawn, cells.labels, cells.nuclei)
        panel.png = encode_png(drawn)
        said = describe_evidence(panel.attribution, panel.target_name, cells.labels)
        alt = f"{panel.method.title} of {panel.model.title}. {said}"
        panel.slot.image(panel.png, width="stretch", alt=alt)

    def finish(self) -> None:
        """Offer what is shown as files; call it when all maps are drawn."""
        for panel in self.shown:
            image = PurePath(self.subject.picture.name).stem
            parts = (image, panel.model.run.id, panel.method.name, panel.target_name)
            name = "-".join(portable_name(part, 60) for part in parts)
            raw = io.BytesIO()
            np.save(raw, panel.raw.values)
            with panel.tools.container(horizontal=True, gap="small"):
                st.download_button(
                    "PNG",
                    panel.png,
                    f"{name}.png",
                    "image/png",
                    key=f"png-{name}",
                    on_click="ignore",
                    type="tertiary",
                    icon=":material/image:",
                    help="The overlay as it is shown.",
                )
                st.download_button(
                    "Raw map (.npy)",
                    raw.getvalue(),
                    f"{name}-{panel.raw.unit}.npy",
                    "application/octet-stream",
                    key=f"npy-{name}",
                    on_click="ignore",
                    type="tertiary",
                    icon=":material/data_array:",
                    help="The map before it was upsampled and scaled for display, "
                    f"{panel.raw.unit_in_words}, as a NumPy file.",
                )


def draw_model(
    model: Model,
    prediction: Prediction,
    methods: Sequence[Method],
    target_name: str,
    panels: Panels,
) -> None:
    """The row of one model: its prediction, and one map per method.

    Args:
        model: Which run.
        prediction: Its prediction.
        methods: In the order of the columns.
        target_name: The class explained, or `OWN`.
        panels: Where the maps go.
    """
    with st.container(border=True):
        _draw_title(model, prediction, panels.subject)
        words, *places = st.columns([1, *[1] * max(len(methods), 2)], gap="medium")
        with words:
            _draw_prediction(prediction, panels.subject)
        with places[0]:
            target = find_target(prediction, target_name)
        if target is None:
            return
        name = prediction.classes[target]
        for method, place in zip(methods, places, strict=False):
            # A map alone leaves the column beside it free.
            beside = places[1] if len(methods) == 1 else place
            with place, error_in_place():
                _draw_map(model, method, target, name, panels, beside)


def find_target(prediction: Prediction, target_name: str) -> int | None:
    """The index of the class to explain; None, and a sentence, where the model lacks it."""
    name = prediction.class_to_explain(target_name)
    if name in prediction.classes:
        return prediction.classes.index(name)
    st.info(f"{plain(prediction.title)} has no class {plain(name)}; choose another target class.")
    return None


def _draw_map(
    model: Model,
    method: Method,
    target: int,
    name: str,
    panels: Panels,
    beside: "DeltaGenerator",
) -> None:
    """One map in the current column, and what it shows in words in the column `beside`."""
    st.markdown(f"**{method.title}** for **{plain(name)}**")
    slot = st.empty()
    try:
        with slot, st.spinner(f"{method.title}: {method.cost} …"):
            attribution = inference.attribution(
                model,
                panels.subject.picture,
                method=method.name,
                target=target,
                may_compute=panels.may_compute,
            )
    except inference.NotComputedError:
        slot.caption("Stopped before this map was computed.")
        panels.are_all = False
        return
    cells = pictures.find_cells(panels.subject.picture)
    said = plain(describe_evidence(attribution, name, cells.labels))
    cost = _cost(attribution)
    with beside:
        if attribution.is_empty:
            st.info(said)
        st.caption(cost if attribution.is_empty else f"{said} {cost}", help=COST_HELP)
        for same in panels.same_maps(model, attribution):
            st.caption(
                f":material/content_copy: The same map as {same}, so their agreement shows nothing."
            )
        if attribution.note:
            st.caption(f":material/info: {plain(attribution.note)}")
        shown = as_share(attribution) if panels.display.as_share else attribution
        panels.add(Panel(slot, st.empty(), method, model, shown, attribution, name))


def draw_scales(panels: Panels, methods: Sequence[Method]) -> None:
    """One colour bar per method, with what its ends mean."""
    for method, place in zip(methods, st.columns(max(len(methods), 2), gap="medium"), strict=False):
        vmax = panels.vmax_by_method.get(method.name, 0)
        with place:
            bar = render_colour_bar(is_signed=method.is_signed, opacity=panels.display.opacity)
            is_share = panels.display.as_share or method.unit == "share"
            unit = "% of the map" if is_share else "logits"
            high = f"{100 * vmax if is_share else vmax:.2g}"
            low = f"\N{MINUS SIGN}{high}" if method.is_signed else "0"
            st.image(
                bar,
                width="stretch",
                alt=f"Colour scale of {method.title}: {low} to {high} {unit} for each "
                "hundredth of the image, from blue (against) over clear (nothing) to orange (for).",
            )
            ends = "against the class · clear: nothing · " if method.is_signed else ""
            st.caption(
                f"**{method.title}**, attribution per unit area: {low} to {high} {unit} per 1 % "
                "of the "
                f"image, "
                f"{'blue ' if method.is_signed else ''}{ends}orange for it. The same scale for "
                f"every model; beyond it the colour stays. {method.reads} {method.not_valid}"
            )
            # Not in the caption, which pales its links below what can be read.
            st.markdown(f":small[[{method.paper}]({method.url})]")


def _draw_title(model: Model, prediction: Prediction, subject: Subject) -> None:
    """Title and badges, and what limits the prediction and its maps."""
    part = subject.part_by_run.get(model.run.id)
    st.markdown(f"#### {plain(model.title)}")
    badges = [
        f":gray-badge[run {plain(model.run.id)}]",
        f":gray-badge[{model.run.config.split} split]",
    ]
    if model.has_imagenet is False:
        badges.append(":orange-badge[from scratch]")
    if part:
        colour = "green" if part == "test" else "orange"
        words = PART_WORDS[part]
        badges.append(f":{colour}-badge[in the {words} set of this model]")
    st.markdown(" ".join(badges))
    for doubt in describe_doubts(prediction, part):
        st.warning(plain(doubt), icon=":material/warning:")


def _draw_prediction(prediction: Prediction, subject: Subject) -> None:
    """The probabilities as bars, and the OOD score."""
    st.markdown("**Probabilities**", help=PROBABILITIES_HELP)
    st.html(probability_bars(prediction, subject.label))
    st.markdown(describe_ood(prediction), help=OOD_HELP)


def probability_bars(prediction: Prediction, label: str | None) -> str:
    """The probabilities as bars in the colours of the classes, the true class marked."""
    colours = class_colours(prediction.classes)
    short = shorten_all(prediction.classes, BAR_LETTERS)
    rows = []
    for name, probability in zip(prediction.classes, prediction.probabilities, strict=True):
        width, share = 100 * float(probability), percent(float(probability), 0)
        mark = " (true)" if name == label else ""
        weight = 700 if name == prediction.predicted else 400
        rows.append(
            f'<div style="font-weight:{weight};overflow-wrap:anywhere" title="{html.escape(name)}">'
            f"{html.escape(short[name])}{mark}</div>"
            '<div style="background:rgba(128,128,128,.18);height:.9rem;border-radius:.2rem">'
            f'<div style="width:{width:.1f}%;height:100%;border-radius:.2rem;'
            f'background:{colours[name]}"></div></div>'
            f'<div style="text-align:right;font-weight:{weight}">{share}</div>'
        )
    return (
        '<div style="display:grid;grid-template-columns:fit-content(55%) 1fr 3.2rem;'
        f'gap:.3rem .6rem;align-items:center;font-size:.9rem">{"".join(rows)}</div>'
    )


def _cost(attribution: Attribution) -> str:
    """How exact the map is, and its cost."""
    height, width = attribution.values.shape
    passes = count(attribution.forward_passes, "forward pass", "es")
    size = f"{height} × {width}"
    is_coarse = max(height, width) < 64
    exact = f"{size} feature map, upsampled" if is_coarse else f"{size} pixels"
    if attribution.completeness_gap is not None:
        off = attribution.completeness_gap
        exact = f"the sum is off by {f'{off:.2f}' if off >= 0.005 else 'less than 0.01'} logits"
    return f"({exact}; {passes}, {attribution.seconds:.1f} s)"
