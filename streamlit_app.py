"""The app's door: pages and brand, nothing else."""

import streamlit as st

# A file: the browser fetches the icon of a page from a foreign host where it is a ":material/…:".
st.set_page_config(page_title="BlastLens", page_icon="pages/shell/icon.svg", layout="wide")
st.logo("pages/shell/blastlens.svg", size="large")

# Streamlit writes white on what has the primary colour. In the dark theme that is light, so that it
# can be read as text too, and white on it would have a contrast of 2. The browser says which theme
# it is: one that changes while a page is open is not told here.
chips = "[data-testid='stMultiSelect'] :has(> span[title])"
primary = f"button[kind='primary'], button[kind='primary'] p, {chips}, {chips} *"
st.html(f"<style>{primary} {{ color: light-dark(#ffffff, #17141b) }}</style>")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/compare.py", title="Compare", icon=":material/leaderboard:"),
        st.Page("pages/explain.py", title="Explain", icon=":material/biotech:"),
        st.Page("pages/papers.py", title="Papers", icon=":material/menu_book:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
    ],
    position="top",
)
body = st.container()  # before the footer, which is drawn first: a page may stop early
st.caption("BlastLens is for research and teaching. **Not for diagnosis.**")
with body:
    page.run()
