"""The parts of a report that say what the scores rest on: data, models, doubts, commands, limits.

Facts in, elements out; no files.
"""

import dataclasses
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.answers import NOT_GIVEN, QUESTIONS
from modelzoo.evaluation.configurations import describe_differences, differing_configurations
from modelzoo.evaluation.rows import WEIGHTS_WORDS
from modelzoo.reporting.asked import answers
from modelzoo.reporting.checklists import LISTS, TO_CHECK, TOPICS, Topic
from modelzoo.reporting.facts import Reported, ReportedRun, describe_made
from modelzoo.reporting.markup import Node, listed, name_of, table, tag
from modelzoo.reporting.split_proof import count_split
from modelzoo.text import count, describe_seconds, file_size, join, join_few

NOT_KNOWN = "not known"
NO_DIAGNOSIS = "For research and teaching; not for diagnosis."
_ON_DATA = (
    "source",
    "patients",
    "acquisition",
    "reference_standard",
    "ethics",
)
_PACKAGES = ("numpy", "scipy", "pandas")  # that a report is computed with


def data(reported: Reported) -> Iterator[Node]:
    """What the images are, as files and a person say."""
    config = reported.rows[0].config
    ids = reported.dataset_ids
    yield _facts(
        [
            ("Data set", name_of(reported.rows[0].dataset)),
            ("Content hash", join(ids) if ids else NOT_KNOWN),
            ("Layout", _layout(reported)),
            ("Columns", config.columns or "not from a table with other names"),
            ("Class of an image", "the folder or column that the layout names"),
            ("Given to the networks", _input(reported)),
        ]
    )
    if len(ids) > 1:
        yield tag(
            "p",
            f"The runs were trained on {len(ids)} data sets of different content with one split.",
        )
    yield tag(
        "p",
        "The content hash is one of every image's name, size and content. Files that were left "
        "out, and why, are listed by ",
        tag("code", "python -m modelzoo data"),
        ", whose data card belongs beside this report.",
    )
    yield answers(reported, "the data", _ON_DATA)


def _facts(pairs: Sequence[tuple[str, Node | str]]) -> Node:
    return tag("dl", *(part for title, text in pairs for part in (tag("dt", title), _dd(text))))


def _dd(text: Node | str) -> Node:
    return tag("dd", text)


def _layout(reported: Reported) -> str:
    layouts = {each.data.layout for each in reported.runs if each.data and each.data.layout}
    return join(sorted(layouts)) if layouts else NOT_KNOWN


def _input(reported: Reported) -> str:
    sizes = sorted({each.input_px for each in reported.runs if each.input_px})
    if not sizes:
        return "the middle square of each image, resized"
    return f"the middle square of each image, resized to {join([f'{px} px' for px in sizes])}"


def models(reported: Reported) -> Iterator[Node]:
    """Initial and trained weights with their hashes, training, versions and machine."""
    yield table(
        "Models and their weights",
        ["Model", "Run", "Initial weights", "SHA-256 of these", "SHA-256 of the trained model"],
        [
            [
                name_of(reported.name(each)),
                name_of(each.row.run_id),
                _start(each),
                tag("code", (each.weights and each.weights.sha256) or "none"),
                tag("code", each.model_sha256 or "not kept"),
            ]
            for each in reported.runs
        ],
        class_="hashes",
    )
    configs = {each.row.run_id: each.row.config for each in reported.runs}
    yield tag("p", describe_differences(differing_configurations(configs)))
    yield _settings(reported)
    yield tag(
        "p",
        "The best epoch of a training is chosen on its validation images. Which runs are in this "
        "report was chosen by a person.",
    )
    yield _machines(reported)


def _start(each: ReportedRun) -> str:
    if each.weights is None:
        return NOT_KNOWN
    if each.weights.kind == "none":
        return WEIGHTS_WORDS[False]
    source = f" ({each.weights.source})" if each.weights.source else ""
    return f"{WEIGHTS_WORDS[True]}{source}"


def _settings(reported: Reported) -> Node:
    """Every option of the trainings; one column where all runs have the same value."""
    rows: list[list[Node | str]] = []
    for spec in dataclasses.fields(TrainConfig):
        if spec.name in ("data", "backbone"):
            continue
        of_models: dict[str, list[str]] = {}
        for each in reported.runs:
            value = str(getattr(each.row.config, spec.name))
            of_models.setdefault(value, []).append(reported.name(each))
        said = (
            next(iter(of_models))
            if len(of_models) == 1
            else "; ".join(f"{value}: {join_few(who)}" for value, who in of_models.items())
        )
        rows.append([spec.name.replace("_", " "), said or "none"])
    return table("Settings of the trainings", ["Option", "Value"], rows)


