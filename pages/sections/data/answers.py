"""What only a person knows of a data set, asked once and kept by its id. No torch."""

import streamlit as st

from modelzoo import paths
from modelzoo.datasets.answers import MOST_LETTERS, QUESTIONS, keep_answers, read_kept_answers
from modelzoo.text import count
from pages.shell.errors import error_in_place


def ask_about(dataset_id: str, *, key: str) -> None:
    """A form of what reports and model cards say of the images, with what was kept.

    Args:
        dataset_id: Of the data set.
        key: Of the widgets, on this page.
    """
    title = "About these images: what a report asks of a person"
    with st.expander(title, key=f"about-{key}", on_change="rerun") as section:
        if section.open:
            with error_in_place():
                _draw_form(dataset_id, key)


def _draw_form(dataset_id: str, key: str) -> None:
    kept = read_kept_answers(paths.answers_folder(), dataset_id)
    st.caption(
        "Reports and model cards of runs on these images say it beside what the tool knows; what "
        f'is left empty is "not given". {count(len(kept), "answer")} of {len(QUESTIONS)} kept.'
    )
    with st.form(f"about-form-{key}", border=False):
        given = {
            question.key: st.text_area(
                question.title,
                kept.get(question.key, ""),
                height=68,
                max_chars=MOST_LETTERS,
                # With the id: another data set has other answers.
                key=f"about-{key}-{dataset_id}-{question.key}",
                placeholder=question.help,
                help=question.help,
            )
            for question in QUESTIONS.values()
        }
        is_saved = st.form_submit_button("Save answers", icon=":material/save:")
    if is_saved:
        keep_answers(paths.answers_folder(), dataset_id, given)
        st.success("The answers are saved.")
