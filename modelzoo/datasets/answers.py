"""What only a person knows of a data set: the questions, and answers that are kept by its id.

The questions are those of the reporting checklists (CLAIM 2024, TRIPOD+AI, STARD 2015) that no
file answers.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from modelzoo.errors import UserError
from modelzoo.files import make_folder, read_text, write_text
from modelzoo.text import join, shorten

MOST_LETTERS = 2000  # of an answer
_MOST_BYTES = 200_000  # of a file of answers
_SHOWN = 60  # letters of a name, in a sentence
NOT_GIVEN = "not given"


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a person."""

    key: str  # in files of answers, so it must not change
    title: str
    help: str


QUESTIONS: dict[str, Question] = {
    each.key: each
    for each in (
        Question("source", "Source", "Hospital or laboratory, years; consecutive or selected."),
        Question(
            "patients",
            "Patients",
            "Who was eligible; patients per class, age, sex; treated or not.",
        ),
        Question(
            "acquisition",
            "Acquisition",
            "Blood or marrow; stain, microscope, camera, micrometres per pixel.",
        ),
        Question(
            "reference_standard",
            "Reference standard",
            "Labels by whom, and from what (flow cytometry, by eye); blinded; agreement.",
        ),
        Question(
            "patient_in_name",
            "Patient in the file names",
            "Which part of a file name is the patient, where names hold one.",
        ),
        Question("ethics", "De-identification and ethics", "How, and who approved it."),
        Question("sample_size", "Sample size", "Why so many images and patients."),
        Question("external", "External test", "Are the test images from another site? Which?"),
        Question("use", "Use", "What the models are intended for, and what is forbidden."),
        Question("study", "Study", "Protocol, registration, code, funding."),
        Question("licence", "Licence", "Licence, creator, date, citation and address of the data."),
    )
}


def read_kept_answers(folder: Path, dataset_id: str) -> dict[str, str]:
    """The answers that were kept for a data set, by the key of their question; empty: none.

    Args:
        folder: Of all answers.
        dataset_id: Of the data set.

    Raises:
        UserError: The file is damaged.
    """
    file = _file_of(folder, dataset_id)
    try:
        return read_answers(file) if file else {}
    except FileNotFoundError:
        return {}


def read_answers(file: Path) -> dict[str, str]:
    """The answers in a TOML file, by the key of their question; empty ones are left out.

    Raises:
        FileNotFoundError: Nothing is there.
        UserError: It is no such file, or holds something else.
    """
    try:
        values = tomllib.loads(read_text(file, most=_MOST_BYTES))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{file} holds no answers: it is no TOML ({error}).") from error
    for key, value in values.items():
        if key not in QUESTIONS:
            raise UserError(
                f"{file} answers {shorten(key, _SHOWN)!r}, which is not asked; give {_KEYS}."
            )
        if not isinstance(value, str) or len(value) > MOST_LETTERS:
            raise UserError(
                f"The answer {key} in {file} is no text of at most {MOST_LETTERS:,} letters; "
                "write it in quotes, or shorten it."
            )
    return _given(values)


_KEYS = join(list(QUESTIONS))


def describe_answer(answers: Mapping[str, str], key: str) -> str:
    """An answer as one line, or that it was not given."""
    return " ".join(answers.get(key, "").split()) or NOT_GIVEN


def keep_answers(folder: Path, dataset_id: str, answers: Mapping[str, str]) -> Path:
    """Keep the answers for a data set, in place of what was kept; the file.

    Args:
        folder: Of all answers.
        dataset_id: Of the data set.
        answers: By the key of their question.

    Raises:
        UserError: The data set has no id, or the file cannot be written.
    """
    file = _file_of(folder, dataset_id)
    if file is None:
        raise UserError(
            f"Data set {shorten(dataset_id, _SHOWN)!r} has no id by which answers could be kept."
        )
    make_folder(folder)
    write_text(file, tomli_w.dumps(_given(answers)))
    return file


def _given(answers: Mapping[str, str]) -> dict[str, str]:
    """The answers that say something, in the order of the questions."""
    return {key: answers[key].strip() for key in QUESTIONS if answers.get(key, "").strip()}


def _file_of(folder: Path, dataset_id: str) -> Path | None:
    """Where the answers are kept; None where the id, from a run's file, is none of ours."""
    is_id = dataset_id.isascii() and dataset_id.isalnum() and len(dataset_id) <= 64
    return folder / f"{dataset_id}.toml" if is_id else None
