"""Sentences on the measures of maps. No arithmetic beyond the rule."""

from collections.abc import Sequence

from modelzoo.text import count, percent
from xai.faithfulness.report import Quality, QualityReport
from xai.faithfulness.table import MEASURES, Summary
from xai.methods.table import METHODS


def describe_method(summaries: Sequence[Summary]) -> str:
    """How one method compares with the baseline maps over a test set, in one sentence.

    Args:
        summaries: Rows of one method of one run; insertion and deletion among them.
    """
    row = {one.measure: one for one in summaries}
    first = row["insertion"]
    title = METHODS[first.method].title
    won = [MEASURES[name].title.lower() for name in ("insertion", "deletion") if row[name].beats]
    lost = [MEASURES[n].title.lower() for n in ("insertion", "deletion") if not row[n].beats]
    if not won:
        compares = f"is not shown to be better than {_BASELINES} on insertion or deletion"
    else:
        compares = f"is better than {_BASELINES} on {' and '.join(won)}"
        compares += f" but not on {lost[0]}" if lost else ""
    inside = row.get("nucleus_energy")
    if inside is not None and inside.area is not None:
        compares += (
            f"; {percent(inside.value, 0)} of its positive attribution lies in nuclei, which are "
            f"{percent(inside.area, 0)} of the image"
        )
    return f"{title} {compares}."


def name_method(summaries: Sequence[Summary]) -> str:
    """What `describe_method` says of the test set in a few words; empty: nothing is known.

    Args:
        summaries: Rows of one method of one run.
    """
    rows = [one for one in summaries if one.measure in ("insertion", "deletion")]
    if not rows:
        return ""
    won = [one.measure for one in rows if one.beats]
    of = f"such maps on {count(rows[0].images, 'test image')}:"
    if len(won) == len(rows):
        return f"{of} better than the baseline maps"
    only = f" but on {won[0]}" if won else ""
    return f"{of} not shown to be better than the baseline maps{only}"


def describe_runs(summaries: Sequence[Summary]) -> str:
    """In how many runs one method is better than the baseline maps, on one measure.

    Args:
        summaries: At least one; of one method and one measure, one row per run.
    """
    method, measure = METHODS[summaries[0].method].title, MEASURES[summaries[0].measure]
    if measure.up_is_better is None:
        values = sorted(one.value for one in summaries)
        span = f"{values[0]:.2f}" if len(values) == 1 else f"{values[0]:.2f} to {values[-1]:.2f}"
        return f"{method}: {span}; no value of this measure is better or worse."
    won, name = sum(one.beats for one in summaries), measure.title[0].lower() + measure.title[1:]
    maps = f"{_BASELINES} on {name}"
    if len(summaries) == 1:
        is_better = "is better" if won else "is not shown to be better"
        return f"{method} {is_better} than {maps} in the one run evaluated."
    return f"{method} is better than {maps} in {won or 'none'} of {len(summaries)} runs."


_BASELINES = "random, centre and blurred baseline maps"
SIMILAR, PARTLY_SIMILAR = 0.7, 0.3  # Spearman between two maps, at least
MARGIN = 0.02  # of probability, averaged over the steps: less is no difference
LEAST_FALL = 0.1  # of probability: where it falls less when all is removed, all maps score alike
ROTATION_STABLE = 0.5  # Spearman between the maps of the turned image, at least
NOISE_STABLE = 0.5  # Spearman to the maps of images with slight noise, at least
NOT_RANDOMISED = 0.7  # Spearman to the map of random weights from which on the check fails


def describe_verdict(report: QualityReport) -> str:
    """Whether a map is better than the baseline maps, and its warnings, in sentences.

    The rule: a map is better than a baseline map on deletion where its area is at least MARGIN
    below, on insertion where it is at least MARGIN above. Deletion counts where the blank reference
    lowers the probability of the target by at least LEAST_FALL, insertion where the blurred image
    does: else every map scores alike. Then come warnings of the map.
    """
    return " ".join([_describe_rank(report), *warn(report)])


