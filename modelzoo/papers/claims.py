"""What the papers claim: figures as printed, each with its table. Nothing here was measured."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CLAIMS = Path(__file__).with_name("claims.csv")


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure that a paper prints."""

    paper: str
    system: str
    optimizer: str  # empty where the paper does not say
    metric: str  # of `METRICS`, or one of the paper's own, such as `precision_benign`
    printed: str  # in percent; an area under a curve as a fraction
    where: str  # the table or figure

    @property
    def is_area(self) -> bool:
        """Whether it is an area under a curve."""
        return self.metric.startswith("auc")

    @property
    def value(self) -> float:
        """In [0, 1]."""
        return float(self.printed) / (1 if self.is_area else 100)

    @property
    def text(self) -> str:
        """As the paper prints it: `98.625 %`, or `0.97` of an area."""
        return self.printed if self.is_area else f"{self.printed} %"


@cache
def read_claims() -> tuple[Claim, ...]:
    """Every claim, in the order of the papers' tables."""
    fields = ("paper", "system", "optimizer", "metric", "value", "where")
    with CLAIMS.open(encoding="utf-8", newline="") as file:
        return tuple(Claim(*(row[name] for name in fields)) for row in csv.DictReader(file))


def find_claims(paper: str, system: str, optimizer: str) -> tuple[Claim, ...]:
    """What a paper claims of one of its systems with one optimizer."""
    wanted = (paper, system, optimizer)
    return tuple(
        claim for claim in read_claims() if (claim.paper, claim.system, claim.optimizer) == wanted
    )
