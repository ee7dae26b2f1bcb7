"""What a sweep tries: ranges and choices of settings, as a person writes them. No Optuna.

`learning_rate=1e-4..1e-2 log`, `batch_size=16..64`, `optimizer=adam,sgd`: what may be given follows
from the fields of TrainConfig and their limits.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_origin

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.text import join, shorten

# Other values of these would change which images validate, so that scores of trials would be of
# different images; or they are no setting of a training.
FIXED = (
    "data", "columns", "recipe", "split", "seed", "test_share", "validation_share",
    "copies_per_class",
)  # fmt: skip
SETTINGS = [spec.name for spec in dataclasses.fields(TrainConfig) if spec.name not in FIXED]
_FIELDS = {spec.name: spec for spec in dataclasses.fields(TrainConfig)}
FORM = "give NAME=LOW..HIGH, NAME=LOW..HIGH log, or NAME=A,B,C"
MOST_SHOWN = 60  # letters of what was given, in a sentence

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Over:
    """What is tried of one setting: the values between two, or some values."""

    name: str  # a field of TrainConfig
    low: float = 0.0  # as high: inclusive; whole numbers where the field's are
    high: float = 0.0
    is_log: bool = False  # drawn by their logarithms: as many from 1e-4 to 1e-3 as from there on
    choices: tuple[Value, ...] = ()  # in place of low and high

    def __str__(self) -> str:
        """As `parse_over` reads it."""
        if self.choices:
            return f"{self.name}={','.join(f'{each}' for each in self.choices)}"
        return f"{self.name}={self.low}..{self.high}{' log' if self.is_log else ''}"


def parse_all(texts: Sequence[str], base: TrainConfig) -> tuple[Over, ...]:
    """What a sweep tries, in the order of the fields of TrainConfig.

    Args:
        texts: As typed, one setting each.
        base: The other settings.

    Raises:
        UserError: None is given, one is given twice, or one does not hold.
    """
    found = [parse_over(text, base) for text in texts]
    names = [each.name for each in found]
    if not found:
        raise UserError("No setting to be varied was given; " + FORM + " with --over.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"Setting {twice[0]} is varied twice; give each one once.")
    return tuple(sorted(found, key=lambda each: SETTINGS.index(each.name)))


def parse_over(text: str, base: TrainConfig) -> Over:
    """What is tried of one setting.

    Args:
        text: As typed.
        base: The other settings.

    Raises:
        UserError: There is no such setting, it cannot be varied, or a value is out of its limits.
    """
    name, is_given, values = (part.strip() for part in text.partition("="))
    name = name.replace("-", "_")
    if not (is_given and values):
        raise UserError(f"{shorten(text, MOST_SHOWN)!r} cannot be varied; {FORM}.")
    if name in FIXED:
        raise UserError(
            f"Setting {name} cannot be varied: trials are compared on the same validation images "
            "of the same data."
        )
    if name not in _FIELDS:
        raise UserError(
            f"Setting {shorten(name, MOST_SHOWN)!r} is unknown; give one of {join(SETTINGS)}."
        )
    over = _parse_range(name, values) if ".." in values else _parse_choices(name, values)
    _check(over, base)
    return over


def _parse_range(name: str, values: str) -> Over:
    is_log = values.endswith("log")
    ends = values.removesuffix("log").split("..")
    kind = _FIELDS[name].type
    if kind not in (int, float):
        raise UserError(f"Setting {name} is no number, so it has no range; {FORM}.")
    if len(ends) != 2:
        raise UserError(f"Range {shorten(values, MOST_SHOWN)!r} of {name} has no two ends; {FORM}.")
    low, high = (_parse_number(name, end.strip()) for end in ends)
    if not low < high:
        raise UserError(f"Range {low:g}..{high:g} of {name} is empty; give the lower end first.")
    if is_log and low <= 0:
        raise UserError(
            f"Range {low:g}..{high:g} of {name} cannot be logarithmic; begin above 0, or leave "
            "log out."
        )
    return Over(name, low, high, is_log)


def _parse_choices(name: str, values: str) -> Over:
    is_number = _FIELDS[name].type in (int, float)
    texts = [each.strip() for each in values.split(",")]
    choices = tuple(
        dict.fromkeys(_parse_number(name, each) if is_number else each for each in texts)
    )
    if len(choices) < 2:
        raise UserError(
            f"Only {shorten(values, MOST_SHOWN)} is given for {name}, which varies nothing; {FORM}."
        )
    return Over(name, choices=choices)


def _parse_number(name: str, text: str) -> int | float:
    """A number of the kind that the field has; its limits are TrainConfig's to check."""
    try:
        number = float(text)
    except ValueError:
        raise UserError(
            f"{shorten(text, MOST_SHOWN)!r} is no number, as {name} needs; {FORM}."
        ) from None
    return int(number) if _FIELDS[name].type is int and number.is_integer() else number


def _check(over: Over, base: TrainConfig) -> None:
    """Raise a UserError where TrainConfig does not take a value of `over`."""
    values: list[Any] = list(over.choices or (over.low, over.high))
    if over.name == "input_px" and over.low == 0 < over.high:
        values.append(1)  # 0 is the backbone's own size, and what follows it is too small
    for value in values:
        dataclasses.replace(base, **{over.name: value})


def is_text(name: str) -> bool:
    """Whether the setting has names, not numbers, for values."""
    return get_origin(_FIELDS[name].type) is not None or _FIELDS[name].type is str


def suggest_over(name: str, base: TrainConfig) -> str:
    """A range or choices to begin with, as `parse_over` reads it, without the name.

    Numbers reach from a tenth to ten times the value of `base`, within their limits.
    """
    spec, value = _FIELDS[name], getattr(base, name)
    if name == "backbone":
        return ",".join(dict.fromkeys((value, "resnet50", "efficientnet_b0")))
    if name == "input_px":  # 1 to 63 cannot be used
        return "96,128,224"
    if is_text(name):
        return ",".join(spec.type.__args__)  # type: ignore[union-attr]  # of a Literal
    if spec.type is int:
        low, high = max(value // 2, int(spec.metadata["low"]), 1), min(2 * value, 10_000)
        return f"{low}..{max(high, low + 1)}"
    low, high = spec.metadata["low"], spec.metadata["high"]
    if not value:
        return f"{max(low, 0)}..{min(high, 0.1):g}"
    return f"{max(value / 10, low):g}..{min(value * 10, high):g} log"
