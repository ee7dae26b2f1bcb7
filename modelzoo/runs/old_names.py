"""Names that version 0.1.0 wrote into a run folder, and what they are called now."""

from collections.abc import Mapping

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


def rename_quality(row: Mapping[str, str]) -> dict[str, str]:
    """A row of quality.csv with today's names, whichever version wrote it."""
    renamed = {OLD_COLUMNS.get(name, name): cell for name, cell in row.items()}
    return renamed | {"measure": OLD_MEASURES.get(row["measure"], row["measure"])}
