"""The leaderboard as LaTeX, for a paper. Rows in, text out."""

from collections.abc import Mapping, Sequence

import pandas as pd

from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import LeaderboardRow, best_first, describe_test
from modelzoo.evaluation.run_scores import describe_leak
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.text import MINUS, join, one_line

# Macro sensitivity is balanced accuracy: a column of its own would be the same numbers again.
LEFT_OUT = ("sensitivity",)


def leaderboard_latex(
    rows: Sequence[LeaderboardRow], names: Mapping[str, str], *, calibrated: bool = False
) -> str:
    """A table environment, best first: each score with its 95 % CI; it needs `booktabs`.

    Args:
        rows: Of one split, at least one.
        names: By run id; what LaTeX would read as a command is escaped.
        calibrated: Whether the probabilities are scaled, which the caption then says.
    """
    metrics = [metric for name, metric in METRICS.items() if name not in LEFT_OUT]
    table = pd.DataFrame(
        [
            {
                "Model": escape(names[row.run_id]),
                **{
                    escape(f"{metric.title} (%)" if metric.unit else metric.title): escape(
                        _score(metric.name, row)
                    )
                    for metric in metrics
                },
            }
            for row in best_first(rows)
        ]
    )
    caption = (
        f"Scores with 95 % CI over groups of images on {describe_test(rows[0])}. "
        "Precision, specificity, F1, F2, AUC and average precision are means over the classes. "
        f"Lower is better of {join([each.title for each in metrics if not each.higher_is_better])}."
    )
    if calibrated:
        caption += (
            " Probabilities are scaled by a temperature for each model that was fitted on its "
            "validation images, where it has some."
        )
    if (per := rows[0].per) != "image":
        caption += f" Scored per {per}, with the mean of its images' probabilities."
    if rows[0].leaked_images:
        caption += f" {describe_leak(rows[0].leaked_images, rows[0].evaluation.images)}"
    text = table.to_latex(
        index=False, caption=escape(caption), column_format="l" + "c" * len(metrics)
    )
    return f"% Needs \\usepackage{{booktabs}}. Wide: rotate it, or take columns out.\n{text}"


def _score(name: str, row: LeaderboardRow) -> str:
    """`95.8 (91.2–98.7)`: the unit stands in the heading."""
    return describe_score_briefly(name, row.evaluation.scores[name]).replace(" %", "")


_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    MINUS: "$-$",
    **{mark: rf"\{mark}" for mark in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def escape(text: str) -> str:
    """`text` as LaTeX prints it as it stands."""
    return "".join(_ESCAPES.get(letter, letter) for letter in one_line(text))
