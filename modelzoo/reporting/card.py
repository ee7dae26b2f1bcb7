"""The model card of a run: README.md with the metadata that the Hugging Face hub reads.

Headings are those of Model Cards (Mitchell et al. 2019, arXiv:1810.03993).
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from modelzoo.backbones.table import BACKBONES
from modelzoo.backbones.weights import hub_id
from modelzoo.datasets.answers import QUESTIONS, describe_answer
from modelzoo.datasets.splits import PART_WORDS, PARTS
from modelzoo.errors import UserError
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_WORDS, describe_test
from modelzoo.evaluation.tables import describe_score, describe_score_briefly
from modelzoo.evaluation.verdict import describe_accuracy
from modelzoo.files import read_text, write_text
from modelzoo.reporting.facts import Reported, ReportedRun, describe_made
from modelzoo.reporting.provenance import NO_DIAGNOSIS, draft_limits
from modelzoo.reporting.split_proof import count_split, describe_crossings, describe_subjects
from modelzoo.runs.file_names import CARD
from modelzoo.text import capital, count, one_line

_MARK = re.compile(r"<!-- blastlens ([0-9a-f]{64}) -->\n\Z")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|$~!&])")
# The hub's names of metrics, where it has one.
_HUB_METRICS = {"auc": "roc_auc", "sensitivity": "recall", "mcc": "matthews_correlation"}


def format_card(reported: Reported) -> str:
    """The model card of the one run of `reported`.

    The last line is a hash of what is above it, by which a card that a person changed is known.
    """
    (each,) = reported.runs
    body = "\n\n".join(_paragraphs(reported, each)) + "\n"
    text = f"---\n{_metadata(each)}\n---\n{body}\n"
    return f"{text}<!-- blastlens {_hash(text)} -->\n"


def write_card(reported: Reported) -> Path:
    """Write the model card of the one run of `reported` into its folder; the file.

    Raises:
        UserError: A README.md is there that was not written here, or that a person changed.
    """
    (each,) = reported.runs
    file = each.run.path / CARD
    if not _is_ours(file):
        raise UserError(
            f"{file} was written or changed by a person, so it was left as it is; rename it to "
            "have a card written."
        )
    write_text(file, format_card(reported))
    return file


def _is_ours(file: Path) -> bool:
    """Whether nothing is lost when the card is written: no file is there, or it is as written."""
    try:
        text = read_text(file)
    except FileNotFoundError:
        return not file.is_symlink()
    except UserError:  # a folder, or no text
        return False
    found = _MARK.search(text)
    return bool(found and found[1] == _hash(text[: found.start()]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _metadata(each: ReportedRun) -> str:
    """The YAML of the card: no licence or data set on the hub is claimed that nobody named."""
    row = each.row
    backbone = BACKBONES.get(row.backbone)
    is_from_hub = bool(each.weights and each.weights.source.startswith("hub timm/"))
    card = ModelCardData(
        library_name="timm",
        pipeline_tag="image-classification",
        tags=["image-classification", "blood-smear", "blastlens"],
        base_model=hub_id(backbone) if backbone and is_from_hub else None,
        metrics=[_hub_name(name) for name in _scored(each)],
        model_name=one_line(row.run_id),
        eval_results=[_result(name, each) for name in _scored(each)] or None,
    )
    return card.to_yaml()


def _scored(each: ReportedRun) -> list[str]:
    """The metrics that are defined."""
    scores = each.row.evaluation.scores
    return [name for name in METRICS if not math.isnan(scores[name].value)]


def _hub_name(name: str) -> str:
    return _HUB_METRICS.get(name, name)


def _result(name: str, each: ReportedRun) -> EvalResult:
    """One score; its interval stands in its name, since the hub has no key for it."""
    row, score = each.row, each.row.evaluation.scores[name]
    return EvalResult(
        task_type="image-classification",
        dataset_type="imagefolder",
        dataset_name=one_line(row.dataset),
        dataset_config=f"{row.split_kind}, seed {row.seed}",
        dataset_split="test",
        dataset_revision=each.environment.dataset_id if each.environment else None,
        metric_type=_hub_name(name),
        metric_value=float(score.value),
        metric_name=f"{METRICS[name].title}: {describe_score(name, score)}",
    )


def _paragraphs(reported: Reported, each: ReportedRun) -> Iterator[str]:
    row = each.row
    yield f"# {_plain(row.run_id)}"
    yield _plain(describe_accuracy(row.title, row))
    yield f"**{NO_DIAGNOSIS}**"
    yield "## Model details"
    yield _list(_details(reported, each))
    yield "## Intended use"
    yield _list(_answers(reported, ("use",)))
    yield "## Factors"
    yield _list(_answers(reported, ("patients", "acquisition")))
    yield "## Metrics"
    yield _list(f"{METRICS[name].title}: {METRICS[name].full_help}" for name in METRICS)
    yield (
        "The predicted class is the one of the highest probability. Intervals are 95 % confidence "
        "intervals over groups of test images."
    )
    yield "## Evaluation data"
    yield _list(_evaluation_data(reported, each))
    yield "## Training data"
    yield _list(_training_data(reported, each))
    yield "## Quantitative analyses"
    yield from _analyses(each)
    yield "## Ethical considerations"
    yield _list(_answers(reported, ("ethics", "licence", "study")))
    yield "## Caveats and recommendations"
    yield _list([*row.notes, *draft_limits(reported)])


def _details(reported: Reported, each: ReportedRun) -> list[str]:
    row, known = each.row, each.environment
    weights = "not known"
    if each.weights:
        weights = "none" if each.weights.kind == "none" else "ImageNet"
        weights += f", {each.weights.source}" if each.weights.source else ""
        weights += f", SHA-256 {each.weights.sha256}" if each.weights.sha256 else ""
    details = [
        f"Network: {row.title}",
        f"Initial weights: {weights}",
        f"Trained model: SHA-256 {each.model_sha256 or 'not kept'}",
        f"Trained by BlastLens, recipe {row.recipe}, mode {row.mode}, seed {row.seed}",
        f"Input: the middle square of an image, {each.input_px or 'unknown'} px",
        f"Classes: {', '.join(row.evaluation.classes)}",
        f"Command: {each.command}",
        f"Card made on {describe_made(reported)}",
    ]
    if known:
        versions = ", ".join(f"{name} {text}" for name, text in known.versions.items())
        details.append(f"Versions: {versions}; commit {known.git or 'not known'}; {known.device}")
    return details


def _answers(reported: Reported, keys: Sequence[str]) -> list[str]:
    return [f"{QUESTIONS[key].title}: {describe_answer(reported.answers, key)}" for key in keys]


def _evaluation_data(reported: Reported, each: ReportedRun) -> list[str]:
    facts = count_split(reported.split)
    known = each.environment
    return [
        describe_test(each.row),
        f"Content hash of the data set: {known.dataset_id if known else 'not known'}",
        f"{capital(SPLIT_WORDS[each.row.split_kind])}, split id {reported.split.id}",
        describe_crossings(facts),
        describe_subjects(facts),
        *_answers(reported, ("source", "reference_standard", "external")),
    ]


def _training_data(reported: Reported, each: ReportedRun) -> list[str]:
    facts = count_split(reported.split)
    parts = [
        f"{capital(PART_WORDS[part])}: {count(facts.images[part], 'image')} in "
        f"{count(len(facts.groups[part]), 'group')}"
        for part in PARTS
    ]
    return [*parts, *_answers(reported, ("sample_size", "patient_in_name"))]


def _analyses(each: ReportedRun) -> Iterator[str]:
    scores = each.row.evaluation.scores
    yield _table(
        ("Score on the test images", "Value (95 % CI)", "Note"),
        [
            (METRICS[name].title, describe_score_briefly(name, scores[name]), scores[name].note)
            for name in METRICS
        ],
    )
    yield _table(
        ("Class", "Images (groups)", "Sensitivity", "Precision", "AUC", "Note"),
        [
            (
                found.name,
                f"{found.images} ({found.groups})",
                describe_score_briefly("sensitivity", found.sensitivity),
                describe_score_briefly("precision", found.precision),
                describe_score_briefly("auc", found.auc),
                note,
            )
            for found, note in each.by_class
        ],
    )
    counts = each.row.evaluation.confusion.tolist()
    classes = each.row.evaluation.classes
    yield _table(
        ("True class \\ predicted class", *classes),
        [(name, *line) for name, line in zip(classes, counts, strict=True)],
    )


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(line)}" for line in lines)


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = [[_plain(str(value)) for value in row] for row in (titles, *rows)]
    cells.insert(1, ["---"] * len(titles))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    """Markdown, in one line, that is shown as `text` stands."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))
