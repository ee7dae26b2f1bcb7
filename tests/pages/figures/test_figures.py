import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modelzoo.backbones.table import BACKBONES
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.roc import roc_curve
from modelzoo.evaluation.rows import name_rows, read_row
from modelzoo.text import one_line
from pages.figures.confusion import (
    EMPTY_ENTRY,
    FULL,
    FULL_ENTRY,
    NARROWEST_PX,
    ON_EMPTY,
    ON_FULL,
    PHONE_PX,
    confusion_alt,
    confusion_matrix,
    matrix_width,
)
from pages.figures.frame import config
from pages.figures.intervals import score_intervals, score_intervals_alt
from pages.figures.learning import (
    learning_curves,
    live_curves,
)
from pages.figures.roc import roc_curves
from pages.sections.compare.figures import describe_source, name_file, styles_by_name
from pages.shell.palette import (
    BACKBONE_STYLES,
    CLASS_COLOURS,
    PART_STYLES,
    backbone_style,
    class_colours,
)
from tests.run_folders import guess, make_run

COUNTS = np.array([[8, 2], [0, 5]])


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_backbone_has_a_style_of_its_own() -> None:
    assert set(BACKBONE_STYLES) == set(BACKBONES)
    assert len({style.colour for style in BACKBONE_STYLES.values()}) == len(BACKBONES)
    assert len({style.symbol for style in BACKBONE_STYLES.values()}) == len(BACKBONES)
    assert backbone_style("unknown").colour.startswith("#")


@pytest.mark.parametrize("page", ["#ffffff", "#17141b"])
def test_colours_stand_out_on_light_and_dark_pages(page: str) -> None:
    parts = [style.colour for style in PART_STYLES.values()]
    backbones = [style.colour for style in BACKBONE_STYLES.values()]
    for colour in [*backbones, *parts, *CLASS_COLOURS]:
        assert contrast(colour, page) >= 2, colour  # shapes and names carry the rest


def test_numbers_can_be_read_on_every_shade_of_a_confusion_matrix() -> None:
    full, empty = (
        np.array([int(entry[at : at + 2], 16) for at in (1, 3, 5)])
        for entry in (FULL_ENTRY, EMPTY_ENTRY)
    )
    for share in np.linspace(0, 1, 101):
        shade = "#" + "".join(f"{round(c):02x}" for c in empty + share * (full - empty))
        text = ON_FULL if share > FULL else ON_EMPTY
        assert contrast(shade, text) >= 4, share


def test_a_class_has_the_same_colour_whatever_order_it_comes_in() -> None:
    assert class_colours(["Pro", "Benign"]) == class_colours(["Benign", "Pro"])
    assert len(set(class_colours("abcdefgh").values())) == 7  # the rest share one grey


def test_intervals_are_drawn_best_on_top_with_both_ends(tmp_path: Path) -> None:
    rows = [
        read_row(make_run(tmp_path, "weak", skill=0.5, backbone="vgg16")),
        read_row(make_run(tmp_path, "strong", skill=3, backbone="resnet50")),
    ]

    figure = score_intervals(rows, name_rows(rows), "accuracy")

    assert [trace.y[0] for trace in figure.data] == ["VGG16", "ResNet50"]  # Plotly draws upwards
    best, score = figure.data[1], rows[1].accuracy
    assert best.x[0] == pytest.approx(100 * score.value)
    assert best.x[0] - best.error_x.arrayminus[0] == pytest.approx(100 * score.ci_low)
    assert best.x[0] + best.error_x.array[0] == pytest.approx(100 * score.ci_high)
    assert best.marker.color == BACKBONE_STYLES["resnet50"].colour
    words = score_intervals_alt(rows, name_rows(rows), "accuracy")
    by_accuracy = "by accuracy, the highest first"
    assert re.match(rf"Accuracy, {by_accuracy}: ResNet50 [\d.]+ % \(95 % CI .+\), VGG16", words)
    losses = score_intervals_alt(rows, name_rows(rows), "log_loss")
    assert losses.startswith(f"Log loss, {by_accuracy}: ResNet50 ")
    assert losses.endswith(". Lower is better.")