def _machines(reported: Reported) -> Node:
    rows: list[list[Node | str]] = []
    for each in reported.runs:
        known = each.environment
        if known is None:
            rows.append([name_of(reported.name(each)), *[NOT_KNOWN] * 5])
            continue
        device = f"{known.device}, {count(known.cores, 'core')}"
        device += f", {count(known.threads, 'thread')}" if known.threads else ""
        rows.append(
            [
                name_of(reported.name(each)),
                device,
                "; ".join(f"{name} {text}" for name, text in known.versions.items()),
                known.git or NOT_KNOWN,
                f"{describe_seconds(sum(known.seconds.values()))}, {file_size(known.memory_bytes)}",
                f"{known.ms_per_image:.1f} ms",
            ]
        )
    titles = ["Model", "Trained on", "Versions", "BlastLens commit", "Time, memory", "One image"]
    return table("Machines and software", titles, rows)


def doubts(reported: Reported) -> Iterator[Node]:
    """What was noted beside the scores, each sentence once."""
    models_by_note: dict[str, list[str]] = {}
    for each in reported.runs:
        for note in each.row.notes:
            models_by_note.setdefault(note, []).append(reported.name(each))
    if not models_by_note:
        yield tag("p", "No test image shares its group with training or validation images.")
        is_known = all(each.data and each.data.layout for each in reported.runs)
        yield tag(
            "p",
            "The data set raised no doubt when the runs were made."
            if is_known
            else "Whether the data set raised doubts was not recorded with every run.",
        )
        return
    everyone = len(reported.runs)
    yield listed(
        note if len(who) == everyone else f"{join_few(who)}: {note}"
        for note, who in models_by_note.items()
    )


def commands(reported: Reported) -> Iterator[Node]:
    """What makes the runs and this report again."""
    dataset = reported.rows[0].dataset
    yield tag(
        "p",
        "The runs. Folders of the machine are left out of all commands: --data names the folder of "
        "the images of ",
        name_of(dataset),
        ", wherever it lies.",
    )
    yield from (tag("pre", each.command) for each in reported.runs)
    yield tag("p", "This report:")
    yield tag("pre", reported.command)
    software = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield tag(
        "p",
        f"Made on {describe_made(reported)} by BlastLens with Python {platform.python_version()}, "
        f"{software}, on {platform.system()} {platform.machine()}.",
    )
    yield answers(reported, "the study", ("study", "licence"))


def limits(reported: Reported) -> Iterator[Node]:
    """What the scores do not say."""
    yield tag("p", NO_DIAGNOSIS, class_="answer")
    yield listed(draft_limits(reported))
    yield answers(reported, "limits and use", ("external", "use"))


def draft_limits(reported: Reported) -> list[str]:
    """Sentences on what these runs cannot show, from what was counted."""
    facts = count_split(reported.split)
    external = reported.answers.get("external")
    drafted = [
        "Whether the test images are from another site is answered below by a person; the tool "
        "knows of one data set only."
        if external
        else "This is an internal test: training and test images are of one data set, and nobody "
        "has said that they are from different sites."
    ]
    if facts.straddling:
        drafted.append("The parts are not disjoint, so the scores may be too high for new images.")
    if facts.unnamed:
        drafted.append(
            "Patients are not known for all images, so test images may be of patients that were "
            "trained on."
        )
    if len({each.row.seed for each in reported.runs}) == 1 and len(reported.runs) > 1:
        drafted.append(
            "Every model was trained with one seed on one split; how much scores vary between "
            "trainings is not part of the intervals."
        )
    if len(reported.runs) > 1:
        drafted.append(
            "Which model is best was found on these test images, so its score is expected to be "
            "somewhat lower on new ones."
        )
    drafted += [
        "The models predict one of the classes for any image, also for one that shows none of "
        "them, and for single fields, not for patients.",
        "No test under other stains or microscopes is part of this report.",
        "Classes are immunophenotypes or labels of the data set, not degrees of severity.",
    ]
    return drafted


def checklist(reported: Reported) -> Iterator[Node]:
    """Every topic of the checklists, and where this report has it."""
    yield tag("p", TO_CHECK)
    yield table(
        "Topics of the reporting checklists",
        ["Topic", *LISTS, "Filled in by", "In this report"],
        [
            [
                topic.title,
                *(each or "–" for each in topic.items),
                topic.filler,
                _where(topic, reported),
            ]
            for topic in TOPICS
        ],
    )


def _where(topic: Topic, reported: Reported) -> Node:
    if not topic.section:
        return tag("td", "not in this report", class_="said missing")
    cell = tag("td", tag("a", "see there", href=f"#{topic.section}"), class_="said")
    lacking = [QUESTIONS[key].title for key in topic.questions if not reported.answers.get(key)]
    if lacking:
        cell.append(tag("span", f"; {NOT_GIVEN}: {join(lacking)}", class_="missing"))
    return cell
