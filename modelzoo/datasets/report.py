"""What a data set holds, as tables: one row per image, one row per class."""

from collections.abc import Mapping

import pandas as pd

from modelzoo.datasets.dataset import Dataset


def describe_dataset(
    dataset: Dataset, groups: Mapping[str, str], looks: Mapping[str, str]
) -> pd.DataFrame:
    """One row an image: image, label, group, look."""
    rows = [(image.id, image.label, groups[image.id], looks[image.id]) for image in dataset.images]
    return pd.DataFrame(rows, columns=["image", "label", "group", "look"])


def summarise_classes(
    dataset: Dataset, groups: Mapping[str, str], looks: Mapping[str, str]
) -> pd.DataFrame:
    """One row a class: class, images, groups, largest group, images in a group, looks.

    "images in a group" counts those that share theirs with another image.
    """
    table = describe_dataset(dataset, groups, looks)
    size = table.groupby("group")["image"].transform("count")
    rows = []
    for label, of_class in table.groupby("label"):
        sizes = size.loc[of_class.index]
        rows.append(
            {
                "class": label,
                "images": len(of_class),
                "groups": of_class["group"].nunique(),
                "largest group": int(sizes.max()),
                "images in a group": int((sizes > 1).sum()),
                "looks": of_class["look"].nunique(),
            }
        )
    return pd.DataFrame(rows)
