"""Who is in which part, and whether any group is in two: counted anew from a run's split.csv."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from modelzoo.datasets.copies import change_of
from modelzoo.datasets.splits import PART_WORDS, PARTS, Part, Split, count_leaked, find_straddling
from modelzoo.evaluation.rows import SPLIT_HELP, SPLIT_WORDS
from modelzoo.evaluation.run_scores import describe_leak
from modelzoo.reporting.asked import answers
from modelzoo.reporting.facts import Reported
from modelzoo.reporting.markup import Node, listed, name_of, table, tag
from modelzoo.text import capital, count

MOST_GROUPS = 20_000  # listed in a report: split.csv has all


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """What was counted in a split."""

    images: dict[Part, int]
    copies: dict[Part, int]  # of the images, those that the training made
    groups: dict[Part, dict[str, int]]  # images by group
    classes: dict[str, dict[Part, int]]  # images by class and part
    straddling: tuple[str, ...]  # groups with images in more than one part
    n_groups: int
    unnamed: int  # groups without a subject: they are called after their first image


def count_split(split: Split) -> SplitFacts:
    """Count images, groups and crossings."""
    ids = {row.image for row in split.rows}
    groups: dict[Part, Counter[str]] = {part: Counter() for part in PARTS}
    classes: dict[str, Counter[Part]] = defaultdict(Counter)
    copies: Counter[Part] = Counter()
    for row in split.rows:
        groups[row.part][row.group] += 1
        classes[row.label][row.part] += 1
        copies[row.part] += bool(change_of(row.image))
    names = {row.group for row in split.rows}
    return SplitFacts(
        images={part: groups[part].total() for part in PARTS},
        copies={part: copies[part] for part in PARTS},
        groups={part: dict(sorted(groups[part].items())) for part in PARTS},
        classes={label: dict(classes[label]) for label in sorted(classes)},
        straddling=tuple(find_straddling(split, {row.image: row.group for row in split.rows})),
        n_groups=len(names),
        unnamed=len(names & ids),
    )


def describe_crossings(facts: SplitFacts) -> str:
    """Whether a group has images in two parts, as it was counted."""
    total = count(facts.n_groups, "group")
    if not facts.straddling:
        return f"Checked row by row: none of the {total} has images in two parts."
    crossing = len(facts.straddling)
    verb = "has" if crossing == 1 else "have"
    return (
        f"Checked row by row: {crossing:,} of the {total} {verb} images in more than one part, so "
        "the parts are not disjoint."
    )


def describe_subjects(facts: SplitFacts) -> str:
    """Whether the groups are patients, as far as their names say."""
    what = (
        "A group holds what must stay together: images of one subject where the data set names "
        "subjects, copies, and overlapping fields."
    )
    if not facts.unnamed:
        return f"{what} Every group is named after a subject of the data set."
    return (
        f"{what} For {facts.unnamed:,} of the {count(facts.n_groups, 'group')} no subject is "
        "known: several of them may be of one patient, in different parts, and no check can tell."
    )


def split_proof(reported: Reported) -> Iterator[Node]:
    """Sizes of the parts, crossings, and the groups of each part."""
    facts, row = count_split(reported.split), reported.rows[0]
    yield tag("p", describe_crossings(facts), class_="answer")
    if leaked := count_leaked(reported.split, "test"):
        yield tag("p", describe_leak(leaked, facts.images["test"]))
    yield tag("p", describe_subjects(facts))
    config = row.config
    yield tag(
        "p",
        f"{capital(SPLIT_WORDS[row.split_kind])} with seed {row.seed}, "
        f"test share {config.test_share:g}, validation share {config.validation_share:g}; "
        f"split id {reported.split.id}, a hash of every row. {SPLIT_HELP[row.split_kind]}",
    )
    yield _parts_table(facts)
    yield _classes_table(facts)
    yield answers(reported, "the split", ("patient_in_name", "sample_size"))
    if facts.straddling:
        shown = facts.straddling[:MOST_GROUPS]
        yield _folded(f"Groups in more than one part ({len(facts.straddling):,})", list(shown))
    for part in PARTS:
        yield _group_list(facts, part)


def _parts_table(facts: SplitFacts) -> Node:
    crossing = set(facts.straddling)
    return table(
        "Parts of the split",
        ["Part", "Images", "Of them copies", "Groups", "Groups also in another part"],
        [
            [
                capital(PART_WORDS[part]),
                f"{facts.images[part]:,}",
                f"{facts.copies[part]:,}",
                f"{len(facts.groups[part]):,}",
                f"{len(crossing & set(facts.groups[part])):,}",
            ]
            for part in PARTS
        ],
    )


def _classes_table(facts: SplitFacts) -> Node:
    return table(
        "Images of each class by part",
        ["Class", *(capital(PART_WORDS[part]) for part in PARTS)],
        [
            [name_of(label), *(f"{by_part.get(part, 0):,}" for part in PARTS)]
            for label, by_part in facts.classes.items()
        ],
    )


def _group_list(facts: SplitFacts, part: Part) -> Node:
    groups = facts.groups[part]
    title = f"Groups of the {PART_WORDS[part]} part ({len(groups):,})"
    lines = [f"{name} ({count(n, 'image')})" for name, n in list(groups.items())[:MOST_GROUPS]]
    if len(groups) > MOST_GROUPS:
        lines.append(f"and {len(groups) - MOST_GROUPS:,} more: split.csv of each run has all")
    return _folded(title, lines)


def _folded(title: str, lines: list[str]) -> Node:
    """A list that opens on a click; on paper its title alone is printed."""
    body = listed([name_of(line) for line in lines]) if lines else tag("p", "None.")
    return tag("details", tag("summary", title), body, class_="names")
