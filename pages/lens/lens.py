"""The lens: one component in which the maps of all models over one image move together.

Image and maps are sent once; colours, zoom and everything else of display happen in the browser.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.lens.data import Scene, payload
from pages.lens.display import Display, read_display

_FOLDER = Path(__file__).parent
# One script for the browser: the last file has the function that Streamlit calls.
_SCRIPTS = ("colours", "values", "paint", "tiles", "toolbar", "moves", "lens")
_mount = st.components.v2.component(
    "blastlens_lens",
    css=(_FOLDER / "lens.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person did in the lens since the last run of the page."""

    chosen: str | None = None  # run_id of the tile that was clicked
    step: int = 0  # +1: to the next image, -1: to the previous one
    cell: int | None = None  # index of the cell that was clicked, to be masked or shown again
    display: Display | None = None  # the display now, where it was changed


def lens(scene: Scene, *, key: str) -> Answer:
    """Mount the lens.

    Args:
        scene: What is shown. Display choices made in the lens are seen at once and stay over
            reruns; those of the scene take their place where they change, as by an address. So a
            page writes `Answer.display` into its address and gives the address's display here.
        key: Of the component on the page.
    """
    found = _mount(
        data=payload(scene),
        key=key,
        on_chosen_change=lambda: None,
        on_step_change=lambda: None,
        on_cell_change=lambda: None,
        on_display_change=lambda: None,
    )
    return read_answer(found, scene)


def read_answer(found: Mapping[str, Any], scene: Scene) -> Answer:
    """What a browser sent, which can be anything; what is not possible in the scene is nothing."""
    chosen, step, cell, display = (
        found.get(name) for name in ("chosen", "step", "cell", "display")
    )
    is_cell = isinstance(cell, int) and 0 <= cell < len(scene.cells)
    return Answer(
        chosen=chosen if any(chosen == tile.run_id for tile in scene.tiles) else None,
        step=1 if step == 1 else -1 if step == -1 else 0,
        cell=cell if is_cell else None,
        display=read_display(display)[0] if isinstance(display, Mapping) else None,
    )
