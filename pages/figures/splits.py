"""One line per way of training, its score under every split: what a split is worth."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from modelzoo.evaluation.by_split import SeedScore
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.text import join
from pages.figures.frame import (
    GRID,
    axis_title,
    blank_figure,
    place_legend,
    source_height,
    wrap_text,
)

LEGEND_LETTERS = 30
NAME_LETTERS = 28  # of a line: beside more, a phone has no room for the scores
LINE_PX = 46
# Lighter and hollow from the easiest split to the hardest; leaky ones in red.
STYLES = {
    "leaky-augmented": ("#C04040", "x"),
    "leaky-validation": ("#C04040", "cross"),
    "random": ("#E69F00", "circle"),
    "grouped": ("#56B4E9", "square"),
    "background": ("#0072B2", "diamond"),
    "given": ("#6F4BB8", "star"),
}
Scores = Mapping[str, Mapping[str, SeedScore]]  # of ways by title, of splits by kind


def split_scores(scores: Scores, metric: str, *, source: str = "") -> go.Figure:
    """The mean of each way on each split as a point, a bar from the lowest to the highest CI end.

    Args:
        scores: At least one way.
        metric: A key of METRICS.
        source: Data set, for the axis title.
    """
    shown = kinds_of(scores)
    below = source_height(source)
    figure = blank_figure(
        height=112 + LINE_PX * len(scores) + below, title=f"{METRICS[metric].title} by split"
    )
    names = [wrap_text(title, NAME_LETTERS) for title in reversed(list(scores))]
    ways = list(reversed(list(scores.values())))
    for offset, kind in enumerate(shown):
        figure.add_trace(_trace(ways, kind, offset - (len(shown) - 1) / 2, metric, names))
    unit = " in %" if METRICS[metric].unit == "%" else ""
    title = axis_title(f"{METRICS[metric].title}{unit}", source)
    figure.update_xaxes(title_text=title, gridcolor=GRID)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[f"{name}{4 * ' '}" for name in names],
        range=[-0.6, len(names) - 0.4],
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    labels = [wrap_text(SPLIT_WORDS[kind], LEGEND_LETTERS) for kind in shown]
    place_legend(figure, labels, below)
    return figure


def _trace(
    ways: Sequence[Mapping[str, SeedScore]],
    kind: str,
    offset: float,
    metric: str,
    names: Sequence[str],
) -> go.Scatter:
    """The points of one kind of split, each on its own line within its way's."""
    colour, symbol = STYLES[kind]
    scale = 100 if METRICS[metric].unit == "%" else 1
    at = [index for index, way in enumerate(ways) if _is_known(way, kind)]
    found = [ways[index][kind] for index in at]
    return go.Scatter(
        x=[scale * each.value for each in found],
        y=[index - 0.16 * offset for index in at],
        error_x={
            "array": [scale * (_known(each.ci_high, each) - each.value) for each in found],
            "arrayminus": [scale * (each.value - _known(each.ci_low, each)) for each in found],
            "thickness": 2,
            "width": 0,
            "color": colour,
        },
        mode="markers",
        marker={"size": 10, "color": colour, "symbol": symbol},
        name=wrap_text(SPLIT_WORDS[kind], LEGEND_LETTERS),
        customdata=[[names[index], _describe(ways[index][kind], metric)] for index in at],
        hovertemplate=(
            f"<b>%{{customdata[0]}}</b><br>{SPLIT_WORDS[kind]}: %{{customdata[1]}}<extra></extra>"
        ),
    )


def _is_known(way: Mapping[str, SeedScore], kind: str) -> bool:
    return kind in way and not math.isnan(way[kind].value)


def _known(end: float, score: SeedScore) -> float:
    return score.value if math.isnan(end) else end


def _describe(score: SeedScore, metric: str) -> str:
    row = METRICS[metric]
    if math.isnan(score.ci_low):
        return row.describe(score.value)
    return f"{row.describe(score.value)} ({row.describe_interval(score.ci_low, score.ci_high)})"


def kinds_of(scores: Scores) -> list[str]:
    """The kinds of split that any way has, from the easiest to the hardest."""
    return [kind for kind in STYLES if any(_is_known(way, kind) for way in scores.values())]


def split_scores_alt(scores: Scores, metric: str) -> str:
    """What `split_scores` shows, in words."""
    lines = [
        f"{title}: "
        + join(
            [
                f"{SPLIT_WORDS[kind]} {_describe(way[kind], metric)}"
                for kind in kinds_of({title: way})
            ]
        )
        for title, way in scores.items()
    ]
    return f"{METRICS[metric].title} by split. {'; '.join(lines)}."
