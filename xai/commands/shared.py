"""What `explain` and `quality` share: reading names of methods, printing what is missing."""

from collections.abc import Mapping

from modelzoo.commands.output import notes
from xai.methods.table import METHODS, find_method


def list_methods(names: str) -> list[str]:
    """The methods that `--methods` names, each once.

    Raises:
        UserError: A name is unknown.
    """
    return list(dict.fromkeys(find_method(name.strip()).name for name in names.split(",")))


def describe_missing(refused: Mapping[str, str], skipped: Mapping[str, str]) -> None:
    """Print which methods the network does not allow and which images were left out, with why."""
    for name, reason in refused.items():
        notes.print(f"{METHODS[name].title}: {reason}")
    for reason in skipped.values():
        notes.print(f"skipped: {reason}")
