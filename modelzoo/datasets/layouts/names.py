"""What the name of a folder says: a part, a subject, a division, a variant, a class. No files."""

import re
from collections.abc import Mapping

from modelzoo.datasets.splits import Part

_PART_BY_WORD: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
# What people write beside such a word: training_set, test_images, TrainData2, and Raabin's TestA.
_NOUNS = r"(?:(?:data|set|dataset|img|image|picture|file|folder|part|split|cell|smear|sample)s?)"
_PART = re.compile(
    rf"(?:{_NOUNS}[\W_]*)*({'|'.join(_PART_BY_WORD)})"
    rf"[\W_]*(?:{_NOUNS}[\W_]*)*(?:\d+|[ab])?"
)

_PEOPLE = r"patients?|subjects?|donors?|persons?|individuals?|cases?|slides?|specimens?|smears?"
# Folders and classes that are called like a patient: patient_07, Case 3, slide12, P01, donor B.
_SUBJECT = re.compile(
    rf"({_PEOPLE}|pat|pt|subj|sub|mrn|hc)[\W_]*\w*\d+\w?|({_PEOPLE})[\W_]+[a-z]|p[\W_]*\d+"
)
# Folders that divide a set otherwise than by person or class.
_DIVIDER = (
    r"folds?|kfold|cv|split|part|batch|set|dataset|data|version|v|round|archive|source|domain|"
    r"site|hosp|hospital|cent(?:er|re)|lab|scanner|microscope|camera|device|cohort"
)
_DATE = r"\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{1,2}[-_.]\d{1,2}[-_.]\d{4}"
_DIVISION = re.compile(
    rf"({_DIVIDER})([\W_]*\d+|[\W_]+([a-z]|[ivx]+))"
    r"|(fold|batch|set|site|hosp|hospital|cent(er|re)|lab)([a-rt-z]|[\W_]+\w+)"
    rf"|.*[-_](master|main)|{_DATE}"
)
# One class of images taken or saved in several ways.
_VARIANT = re.compile(
    r"\d+\s*x|x\s*\d+|mag\w*[\W_]*\d+x?|raw|aug(?:mented)?|augmentations?|originals?|orig|"
    r"(?:pre)?processed|cropped|crops?|resized|left|right|normali[sz]ed|stained|unstained|"
    r"colou?rs?|gr[ae]y(?:scale)?|rgb|images?|imgs?|pics|pictures|photos?|jpe?g|png|tiff?|bmp|"
    r"patches|tiles|fields?|cells?|flipped|rotated|new|old|misc|\d+"
)
_CLASS_WORD = re.compile(
    r"benign|malign|normal|abnormal|health|control|leuk|lymph|blast|cancer|carcin|tumou?r|positive|"
    r"negative|infected|diseased?|neutro|eosin|baso|mono|erythro|platelet|myelo|hemat|artifact|"
    r"\b(?:all|hem|aml|cml|cll|l1|l2|l3|early|pre|pro|pos|neg|igs?|wbc|rbc)\b"
)


def part_of(name: str) -> Part | None:
    """The part that a folder or a cell of a table is called after: Train, test_2, training_set."""
    match = _PART.fullmatch(name.strip().lower())
    return _PART_BY_WORD[match[1]] if match else None


def names_subject(name: str) -> bool:
    """Whether a folder is called like a person or a slide: patient_07, P01, donor B."""
    return bool(_SUBJECT.fullmatch(name.strip().lower()))


def names_division(name: str) -> bool:
    """Whether a folder is called like a fold, batch, site, date or unpacked archive."""
    return bool(_DIVISION.fullmatch(name.strip().lower()))


def names_variant(name: str) -> bool:
    """Whether a folder is called after how images were taken or saved, or by a number: 40x, raw."""
    return bool(_VARIANT.fullmatch(name.strip().lower()))


def names_class(name: str) -> bool:
    """Whether a word of the name is one of blood cells or diseases: benign, ALL, monocyte."""
    spaced = re.sub(r"[\W_]+", " ", name.strip().lower())
    return bool(_CLASS_WORD.search(spaced))


def names_no_class(name: str) -> bool:
    """Whether a folder is called like something else than a class."""
    return (
        part_of(name) is not None
        or names_subject(name)
        or names_division(name)
        or (names_variant(name) and not name.strip().isdigit())
    )