def name_rank(report: QualityReport) -> str:
    """What `describe_verdict` begins with in a few words, where there is little room."""
    counting = counting_measures(report)
    if not counting and not report.is_flat:
        return "map cannot be evaluated"
    lost = _lost_to(report, counting)
    if not lost:
        return "map better than the baseline maps"
    if report.is_flat or "random" in lost:
        return "map not better than random"
    return "map better than random only"


def counting_measures(report: QualityReport) -> tuple[str, ...]:
    """Which of insertion and deletion can distinguish maps for this prediction."""
    moved = {"insertion": report.blurred_probability, "deletion": report.grey_probability}
    return tuple(name for name, end in moved.items() if end <= report.probability - LEAST_FALL)


def _describe_rank(report: QualityReport) -> str:
    counting = counting_measures(report)
    if report.is_flat:
        return "Not better than the random map: all places of the map have the same value."
    if not counting:
        return (
            "Cannot be evaluated: the probability of the target class falls neither for the "
            "blurred image nor for the blank reference."
        )
    lost = _lost_to(report, counting)
    if not lost:
        return f"Better than {_BASELINES} on {' and '.join(counting)}, for this image."
    if "random" in lost:
        return _describe_half(report, counting)
    return (
        f"Better than the random map, but not than the {' and the '.join(lost)} map, which "
        f"{'does' if len(lost) == 1 else 'do'} not depend on the model."
    )


def _lost_to(report: QualityReport, counting: Sequence[str]) -> list[str]:
    """The baseline maps that it is not better than on every measure that counts."""
    return [
        name
        for name, other in report.baselines.items()
        if report.is_flat or not all(_beats(report.own, other, measure) for measure in counting)
    ]


def _describe_half(report: QualityReport, counting: Sequence[str]) -> str:
    """The sentence on a map that is not better than the random one on every measure that counts."""
    won = [measure for measure in counting if _beats(report.own, report.random, measure)]
    lost = [measure for measure in counting if measure not in won]
    if won:
        return f"Better than the random map on {won[0]}, not on {lost[0]}."
    return f"Not better than the random map on {' or '.join(lost)}."


def _beats(own: Quality, other: Quality, measure: str) -> bool:
    gain: float = getattr(own, measure) - getattr(other, measure)
    return (gain if MEASURES[measure].up_is_better else -gain) >= MARGIN


def warn(report: QualityReport) -> list[str]:
    """Warnings of a map, or of its rank, one sentence each."""
    own, warnings = report.own, []
    if counting_measures(report) == ("insertion",):
        warnings.append(
            "Deletion does not count: the blank reference hardly lowers the probability."
        )
    if counting_measures(report) == ("deletion",):
        warnings.append(
            "Insertion does not count: the blurred image hardly lowers the probability."
        )
    if own.rotation_variance is not None and own.rotation_variance > 1 - ROTATION_STABLE:
        warnings.append("The map changes under rotation and flip.")
    if own.noise_similarity is not None and own.noise_similarity < NOISE_STABLE:
        warnings.append("The map is not stable under slight noise.")
    similarity = own.randomisation_similarity
    if similarity is not None and similarity >= NOT_RANDOMISED:
        warnings.append(
            "Randomisation sanity check failed: random weights give nearly the same map."
        )
    return warnings


def describe_agreement(similarity: float, *, same_prediction: bool) -> str:
    """Whether two models predict the same, and how similar (Spearman) their maps are.

    The correlation is of places, so nothing is claimed of reasons.
    """
    predictions = "Same prediction" if same_prediction else "Different predictions"
    if similarity >= SIMILAR:
        return f"{predictions}, similar maps."
    if similarity >= PARTLY_SIMILAR:
        return f"{predictions}, partly similar maps."
    return f"{predictions}, different maps."
