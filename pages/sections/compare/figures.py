"""What the figures of the page Compare share: their source, the names of files, styles."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from modelzoo.evaluation.rows import SPLIT_WORDS, LeaderboardRow, name_scored
from modelzoo.files import portable_name
from modelzoo.text import shorten
from pages.shell.palette import Style, backbone_style

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # Plotly's names
NAME_LETTERS = 60  # of a data set or a class, in a figure


def describe_source(row: LeaderboardRow, *, has_test: bool = True, calibrated: bool = False) -> str:
    """What a figure was made from, for inside of it: data set, split, seed, number of images.

    Args:
        row: One of the runs shown, all of one split.
        has_test: Whether the figure is of test images, whose number is then said.
        calibrated: Whether it is of scaled probabilities.
    """
    words = f"{shorten(row.dataset, NAME_LETTERS)}, {SPLIT_WORDS[row.split_kind]}, seed {row.seed}"
    images = f", {name_scored(row.evaluation)}" if has_test else ""
    return words + images + ", calibrated probabilities" * calibrated


def name_file(what: str, row: LeaderboardRow, *, calibrated: bool = False) -> str:
    """The name of a file that is exported, without its ending: what it is, data set, split, seed.

    Args:
        what: For example "roc".
        row: One of the runs shown, all of one split.
        calibrated: Whether it is of scaled probabilities.
    """
    split = f"{row.split_kind}-seed{row.seed}-{row.split_id[:6]}" + "-calibrated" * calibrated
    if row.per != "image":
        split += f"-per-{row.per}"
    return "-".join(map(portable_name, (what, row.dataset, split)))


def styles_by_name(rows: Sequence[LeaderboardRow], names: Mapping[str, str]) -> dict[str, Style]:
    """How the curves of each run are drawn: runs of one backbone differ in their dashes.

    Args:
        rows: In the order of the figure.
        names: By run id.
    """
    before: Counter[str] = Counter()
    styles = {}
    for row in rows:
        style = backbone_style(row.backbone)
        turn = DASHES.index(style.dash) + before[row.backbone]
        styles[names[row.run_id]] = replace(style, dash=DASHES[turn % len(DASHES)])
        before[row.backbone] += 1
    return styles
