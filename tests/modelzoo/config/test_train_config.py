import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.backbones.table import BACKBONES
from modelzoo.config.train_config import (
    TrainConfig,
    format_config,
    list_recipes,
    read_config,
    read_recipe,
)
from modelzoo.errors import UserError


@given(
    data=st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    backbone=st.sampled_from(sorted(BACKBONES)),
    learning_rate=st.floats(1e-8, 10),
    seed=st.integers(0, 2**31),
)
def test_a_config_written_and_read_back_is_equal(
    tmp_path_factory: pytest.TempPathFactory, **values: Any
) -> None:
    config = TrainConfig(**values)
    file = tmp_path_factory.mktemp("config") / "config.toml"
    file.write_text(format_config(config), encoding="utf-8", newline="")

    assert read_config(file) == config


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"backbone": "resnet999"}, "Backbone 'resnet999' is unknown; give one of vgg16"),
        ({"learning_rate": 0}, "Learning rate 0 is out of range; give 1e-08 to 10"),
        ({"learning_rate": math.nan}, "Learning rate nan is out of range"),
        ({"epochs": 2.5}, "Epochs was given as 2.5; give a whole number"),
        ({"epochs": True}, "Epochs was given as True; give a whole number"),
        ({"optimizer": "lion"}, "Optimizer 'lion' is unknown; give one of adam"),
        ({"input_px": 8}, "Input size 8 px is too small"),
        ({"test_share": 0.8, "validation_share": 0.5}, "leave less than 5 %"),
        ({"data": 3}, "Data was given as 3; give a text"),
        ({"data": "a\nb"}, "give a text of at most 4,096 letters on one line"),
        ({"recipe": "\x1b[2J"}, "give a text of at most 4,096 letters on one line"),
        ({"seed": 16**5000}, "Seed int of no sensible size is out of range"),
    ],
)
def test_a_value_that_does_not_hold_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        TrainConfig(**changes)

    assert sentence in str(caught.value)


def test_every_option_has_a_help_text() -> None:
    assert all(spec.metadata["help"].endswith(".") for spec in dataclasses.fields(TrainConfig))


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_holds_and_knows_its_name(name: str) -> None:
    assert read_recipe(name).recipe == name


def test_changes_replace_what_a_recipe_says_and_none_does_not() -> None:
    config = read_recipe("muduli2025", epochs=2, batch_size=None)

    assert (config.epochs, config.batch_size, config.learning_rate) == (2, 32, 1e-4)


def test_an_option_that_no_training_has_is_a_sentence(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("# mine\nleaning_rate = 0.1\n")

    with pytest.raises(UserError, match=r"mine\.toml sets leaning_rate in line 2, which no tra"):
        read_recipe(str(recipe))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("epochs = 0", r"mine\.toml, line 3: Epochs 0 is out of range; give 1 to 10000"),
        ('optimizer = "adam2"', r"mine\.toml, line 3: Optimizer 'adam2' is unknown; give one of"),
        ('learning_rate = "much"', r"mine\.toml, line 3: Learning rate was given as 'much'"),
        ('"epochs" = 0', r"mine\.toml, line 3: Epochs 0 is out of range"),
        ('backbone = "vgg13"', r"mine\.toml, line 3: Backbone 'vgg13' is unknown; give one of"),
        ("input_px = 32", r"mine\.toml, line 3: Input size 32 px is too small for these"),
        ("test_share = 0.89", r"mine\.toml, line 3: Test share 0\.89 and validation share 0\.1 "),
    ],
)
def test_a_recipes_value_that_does_not_hold_is_named_with_its_line(
    tmp_path: Path, line: str, said: str
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(f"# mine\nbatch_size = 8\n{line}  # as ever\n")

    with pytest.raises(UserError, match=said):
        read_recipe(str(recipe))


def test_a_recipe_of_version_0_1_0_has_its_split_under_todays_name(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('split = "look"\n')

    assert read_recipe(str(recipe)).split == "background"


def test_a_recipe_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="Recipe 'slow' was not found; give one of anand2025"):
        read_recipe("slow")


def test_xception_takes_its_own_size_unless_one_is_given() -> None:
    assert TrainConfig(backbone="xception").px == 299
    assert TrainConfig(backbone="xception", input_px=128).px == 128


@pytest.mark.parametrize(("old", "new"), [("group", "grouped"), ("look", "background")])
def test_split_kinds_of_version_0_1_0_are_understood(tmp_path: Path, old: str, new: str) -> None:
    config = TrainConfig(data="smears")
    (tmp_path / "config.toml").write_text(
        format_config(config).replace('split = "grouped"', f'split = "{old}"')
    )

    assert read_config(tmp_path / "config.toml").split == new
    assert read_recipe("quick", split=old).split == new
