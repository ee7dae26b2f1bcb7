"""`python -m modelzoo targets`: where runs can be sent, what is free there, and what is wrong."""

from typing import Any

from modelzoo import paths
from modelzoo.commands.options import CsvOption, JsonOption
from modelzoo.commands.output import Column, check_form, notes, print_records
from modelzoo.errors import UserError
from modelzoo.launching.target import Target
from modelzoo.launching.targets import read_targets


def targets(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """List where runs can be sent, with what is free there, and check each."""
    check_form(as_json=as_json, as_csv=as_csv)
    file = paths.targets_file()
    records = [_describe(target) for target in read_targets(file).values()]
    print_records(records, _COLUMNS, as_json=as_json, as_csv=as_csv)
    if len(records) == 1 and not (as_json or as_csv):
        notes.print(f"{file} names no other; docs/clusters.md says how it is written.")


_COLUMNS = [
    Column("target", lambda row: row["target"]),
    Column("engine", lambda row: row["engine"]),
    Column("place", lambda row: row["place"], rank=1),
    Column("free", lambda row: "; ".join(row["free"]), is_long=True),
    Column("state", lambda row: row["problem"] or "ready", is_long=True),
]


def _describe(target: Target) -> dict[str, Any]:
    """What is known of a target now; `problem` is empty where runs can be sent there."""
    from modelzoo.launching.engines import ENGINES

    engine = ENGINES[target.engine]
    free: list[str] = []
    problem = ""
    try:
        engine.check(target)
        free = [each.text for each in engine.list_free(target)]
    except UserError as error:
        problem = str(error)
    place = target.address or target.partition or ("" if target.engine == "local" else "default")
    return {
        "target": target.name,
        "engine": target.engine,
        "place": place,
        "free": free,
        "problem": problem,
    }
