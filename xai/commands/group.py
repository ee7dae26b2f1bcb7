"""Errors of the commands: those of both libraries end in one sentence."""

from typing import ClassVar

from modelzoo.commands.group import CommandGroup
from modelzoo.errors import UserError as ZooError
from xai.errors import UserError


class XaiGroup(CommandGroup):
    """As the commands of modelzoo end; see `CommandGroup`."""

    mistakes: ClassVar[tuple[type[Exception], ...]] = (ZooError, UserError)
