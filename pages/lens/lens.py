"""The lens: one component in which the maps of all models over one image move together.

Image and maps are sent once; colours, zoom and everything else of display happen in the browser.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st

from pages.lens.data import Scene, payload
from pages.lens.display import Display, read_display
from pages.shell.session import put_events, take_events

_FOLDER = Path(__file__).parent
# One script for the browser: the last file has the function that Streamlit calls.
_SCRIPTS = ("colours", "values", "paint", "tiles", "toolbar", "moves", "lens")
_mount = st.components.v2.component(
    "blastlens_lens",
    # The script takes it away when it starts.
    html="<p class='fallback'>The maps cannot be shown in this way, because the script of this "
    "view did not start in this browser. <b>Details</b> below has them as pictures: choose "
    "<b>Attribution maps</b>.</p>",
    css=(_FOLDER / "lens.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person did in the lens since the page last asked."""

    chosen: str | None = None  # run_id of the tile that was clicked
    step: int = 0  # so many images further; below 0: back
    cells: frozenset[int] = frozenset()  # indices of the cells to be masked, or shown again
    display: Display | None = None  # the display now, where it was changed


def lens(scene: Scene, *, key: str) -> Answer:
    """Mount the lens.

    Args:
        scene: What is shown. Display choices made in the lens are seen at once and stay over
            reruns; those of the scene take their place where they change, as by an address. So a
            page writes `Answer.display` into its address and gives the address's display here.
        key: Of the component on the page.
    """
    _mount(data=payload(scene), key=key, on_events_change=partial(put_events, key))
    return read_answer(take_events(key), scene)


def read_answer(events: Sequence[tuple[str, object]], scene: Scene) -> Answer:
    """What a browser told, which can be anything; what is not possible in the scene is nothing."""
    answer = Answer()
    for name, value in events:
        if name == "chosen" and any(value == tile.run_id for tile in scene.tiles):
            answer = replace(answer, chosen=str(value))
        elif name == "step" and value in (1, -1):
            answer = replace(answer, step=answer.step + (1 if value == 1 else -1))
        elif name == "cell" and isinstance(value, int) and 0 <= value < len(scene.cells):
            answer = replace(answer, cells=answer.cells ^ {value})
        elif name == "display" and isinstance(value, Mapping):
            answer = replace(answer, display=read_display(value)[0])
    return answer
