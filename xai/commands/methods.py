"""`python -m xai methods`: the table of methods."""

from modelzoo.commands.options import CsvOption, JsonOption
from modelzoo.commands.output import Column, print_records
from xai.methods.table import METHODS


def methods(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """List the methods: what each shows, what it costs, when it is not valid."""
    records = [
        {
            "method": row.name,
            "title": row.title,
            "unit": row.unit,
            "is_signed": row.is_signed,
            "forward_passes": row.passes,
            "cost": row.cost,
            "reads": row.reads,
            "not_valid": row.not_valid,
            "paper": row.paper,
            "url": row.url,
        }
        for row in METHODS.values()
    ]
    print_records(records, _COLUMNS, as_json=as_json, as_csv=as_csv)


_COLUMNS = [
    Column("method", lambda row: row["method"]),
    Column("title", lambda row: row["title"], rank=3),
    Column("map in", lambda row: row["unit"] + (", signed" if row["is_signed"] else ""), rank=2),
    Column("paper", lambda row: row["paper"], rank=1),
    Column("cost", lambda row: row["cost"], rank=4, is_long=True),
    Column("reads", lambda row: row["reads"], rank=5, is_long=True),
    Column("not valid when", lambda row: row["not_valid"], rank=6, is_long=True),
]
