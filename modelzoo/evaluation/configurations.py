"""Configuration differences between runs: in a comparison of backbones all else should be equal."""

from collections.abc import Mapping
from dataclasses import fields

import pandas as pd

from modelzoo.config.train_config import TrainConfig
from modelzoo.text import join

# What is compared, and what the split already says.
ASIDE = ("backbone", "data")
SETTING_HELP = {spec.name: str(spec.metadata["help"]) for spec in fields(TrainConfig)}


def differing_configurations(configs: Mapping[str, TrainConfig]) -> pd.DataFrame:
    """One row per run, in the order given, with only those options whose values differ.

    Args:
        configs: By run id.

    Returns:
        The column `run`, then one column per option in the order that TrainConfig declares them.
    """
    table = pd.DataFrame({"run": list(configs)})
    for spec in fields(TrainConfig):
        values = [getattr(config, spec.name) for config in configs.values()]
        if spec.name not in ASIDE and len(set(values)) > 1:
            table[spec.name] = values
    return table


def describe_differences(table: pd.DataFrame) -> str:
    """Whether anything but the backbone may explain a difference, in one sentence.

    Args:
        table: From `differing_configurations`.
    """
    names = [str(name).replace("_", " ") for name in table.columns if name != "run"]
    if len(table) < 2:
        return "There is only one run, so no configuration differs."
    if not names:
        return "All runs shown have the same configuration, apart from the backbone."
    return (
        f"Apart from the backbone, the runs shown differ in {join(names)}: a difference in "
        "accuracy between two of them may come from that."
    )
