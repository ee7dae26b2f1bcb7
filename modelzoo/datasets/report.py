"""What a data set holds, as tables: one row per image, one row per class."""

from collections.abc import Mapping

import pandas as pd

from modelzoo.datasets.dataset import Dataset


def describe_dataset(
    dataset: Dataset, groups: Mapping[str, str], clusters: Mapping[str, str]
) -> pd.DataFrame:
    """One row per image: image, label, group, background (its cluster)."""
    rows = [
        (image.id, image.label, groups[image.id], clusters[image.id]) for image in dataset.images
    ]
    return pd.DataFrame(rows, columns=["image", "label", "group", "background"])


def summarise_classes(
    dataset: Dataset, groups: Mapping[str, str], clusters: Mapping[str, str]
) -> pd.DataFrame:
    """One row per class: class, images, groups, largest group, images in a group, clusters.

    "images in a group" counts those that share theirs with another image.
    """
    table = describe_dataset(dataset, groups, clusters)
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
                "clusters": of_class["background"].nunique(),
            }
        )
    return pd.DataFrame(rows)
