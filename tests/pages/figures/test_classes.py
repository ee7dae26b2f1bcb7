"""The class distribution as it is drawn."""

import html

from modelzoo.datasets.distribution import count_by_part
from modelzoo.datasets.splits import PARTS
from pages.figures.classes import class_distribution, class_distribution_alt

TRAIN, _, TEST = PARTS
COUNTS = count_by_part([("Pro", TEST)] * 2 + [("Benign", TRAIN)] * 1200 + [("Pro", TRAIN)] * 3)


def test_bars_are_counts_by_class_and_part_with_the_total_at_their_end() -> None:
    figure = class_distribution(COUNTS, source="smears, grouped split, seed 0")

    *bars, totals = figure.data
    assert [(bar.name, list(bar.x)) for bar in bars] == [
        ("training set", [1200, 3]),
        ("test set", [0, 2]),
    ]
    assert [text.strip() for text in totals.text] == ["1,200", "5"]
    assert list(figure.layout.yaxis.ticktext) == ["Benign", "Pro"]
    assert figure.layout.barmode == "stack"
    assert figure.layout.showlegend
    assert len({(bar.marker.color, bar.marker.pattern.shape) for bar in bars}) == 2
    assert class_distribution_alt(COUNTS) == (
        "Images of each class. Training set: Benign 1,200 and Pro 3. Test set: Benign 0 and Pro 2."
    )


def test_images_without_parts_have_one_bar_a_class_and_no_legend() -> None:
    counts = count_by_part([("a", None), ("b", None), ("b", None)])

    figure = class_distribution(counts)

    assert list(figure.data[0].x) == [1, 2]
    assert not figure.layout.showlegend
    assert class_distribution_alt(counts) == "Images of each class. a 1 and b 2."


def test_long_names_of_classes_are_told_apart_and_whole_under_the_mouse() -> None:
    names = [f"{'acute lymphoblastic leukaemia, ' * 8}{end}" for end in ("B1", "<i>B2</i>")]
    figure = class_distribution(count_by_part((name, TRAIN) for name in names))

    labels = figure.layout.yaxis.ticktext
    assert len(set(labels)) == 2
    assert all(len(html.unescape(line)) <= 20 for text in labels for line in text.split("<br>"))
    for hover, name in zip(figure.data[0].customdata, sorted(names), strict=True):
        assert html.unescape(hover.replace("<br>", " ")).split() == name.split()
        assert "<i>" not in hover
    a_class = (figure.layout.height - figure.layout.margin.t - figure.layout.margin.b) / 2
    assert a_class >= 17 * max(text.count("<br>") + 1 for text in labels)
