"""`python -m xai explain --shards`: the maps of any number of images, one .npz a shard."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from modelzoo.commands.output import notes
from modelzoo.commands.predict_shards import fix_run_plan, report
from modelzoo.commands.sharding import Sharded, run_shards
from xai.commands.explaining import find_class
from xai.commands.shared import describe_missing

if TYPE_CHECKING:
    from modelzoo.runs.folder import Run
    from modelzoo.shards.plan import Plan
    from modelzoo.shards.work import Progress, Work
    from xai.on_runs.many import ExplainedSmear


def explain_in_shards(
    sharded: Sharded,
    run: "Run",
    image: Path,
    *,
    methods: Sequence[str],
    target: str | None,
    field_px: int,
    device: str,
) -> None:
    """Explain what is missing, and say what there is.

    Raises:
        typer.Exit: With 3 where some image could not be read.
    """
    settings = {"methods": list(methods), "target": target, "field_px": field_px}
    plan = fix_run_plan(sharded, run, image, "explain", settings)
    words = ("--methods", ",".join(methods), "--field", str(field_px))
    progress = run_shards(
        sharded.with_words(*words, *(("--target", target) if target is not None else ())),
        plan,
        lambda: _load(run, Path(plan.asked.root), methods, target, field_px, device),
        "explaining",
    )
    _say_refused(sharded, plan, progress, methods)
    notes.print(
        f"Maps are in {sharded.out / 'maps'}, one .npz a shard: method/row of the table, float16, "
        "to be multiplied by the table's scale:method."
    )
    report(sharded, plan, progress, run.config.input_px if not field_px else 0)


def _load(
    run: "Run",
    root: Path,
    methods: Sequence[str],
    target: str | None,
    field_px: int,
    device: str,
) -> "Work":
    import pyarrow as pa

    from modelzoo.inference.smear_rows import prediction_columns
    from modelzoo.shards.work import Work
    from xai.model import prepare_process
    from xai.on_runs.many import Wanted, explain_smears
    from xai.on_runs.open import open_run

    prepare_process()
    trained = open_run(run.path, device)
    wanted = Wanted(tuple(methods), find_class(target, trained.classes), field_px)
    columns = [
        *prediction_columns(trained.classes, cuts=bool(field_px)),
        ("target", pa.string()),
        *((f"scale:{name}", pa.float32()) for name in methods),
        *((f"refused:{name}", pa.string()) for name in methods),
    ]

    def compute(
        names: Sequence[str],
    ) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, npt.NDArray[Any]]]]]:
        for batch in explain_smears(trained, [root / name for name in names], wanted):
            rows = [_row(each, root, trained.classes) for each in batch]
            yield rows, [each.maps for each in batch]

    return Work(pa.schema(columns), compute, with_maps=True)


def _row(explained: "ExplainedSmear", root: Path, classes: Sequence[str]) -> dict[str, Any]:
    from modelzoo.inference.smear_rows import prediction_row

    row = prediction_row(explained.smear, root, classes)
    if explained.target is not None:
        row["target"] = classes[explained.target]
    if explained.smear.fields:
        row["note"] += (
            f" Maps are of {row['target']} in every field, averaged where fields overlap; those "
            "in shares are shares of their own field."
        )
    return row | {f"refused:{name}": why for name, why in explained.refused.items()}


def _say_refused(
    sharded: Sharded, plan: "Plan", progress: "Progress", methods: Sequence[str]
) -> None:
    """Say which methods the network does not allow, by a finished shard that has images."""
    import pyarrow.parquet as pq

    from modelzoo.shards.files import table_file

    for shard in sorted(progress.finished):
        columns = [f"refused:{name}" for name in methods]
        rows = pq.read_table(table_file(sharded.out, plan, shard), columns=columns).to_pylist()
        refused = {
            name: row[f"refused:{name}"]
            for row in rows
            for name in methods
            if row[f"refused:{name}"]
        }
        if rows:
            describe_missing(refused, {})
            return
