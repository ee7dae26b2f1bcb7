"""A folder or table of images: one that is known, or a path typed in.

A path that a link brings is opened only after a click: whoever made the link could otherwise have
this machine search all its disks.
"""

import os

import streamlit as st

from modelzoo import paths
from modelzoo.datasets.layouts.table_reading import TABLE_SUFFIXES
from modelzoo.runs.file_names import PREDICTIONS
from modelzoo.runs.folder import list_runs
from pages.shell.session import accept_path, accept_typed_path, is_path_accepted
from pages.shell.text import code


def choose_data(label: str, key: str, *, placeholder: str, start: bool = False) -> str | None:
    """A folder or table of images: one that runs were trained on, the demo's, or a path typed in.

    None while nothing is chosen, and while a path that a link brought waits for its click.

    Args:
        label: Of the widget.
        key: Its name in the link.
        placeholder: Shown while nothing is chosen.
        start: Without a choice give the demo's images, or else the first that a run was trained on
            to its end: those on which one failed would make the next one fail.
    """
    known = _list_known_data()
    demo = str(paths.demo_folder().resolve())
    first = (demo if demo in known else _find_first_trained()) if start else None
    chosen: str | None = st.selectbox(
        label,
        known,
        index=None,
        accept_new_options=True,
        placeholder=first or placeholder,
        key=key,
        bind="query-params",
        on_change=accept_typed_path,  # is called for what a person chooses, not for a link
        args=(key,),
        help="One folder a class; train, val and test folders; C-NMC's folds; or a CSV or Parquet "
        "file with the columns path and label.",
    )
    if not chosen:
        return first
    # What a link brings is told by its name alone: only what was accepted is looked for.
    if chosen in known or is_path_accepted(chosen):
        return chosen if chosen in known else paths.find_typed(chosen)
    if is_known_data(cleaned := paths.clean(chosen)):
        return cleaned
    _offer_to_open(chosen, key)
    return None


def choose_columns(data: str, key: str) -> str:
    """The columns of a table, as a person names them; a folder has none, and nothing is asked.

    Args:
        data: A folder or table, told apart by its name: the disk is not asked.
        key: Of the widget, in the link.
    """
    if not data.lower().endswith(TABLE_SUFFIXES):
        return ""
    given: str = st.text_input(
        "Columns",
        placeholder="by their names",
        key=key,
        bind="query-params",
        help="Those whose names say nothing, such as `label=dx,group=MRN`, with path, label, group "
        "(patient) or part in front. `part=` or `group=`: read none for it.",
    )
    return given.strip()


def is_known_data(path: str) -> bool:
    """Whether runs were trained on the images in `path`, or the demo's are there."""
    return os.path.abspath(path) in _list_known_data()  # noqa: PTH100  # resolve() looks at the disk


def _offer_to_open(path: str, key: str) -> None:
    """Show the path that a link brought, and a button that opens it."""
    st.info(
        f"This link asks for the images in {code(path)}, which nothing here was trained on. It is "
        "opened only if you say so.",
        icon=":material/folder:",
    )
    st.button(
        "Open",
        key=f"open-{key}",
        icon=":material/folder_open:",
        on_click=accept_path,
        args=(path,),
    )


def _find_first_trained() -> str | None:
    """The first data set by name that runs here were evaluated on and that is still there."""
    found, _ = list_runs(paths.runs_folder())
    trained = {run.config.data for run in found if run.has(PREDICTIONS) and run.config.data}
    return next((path for path in sorted(trained) if os.path.lexists(path)), None)


def _list_known_data() -> list[str]:
    """Where the runs here found their images, and the demo's smears."""
    found, _ = list_runs(paths.runs_folder())
    known = {run.config.data for run in found if run.config.data}
    if paths.demo_folder().is_dir():
        known.add(str(paths.demo_folder().resolve()))
    return sorted(known)