def test_a_confusion_matrix_shows_counts_and_shares_of_the_true_class() -> None:
    figure = confusion_matrix(COUNTS, ("a", "b"))

    assert figure.data[0].z.tolist() == [[80, 20], [0, 100]]
    assert [each.text for each in figure.layout.annotations] == [
        "<b>8</b><br>80 %",
        "<b>2</b><br>20 %",
        "0",
        "<b>5</b><br>100 %",
    ]
    assert [(x, y) for x, y in zip(figure.data[1].x, figure.data[1].y, strict=True)] == [
        ("a", "a"),
        ("b", "a"),
        ("a", "b"),
        ("b", "b"),
    ]  # what a click returns: predicted class, true class
    assert confusion_alt(COUNTS, ("a", "b"), "Net") == (
        "Net: 13 of 15 test images correct; the most frequent error is a predicted as b, 2 times."
    )
    assert confusion_alt(np.diag([1, 2]), ("a", "b"), "Net").endswith("no error.")


def test_the_entry_that_was_chosen_is_framed() -> None:
    (frame,) = confusion_matrix(COUNTS, ("a", "b"), ("a", "b")).layout.shapes

    assert frame.x0 < 1 < frame.x1  # predicted class b
    assert frame.y0 < 0 < frame.y1  # true class a
    assert not confusion_matrix(COUNTS, ("a", "b")).layout.shapes


def test_a_figure_is_saved_in_the_format_asked_for() -> None:
    options = config("roc", "SVG")["toImageButtonOptions"]

    assert options == {"format": "svg", "filename": "blastlens-roc", "scale": 1}


def test_a_class_without_images_leaves_an_empty_row() -> None:
    assert confusion_matrix(np.array([[3, 0], [0, 0]]), ("a", "b")).data[0].z[1].tolist() == [0, 0]


@pytest.mark.parametrize("metric", METRICS)
def test_a_score_and_its_ends_lie_where_the_axis_says(tmp_path: Path, metric: str) -> None:
    row = read_row(make_run(tmp_path, "net", skill=1))
    score = row.evaluation.scores[metric]

    figure = score_intervals([row], {"net": "Net"}, metric, source="smears")

    scale = 100 if " in %" in figure.layout.xaxis.title.text else 1
    (point,) = figure.data
    assert point.x[0] == pytest.approx(scale * score.value)
    assert point.x[0] + point.error_x.array[0] == pytest.approx(scale * score.ci_high)


def test_every_figure_of_runs_names_its_data_inside(tmp_path: Path) -> None:
    row = read_row(make_run(tmp_path, "net", seed=3))
    predictions = guess(np.random.default_rng(0))
    curve = roc_curve(predictions.labels, predictions.probabilities, 0)
    history = pd.DataFrame({"epoch": [1], "train_loss": [1.0]})
    style = backbone_style("vgg16")
    source = describe_source(row)
    assert curve
    titled = {
        "F1 with 95 % CI": score_intervals([row], {"net": "Net"}, "f1", source=source),
        "Net <i>": confusion_matrix(COUNTS, ("a", "b"), name="Net <i>", source=source),
        "ROC curves, class Pro": roc_curves(
            {"Net": curve}, {"Net": style}, target="class Pro", source=source
        ),
        "Training loss by epoch": learning_curves(
            {"Net": history}, {"Net": style}, "train_loss", source=source
        ),
    }
    figures = [*titled.values(), live_curves(history, "loss", source=source)]

    assert source == f"smears, grouped split, seed 3, {row.evaluation.images} test images"
    for figure in figures:
        shown = re.sub(r"<[^>]*>", " ", figure.layout.xaxis.title.text)
        assert source in " ".join(shown.split())
    for title, figure in titled.items():
        assert html.unescape(re.sub(r"<[^>]*>", "", figure.layout.title.text)) == title
    assert name_file("roc", row).startswith("roc-smears-grouped-seed3-")


def test_a_long_title_has_lines_and_room_above_the_figure() -> None:
    short = confusion_matrix(COUNTS, ("a", "b"), name="Net")
    long = confusion_matrix(COUNTS, ("a", "b"), name="a name of three lines or so " * 2)

    more = long.layout.margin.t - short.layout.margin.t
    assert more == 18 * long.layout.title.text.count("<br>") > 18
    assert long.layout.height - short.layout.height == more
    # Plotly places several lines by the baseline of the first: below the edge by its height.
    assert long.layout.title.pad.t > short.layout.title.pad.t


