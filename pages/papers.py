"""Papers: what four papers claim of their systems, and what was measured here. No torch."""

import streamlit as st

from modelzoo.papers.measured import find_measured
from modelzoo.papers.systems import PAPERS, SYSTEMS
from pages.sections.papers.beside import draw_beside
from pages.sections.papers.choices import choose_metric, choose_paper
from pages.sections.papers.one_system import choose_system, draw_system
from pages.sections.papers.systems import draw_paper, offer_tables
from pages.shell.entry import enter_page
from pages.shell.reads import read_board, read_reference_board

enter_page("papers")
st.title("Papers")
st.caption(
    "What do four papers claim of their systems, and what is measured when they are trained?"
)
paper, metric = choose_paper(), choose_metric()
rows, reference = read_board().rows, read_reference_board().rows
table = [
    (system, find_measured(system, rows, reference))
    for system in SYSTEMS
    if paper in (None, system.paper)
]
for name, each in PAPERS.items():
    of_paper = [row for row in table if row[0].paper == name]
    if of_paper:
        draw_paper(each, of_paper, metric)
offer_tables(table, metric, paper)
draw_beside(reference, metric)
st.subheader("One system")
if system := choose_system([system for system, _ in table]):
    draw_system(system, dict(table)[system])
