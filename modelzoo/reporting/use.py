"""The parts of a report on what models would mean in use: operating points, images handed over.

And what a split is worth. Facts in, elements out; no files.
"""

from collections.abc import Iterator

from modelzoo.evaluation import operating_words as words
from modelzoo.evaluation.by_split import KINDS
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.predictive_values import PEOPLE, frequencies, predictive_values
from modelzoo.evaluation.risk_coverage import BY_WORDS, RiskCoverage, describe_risk_coverage
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.evaluation.run_thresholds import OperatingPoint
from modelzoo.reporting.chart import Line, draw_chart
from modelzoo.reporting.facts import Reported, ReportedRun
from modelzoo.reporting.markup import Node, listed, name_of, table, tag
from modelzoo.reporting.people import people_plot
from modelzoo.runs.ood import describe_missing_ood
from modelzoo.text import capital, count, join_few, percent

_SHOWN = ("accuracy", "balanced_accuracy")


def operating(reported: Reported) -> Iterator[Node]:
    """The operating points that were kept with runs, and what they would mean."""
    missing = [each for each in reported.runs if each.beyond.point is None]
    for each in missing:
        if each.beyond.point_problem:
            yield tag("p", f"{reported.name(each)}: {each.beyond.point_problem}", class_="missing")
    if without := [reported.name(each) for each in missing if not each.beyond.point_problem]:
        yield tag(
            "p",
            f"No operating point was kept with {join_few(without)}, so the predicted class decides "
            "there; choose one on the page Compare, section Operating point, or by ",
            tag("code", "python -m modelzoo threshold RUN --sensitivity 0.95 --keep"),
            ".",
        )
    points = [(each, each.beyond.point) for each in reported.runs if each.beyond.point]
    if not points:
        return
    yield tag(
        "p",
        "Thresholds were kept by a person and are measured on the test images as they were kept.",
    )
    yield table(
        "Operating points on the test images with 95 % intervals",
        ["Model", "Threshold", "Sensitivity", "Specificity", "PPV", "NPV", "Prevalence"],
        [
            [name_of(reported.name(each)), *_rates(point, reported.prevalence)]
            for each, point in points
        ],
    )
    for each, point in points:
        yield from _meaning(reported, each, point)
    classes = (*points[0][1].choice.positive, *points[0][1].negative)
    yield listed(words.describe_limits(classes))


def _rates(point: OperatingPoint, prevalence: float | None) -> list[Node | str]:
    used = point.share if prevalence is None else prevalence
    values = predictive_values(point.rates, used) if 0 < used < 1 else None
    threshold = words.describe_threshold(point.threshold.value)
    if point.temperature is not None:
        threshold += f", calibrated (temperature {point.temperature:.2f})"
    whose = "test images" if prevalence is None else "set"
    return [
        threshold,
        words.describe_rate_briefly(point.rates.sensitivity),
        words.describe_rate_briefly(point.rates.specificity),
        words.describe_rate_briefly(values.ppv) if values else "not defined",
        words.describe_rate_briefly(values.npv) if values else "not defined",
        f"{percent(used)} ({whose})",
    ]


def _meaning(reported: Reported, each: ReportedRun, point: OperatingPoint) -> Iterator[Node]:
    """One run in words and as 1,000 people."""
    name, prevalence = reported.name(each), reported.prevalence
    yield tag("h3", name_of(name))
    yield tag("p", f"{words.describe_choice(point)} {words.describe_rates(point)}")
    used = point.share if prevalence is None else prevalence
    if not 0 < used < 1:
        return
    values, expected = predictive_values(point.rates, used), frequencies(point.rates, used)
    said = words.describe_values(values, is_set=prevalence is not None)
    yield tag("p", f"{said} {words.describe_frequencies(expected)}")
    title = f"{name}, of {PEOPLE:,} patients at a prevalence of {percent(used)}"
    if plot := people_plot(expected, title):
        yield tag("figure", plot, tag("figcaption", f"{title}, with 95 % intervals."))


def coverage(reported: Reported) -> Iterator[Node]:
    """Risk-coverage curves: what accuracy is left when images are handed to a person."""
    drawn = [each for each in reported.runs if each.beyond.curves]
    if not drawn:
        yield tag("p", "No test image has a label, so there is no accuracy.")
        return
    yield tag(
        "p",
        "Confidence is the highest probability of an image; how far an image is out of "
        "distribution is the percentile of its distance from the training images. Bands are 95 % "
        "intervals of each coverage by itself.",
    )
    for each in drawn:
        yield _curves(reported.name(each), each.beyond.curves)
    yield listed(
        f"{reported.name(each)}: {describe_risk_coverage(curve)}"
        for each in drawn
        for curve in each.beyond.curves
    )
    if without := [each.row.run_id for each in drawn if len(each.beyond.curves) < 2]:
        yield tag("p", describe_missing_ood(join_few(without)), class_="missing")


def _curves(name: str, curves: tuple[RiskCoverage, ...]) -> Node:
    lines = [
        Line(
            (100 * curve.coverage).tolist(),
            [100 * each.value for each in curve.accuracy],
            [100 * each.ci_low for each in curve.accuracy],
            [100 * each.ci_high for each in curve.accuracy],
            is_dashed=curve.by == "ood",
        )
        for curve in curves
    ]
    orders = {"confidence": "solid", "ood": "dashed"}
    drawn = "; ".join(f"{orders[curve.by]}: {BY_WORDS[curve.by]}" for curve in curves)
    said = f"Accuracy of {name} by coverage, the share of images left to the model ({drawn})."
    chart = draw_chart(lines, words=said, x_title="coverage in %", y_title="accuracy in %")
    return tag("figure", chart, tag("figcaption", said), class_="half")


def leakage(reported: Reported) -> Iterator[Node]:
    """Each way of training under every split that it was run on."""
    kinds = [kind for kind in KINDS if any(kind in way.by_split for way in reported.ways)]
    if len(kinds) < 2:
        yield tag(
            "p",
            "No run beside these trains one of these models in the same way on another kind of "
            "split, so what the split is worth is not known.",
        )
        return
    yield tag(
        "p",
        "All settings but split and seed are the same. Means over seeds; the interval reaches from "
        "the lowest to the highest end of the runs' 95 % intervals. Test images differ from split "
        "to split, so lines are not paired. A random split leaves images of one patient, or "
        "overlapping fields, in training and test; how far a score falls on the others is what "
        "such leakage was worth.",
    )
    for metric in _SHOWN:
        describe = METRICS[metric].describe
        rows: list[list[Node | str]] = []
        for way in reported.ways:
            for kind in [each for each in kinds if each in way.by_split]:
                found = way.by_split[kind]
                score = found.scores[metric]
                ends = METRICS[metric].describe_interval(score.ci_low, score.ci_high)
                rows.append(
                    [
                        name_of(way.title),
                        capital(SPLIT_WORDS[kind]),
                        f"{describe(score.value)} ({ends})",
                        describe(score.lowest),
                        describe(score.highest),
                        count(len(found.seeds), "seed"),
                        f"{found.images} in {found.groups} groups",
                    ]
                )
        titles = ["Model", "Split", "Mean (95 % CI)", "Lowest", "Highest", "Seeds", "Test images"]
        yield table(f"{METRICS[metric].title} by split", titles, rows)
