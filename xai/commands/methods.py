"""`python -m xai methods`: the table of methods."""

from modelzoo.commands.output import console, make_table
from xai.methods.table import METHODS


def methods() -> None:
    """List the methods: what each shows, what it costs, when not to trust it."""
    table = make_table(("method", "title", "paper", "map in", "cost", "reads", "not to trust"))
    for row in METHODS.values():
        unit = f"{row.unit}, {'for and against' if row.is_signed else 'for'}"
        table.add_row(row.name, row.title, row.paper, unit, row.cost, row.reads, row.not_valid)
    console.print(table)
