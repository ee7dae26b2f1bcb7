"""The command line: `python -m modelzoo --help`. What the commands do is in modelzoo/commands."""

import os

from modelzoo.interrupt import end_quietly, raise_again

if __name__ == "__main__":
    end_quietly()

import typer

from modelzoo.commands.data import data
from modelzoo.commands.demo import demo
from modelzoo.commands.ensemble import ensemble
from modelzoo.commands.find_rate import find_rate
from modelzoo.commands.forecast import forecast
from modelzoo.commands.group import CommandGroup
from modelzoo.commands.images import images
from modelzoo.commands.ood import ood
from modelzoo.commands.papers import papers
from modelzoo.commands.predict import predict
from modelzoo.commands.report import report
from modelzoo.commands.runs import delete, evaluate, rename, runs
from modelzoo.commands.sweep import sweep
from modelzoo.commands.targets import targets
from modelzoo.commands.threshold import threshold
from modelzoo.commands.train import resume, stop, train
from modelzoo.commands.weights import weights

app = typer.Typer(
    cls=CommandGroup,
    help="Train backbones on blood smears, predict and evaluate. Not for diagnosis.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # joins the lines of a docstring
    pretty_exceptions_enable=False,
    add_completion=False,
)
_COMMANDS = (
    weights, data, train, resume, stop, predict, runs, evaluate, images, rename, delete, demo,
    papers, ensemble, find_rate, forecast, report, threshold, ood, sweep, targets,
)  # fmt: skip
for _command in _COMMANDS:
    app.command()(_command)


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as modelzoo.training.devices counts
    raise_again()
    app()


if __name__ == "__main__":
    main()
