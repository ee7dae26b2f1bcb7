"""rate.json of a search for a learning rate: what was tried, and what is suggested."""

from dataclasses import dataclass
from pathlib import Path

from modelzoo.files import write_text
from modelzoo.runs.parse import format_record, parse_record

RATES = "rate.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSearch:
    """The losses of one search, by rate, and the rate that they suggest."""

    rates: list[float]  # in the order in which they were tried, rising
    losses: list[float]  # of the batch at each rate
    smoothed: list[float]  # the same, smoothed
    suggested_at: float  # one of the rates
    suggestion: float  # the same in two significant digits
    reason: str  # in one sentence


def write_search(path: Path, search: RateSearch) -> None:
    """Write what the search in folder `path` has found."""
    write_text(path / RATES, format_record(search))


def read_search(path: Path) -> RateSearch:
    """What the search in folder `path` has found.

    Raises:
        UserError: The file is missing or damaged.
    """
    return parse_record(path / RATES, RateSearch)
