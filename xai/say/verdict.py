"""What the measures of maps mean for a reader, in sentences. No arithmetic beyond the rule."""

from collections.abc import Sequence

from xai.faithfulness.report import Quality, QualityReport
from xai.faithfulness.table import MEASURES, Summary
from xai.methods.table import METHODS


def describe_method(found: Sequence[Summary]) -> str:
    """What the measures of one method say together, in one sentence.

    Args:
        found: Rows of one method of one run; insertion and deletion among them.
    """
    row = {each.measure: each for each in found}
    first = row["insertion"]
    title = METHODS[first.method].title
    won = [MEASURES[name].title.lower() for name in ("insertion", "deletion") if row[name].beats]
    lost = [MEASURES[n].title.lower() for n in ("insertion", "deletion") if not row[n].beats]
    if not won:
        says = "is not shown to beat random, centre and blurred maps on insertion or deletion"
    else:
        says = f"beats random, centre and blurred maps on {' and '.join(won)}"
        says += f" but not on {lost[0]}" if lost else ""
    inside = row.get("nucleus_energy")
    if inside is not None and inside.area is not None:
        says += (
            f"; {inside.value:.0%} of its map lies in nuclei, which are {inside.area:.0%} of the "
            "image"
        )
    return f"{title} {says}."


def describe_runs(found: Sequence[Summary]) -> str:
    """In how many runs one method beats the maps that never asked the model, on one measure.

    Args:
        found: At least one; of one method and one measure, a row a run.
    """
    method, measure = METHODS[found[0].method].title, MEASURES[found[0].measure]
    if measure.up_is_better is None:
        values = sorted(each.value for each in found)
        span = f"{values[0]:.2f}" if len(values) == 1 else f"{values[0]:.2f} to {values[-1]:.2f}"
        return f"{method}: {span}; this score has no better or worse."
    won, name = sum(each.beats for each in found), measure.title[0].lower() + measure.title[1:]
    maps = f"random, centre and blurred maps on {name}"
    if len(found) == 1:
        return (
            f"{method} {'beats' if won else 'is not shown to beat'} {maps} in the one run judged."
        )
    return f"Of {len(found)} runs, {method} beats {maps} in {won or 'none'}."


AGREES, DIFFERS = 0.7, 0.3  # Spearman between two maps
MARGIN = 0.02  # of probability, averaged over the steps: less is no difference
MOVES = 0.1  # of probability: where the answer moves less when all is gone, all maps score alike
TURNED = 0.5  # Spearman between the maps of the turned image below which turning changes the map
SHAKEN = 0.5  # the same for noise that no eye sees
UNLEARNED = 0.7  # Spearman to the map of random weights from which on the two are the same


def describe_verdict(report: QualityReport) -> str:
    """What the scores mean for a reader, in sentences.

    The rule: a map beats a reference where its deletion is at least MARGIN below and its insertion
    at least MARGIN above the reference's. It is good where it beats all three, and no better than
    chance where it does not beat the random one. Deletion counts where an image of nothing costs
    the target at least MOVES of probability, insertion where the blurred image does: else every
    map scores alike. Then what else speaks against the map.
    """
    return " ".join([_say_rank(report), *warn(report)])


def counting_measures(report: QualityReport) -> tuple[str, ...]:
    """Which of insertion and deletion can tell one map from another for this answer."""
    moved = {"insertion": report.blurred_probability, "deletion": report.grey_probability}
    return tuple(name for name, end in moved.items() if end <= report.probability - MOVES)


def _say_rank(report: QualityReport) -> str:
    counting = counting_measures(report)
    if report.is_flat:
        return "No better than chance: the map puts no place before another."
    if not counting:
        return (
            "Cannot be judged: the model answers the same, or with more certainty, to the blurred "
            "image and to an image of nothing."
        )
    lost = [
        name
        for name, other in report.baselines.items()
        if not all(_beats(report.own, other, measure) for measure in counting)
    ]
    if not lost:
        return (
            f"Better than random, centre and blurred maps on {' and '.join(counting)}: it shows "
            "where this model's answer comes from."
        )
    if "random" in lost:
        return f"No better than chance: {_say_half(report, counting)}."
    return (
        f"Better than chance, but no better than the {' and the '.join(lost)} map, which never "
        "asked the model: it may show what catches the eye and not what was decided by."
    )


def _say_half(report: QualityReport, counting: Sequence[str]) -> str:
    won = [measure for measure in counting if _beats(report.own, report.random, measure)]
    if won == ["deletion"]:
        return "removing what it shows costs the answer, but showing it alone does not bring it"
    if won == ["insertion"]:
        return "showing what it shows brings the answer, but removing it does not cost it"
    return "a random map finds what the answer hangs on as well"


def _beats(own: Quality, other: Quality, measure: str) -> bool:
    gain: float = getattr(own, measure) - getattr(other, measure)
    return (gain if MEASURES[measure].up_is_better else -gain) >= MARGIN


def warn(report: QualityReport) -> list[str]:
    """What speaks against a map, or against its rank, a sentence each."""
    own, found = report.own, []
    if counting_measures(report) == ("insertion",):
        found.append("Deletion does not count: an image of nothing gets the same answer.")
    if counting_measures(report) == ("deletion",):
        found.append("Insertion does not count: the blurred image gets the same answer.")
    if own.rotation_variance is not None and own.rotation_variance > 1 - TURNED:
        found.append("Turning the image changes the map.")
    if own.noise_similarity is not None and own.noise_similarity < SHAKEN:
        found.append("Noise that no eye sees changes the map.")
    similarity = own.randomisation_similarity
    if similarity is not None and similarity >= UNLEARNED:
        found.append("A model with random weights gives the same map.")
    return found


def describe_agreement(similarity: float, *, same_answer: bool) -> str:
    """What two maps that are alike to `similarity` (Spearman) mean, in a few words."""
    answer = "same answer" if same_answer else "different answers"
    if similarity >= AGREES:
        reason = "same reason" if same_answer else "from the same places"
    elif similarity >= DIFFERS:
        reason = "partly the same reason" if same_answer else "from partly the same places"
    else:
        reason = "different reason" if same_answer else "from different places"
    return f"{answer}, {reason}".capitalize() + "."
