"""JSON files of a run as typed records."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from modelzoo.errors import UserError
from modelzoo.files import damaged_file

Record = TypeVar("Record", bound=Any)


def parse_record(file: Path, record: type[Record]) -> Record:
    """The JSON file as a record.

    Raises:
        UserError: It is missing or damaged.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        # A field with a default may be missing: it is younger than the file.
        read: Record = record(
            **{spec.name: values[spec.name] for spec in fields(record) if spec.name in values}
        )
        return read
    except FileNotFoundError:
        raise UserError(f"{file} is missing; train the run again.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise damaged_file(file) from error
