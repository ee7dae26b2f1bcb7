"""Sentences on the measures of maps. No arithmetic beyond the rule."""

from collections.abc import Mapping, Sequence

from modelzoo.text import capital, count, describe_p, join, percent
from xai.faithfulness.report import Quality, QualityReport
from xai.faithfulness.table import MEASURES, TOGETHER, Summary
from xai.methods.table import METHODS

RANDOM = "random placement"
_BASELINES = {"random": RANDOM, "centre": "the centre map", "blurred": "the blurred map"}
SIMILAR, PARTLY_SIMILAR = 0.7, 0.3  # Spearman between two maps, at least
ROTATION_STABLE = 0.5  # Spearman between the maps of the turned image, at least
NOISE_STABLE = 0.5  # Spearman to the maps of images with slight noise, at least
NOT_RANDOMISED = 0.7  # Spearman to the map of random weights from which on the check fails


def describe_method(summaries: Sequence[Summary]) -> str:
    """How one method compares with the baseline maps over a test set, in one sentence.

    Args:
        summaries: Rows of one method of one run; insertion and deletion among them.
    """
    row = {one.measure: one for one in summaries}
    first = row["insertion"]
    title = METHODS[first.method].title
    if why := _why_untested([first]):
        compares = f"is not compared with baseline maps, since {why}"
    else:
        compares = "is " + " and ".join(
            f"{_compare(row[name])} on {name}" for name in TOGETHER if name in row
        )
    inside = row.get("nucleus_energy")
    if inside is not None and inside.area is not None:
        compares += (
            f"; {percent(inside.value, 0)} of its positive attribution lies in nuclei, which are "
            f"{percent(inside.area, 0)} of the image"
        )
    return f"{title} {compares}."


def _why_untested(summaries: Sequence[Summary]) -> str:
    """Why none of the rows has a p value that could be small; empty: one has."""
    if all(one.is_of_earlier_version for one in summaries):
        return (
            "an earlier version evaluated its maps, without a test; run `python -m xai quality` "
            "again"
        )
    if all(one.has_too_few_groups or one.is_of_earlier_version for one in summaries):
        return _too_few(max(one.groups for one in summaries))
    return ""


def _too_few(groups: int) -> str:
    return f"{count(groups, 'group')} {'is' if groups == 1 else 'are'} too few to tell"


def _compare(row: Summary) -> str:
    """`better than random placement and the centre map (p < 0.001) but not shown to be ...`."""
    parts = []
    for found, words in (
        ("better", "better than {}"),
        ("worse", "worse than {}"),
        ("not shown", "not shown to be better than {}"),
    ):
        against = [name for name in _BASELINES if row.compare(name) == found]
        if against:
            p_values = [row.p_against(name) or 0.0 for name in against]
            p = min(p_values) if found == "not shown" else max(p_values)
            them = join([_BASELINES[name] for name in against])
            parts.append(f"{words.format(them)} ({say_p(p)})")
    return ", ".join(parts)


def name_method(summaries: Sequence[Summary]) -> str:
    """What `describe_method` says of random placement in a few words; empty: nothing is known.

    Args:
        summaries: Rows of one method of one run.
    """
    rows = [one for one in summaries if one.measure in TOGETHER]
    if not rows or all(one.is_of_earlier_version for one in rows):
        return ""
    of = f"such maps on {count(rows[0].images, 'test image')}:"
    if rows[0].has_too_few_groups:
        return f"{of} {_too_few(rows[0].groups)}"
    p_by_measure = {one.measure: 1.0 if one.p_random is None else one.p_random for one in rows}
    won = [one.measure for one in rows if one.compare("random") == "better"]
    return f"{of} {_name_rank(p_by_measure, won)}"


