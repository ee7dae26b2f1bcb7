"""The parts of a report that show how well runs do. Facts in, elements out; no files."""

from collections.abc import Iterator

from modelzoo.evaluation.by_class import ClassScores
from modelzoo.evaluation.comparison import pair_differences
from modelzoo.evaluation.intervals import Score
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.pairs import HOW_TESTED, describe_pairs, pairs_in_words, pairs_table
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.evaluation.tables import describe_score_briefly
from modelzoo.evaluation.verdict import verdict_sentences
from modelzoo.reporting.facts import Reported, ReportedRun
from modelzoo.reporting.interval_plot import interval_plot
from modelzoo.reporting.markup import Node, listed, name_of, table, tag, value_of
from modelzoo.text import capital, shorten_all

COLUMNS = 5  # scores beside each other: more have no room on a page of paper
_CLASS_LETTERS = 24  # of a class's name above a column
_BY_CLASS = ("sensitivity", "precision", "auc", "average_precision")
HOW_SCORED = (
    "Intervals are 95 % confidence intervals over groups of test images that belong together: for "
    "shares Wilson's (1927) with the effective number of images, for areas the jackknife's over "
    "groups. They say how far the scores would vary with other groups of the same kind, not with "
    "another training, laboratory or microscope."
)


def result(reported: Reported) -> Iterator[Node]:
    """The sentences that compare the runs, the answer first."""
    answer, *rest = verdict_sentences(reported.rows)
    yield tag("p", answer, class_="answer")
    if rest:
        yield listed(rest)


def scores(reported: Reported) -> Iterator[Node]:
    """Every score of every run with its interval, and the accuracies drawn."""
    figure = interval_plot(reported.rows, reported.names, "accuracy")
    if figure is not None:
        words = tag("figcaption", "Accuracy on the test images with 95 % intervals, best first.")
        yield tag("figure", figure, words)
    names = list(METRICS)
    chunks = [names[at : at + COLUMNS] for at in range(0, len(names), COLUMNS)]
    for number, chunk in enumerate(chunks, start=1):
        part = f" ({number} of {len(chunks)})" if len(chunks) > 1 else ""
        yield table(
            f"Scores on the test images with 95 % intervals{part}",
            ["Model", *(METRICS[name].title for name in chunk)],
            [
                [name_of(reported.name(each)), *(_score(name, each.row) for name in chunk)]
                for each in reported.runs
            ],
        )
    yield tag("p", HOW_SCORED)
    undefined = _list_notes(reported)
    if undefined:
        yield tag("p", "Notes on single scores:")
        yield listed(undefined)
    yield tag("h3", "What each score is")
    yield tag(
        "dl",
        *(
            part
            for metric in METRICS.values()
            for part in (tag("dt", metric.title), tag("dd", metric.full_help))
        ),
    )


def _score(name: str, row: LeaderboardRow) -> Node:
    return _described(name, row.evaluation.scores[name])


def _described(name: str, score: Score) -> Node:
    return value_of(describe_score_briefly(name, score), score.value)


def _list_notes(reported: Reported) -> list[str]:
    """Why scores are not defined or have another interval: each sentence with its models."""
    models_by_note: dict[str, list[str]] = {}
    for each in reported.runs:
        for name, score in each.row.evaluation.scores.items():
            if score.note:
                of = f"{reported.name(each)}, {METRICS[name].title}"
                models_by_note.setdefault(score.note, []).append(of)
    return [f"{'; '.join(models)}: {note}" for note, models in models_by_note.items()]


def pairs(reported: Reported) -> Iterator[Node]:
    """The difference in accuracy between every two runs."""
    if len(reported.runs) < 2:
        yield tag("p", "There is only one run, so there are no differences.")
        return
    pairs = pair_differences([row.evaluation for row in reported.rows])
    found = pairs_table(pairs, reported.rows, reported.names)
    yield tag("p", describe_pairs(found, len(reported.rows[0].evaluation.groups)))
    words = pairs_in_words(found)
    if not found["note"].any():
        words = words.drop(columns="Note")
    yield table(
        "Differences in accuracy: the first model less the second, in percentage points",
        list(words.columns),
        [
            [name_of(str(first)), name_of(str(second)), *_said(list(map(str, rest)))]
            for first, second, *rest in words.itertuples(index=False)
        ],
    )
    yield tag("p", HOW_TESTED)


def _said(cells: list[str]) -> list[Node | str]:
    """The cells of a row, of which one beyond the numbers is a sentence and gets more room."""
    return [*cells[:3], *(tag("td", note, class_="said") for note in cells[3:])]


def confusion(reported: Reported) -> Iterator[Node]:
    """The confusion matrix of each run, shaded by the share of each row."""
    yield tag(
        "p",
        "Rows are true classes, columns predicted ones; entries are numbers of test images, shaded "
        "by their share of the row. The predicted class is the one of the highest probability: no "
        "other threshold was chosen. Classes stand in the order of the alphabet, which is no order "
        "of severity.",
    )
    for each in reported.runs:
        yield _matrix(reported.name(each), each.row)


def _matrix(name: str, row: LeaderboardRow) -> Node:
    evaluation = row.evaluation
    short = shorten_all(evaluation.classes, _CLASS_LETTERS)
    counts = evaluation.confusion
    rows: list[list[Node | str]] = [
        [
            tag("bdi", short[label], title=label),
            *(_entry(int(n), int(counts[at].sum()), is_right=at == k) for k, n in enumerate(line)),
            str(int(counts[at].sum())),
        ]
        for at, (label, line) in enumerate(zip(evaluation.classes, counts, strict=True))
    ]
    titles = [tag("bdi", short[label], title=label) for label in evaluation.classes]
    return table(
        f"Confusion matrix of {name}", ["True class", *titles, "Images"], rows, class_="matrix"
    )


def _entry(images: int, of: int, *, is_right: bool) -> Node:
    """One entry, from white to blue where it is right, to orange where it is wrong."""
    share = images / of if of else 0.0
    full = (0, 90, 156) if is_right else (178, 74, 0)
    colour = ",".join(str(round(255 + share * (each - 255))) for each in full)
    text = "#fff" if share > 0.55 else "#111"
    style = f"background:rgb({colour});color:{text}"
    return tag("td", str(images), style=style)


def classes(reported: Reported) -> Iterator[Node]:
    """The scores of each class, a table for each run."""
    yield tag("p", "Each class against all others, with 95 % intervals over groups.")
    for each in reported.runs:
        yield _class_table(reported.name(each), each)


def _class_table(name: str, each: ReportedRun) -> Node:
    has_notes = any(note for _, note in each.by_class)
    titles = ["Class", "Images (groups)", *(METRICS[key].title for key in _BY_CLASS)]
    return table(
        f"Scores by class of {name}",
        [*titles, "Note"] if has_notes else titles,
        [
            [
                name_of(found.name),
                f"{found.images} ({found.groups})",
                *(_described(key, _of_class(found, key)) for key in _BY_CLASS),
                *([tag("td", capital(note), class_="said")] if has_notes else []),
            ]
            for found, note in each.by_class
        ],
    )


def _of_class(found: ClassScores, key: str) -> Score:
    score: Score = getattr(found, key)
    return score
