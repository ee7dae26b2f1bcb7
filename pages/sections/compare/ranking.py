"""Which run is better than which: scores, differences, and what else differs between the runs."""

from collections.abc import Mapping, Sequence

from modelzoo.evaluation.rows import Leaderboard, LeaderboardRow
from pages.sections.compare.configurations import draw_configurations
from pages.sections.compare.filters import choose_metric
from pages.sections.compare.intervals import draw_intervals
from pages.sections.compare.leaderboard import draw_leaderboard
from pages.sections.compare.pairs import draw_pairs
from pages.sections.compare.unfinished import draw_unfinished


def draw_ranking(
    board: Leaderboard,
    rows: Sequence[LeaderboardRow],
    drawn: Sequence[LeaderboardRow],
    names: Mapping[str, str],
    file_format: str,
    *,
    calibrated: bool,
) -> None:
    """The section Ranking.

    Args:
        board: All runs.
        rows: Those of one split, best first.
        drawn: Those of `rows` that figures show.
        names: By run id.
        file_format: Of figures that are saved.
        calibrated: Whether the scores of probabilities are of scaled ones.
    """
    draw_intervals(drawn, names, choose_metric(), file_format, calibrated=calibrated)
    draw_leaderboard(rows, names, drawn, calibrated=calibrated)
    draw_pairs(drawn, names, file_format)
    draw_configurations(rows, names)
    draw_unfinished(board)