def describe_runs(summaries: Sequence[Summary]) -> str:
    """In how many runs one method is better than each baseline map, on one measure.

    Args:
        summaries: At least one; of one method and one measure, one row per run.
    """
    method, measure = METHODS[summaries[0].method].title, MEASURES[summaries[0].measure]
    if measure.up_is_better is None:
        values = sorted(one.value for one in summaries)
        span = f"{values[0]:.2f}" if len(values) == 1 else f"{values[0]:.2f} to {values[-1]:.2f}"
        return f"{method}: {span}; no value of this measure is better or worse."
    on = f"on {measure.title[0].lower()}{measure.title[1:]}"
    if why := _why_untested(summaries):
        return f"{method} {on}: nothing is said of baseline maps, since {why}."
    tested = [one for one in summaries if not _why_untested([one])]
    if len(summaries) == 1:
        return f"{method} is {_compare(tested[0])} {on} in the one run evaluated."
    said = ", ".join(
        f"than {words} in "
        f"{sum(one.compare(name) == 'better' for one in tested) or 'none'} of {len(tested)} runs"
        for name, words in _BASELINES.items()
    )
    left = len(summaries) - len(tested)
    if not left:
        return f"{method} is better {on} {said}."
    return (
        f"{method} is better {on} {said}; {left} more cannot be said, for too few groups or since "
        "an earlier version evaluated them."
    )


def say_p(p: float) -> str:
    """`p = 0.042`, `p < 0.001`."""
    text = describe_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def describe_verdict(report: QualityReport) -> str:
    """Whether a map is better than copies of itself moved elsewhere, and its warnings.

    The rule: p over the copies, corrected for the measures that count, is at most 5 %. Then come
    the fixed maps that score at least as well, without a test, and the warnings of the map.
    """
    return " ".join([_describe_rank(report), *_describe_fixed(report), *warn(report)])


def name_rank(report: QualityReport) -> str:
    """What `describe_verdict` begins with in a few words, where there is little room."""
    if report.is_flat:
        return "map not better than random placement"
    if not report.placements:
        return "map cannot be evaluated"
    p_by_measure = {name: each.p for name, each in report.placements.items()}
    won = [name for name, each in report.placements.items() if each.is_better]
    return f"map {_name_rank(p_by_measure, won)}"


def _name_rank(p_by_measure: Mapping[str, float], won: Sequence[str]) -> str:
    """`better than random placement on deletion, not on insertion (p = 0.040)`."""
    if not won:
        return f"not shown to be better than {RANDOM} ({say_p(min(p_by_measure.values()))})"
    p = say_p(max(p_by_measure[name] for name in won))
    lost = [name for name in p_by_measure if name not in won]
    but = f", not on {join(lost)}" if lost else ""
    return f"better than {RANDOM} on {join(won)}{but} ({p})"


def _describe_rank(report: QualityReport) -> str:
    if report.is_flat:
        return f"Not better than {RANDOM}: all places of the map have the same value."
    placements = report.placements
    if not placements:
        return (
            "Cannot be evaluated: the probability of the target class falls neither for the "
            "blurred image nor for the blank reference."
        )
    won = [name for name, each in placements.items() if each.is_better]
    lost = [name for name in placements if name not in won]
    if won:
        said = f"better than {RANDOM} on {join(won)}"
        said += f", not on {join(lost)}" if lost else ""
    else:
        said = f"not shown to be better than {RANDOM} on {' or '.join(lost)}"
    (copies,) = {each.copies for each in placements.values()}
    ranks = " and ".join(
        f"{each.beaten} on {name} ({say_p(each.p)})" for name, each in placements.items()
    )
    end = " One image says little of others." if won else ""
    return (
        f"On this image {said}: of {copies} copies of the map moved elsewhere, {ranks} score "
        f"worse.{end}"
    )


def _describe_fixed(report: QualityReport) -> list[str]:
    """Which of the fixed maps score at least as well, on a measure that counts."""
    sentences = []
    for name in ("centre", "blurred"):
        other = report.baselines[name]
        lost = [
            measure
            for measure in report.placements
            if not report.is_flat and not _is_above(report.own, other, measure)
        ]
        if lost:
            sentences.append(
                f"{capital(_BASELINES[name])}, which does not depend on the model, scores at least "
                f"as well on {join(lost)}."
            )
    return sentences


def _is_above(own: Quality, other: Quality, measure: str) -> bool:
    gain: float = getattr(own, measure) - getattr(other, measure)
    return gain > 0 if MEASURES[measure].up_is_better else gain < 0


def warn(report: QualityReport) -> list[str]:
    """Warnings of a map, or of its rank, one sentence each."""
    own, warnings = report.own, []
    if report.counting == ("insertion",):
        warnings.append(
            "Deletion does not count: the blank reference hardly lowers the probability."
        )
    if report.counting == ("deletion",):
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
