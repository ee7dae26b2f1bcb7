"""What the classes of a data set are: how many images each has, and some of them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.distribution import sample_classes
from modelzoo.datasets.splits import Part
from modelzoo.errors import UserError
from modelzoo.files import portable_name
from modelzoo.text import count, shorten
from pages.figures.classes import class_distribution, class_distribution_alt
from pages.figures.frame import FORMATS, config
from pages.shell.gallery import whole_thumbnail
from pages.shell.text import plain

NAME_LETTERS = 40  # of a data set in a figure
SAMPLES = 4  # images of each class
PICTURE_PX = 128  # of the longer side
CLASSES = 8  # on a page of samples: of more, reading them takes seconds
MOST_SEED = 9999


def draw_distribution(
    counts: Mapping[Part | None, Mapping[str, int]], dataset: Dataset, *, key: str, split: str = ""
) -> None:
    """The images of each class and part as bars.

    Args:
        counts: From `count_by_part`.
        dataset: Whose they are.
        key: Of the figure, on this page.
        split: What made the parts, in words; empty: the data set gives them, or none.
    """
    name = dataset.root.name or str(dataset.root)
    source = ", ".join(filter(None, (shorten(name, NAME_LETTERS), split)))
    st.plotly_chart(
        class_distribution(counts, source=source),
        key=f"class-distribution-{key}",
        config=config(f"class-distribution-{portable_name(source)}", FORMATS[0]),
        alt=class_distribution_alt(counts),
    )
    if set(counts) == {None}:
        st.caption(
            "The data set gives no parts. The page Train shows the training, validation and test "
            "set of each class for the split that is chosen there."
        )


def draw_samples(dataset: Dataset, *, key: str, seed: int | None) -> None:
    """A few images of each class, whole and in their own proportions.

    Args:
        dataset: From `open_dataset`.
        key: Of the choices in the link, which follow it.
        seed: Of the draw; None: a person chooses it.
    """
    st.markdown("**Sample images**")
    if seed is None:
        seed = st.number_input(
            "Seed of the sample",
            min_value=0,
            max_value=MOST_SEED,
            value=0,
            key=f"{key}_seed",
            bind="query-params",
            width=200,
            help="Another seed draws other images.",
        )
    place = st.container()
    samples = sample_classes(dataset, SAMPLES, seed=seed)
    pages = math.ceil(len(samples) / CLASSES)
    page = st.pagination(pages, key=f"{key}_page", bind="query-params") if pages > 1 else 1
    with place, st.grid(min_column_width=2 * PICTURE_PX + 20, gap="medium"):
        for label in list(samples)[(page - 1) * CLASSES : page * CLASSES]:
            with st.container(gap="xsmall"):
                images = count(dataset.images_by_class[label], "image")
                st.markdown(f"{plain(label)} :small[({len(samples[label])} of {images})]")
                with st.container(horizontal=True, gap="small"):
                    _draw_images(dataset, samples[label], label)
    st.caption(f"Drawn at random with seed {seed}; each image is shown whole.")


def _draw_images(dataset: Dataset, image_ids: Sequence[str], label: str) -> None:
    for image_id in image_ids:
        file = dataset.path(image_id)
        try:
            content, aspect = whole_thumbnail(
                str(file), _changed(file), 2 * PICTURE_PX, dataset.depth
            )
        except UserError:
            st.caption(f":material/hide_image: {plain(image_id)} cannot be shown")
            continue
        st.image(content, width=fit_width(aspect), alt=f"Class {label}, image {image_id}")


def fit_width(aspect: float) -> int:
    """The width in pixels of a picture whose longer side has `PICTURE_PX`, at least 1.

    Args:
        aspect: Width by height.
    """
    return max(1, round(PICTURE_PX * min(1.0, aspect)))


def _changed(file: Path) -> int:
    """When the file was last written; 0: it is gone."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
