"""What a data set holds and what is doubtful about it, on the pages Home and Train. No torch."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from modelzoo import paths
from modelzoo.datasets.walk import is_image
from modelzoo.errors import UserError
from modelzoo.text import capital, count, file_size
from pages.sections.data.answers import ask_about
from pages.sections.data.classes import draw_distribution, draw_samples
from pages.shell.data_picker import is_known_data
from pages.shell.gallery import thumbnail
from pages.shell.text import code, plain

if TYPE_CHECKING:
    from modelzoo.datasets.preparing import Prepared
    from modelzoo.datasets.report import Crossing, LeftOut, Report
    from modelzoo.datasets.splits import Split

_PICTURE_PX = 140
_MOST_PICTURES = 6  # of files that were left out


def open_with_bar(folder: str, *, key: str, columns: str = "") -> "Prepared | None":
    """The data set in `folder` with its groups, behind a bar and a button that stops the search.

    Args:
        folder: A folder or table that a person chose.
        key: Of the widgets, on this page.
        columns: Of a table, as a person named them.

    Returns:
        None while it is stopped.

    Raises:
        UserError: It is none. For a path that comes from a link only, no reason is given, since
            that would reveal what lies on the disks of this machine.
    """
    from modelzoo.datasets.layouts.table_columns import parse_columns
    from modelzoo.datasets.preparing import prepare

    parse_columns(columns)  # what is wrong in it says nothing about a disk
    stopped = _stopped(key)
    place = st.empty()
    if st.session_state.get(stopped) == folder:
        with place.container(horizontal=True, vertical_alignment="center"):
            st.caption("Stopped. Files that were checked are not checked again.", width="content")
            st.button("Go on", key=f"go-{key}", on_click=go_on, args=(key,))
        return None
    with place.container():
        bar = st.progress(0.0, "Searching for images …")
        st.button(
            "Stop",
            key=f"stop-{key}",
            icon=":material/stop:",
            on_click=st.session_state.update,
            args=({stopped: folder},),
        )

    def on_progress(step: str, done: int, total: int) -> None:
        # Streamlit ends the work here when the tab is closed or something else is chosen.
        bar.progress(done / total if total else 0.0, f"{capital(step)} …")

    try:
        return prepare(
            Path(folder), store=paths.store_folder(), columns=columns, progress=on_progress
        )
    except UserError:
        if is_known_data(folder):
            raise
        raise UserError(
            f"{folder} could not be opened as a data set; give a folder that has one folder of "
            "images for each class, or a table whose columns are called path and label or named "
            "above. The command python -m modelzoo data, with this path, reports what is wrong."
        ) from None
    finally:
        place.empty()


def go_on(key: str) -> None:
    """Forget that the search was stopped."""
    st.session_state.pop(_stopped(key), None)


def _stopped(key: str) -> str:
    """Where the folder is kept whose search was stopped."""
    return f"stopped-{key}"


@dataclass(frozen=True, slots=True)
class Planned:
    """The split of a run that is planned."""

    split: "Split"
    words: str  # what it is called
    seed: int


def draw_report(prepared: "Prepared", *, key: str, planned: Planned | None = None) -> None:
    """What is probably wrong, then what was understood, then what was left out.

    Args:
        prepared: The data set.
        key: Of the widgets, on this page.
        planned: The parts that are shown in place of those which the data give.
    """
    from modelzoo.datasets.distribution import count_by_part
    from modelzoo.datasets.report import make_report
    from modelzoo.datasets.words import describe_formats, describe_origins

    report = make_report(prepared)
    root = prepared.dataset.root
    st.markdown(
        f"**{count(report.images, 'image')} of {count(len(report.classes), 'class', 'es')} in "
        f"{count(report.groups, 'group')}**, {file_size(report.bytes)}, data set `{report.id}`."
    )
    if report.doubts:
        st.warning(_listed("Probably wrong", report.doubts), icon=":material/warning:")
    if report.notes:
        st.info(_listed("Guessed, or not used", report.notes), icon=":material/info:")
    _draw_classes(report)
    images = planned.split.rows if planned else prepared.dataset.images
    draw_distribution(
        count_by_part((image.label, image.part) for image in images),
        prepared.dataset,
        key=key,
        split=planned.words if planned else "",
    )
    sample_key = "sample" if key == "home" else f"{key}_sample"
    seed = planned.seed if planned else None
    draw_samples(prepared.dataset, key=sample_key, seed=seed)
    st.markdown(
        "  \n".join(
            f"**{capital(name)}**: {plain(words)}" for name, words in describe_origins(report)
        )
    )
    st.markdown("  \n".join(["**Files**", *map(plain, describe_formats(report))]))
    _draw_parts(report)
    _draw_shared(report, root)
    _draw_left_out(report.left_out, prepared, key)
    ask_about(report.id, key=key)


def _listed(title: str, sentences: Sequence[str]) -> str:
    return "\n".join([f"**{title}**", "", *(f"- {plain(each)}" for each in sentences)])


def _draw_classes(report: "Report") -> None:
    table = pd.DataFrame([asdict(row) for row in report.classes])
    if not report.parts:
        table = table.drop(columns=["train", "validation", "test"])
    names = {
        "name": "Class",
        "images": "Images",
        "groups": "Groups",
        "largest_group": "Largest group",
        "images_in_groups": "Images in groups",
        "background_clusters": "Background clusters",
        "train": "Training images",
        "validation": "Validation images",
        "test": "Test images",
    }
    st.dataframe(
        table.rename(columns=names),
        hide_index=True,
        alt="Images and groups by class.",
        column_config={
            "Images in groups": st.column_config.NumberColumn(
                help="Images that share their group with another image."
            ),
            "Background clusters": st.column_config.NumberColumn(
                help="Clusters of background colour within the class, a proxy for slides."
            ),
        },
    )


def _draw_parts(report: "Report") -> None:
    if not report.parts:
        return
    st.markdown("**Given parts**")
    names = {
        "part": "Part",
        "images": "Images",
        "groups": "Groups",
        "copied": "Copies or overlaps of training",
        "shared": "Group in training",
    }
    st.dataframe(
        pd.DataFrame([asdict(row) for row in report.parts]).rename(columns=names),
        hide_index=True,
        alt="Images and groups by given part, and how many of them training has, too.",
    )


def _draw_shared(report: "Report", root: Path) -> None:
    """Copies and overlaps, with examples of those that cross classes, parts and subjects."""
    from modelzoo.datasets.words import describe_shared

    largest = ", ".join(f"{plain(name)} ({images:,})" for name, images in report.largest_groups)
    st.markdown(
        f"**The same field**: {describe_shared(report)}"
        + (f"; largest groups, by their first image or subject: {largest}" if largest else "")
    )
    for crossing in report.crossings:
        st.markdown(f"Across {crossing.across}: {count(crossing.images, 'image')}, such as")
        _draw_pairs(crossing, root)


def _draw_pairs(crossing: "Crossing", root: Path) -> None:
    with st.grid(min_column_width=2 * _PICTURE_PX + 40, gap="small"):
        for pair in crossing.examples:
            with st.container(border=True, horizontal=True, gap="xsmall"):
                for image_id in pair:
                    _draw_picture(root, image_id)


def _draw_picture(root: Path, image_id: str) -> None:
    with st.container(width=_PICTURE_PX, gap=None):
        file = root / image_id
        try:
            changed = file.stat().st_mtime_ns
            st.image(thumbnail(str(file), changed), width="stretch", alt=f"Image {image_id}")
        except (UserError, OSError):
            st.caption(":material/hide_image: cannot be shown")
        st.caption(plain(image_id))


def _draw_left_out(left_out: Sequence["LeftOut"], prepared: "Prepared", key: str) -> None:
    from modelzoo.datasets.words import describe_left_out

    if not left_out:
        return
    st.markdown(f"**Left out: {describe_left_out(prepared.dataset)}**")
    st.dataframe(
        pd.DataFrame(
            {
                "Reason": [each.reason for each in left_out],
                "Files": [each.count for each in left_out],
                "Examples": [", ".join(each.examples) for each in left_out],
            }
        ),
        hide_index=True,
        alt="Why files were left out, and how many.",
    )
    root = prepared.dataset.root
    shown = [name for each in left_out for name in each.examples if is_image(name)][:_MOST_PICTURES]
    with st.container(horizontal=True, gap="small"):
        for image_id in shown:
            _draw_picture(root, image_id)
    with st.expander("Every file", key=f"left-out-{key}", on_change="rerun") as section:
        if section.open:
            st.dataframe(
                pd.DataFrame(
                    {
                        "File": [each.id for each in prepared.dataset.skipped],
                        "Reason": [each.reason for each in prepared.dataset.skipped],
                    }
                ),
                hide_index=True,
                alt="Files that were left out, each with its reason.",
            )
            st.caption(f"Below {code(str(root))}.")
