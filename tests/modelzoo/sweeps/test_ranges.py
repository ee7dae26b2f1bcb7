import pytest
from hypothesis import given
from hypothesis.strategies import booleans, floats, sampled_from, tuples

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.sweeps.ranges import FIXED, SETTINGS, Over, parse_all, parse_over, suggest_over

BASE = TrainConfig(data="smears")


def test_ranges_and_choices_are_read_as_typed() -> None:
    assert parse_over("learning_rate=1e-4..1e-2 log", BASE) == Over(
        "learning_rate", 1e-4, 1e-2, is_log=True
    )
    assert parse_over("batch-size = 16 .. 64", BASE) == Over("batch_size", 16, 64)
    assert parse_over("optimizer=adam, sgd", BASE) == Over("optimizer", choices=("adam", "sgd"))
    assert parse_over("input_px=0,96,128", BASE) == Over("input_px", choices=(0, 96, 128))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("learning_rate", "cannot be varied; give NAME=LOW..HIGH"),
        ("learning_rate=", "cannot be varied; give NAME=LOW..HIGH"),
        ("speed=1..2", "Setting 'speed' is unknown; give one of backbone, mode, "),
        ("seed=0,1", "Setting seed cannot be varied: trials are compared on the same validation"),
        ("learning_rate=1e-4..20", "Learning rate 20.0 is out of range; give 1e-08 to 10"),
        ("learning_rate=1e-2..1e-4", "is empty; give the lower end first"),
        ("learning_rate=nan..1", "is empty"),
        ("learning_rate=1..2..3", "has no two ends"),
        ("learning_rate=a..b", "'a' is no number, as learning_rate needs"),
        ("weight_decay=0..0.1 log", "cannot be logarithmic; begin above 0"),
        ("batch_size=8.5..64", "Batch size was given as 8.5; give a whole number"),
        ("input_px=0..128", "Input size 1 px is too small"),
        ("optimizer=adam..sgd", "Setting optimizer is no number, so it has no range"),
        ("optimizer=adam,adagrad", "Optimizer 'adagrad' is unknown; give one of adam"),
        ("optimizer=adam,adam", "varies nothing"),
        ("backbone=resnet50,resnet5", "Backbone 'resnet5' is unknown"),
    ],
)
def test_what_cannot_be_varied_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        parse_over(text, BASE)

    assert sentence in str(error.value)


def test_a_setting_is_varied_once_and_at_least_one_is() -> None:
    with pytest.raises(UserError, match="Setting momentum is varied twice"):
        parse_all(["momentum=0..0.5", "momentum=0.1,0.2"], BASE)
    with pytest.raises(UserError, match="No setting to be varied was given"):
        parse_all([], BASE)


@given(tuples(floats(1e-8, 10), floats(1e-8, 10)), booleans())
def test_a_range_is_written_as_it_is_read(ends: tuple[float, float], is_log: bool) -> None:
    low, high = sorted(ends)
    if low < high:
        over = Over("learning_rate", low, high, is_log=is_log)

        assert parse_over(str(over), BASE) == over


@given(sampled_from([name for name in SETTINGS if name != "backbone"]))
def test_what_is_suggested_can_be_varied(name: str) -> None:
    parse_over(f"{name}={suggest_over(name, BASE)}", BASE)


def test_what_decides_the_validation_images_is_fixed() -> None:
    assert {"data", "split", "seed", "test_share", "validation_share"} <= set(FIXED)
