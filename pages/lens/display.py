"""How the maps of the lens are shown, and the words of it in an address. No Streamlit, no torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

# By field, what may be chosen; `lens.js` has the same keys.
CHOICES = {
    "view": ("over", "map", "image"),  # the map over the image, the map only, the image only
    "colours": ("turbo", "viridis", "magma"),  # of unsigned maps; signed ones diverge
    "scale": ("own", "shared"),
    "lens": ("smear", "map"),  # what is inside of it
}
SWITCHES = ("contours", "outlines", "grid")
MOST_ZOOM = 64.0  # times the whole image


@dataclass(frozen=True, slots=True)
class Display:
    """The choices of display, none of which needs a rerun to be seen."""

    view: str = "over"
    opacity: float = 0.5  # [0, 1], of the strongest attribution
    colours: str = "turbo"
    scale: str = "own"
    contours: bool = False  # around the strongest 10 and 20 % of the area
    outlines: bool = False  # of cells and nuclei
    grid: bool = False  # the feature map's entries, not interpolated
    lens: str = "smear"
    zoom: tuple[float, float, float] | None = None  # (x, y) of the middle in image pixels, times


def read_display(given: Mapping[str, object]) -> tuple[Display, tuple[str, ...]]:
    """The choices in an address or from a browser, and a sentence on each that is none.

    Args:
        given: Values by name of the field, as an address or JSON has them; missing ones and those
            that are not understood are as `Display` has them, other names are not looked at.
    """
    chosen: dict[str, object] = {}
    refused = []
    for name in (field.name for field in fields(Display)):
        if name not in given:
            continue
        value, allowed = _READERS[name](name, given[name])
        if allowed:
            refused.append(f"{name}={str(given[name])[:40]!r} is not shown; {name} is {allowed}.")
        else:
            chosen[name] = value
    return Display(**chosen), tuple(refused)  # type: ignore[arg-type]  # each by its reader


def write_display(display: Display) -> dict[str, str]:
    """What differs from the defaults, as `read_display` reads it from an address."""
    return {
        field.name: _write(value)
        for field in fields(Display)
        if (value := getattr(display, field.name)) != field.default
    }


def _write(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(f"{each:g}" for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read_choice(name: str, value: object) -> tuple[object, str]:
    allowed = CHOICES[name]
    return value, "" if value in allowed else f"one of {', '.join(allowed)}"


def _read_switch(name: str, value: object) -> tuple[object, str]:
    known = {"1": True, "0": False, "true": True, "false": False}
    text = str(value).lower()
    return known.get(text), "" if text in known else "1 or 0"


def _read_opacity(name: str, value: object) -> tuple[object, str]:
    number = _number(value)
    return round(number, 2), "" if 0 <= number <= 1 else "a number from 0 to 1"


def _read_zoom(name: str, value: object) -> tuple[object, str]:
    if value in (None, ""):
        return None, ""
    parts = value.split(",") if isinstance(value, str) else value
    numbers = [_number(each) for each in parts] if isinstance(parts, list | tuple) else []
    is_place = len(numbers) == 3 and min(numbers) >= 0 and 1 <= numbers[2] <= MOST_ZOOM
    allowed = f"x,y,times: two places in pixels and a number from 1 to {MOST_ZOOM:g}"
    return tuple(numbers), "" if is_place else allowed


def _number(value: object) -> float:
    """`value` as a finite number; -1, which no field allows, where it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        return -1.0
    return number if math.isfinite(number) else -1.0


_READERS = (
    dict.fromkeys(CHOICES, _read_choice)
    | dict.fromkeys(SWITCHES, _read_switch)
    | {"opacity": _read_opacity, "zoom": _read_zoom}
)
