"""`python -m xai quality --shards`: images scored by any number of processes, then merged."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from modelzoo.commands.output import print_line
from modelzoo.commands.sharding import Sharded, describe_rest, run_shards
from modelzoo.errors import UserError as ZooError
from xai.commands.evaluating import QualityJob, evaluate_image, require_some, summarise_job
from xai.faithfulness.report import Placement, Quality, QualityReport
from xai.faithfulness.table import Summary

if TYPE_CHECKING:
    import pyarrow as pa

    from modelzoo.shards.plan import Plan
    from modelzoo.shards.work import Work

_MAPS = ("own", "random", "centre", "blurred")  # fields of a report that are scores themselves


def evaluate_in_shards(
    sharded: Sharded, job: QualityJob, names: Sequence[str], n: int
) -> tuple[set[str], list[Summary]]:
    """Score what is missing; the images that could be used and the scores over all of them.

    Raises:
        typer.Exit: Shards are missing still, as where only one was asked for.
        UserError: No image, or no method, is left.
    """
    from modelzoo.runs.hashes import hash_model
    from modelzoo.shards.files import read_rows
    from modelzoo.shards.plan import Asked, fix_plan

    run = job.trained.run
    asked = Asked(
        work="quality",
        run=run.id,
        model_sha256=hash_model(run.path),
        root=str(job.root.resolve()),
        source=str(Path(run.config.data).resolve()),
        shards=sharded.shards,
        settings={"methods": list(names), "n": n},
    )
    plan = fix_plan(sharded.out, asked, lambda: [row.image for row in job.rows])
    progress = run_shards(sharded, plan, lambda: _load(job, names), "evaluating")
    if progress.missing or sharded.shard is not None:
        what = describe_rest(sharded, plan, progress) or (
            "All shards are finished; the same command without --shard writes the tables."
        )
        print_line(what)
        raise typer.Exit
    job.refused.clear()
    usable: set[str] = set()
    summaries = summarise_job(job, _merge(job, plan, usable, read_rows(sharded.out, plan)))
    job.reports = {image: [] for image in usable}
    if not usable or not summaries:
        require_some(job)
    return usable, summaries


def _load(job: QualityJob, names: Sequence[str]) -> "Work":
    from modelzoo.shards.work import Work
    from xai.faithfulness.stability import randomise

    randomised = randomise(job.trained.backbone)

    def compute(images: Sequence[str]) -> Iterator[tuple[list[dict[str, Any]], tuple[()]]]:
        for image in images:
            job.refused.clear()  # a shard is the same whatever was done before it
            row: dict[str, Any] = {"image": image}
            try:
                reports = evaluate_image(job, image, names, randomised)
                row["reports"] = [_write_report(report) for report in reports]
                row["refused"] = [
                    {"method": name, "reason": why} for name, why in job.refused.items()
                ]
            except ZooError as error:
                row["reason"] = str(error)
            yield [row], ()

    return Work(_schema(), compute)


def _schema() -> "pa.Schema":
    """Columns of the scores of an image: every field of a report, as it was computed."""
    import pyarrow as pa

    scores = pa.struct([(each.name, pa.float64()) for each in fields(Quality)])
    placement = pa.struct(
        [
            ("measure", pa.string()),
            ("beaten", pa.int64()),
            ("copies", pa.int64()),
            ("p", pa.float64()),
        ]
    )
    kinds = {
        "method": pa.string(),
        "is_flat": pa.bool_(),
        "placements": pa.list_(placement),
        **dict.fromkeys(_MAPS, scores),
    }
    report = pa.struct(
        [(each.name, kinds.get(each.name, pa.float64())) for each in fields(QualityReport)]
    )
    refused = pa.struct([("method", pa.string()), ("reason", pa.string())])
    return pa.schema(
        [
            ("image", pa.string()),
            ("reports", pa.list_(report)),
            ("refused", pa.list_(refused)),
            ("reason", pa.string()),
        ]
    )


def _merge(
    job: QualityJob, plan: "Plan", usable: set[str], rows: Iterator[dict[str, Any]]
) -> Iterator[tuple[str, list[QualityReport]]]:
    """The reports image by image, as one process would have made them.

    A method that was refused for an image is left out from there on.
    """
    for image, row in zip(plan.images, rows, strict=True):
        if row["reason"]:
            job.skipped[image] = row["reason"]
            continue
        usable.add(image)
        for each in row["refused"]:
            job.refused.setdefault(each["method"], each["reason"])
        reports = [_read_report(each) for each in row["reports"]]
        yield image, [report for report in reports if report.method not in job.refused]


def _write_report(report: QualityReport) -> dict[str, Any]:
    """A report as a row holds it: placements are a list, as not every image has the same."""
    placements = [
        {"measure": measure, **asdict(placement)}
        for measure, placement in report.placements.items()
    ]
    return asdict(report) | {"placements": placements}


def _read_report(values: dict[str, Any]) -> QualityReport:
    placements = {each.pop("measure"): Placement(**each) for each in values["placements"]}
    scores = {name: Quality(**values[name]) for name in _MAPS}
    return QualityReport(**values | {"placements": placements} | scores)
