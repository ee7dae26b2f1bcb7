"""The reporting checklists: which items each part of a report speaks to, and who fills them.

Items of CLAIM 2024 (Tejani et al. 2024, 10.1148/ryai.240300), TRIPOD+AI (Collins et al. 2024, BMJ
385:e078378) and STARD 2015 (Cohen et al. 2016, 10.1136/bmjopen-2016-012799), by their numbers; the
topics are in own words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Filler = Literal["the tool", "a person", "both"]
LISTS = ("CLAIM 2024", "TRIPOD+AI", "STARD 2015")
TO_CHECK = (
    "Item numbers are those of CLAIM 2024, TRIPOD+AI (2024) and STARD 2015, topics are in own "
    "words. That a section speaks to an item does not mean that it meets it: check the lists' own "
    "text before a paper is submitted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What the checklists ask for, and where a report has it."""

    title: str
    claim: str  # numbers of items; empty: none, as in the next two
    tripod: str
    stard: str
    filler: Filler
    section: str  # key of the section that speaks to it; empty: none does
    questions: tuple[str, ...] = ()  # keys of what a person is asked

    @property
    def items(self) -> tuple[str, str, str]:
        """In the order of LISTS."""
        return self.claim, self.tripod, self.stard


TOPICS = (
    Topic(
        title="Source of the images, dates, eligibility",
        claim="7, 8",
        tripod="5, 6",
        stard="6–9",
        filler="a person",
        section="data",
        questions=("source", "patients"),
    ),
    Topic(
        title="Preprocessing and exclusions",
        claim="9, 10, 35",
        tripod="7, 20a",
        stard="19",
        filler="the tool",
        section="data",
    ),
    Topic(
        title="De-identification and ethics",
        claim="11",
        tripod="17",
        stard="",
        filler="a person",
        section="data",
        questions=("ethics",),
    ),
    Topic(
        title="Missing data",
        claim="12",
        tripod="11",
        stard="16",
        filler="the tool",
        section="doubts",
    ),
    Topic(
        title="Acquisition of the images",
        claim="13",
        tripod="",
        stard="10a",
        filler="both",
        section="data",
        questions=("acquisition",),
    ),
    Topic(
        title="Reference standard and agreement",
        claim="14–18",
        tripod="8",
        stard="10b, 11, 13",
        filler="a person",
        section="data",
        questions=("reference_standard",),
    ),
    Topic(
        title="Partition, and the level at which parts are disjoint",
        claim="19, 20",
        tripod="12a",
        stard="",
        filler="both",
        section="split",
        questions=("patient_in_name",),
    ),
    Topic(
        title="Sample size",
        claim="21",
        tripod="10",
        stard="18",
        filler="both",
        section="split",
        questions=("sample_size",),
    ),
    Topic(
        title="Model, software, initial weights",
        claim="22–24",
        tripod="12c, 22",
        stard="",
        filler="the tool",
        section="models",
    ),
    Topic(
        title="Training and selection of the model",
        claim="25–27",
        tripod="12c, 13",
        stard="",
        filler="the tool",
        section="models",
    ),
    Topic(
        title="Decision threshold",
        claim="",
        tripod="15",
        stard="12a",
        filler="the tool",
        section="operating",
    ),
    Topic(
        title="Metrics and their intervals",
        claim="28, 29, 37, 38",
        tripod="12e, 23a",
        stard="14, 23, 24",
        filler="the tool",
        section="scores",
    ),
    Topic(
        title="Calibration",
        claim="",
        tripod="12e, 23a",
        stard="",
        filler="the tool",
        section="calibration",
    ),
    Topic(
        title="Robustness and explanation",
        claim="30, 31",
        tripod="",
        stard="",
        filler="the tool",
        section="maps",
    ),
    Topic(
        title="Internal and external test",
        claim="32, 33",
        tripod="16, 20c",
        stard="",
        filler="both",
        section="limits",
        questions=("external",),
    ),
    Topic(
        title="Demographics and fairness",
        claim="36",
        tripod="14, 20b",
        stard="20",
        filler="a person",
        section="data",
        questions=("patients",),
    ),
    Topic(
        title="Failures",
        claim="39",
        tripod="",
        stard="",
        filler="the tool",
        section="confusion",
    ),
    Topic(
        title="Limits and intended use",
        claim="40, 41",
        tripod="26, 27",
        stard="26, 27",
        filler="both",
        section="limits",
        questions=("use",),
    ),
    Topic(
        title="Protocol, code, data, funding",
        claim="34, 42–44",
        tripod="18",
        stard="28–30",
        filler="both",
        section="commands",
        questions=("study", "licence"),
    ),
)
# Sections that show the same topic in another form.
_ALSO = {
    "result": "scores",
    "pairs": "scores",
    "classes": "scores",
    "leakage": "split",
    "coverage": "operating",
}


def topics_of(section: str) -> list[Topic]:
    """What a section of the report speaks to."""
    key = _ALSO.get(section, section)
    return [topic for topic in TOPICS if topic.section == key]


def describe_items(topics: Sequence[Topic]) -> str:
    """`Speaks to 19, 20 of CLAIM 2024; 12a of TRIPOD+AI. The tool ...`; empty for no topic."""
    if not topics:
        return ""
    by_list = []
    for index, name in enumerate(LISTS):
        numbers = [topic.items[index] for topic in topics if topic.items[index]]
        if numbers:
            by_list.append(f"{', '.join(dict.fromkeys(numbers))} of {name}")
    return f"Speaks to the items {'; '.join(by_list)}. {_who(topics)}"


def _who(topics: Sequence[Topic]) -> str:
    fillers = {topic.filler for topic in topics}
    if fillers == {"the tool"}:
        return "The tool fills this in."
    if fillers == {"a person"}:
        return "A person is asked."
    return "The tool fills in what files hold; a person is asked for the rest."