@pytest.mark.parametrize("name", ["<b>bold</b>", "a & b", "<a href='x'>y</a>", "%{x}", "$5_a$"])
def test_names_in_figures_are_shown_as_they_stand(tmp_path: Path, name: str) -> None:
    row = read_row(make_run(tmp_path, "net"))
    history = pd.DataFrame({"epoch": [1], "train_loss": [1.0]})
    style = {name: backbone_style("vgg16")}
    predictions = guess(np.random.default_rng(0))
    curve = roc_curve(predictions.labels, predictions.probabilities, 0)
    assert curve

    drawn = [
        score_intervals([row], {"net": name}, "f1").data[0].y[0],
        learning_curves({name: history}, style, "train_loss").data[0].name,
        confusion_matrix(COUNTS, (name, "b")).layout.xaxis.ticktext[0],
        roc_curves({name: curve}, style).data[1].name.removeprefix(f"AUC {curve.area:.3f}, "),
    ]

    lines = [each.replace("<br>", "") for each in drawn]
    assert {html.unescape(each) for each in lines} == {name}
    assert not any(mark in each for each in lines for mark in "<>")


LONG = [f"{'acute lymphoblastic leukaemia, ' * 8}{end}" for end in ("B1", "B2", "<i>\n%{x}")]


@pytest.mark.parametrize("number", [2, 4, 12])
def test_long_names_leave_room_for_the_entries_of_a_confusion_matrix(number: int) -> None:
    classes = [*LONG, *"abcdefghi"][:number]
    figure = confusion_matrix(np.ones((number, number), np.int64), classes)

    margin, entries = figure.layout.margin, PHONE_PX - figure.layout.margin.l - 4
    assert entries >= 0.4 * PHONE_PX  # on a phone
    assert figure.layout.height - margin.t - margin.b >= 40 * number
    below, beside = (
        [[html.unescape(line) for line in text.split("<br>")] for text in axis.ticktext]
        for axis in (figure.layout.xaxis, figure.layout.yaxis)
    )
    assert len({*map(tuple, below)}) == len({*map(tuple, beside)}) == number
    is_turned = number > 2
    assert figure.layout.xaxis.tickangle == (-90 if is_turned else 0)
    long, high = 7 * _longest(below), 16 * max(map(len, below))
    across, down = (high, long) if is_turned else (long, high)
    assert across <= max(entries / number, 16)
    assert down <= margin.b
    assert 7 * _longest(beside) <= margin.l


def _longest(labels: list[list[str]]) -> int:
    """Letters of the longest line."""
    return max(len(line) for lines in labels for line in lines)


def test_whole_names_are_under_the_mouse_and_in_the_words() -> None:
    figure = confusion_matrix(COUNTS, LONG[1:])

    for (_, _, true, predicted), i, j in zip(
        figure.data[1].customdata, (0, 0, 1, 1), (0, 1, 0, 1), strict=True
    ):
        for shown, name in ((true, LONG[1:][i]), (predicted, LONG[1:][j])):
            whole = html.unescape(shown.replace("<br>", " "))
            assert whole.split() == name.replace("\n", "\\n").split()
            assert "%{" not in shown
    assert one_line(LONG[1]) in confusion_alt(COUNTS, LONG[1:], "Net")


def test_classes_with_ordinary_names_keep_their_shares_in_the_entries() -> None:
    classes = ["Benign", "Early", "Pre", "Pro"]
    figure = confusion_matrix(np.diag([5, 5, 5, 5]), classes)

    assert figure.layout.annotations[0].text == "<b>5</b><br>100 %"
    assert figure.layout.xaxis.tickangle == 0
    assert matrix_width(classes) == NARROWEST_PX
    assert 5 * NARROWEST_PX + 4 * 16 <= 1265  # what a page of 1440 px has, with a scroll bar


def test_figures_of_classes_with_long_names_are_saved_under_names_of_their_own(
    tmp_path: Path,
) -> None:
    row = read_row(make_run(tmp_path, "net", data="d" * 250))

    names = {name_file(f"roc-{name}", row) for name in LONG}

    assert len(names) == len(LONG)
    assert all(len(name.encode()) < 255 and "/" not in name for name in names)


def test_runs_of_one_backbone_have_lines_of_their_own(tmp_path: Path) -> None:
    rows = [read_row(make_run(tmp_path, name, backbone="resnet152")) for name in "abc"]

    styles = styles_by_name(rows, {name: name for name in "abc"})

    assert len({style.dash for style in styles.values()}) == 3
    assert len({style.colour for style in styles.values()}) == 1
