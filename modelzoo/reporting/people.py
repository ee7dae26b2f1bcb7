"""Of 1,000 patients, one mark each, as SVG. Records in, an element out."""

import math
from collections.abc import Sequence

from modelzoo.evaluation.operating_words import describe_expected
from modelzoo.evaluation.predictive_values import PEOPLE, Frequencies, whole_numbers
from modelzoo.reporting.markup import Node, tag

ACROSS = 50
_STEP = 7  # units between marks
_LINE = 15  # of the legend
_NAMES = ("found", "missed", "false alarm", "cleared")
# Shape and colour of a mark, from its upper left corner: square, cross, triangle, dot.
_SHAPES = ("h5v5h-5z", "l5 5m0 -5l-5 5", "m2.5 0l2.5 5h-5z", "m1.5 1.5h2v2h-2z")
_CLASSES = ("found", "missed", "alarm", "cleared")


def people_plot(expected: Frequencies, title: str) -> Node | None:
    """The marks in rows, first those of people with the condition; None: a number is not known.

    Args:
        expected: From `frequencies`.
        title: What they are of.
    """
    four = (expected.found, expected.missed, expected.alarms, expected.cleared)
    if any(math.isnan(each.value) for each in four):
        return None
    labels = [f"{name}: {describe_expected(each)}" for name, each in zip(_NAMES, four, strict=True)]
    parts, start = [], 0
    below = PEOPLE // ACROSS * _STEP + 6
    for at, people in enumerate(whole_numbers(expected)):
        parts.append(_marks(range(start, start + people), at))
        start += people
        y = below + _LINE * at
        parts.append(tag("path", d=f"M2 {y + 5}{_SHAPES[at]}", class_=f"mark {_CLASSES[at]}"))
        parts.append(tag("text", labels[at], x="14", y=str(y + 11)))
    words = f"{title}: {'; '.join(labels)}."
    return tag(
        "svg",
        tag("title", words),
        *parts,
        viewBox=f"0 0 {ACROSS * _STEP} {below + 4 * _LINE + 6}",
        role="img",
        aria_label=words,
        class_="plot",
    )


def _marks(places: Sequence[int], kind: int) -> Node:
    d = "".join(
        f"M{place % ACROSS * _STEP + 1} {place // ACROSS * _STEP + 1}{_SHAPES[kind]}"
        for place in places
    )
    return tag("path", d=d, class_=f"mark {_CLASSES[kind]}")
