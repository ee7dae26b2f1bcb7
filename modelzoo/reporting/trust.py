"""The parts of a report on calibration and attribution maps. Facts in, elements out; no files."""

from collections.abc import Iterator, Sequence

from modelzoo.evaluation.calibration import Reliability, describe_calibration
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.evaluation.temperature import describe_temperature
from modelzoo.reporting.chart import Line, draw_chart
from modelzoo.reporting.facts import Reported, ReportedRun
from modelzoo.reporting.map_quality import MapQuality
from modelzoo.reporting.markup import Node, listed, name_of, table, tag
from modelzoo.runs.records import Temperature
from modelzoo.text import capital, fraction, join, join_few

_MEASURES = {"insertion": "Insertion (higher is better)", "deletion": "Deletion (lower is better)"}


def calibration(reported: Reported) -> Iterator[Node]:
    """Reliability diagrams, ECE with what chance gives, and temperatures."""
    drawn = [each for each in reported.runs if each.beyond.shown]
    if not drawn:
        yield tag("p", "No test image has a label, so there is nothing to calibrate.")
        return
    yield tag(
        "p",
        "Whether the probability of the predicted class can be taken at its word. "
        + (reported.scaled or "Diagrams are of probabilities as they are, not scaled."),
    )
    yield listed(
        describe_calibration(reported.name(each), each.beyond.shown)
        for each in drawn
        if each.beyond.shown
    )
    yield table(
        "Expected calibration error on the test images, before and after temperature scaling",
        ["Model", "ECE (95 % CI)", "If calibrated", "Scaled: ECE (95 % CI)", "Temperature"],
        [[name_of(reported.name(each)), *_errors(each)] for each in drawn],
    )
    yield tag(
        "p",
        "If calibrated: the mean ECE of a model whose probabilities are all true, on as many "
        "images, and what 97.5 % of such test sets stay below; chance adds as much. An interval "
        "that begins at 0 cannot be told from ideal calibration. Temperatures are fitted on "
        "validation images; the predicted class never changes.",
    )
    for each in drawn:
        assert each.beyond.shown
        yield _diagram(reported.name(each), each.beyond.shown)


def _errors(each: ReportedRun) -> list[Node | str]:
    before, after = each.beyond.reliability, each.beyond.scaled
    found = each.beyond.temperature
    words = describe_temperature(found) if isinstance(found, Temperature) else found
    return [
        describe_score_briefly("ece", before.ece) if before else "not defined",
        f"{fraction(before.ideal.mean)}, up to {fraction(before.ideal.highest)}" if before else "",
        describe_score_briefly("ece", after.ece) if after else "none",
        tag("td", capital(words), class_="said"),
    ]


def _diagram(name: str, reliability: Reliability) -> Node:
    bins = reliability.bins
    line = Line(
        [100 * each.confidence for each in bins],
        [100 * each.share.value for each in bins],
        [100 * each.share.ci_low for each in bins],
        [100 * each.share.ci_high for each in bins],
        has_points=True,
    )
    words = f"Reliability diagram of {name}: share correct by mean probability, one point per bin."
    chart = draw_chart(
        [line],
        words=words,
        x_title="probability of the predicted class in %",
        y_title="share correct in %",
        has_diagonal=True,
    )
    caption = tag(
        "figcaption",
        f"{words} Bars: 95 % intervals over groups. On the dotted line probabilities are true; "
        "below it the model is overconfident.",
    )
    return tag("figure", chart, caption, class_="half")


def maps(reported: Reported) -> Iterator[Node]:
    """Faithfulness of attribution maps, where it was measured; else how to."""
    missing = [reported.name(each) for each in reported.runs if not each.beyond.maps]
    if len(missing) == len(reported.runs):
        yield tag(
            "p",
            "The attribution maps of no run were evaluated; ",
            tag("code", "python -m xai quality --run RUN"),
            " does it, and the report made again shows it.",
        )
        return
    if missing:
        yield tag("p", f"Not evaluated: {join_few(missing)}.")
    yield tag(
        "p",
        "Insertion is the mean probability of the class while pixels are restored in a blurred "
        "image, those with the strongest attribution first; deletion while they are replaced by "
        "grey. A map is better than the baselines (random, centred, blurred) on a measure where "
        "its mean gain over each has a 95 % interval above zero. That says what the model depends "
        "on, not that it is right to.",
    )
    for measure, title in _MEASURES.items():
        rows = [
            _map_row(reported.name(each), found)
            for each in reported.runs
            for found in each.beyond.maps
            if found.measure == measure
        ]
        if rows:
            titles = [
                "Model",
                "Map",
                "Mean (95 % CI)",
                "Random, centre, blurred",
                "Better",
                "Images",
            ]
            yield table(f"{title} of attribution maps on test images", titles, rows)


def _map_row(name: str, found: MapQuality) -> Sequence[Node | str]:
    mean = f"{found.value:.2f}"
    if found.ci_low is not None and found.ci_high is not None:
        mean += f" ({found.ci_low:.2f}–{found.ci_high:.2f})"
    baselines = [found.random, found.centre, found.blurred]
    beats = found.gain_ci_low is not None and found.gain_ci_low > 0
    return [
        name_of(name),
        found.method,
        mean,
        join([f"{each:.2f}" for each in baselines if each is not None]),
        "than all three" if beats else "not shown",
        f"{found.images} in {found.groups} groups",
    ]
