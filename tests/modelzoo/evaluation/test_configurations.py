from modelzoo.config.train_config import TrainConfig
from modelzoo.evaluation.configurations import (
    SETTING_HELP,
    describe_differences,
    differing_configurations,
)


def test_only_options_that_differ_are_listed() -> None:
    configs = {
        "a": TrainConfig(data="x", backbone="vgg16", learning_rate=0.001),
        "b": TrainConfig(data="y", backbone="vgg19", learning_rate=0.01, epochs=5),
        "c": TrainConfig(data="x", backbone="vgg16", learning_rate=0.001),
    }

    table = differing_configurations(configs)

    assert table.columns.tolist() == ["run", "epochs", "learning_rate"]
    assert table.to_numpy().tolist() == [["a", 30, 0.001], ["b", 5, 0.01], ["c", 30, 0.001]]
    assert describe_differences(table) == (
        "Apart from the backbone, the runs shown differ in epochs and learning rate: a difference "
        "in accuracy between two of them may come from that."
    )
    assert {"epochs", "learning_rate"} <= set(SETTING_HELP)


def test_backbones_alone_are_a_fair_comparison() -> None:
    table = differing_configurations(
        {name: TrainConfig(backbone=name) for name in ("vgg16", "vgg19")}
    )

    assert table.columns.tolist() == ["run"]
    assert "have the same configuration" in describe_differences(table)


def test_one_run_has_nothing_to_differ_from() -> None:
    assert describe_differences(differing_configurations({"a": TrainConfig()})).startswith(
        "There is only one run"
    )
    assert len(differing_configurations({})) == 0
