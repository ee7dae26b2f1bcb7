"""The methods of the grid that give each cell a value in place of a map. No torch."""

from dataclasses import dataclass

from xai.methods.table import Method  # noqa: TID253  # a record: no torch behind it


@dataclass(frozen=True, slots=True)
class CellMethod:
    """A way to give each cell, and the background, a value in logits."""

    name: str
    title: str  # stands in links
    passes: float  # of an image of about twelve cells
    reads: str
    # Numbers of random orders, one after the other, each time more exact; 0: leave one cell out,
    # None: as many as `cell_shapley` takes.
    stages: tuple[int | None, ...]


CELL_METHODS = {
    method.name: method
    for method in (
        CellMethod(
            "cells-left-out",
            "Leave one cell out",
            16,
            "The logit less that without the cell. Cells that say the same hide each other.",
            (0,),
        ),
        CellMethod(
            "cells-shapley",
            "Shapley values per cell",
            330,
            "Each cell's fair share of the logit (Lundberg and Lee 2017); they refine as you look.",
            (2, None),
        ),
    )
}

GridMethod = Method | CellMethod


def maps_among(methods: list[GridMethod]) -> list[Method]:
    """Those that make maps."""
    return [method for method in methods if isinstance(method, Method)]
