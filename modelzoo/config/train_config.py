"""TrainConfig: the only place where an option of a training is declared. No torch."""

import dataclasses
import math
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import tomli_w

from modelzoo.backbones.table import BACKBONES, find_backbone
from modelzoo.datasets.splits import OLD_SPLIT_KINDS, SplitKind
from modelzoo.errors import UserError
from modelzoo.files import is_regular_file, read_text
from modelzoo.text import join_few

SCHEMA = 1  # of config.toml; version 0.1.0 wrote none
MOST_BYTES = 1_000_000  # of a configuration
MOST_LETTERS = 4096  # of a text: no path is longer
FEWEST_BATCHES = 8  # of one cycle: its first quarter goes up
RECIPES = Path(__file__).parent / "recipes"

Mode = Literal["finetune", "norms", "frozen"]
Head = Literal["own", "fastai", "dense"]
Optimizer = Literal["adam", "adamw", "adamax", "sgd", "rmsprop", "adadelta"]
Schedule = Literal["none", "plateau", "cosine", "one-cycle"]
Balance = Literal["none", "weights", "sampling"]
Augmentation = Literal["none", "mild", "flips", "muduli2025"]
Initialisation = Literal["imagenet", "none"]
Dtype = Literal["float32", "bfloat16", "float16"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


def option(default: Any, text: str, low: float | None = None, high: float | None = None) -> Any:
    """A field of TrainConfig with its help text and, for numbers, its inclusive limits."""
    return field(default=default, metadata={"help": text, "low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides what a training does. Validated on the way in.

    Raises:
        UserError: A value is of the wrong type, outside its limits or not one of the choices.
    """

    data: str = option("", "Folder or table of the images.")
    columns: str = option(
        "",
        "Columns of a table whose names say nothing, such as label=dx,group=MRN; part= or group=: "
        "read none for it.",
    )
    backbone: str = option("tf_efficientnet_lite0", "Network whose features are used.")
    recipe: str = option("quick", "The recipe these values started from.")
    mode: Mode = option(
        "frozen",
        "frozen: features once, then only the last linear layer, or the head; norms: the head and "
        "the batch norms of a body that is frozen otherwise; finetune: every weight.",
    )
    head: Head = option(
        "own",
        "own: the network's, with a new last layer; fastai: average and maximum pool, then dense "
        "512, with batch norms and dropout; dense: maximum pool, batch norm, dense 256, dropout.",
    )
    weights: Initialisation = option("imagenet", "What the backbone starts from.")
    split: SplitKind = option(
        "grouped",
        "random: stratified; grouped: patients or overlapping fields stay together; "
        "background: clusters of background colour are held out, a fold of them by seed; given: as "
        "the folders say; "
        "leaky-augmented, leaky-validation: as two papers did, with copies on both sides.",
    )
    seed: int = option(0, "Decides the split, the order, the augmentation and the head.", 0, 2**31)
    test_share: float = option(
        0.2, "Share of the images kept for the test; not of clusters.", 0.01, 0.9
    )
    validation_share: float = option(
        0.1, "Share of the images kept to choose the epoch.", 0.01, 0.9
    )
    copies_per_class: int = option(
        0,
        "Images that each class is filled up to with flipped and turned copies; 0: none. They are "
        "made of training images after the split, of all images before a leaky-augmented one.",
        0,
        100_000,
    )
    input_px: int = option(
        0, "Side of the square input in pixels; 0 takes the backbone's own size.", 0, 1024
    )
    epochs: int = option(30, "Passes over the training part, at most.", 1, 10_000)
    batch_size: int = option(32, "Images in one step.", 1, 4096)
    optimizer: Optimizer = option("adam", "Rule that turns gradients into steps.")
    learning_rate: float = option(
        1e-4, "Size of a step at the start; with one-cycle, at the peak.", 1e-8, 10.0
    )
    body_rate: float = option(
        1.0,
        "What the learning rate is multiplied by for all weights that are not the head's; without "
        "effect where the body is frozen.",
        0.0,
        1.0,
    )
    weight_decay: float = option(0.0, "Pull of every weight towards zero.", 0.0, 1.0)
    head_l1: float = option(
        0.0,
        "Penalty on the head's weight matrices: this times the sum of their absolute values is "
        "added to the training loss, as in Keras.",
        0.0,
        1.0,
    )
    head_l2: float = option(
        0.0,
        "Penalty on the head's weight matrices: this times the sum of their squares is added to "
        "the training loss, as in Keras.",
        0.0,
        1.0,
    )
    momentum: float = option(
        0.9,
        "Of SGD and RMSprop; the others have their own. One-cycle replaces it by 0.95 to 0.85.",
        0.0,
        0.9999,
    )
    schedule: Schedule = option(
        "plateau",
        "plateau: the rate falls when the validation loss stalls; cosine: to zero at the end; "
        "one-cycle: batch by batch up to the learning rate in the first quarter of all batches, "
        "then down to almost zero; give it a patience of at least the epochs, since an early stop "
        "ends the training before the rate has come down.",
    )
    plateau_patience: int = option(3, "Epochs without progress before the rate falls.", 1, 1000)
    plateau_factor: float = option(
        0.3, "What the rate is multiplied by when it falls.", 0.001, 0.999
    )
    patience: int = option(8, "Epochs without progress before training stops early.", 1, 10_000)
    balance: Balance = option(
        "none", "weights: rare classes count more in the loss; sampling: they are drawn more often."
    )
    augmentation: Augmentation = option(
        "mild", "Random changes of the training images; frozen features see none of them."
    )
    label_smoothing: float = option(0.0, "Share of each label spread over all classes.", 0.0, 0.5)
    precision: Precision = option(
        "auto",
        "Of the network's numbers. auto: bfloat16 for training on a GPU; on a CPU that multiplies "
        "bfloat16, whichever of bfloat16 and float32 is faster in a short probe; else float32. "
        "float16: on a GPU only, with loss scaling.",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "split", _today("split", self.split))
        for spec in dataclasses.fields(self):
            _check_value(spec, getattr(self, spec.name))
        _check_shares(self.test_share, self.validation_share)

    @property
    def px(self) -> int:
        """Side of the square input in pixels, the backbone's own when none was given."""
        return self.input_px or BACKBONES[self.backbone].input_px


def require_balanced(missing: Sequence[str], config: TrainConfig) -> None:
    """Pass where no class has to be balanced that has no training image.

    Args:
        missing: Classes without training images.
        config: Of the run.

    Raises:
        UserError: There is one, so that its weight would be infinite.
    """
    if missing and config.balance != "none":
        raise UserError(
            f"{join_few(missing)} {'has' if len(missing) == 1 else 'have'} no training images, so "
            f"the classes cannot be balanced by {config.balance}; give `balance` none, or another "
            "split."
        )


def count_batches(images: int, config: TrainConfig) -> int:
    """Batches of one epoch over so many training images; a last batch of one image is left out."""
    batches = math.ceil(images / config.batch_size)
    last = images - (batches - 1) * config.batch_size
    return batches - 1 if batches > 1 and last == 1 else batches


def require_cycle(images: int, config: TrainConfig) -> None:
    """Pass where the schedule, when it is one-cycle, has enough batches.

    Args:
        images: For training.
        config: Of the run.

    Raises:
        UserError: They are too few to go up and down in.
    """
    batches = config.epochs * count_batches(images, config)
    if config.schedule == "one-cycle" and batches < FEWEST_BATCHES:
        raise UserError(
            f"The schedule one-cycle needs at least {FEWEST_BATCHES} batches in all, and there "
            f"are {batches}; give more epochs, a smaller batch size, or another schedule."
        )


def require_precision(config: TrainConfig, device: str) -> None:
    """Pass where `device` can train in the precision of `config`.

    Args:
        config: Of the run.
        device: torch's name of it: "cpu", "cuda:1".

    Raises:
        UserError: It is float16 on a CPU: a training step of ResNet50 takes 60 times as long as in
            float32, even where the processor multiplies float16.
    """
    if config.precision == "float16" and device == "cpu":
        raise UserError(
            "Precision float16 cannot be used on a CPU, which has no fast convolutions for it; "
            "give auto, bfloat16 or float32, or a GPU."
        )


_NUMBERS_AND_TEXTS: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a text"),
}


def _check_value(spec: "dataclasses.Field[Any]", value: object) -> None:
    """Raise a UserError unless `value` has the field's type and lies within its limits."""
    name = spec.name.replace("_", " ")
    if get_origin(spec.type) is Literal:
        if not isinstance(value, str) or value not in get_args(spec.type):
            choices = ", ".join(get_args(spec.type))
            raise UserError(
                f"{name.capitalize()} {_brief(value)} is unknown; give one of {choices}."
            )
        return
    allowed, kind = _NUMBERS_AND_TEXTS[spec.type]
    if not isinstance(value, allowed) or isinstance(value, bool):
        raise UserError(f"{name.capitalize()} was given as {_brief(value)}; give {kind}.")
    if isinstance(value, str) and (len(value) > MOST_LETTERS or not _is_plain(value)):
        raise UserError(
            f"{name.capitalize()} was given as {_brief(value)}; give a text of at most "
            f"{MOST_LETTERS:,} letters on one line, without control characters."
        )
    low, high = spec.metadata["low"], spec.metadata["high"]
    # `not (low <= v <= high)` also refuses NaN.
    if low is not None and not (low <= value <= high):
        raise UserError(
            f"{name.capitalize()} {_brief(value)} is out of range; give {low:g} to {high:g}."
        )
    if spec.name == "backbone":
        find_backbone(str(value))
    if spec.name == "input_px" and isinstance(value, int) and 0 < value < 64:
        raise UserError(
            f"Input size {value} px is too small for these networks; "
            "give 64 to 1024, or 0 for the backbone's own size."
        )


def _check_shares(test: float, validation: float) -> None:
    """Raise a UserError unless both parts leave enough for training."""
    if test + validation > 0.95:
        raise UserError(
            f"Test share {test} and validation share {validation} leave less than 5 % to train on; "
            "give smaller ones."
        )


def _brief(value: object) -> str:
    """`value` as a sentence can hold it, whatever stood in the file."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; nested too deeply
        return f"{type(value).__name__} of no sensible size"
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]} ..."


def _is_plain(text: str) -> bool:
    """Whether `text` can be printed on one line and be part of a path."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def list_recipes() -> list[str]:
    """Names of the recipes that come with the project."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(name: str, **changes: Any) -> TrainConfig:
    """The recipe's TrainConfig with `changes` in place of its values.

    Args:
        name: One of `list_recipes()`, or the path of a TOML file.
        **changes: Values by field name; those that are None are left as the recipe has them.

    Raises:
        UserError: No such recipe, or a value that does not hold.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not is_regular_file(path):
        raise UserError(
            f"Recipe {name!r} was not found; give one of {', '.join(list_recipes())} "
            "or the path of a .toml file."
        )
    values = _read_toml(path)
    values["recipe"] = path.stem
    _check_lines(values, path)
    values.update({key: value for key, value in changes.items() if value is not None})
    return _from_values(values, path)


def _check_lines(values: dict[str, Any], path: Path) -> None:
    """Raise a UserError with the line of the first value of a recipe that does not hold."""
    specs = {spec.name: spec for spec in dataclasses.fields(TrainConfig)}
    lines = read_text(path, most=MOST_BYTES).splitlines()
    for name in [name for name in values if name in specs]:
        try:
            _check_value(specs[name], _today(name, values[name]))
        except UserError as error:
            raise UserError(f"{path.name}, {_name_line(name, lines)}{error}") from error
    shares = [name for name in values if name in ("test_share", "validation_share")]
    if shares:
        test, validation = (
            values.get(name, specs[name].default) for name in ("test_share", "validation_share")
        )
        try:
            _check_shares(test, validation)
        except UserError as error:
            raise UserError(f"{path.name}, {_name_line(shares[-1], lines)}{error}") from error


def _today(name: str, value: Any) -> Any:
    """`value` under the name that it has today: kinds of split were called otherwise once."""
    if name == "split" and isinstance(value, str):
        return OLD_SPLIT_KINDS.get(value, value)
    return value


def _name_line(name: str, lines: Sequence[str]) -> str:
    """`line 7: `, the first one that sets `name`; empty where it is set in another way."""
    for number, line in enumerate(lines, start=1):
        if line.partition("=")[0].strip().strip("\"'") == name:
            return f"line {number}: "
    return ""


def read_config(path: Path) -> TrainConfig:
    """The TrainConfig that `write_config` wrote; equal to the one written.

    Raises:
        UserError: The file is missing, damaged or holds a value that does not hold.
    """
    return _from_values(_read_toml(path), path)


def format_config(config: TrainConfig) -> str:
    """`config` as complete TOML; `read_config` gives an equal one back."""
    return tomli_w.dumps({"schema": SCHEMA, **dataclasses.asdict(config)})


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path, most=MOST_BYTES))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; the run cannot be read without it.") from None
    except (ValueError, RecursionError) as error:  # the latter: nested too deeply
        raise UserError(f"{path} is no valid TOML ({error}); mend it or remove it.") from error


def _from_values(values: dict[str, Any], path: Path) -> TrainConfig:
    known = {spec.name for spec in dataclasses.fields(TrainConfig)}
    schema = values.pop("schema", SCHEMA)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UserError(f"{path} gives the schema {_brief(schema)}; give a whole number from 1 on.")
    if schema > SCHEMA:  # written by a newer version, whose new options are not known here
        values = {name: value for name, value in values.items() if name in known}
    if unknown := sorted(set(values) - known):
        lines = read_text(path, most=MOST_BYTES).splitlines()
        where = _name_line(unknown[0], lines).removesuffix(": ")
        raise UserError(
            f"{path.name} sets {_cut(', '.join(unknown))}{f' in {where}' if where else ''}, which "
            "no training has; "
            f"the options are {', '.join(sorted(known))}."
        )
    return TrainConfig(**values)
