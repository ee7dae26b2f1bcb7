"""`python -m modelzoo forecast`: how long the runs that `train` would make take, by a probe."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelzoo import paths
from modelzoo.commands.config_options import check_given, config_signature, keyword, plan_given
from modelzoo.commands.options import CsvOption, JsonOption
from modelzoo.commands.output import Column, Record, check_form, notes, print_records
from modelzoo.commands.progress import show_progress
from modelzoo.config.train_config import require_precision
from modelzoo.datasets.dataset import Dataset
from modelzoo.errors import UserError
from modelzoo.launching.plan import PlannedRun
from modelzoo.text import describe_seconds, file_size
from modelzoo.training.devices import find_device

COLUMNS = (
    Column("run", lambda row: row["run"]),
    Column("about", lambda row: describe_seconds(row["seconds"]), is_number=True),
    Column("memory", lambda row: file_size(row["memory_bytes"]), is_number=True),
    Column("images", lambda row: f"{row['images']:,}", rank=2, is_number=True),
    Column("batch", lambda row: str(row["batch_size"]), rank=1, is_number=True),
    Column("precision", lambda row: row["precision"], rank=3),
    Column("device", lambda row: row["device"], rank=4),
)


def forecast(**options: Any) -> None:
    """Forecast time and memory of the runs that `train` would make, by a few steps of each.

    Takes the options of `train`; no run is made, and no weights are needed.
    """
    as_json, as_csv = options.pop("as_json"), options.pop("as_csv")
    check_form(as_json=as_json, as_csv=as_csv)
    runs: Path = options.pop("runs") or paths.runs_folder()
    store = options.pop("store") or paths.store_folder()
    place = find_device(options.pop("device")).name
    planned = plan_given(runs, options)
    for each in planned:
        require_precision(each.config, place)
    dataset = check_given(planned, runs, store)
    records = list(_forecast(planned, dataset, place, store))
    print_records(records, COLUMNS, as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        total = describe_seconds(sum(record["seconds"] for record in records))
        notes.print(
            f"About {total} in all on {place} if no epoch is spared, beside the decoding of images."
            " It takes longer where other work shares the device."
        )


forecast.__signature__ = config_signature(  # type: ignore[attr-defined]  # read by typer
    keyword("as_json", JsonOption, default=False),
    keyword("as_csv", CsvOption, default=False),
)


def _forecast(
    planned: Sequence[PlannedRun], dataset: Dataset, place: str, store: Path
) -> Iterator[Record]:
    """A record of each run; seeds of one network share a probe."""
    import torch

    from modelzoo.training.forecast import Cost, count_images, forecast_seconds, measure_cost

    costs: dict[str, Cost] = {}  # the runs of one command differ in backbone and seed only
    with show_progress() as show:
        for number, each in enumerate(planned):
            config = each.config
            show(f"a few steps of {config.backbone}", number, len(planned))
            if config.backbone not in costs:
                try:
                    costs[config.backbone] = measure_cost(
                        config, len(dataset.classes), store=store, device=torch.device(place)
                    )
                except torch.OutOfMemoryError:
                    raise UserError(
                        f"{each.name}: half a batch of {config.batch_size} images of {config.px} px"
                        f" does not fit into the memory of {place}; give a smaller --batch-size."
                    ) from None
            cost = costs[config.backbone]
            n_images = count_images(config, len(dataset.images), len(dataset.classes))
            yield {
                "run": each.name,
                "backbone": config.backbone,
                "device": place,
                "precision": cost.precision,
                "images": n_images,
                "batch_size": cost.batch_size,
                "epochs": config.epochs,
                "seconds": forecast_seconds(config, n_images, cost),
                "memory_bytes": cost.memory,
            }
