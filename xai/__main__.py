"""The command line: `python -m xai --help`. What the commands do is in xai/commands."""

from modelzoo.interrupt import end_quietly, raise_again

if __name__ == "__main__":
    end_quietly()

import typer

from xai.commands.explain import explain
from xai.commands.group import XaiGroup
from xai.commands.methods import methods
from xai.commands.quality import quality
from xai.faithfulness.table import PUBLISHED

app = typer.Typer(
    cls=XaiGroup,
    help="Explain and evaluate predictions of trained runs by attribution maps. Not for diagnosis.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # joins the lines of a docstring
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(methods)
app.command()(explain)
app.command(epilog=PUBLISHED)(quality)


if __name__ == "__main__":
    raise_again()
    app()
