"""`python -m xai quality`: its options and what it prints; `evaluating.py` does the work."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from modelzoo.commands.options import (
    CsvOption,
    DeviceOption,
    JsonOption,
    RunOption,
    RunsOption,
    find_run,
    parse_path,
)
from modelzoo.commands.output import Column, check_form, print_line, print_records
from modelzoo.commands.progress import show_progress
from modelzoo.commands.sharding import (
    ShardOption,
    ShardsOption,
    WorkersOption,
    read_sharded,
)
from modelzoo.text import count, describe_p, percent
from xai.commands import evaluating, quality_shards
from xai.commands.shared import describe_missing, list_methods
from xai.errors import UserError
from xai.faithfulness.table import MEASURES, PUBLISHED, Summary
from xai.methods.table import METHODS
from xai.say.verdict import describe_method


def quality(
    run: RunOption,
    methods: Annotated[str, typer.Option(help="Several with commas.")] = "grad-cam,score-cam",
    n: Annotated[int, typer.Option("--n", help="Images of its test set, all if fewer.")] = 100,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path, metavar="FOLDER", help="With --shards: for the scores by image."
        ),
    ] = None,
    shards: ShardsOption = None,
    shard: ShardOption = None,
    workers: WorkersOption = 1,
    device: DeviceOption = "cpu",
    runs: RunsOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Evaluate the faithfulness of a run's maps on its test set: quality.csv, validity.csv.

    Each map is compared with copies of itself moved elsewhere (random placement), a map of the
    centre and one of the blurred image; p values are over the groups of the test set. With --shards
    any number of processes score the images, and the tables are written when all are there.
    """
    check_form(as_json=as_json, as_csv=as_csv)
    names = list_methods(methods)
    if n < 1:
        raise UserError(f"{n} images cannot be evaluated; give 1 or more for --n.")
    folder = find_run(run, runs).path
    words = ("xai", "quality", "--run", str(folder), "--n", str(n), "--device", device)
    sharded = read_sharded(out, shards, shard, workers, (*words, "--methods", ",".join(names)))
    if out and not sharded:
        raise UserError("--out is for work in shards; give --shards, too, or leave it out.")
    job = evaluating.gather(folder, n, device)
    if sharded:
        usable, summaries = quality_shards.evaluate_in_shards(sharded, job, names, n)
    else:
        with show_progress() as show:
            evaluating.score_maps(job, names, show)
        usable = set(job.reports)
        summaries = evaluating.summarise_job(job, job.reports.items())
    with show_progress() as show:
        validities = evaluating.examine_methods(job, usable, show)
    describe_missing(job.refused, job.skipped)
    evaluating.write_scores(summaries, folder, validities)
    print_records(_records(summaries), _COLUMNS, as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        for name in dict.fromkeys(one.method for one in summaries):
            print_line(describe_method([one for one in summaries if one.method == name]))
        print_line(PUBLISHED)
        print_line(f"See {folder / 'quality.csv'}.")


def _records(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """One record per method and measure, in the order of `MEASURES`."""
    by_key = {(one.method, one.measure): one for one in summaries}
    methods = dict.fromkeys(one.method for one in summaries)
    keys = [(method, measure) for method in methods for measure in MEASURES]
    return [asdict(by_key[key]) for key in keys if key in by_key]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _p_value(p: float | None) -> str:
    return "" if p is None else describe_p(p)


def _interval(low: float | None, high: float | None) -> str:
    """Both ends; nothing where one group gives no interval."""
    return "" if low is None or high is None else f"{low:.2f}–{high:.2f}"


_COLUMNS = [
    Column("method", lambda row: METHODS[row["method"]].title),
    Column("measure", lambda row: MEASURES[row["measure"]].title),
    Column("mean", lambda row: _number(row["value"]), is_number=True),
    Column("95 % CI", lambda row: _interval(row["ci_low"], row["ci_high"]), rank=1),
    Column("better", lambda row: MEASURES[row["measure"]].better, rank=2),
    Column("random", lambda row: _number(row["random"]), rank=3, is_number=True),
    Column("centre", lambda row: _number(row["centre"]), rank=4, is_number=True),
    Column("blurred", lambda row: _number(row["blurred"]), rank=5, is_number=True),
    Column("area", lambda row: _number(row["area"]), rank=6, is_number=True),
    Column(
        "better than all",
        lambda row: "" if row["win_share"] is None else percent(row["win_share"], 0),
        rank=7,
        is_number=True,
    ),
    Column("p random", lambda row: _p_value(row["p_random"]), rank=3, is_number=True),
    Column("p centre", lambda row: _p_value(row["p_centre"]), rank=4, is_number=True),
    Column("p blurred", lambda row: _p_value(row["p_blurred"]), rank=5, is_number=True),
    Column("images", lambda row: f"{row['images']} in {count(row['groups'], 'group')}", rank=8),
]
