"""What a person was asked, as a part of a report."""

from collections.abc import Sequence

from modelzoo.datasets.answers import QUESTIONS, describe_answer
from modelzoo.reporting.facts import Reported
from modelzoo.reporting.markup import Node, table, tag


def answers(reported: Reported, about: str, keys: Sequence[str]) -> Node:
    """What a person was asked about something, and the answers, by the keys of the questions."""
    rows: list[list[Node | str]] = []
    for key in keys:
        question = QUESTIONS[key]
        cell = tag("td", describe_answer(reported.answers, key))
        cell.set("class", "said" if reported.answers.get(key) else "said missing")
        rows.append([question.title, tag("td", question.help, class_="said"), cell])
    return table(f"Asked of a person about {about}", ["What", "Question", "Answer"], rows)
