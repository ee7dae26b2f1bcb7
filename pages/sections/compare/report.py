"""The comparison as one file, and model cards: made when their button is clicked. No torch."""

import io
import zipfile
from collections.abc import Sequence
from functools import partial

import streamlit as st

from modelzoo.errors import UserError
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.files import portable_name
from pages.sections.compare.figures import name_file
from pages.shell.reads import read_report


def offer_report(rows: Sequence[LeaderboardRow], *, calibrated: bool) -> None:
    """Buttons that save the report of `rows`, and their model cards.

    Args:
        rows: Of one split, best first; at least one.
        calibrated: Whether they are of scaled probabilities, and the report is to be.
    """
    name = name_file("report", rows[0], calibrated=calibrated)
    st.download_button(
        "Report as HTML",
        partial(make_report, rows, f"{name}.html", calibrated=calibrated),
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/lab_profile:",
        key="report",
        on_click="ignore",
        help="One file of the runs in the figures, for a reviewer: scores, calibration, operating "
        "points, split proof, hashes, commands, limits. It opens without a network and prints on "
        "A4. Scores are per image.",
    )
    alone = len(rows) == 1
    st.download_button(
        "Model card" if alone else "Model cards as ZIP",
        partial(make_card, rows[0]) if alone else partial(make_cards, rows),
        file_name="README.md" if alone else f"{name_file('model-cards', rows[0])}.zip",
        mime="text/markdown" if alone else "application/zip",
        icon=":material/badge:",
        key="cards",
        on_click="ignore",
        help="Markdown with the metadata that the Hugging Face hub reads, for each run in the "
        "figures.",
    )


def make_report(rows: Sequence[LeaderboardRow], name: str, *, calibrated: bool = False) -> str:
    """The report of `rows` as HTML; of runs that cannot be read, the sentence on it."""
    from modelzoo.reporting.page import format_report, format_sentence

    try:
        return format_report(read_report(rows, name, calibrated=calibrated))
    except UserError as error:
        return format_sentence(str(error))


def make_card(row: LeaderboardRow) -> str:
    """The model card of one run; of one that cannot be read, the sentence on it."""
    from modelzoo.reporting.card import format_card

    try:
        return format_card(read_report([row], "report.html"))
    except UserError as error:
        return f"{error}\n"


def make_cards(rows: Sequence[LeaderboardRow]) -> bytes:
    """A ZIP with the model card of each run in a folder of the run's name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            archive.writestr(f"{portable_name(row.run_id)}/README.md", make_card(row))
    return content.getvalue()
