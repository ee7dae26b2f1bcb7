"""What the scores of a class rest on: its images in each part, and whether it is ever predicted.

The one rule for all that stands beside scores: leaderboard, commands, the sentences of Compare.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelzoo.datasets.splits import PART_WORDS, Part, Split
from modelzoo.text import count, join_few

FEW_IMAGES = 10  # of a class: with fewer one image changes its sensitivity by 10 % or more
Kind = Literal[
    "only tested", "untrained", "unvalidated", "unscored", "few", "one group", "unpredicted"
]


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What is known of one class in a run."""

    name: str
    images: int  # in the part that is scored
    groups: int  # that hold those
    predicted: int  # images of that part that are predicted as it
    parts: frozenset[Part]  # that hold images of it


def find_class_facts(
    split: Split, classes: Sequence[str], confusion_by_group: npt.NDArray[np.int64]
) -> list[ClassFacts]:
    """One record per class.

    Args:
        split: Of the run, with every part.
        classes: (K,), names.
        confusion_by_group: (G, K, K), true class by predicted class, of the part that is scored.
    """
    parts: dict[str, set[Part]] = defaultdict(set)
    for row in split.rows:
        parts[row.label].add(row.part)
    by_group = confusion_by_group.sum(2)  # (G, K)
    images, groups = by_group.sum(0).tolist(), (by_group > 0).sum(0).tolist()
    predicted = confusion_by_group.sum((0, 1)).tolist()
    return [
        ClassFacts(name, images[k], groups[k], predicted[k], frozenset(parts[name]))
        for k, name in enumerate(classes)
    ]


def describe_class(facts: ClassFacts, part: str) -> str:
    """What the scores of one class on `part` rest on, in short; empty where all is well."""
    words = {
        "only tested": "only in the test part",
        "untrained": "no training images",
        "unvalidated": "no validation images",
        "unscored": f"no {PART_WORDS[part]} images",
        "few": f"rests on {count(facts.images, f'{PART_WORDS[part]} image')}",
        "one group": "rests on one group",
        "unpredicted": "never predicted",
    }
    return "; ".join(dict.fromkeys(words[kind] for kind in _find_kinds(facts, part)))


def describe_classes(facts: Sequence[ClassFacts], part: str) -> list[str]:
    """Sentences on the classes that scores on `part` say little or nothing about."""
    by_kind: dict[Kind, list[ClassFacts]] = defaultdict(list)
    for each in facts:
        for kind in _find_kinds(each, part):
            by_kind[kind].append(each)
    sentences = []
    if only := by_kind["only tested"]:
        sentences.append(f"{_have(only)} images in the test part only and could not be learned.")
    if untrained := by_kind["untrained"]:
        sentences.append(f"{_have(untrained)} no training images and could not be learned.")
    if unvalidated := by_kind["unvalidated"]:
        sentences.append(
            f"{_have(unvalidated)} no validation images: the best epoch was chosen without them."
        )
    if unscored := by_kind["unscored"]:
        sentences.append(
            f"{_have(unscored)} no {PART_WORDS[part]} images: AUC and average precision are not "
            "defined, and macro-averages are over the other classes."
        )
    if few := by_kind["few"]:
        sentences.append(_describe_few(few, len(facts), PART_WORDS[part]))
    if alone := by_kind["one group"]:
        whose = "its" if len(alone) == 1 else "their"
        sentences.append(
            f"{_have(alone)} {PART_WORDS[part]} images of one group only: {whose} scores have no "
            "interval."
        )
    return sentences


def list_never_predicted(facts: Iterable[ClassFacts], part: str) -> tuple[str, ...]:
    """Classes that were trained and are predicted for no image, though there are some of them."""
    return tuple(each.name for each in facts if "unpredicted" in _find_kinds(each, part))


def describe_never_predicted(names: Sequence[str]) -> str:
    """What it means for the scores; `names` from `list_never_predicted`, at least one."""
    verb, whose = ("is", "its") if len(names) == 1 else ("are", "their")
    return f"{join_few(names)} {verb} never predicted: {whose} precision counts as 0 in the mean."


def _find_kinds(facts: ClassFacts, part: str) -> list[Kind]:
    """What is wrong with a class in a run that is scored on `part`."""
    found: list[tuple[Kind, bool]] = [
        ("only tested", facts.parts == {"test"}),
        ("untrained", "train" not in facts.parts and facts.parts != {"test"}),
        ("unvalidated", "validation" not in facts.parts and "train" in facts.parts),
        ("unscored", not facts.images),
        ("few", 0 < facts.images < FEW_IMAGES),
        ("one group", facts.images > 1 and facts.groups == 1),
        ("unpredicted", bool(facts.images and not facts.predicted) and "train" in facts.parts),
    ]
    return [kind for kind, holds in found if holds]


def _describe_few(few: Sequence[ClassFacts], classes: int, part: str) -> str:
    """How many images the scores of these classes rest on; of many classes the fewest first."""
    ordered = sorted(few, key=lambda each: each.images)
    least, most = ordered[0].images, ordered[-1].images
    if len(few) == classes:
        number = f"{least} to {most}" if least < most else str(most)
        return f"Each class has only {number} {part} image{'s' if most > 1 else ''}."
    listed = join_few([f"{each.name} on {count(each.images, f'{part} image')}" for each in ordered])
    return f"Scores of a class rest on few images: {listed}."


def _have(facts: Sequence[ClassFacts]) -> str:
    """The names with their verb: `Early has`, `Early and Pre have`."""
    return f"{join_few([each.name for each in facts])} {'has' if len(facts) == 1 else 'have'}"
