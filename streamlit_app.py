"""The app's door: pages and brand, nothing else."""

import streamlit as st

st.set_page_config(page_title="BlastLens", page_icon=":material/biotech:", layout="wide")
st.logo("pages/parts/blastlens.svg", size="large")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/compare.py", title="Compare", icon=":material/leaderboard:"),
        st.Page("pages/explain.py", title="Explain", icon=":material/biotech:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
    ],
    position="top",
)
body = st.container()  # before the footer, which is drawn first: a page may stop early
st.caption("BlastLens is for research and teaching. **Not for diagnosis.**")
with body:
    page.run()
