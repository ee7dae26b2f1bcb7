"""Names that version 0.1.0 wrote into a run folder, and what they are called now."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

OLD_COLUMNS = {  # of quality.csv
    "low": "ci_low",
    "high": "ci_high",
    "better": "win_share",
    "lead": "gain",
    "lead_low": "gain_ci_low",
}
OLD_MEASURES = {  # values of its column `measure`
    "drop": "average_drop",
    "increase": "increase_in_confidence",
    "pointing": "pointing_game",
    "turn_spread": "rotation_variance",
    "random_weights_similarity": "randomisation_similarity",
}


def rename_quality(table: "pd.DataFrame") -> "pd.DataFrame":
    """quality.csv with today's names, whichever version wrote it."""
    table = table.rename(columns=OLD_COLUMNS)
    return table.assign(measure=table["measure"].replace(OLD_MEASURES))
