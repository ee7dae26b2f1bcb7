"""A page with nothing but the lens, over the scene that its address names."""

from dataclasses import replace

import streamlit as st

from pages.lens.display import read_display, write_display
from pages.lens.lens import lens
from tests.browser.lens_scene import make_scene

st.set_page_config(layout="wide")
scene = st.cache_resource(make_scene)(
    st.query_params.get("case", "square"), count=int(st.query_params.get("count", "11"))
)
masked = st.session_state.get("masked", frozenset())
if st.button("Magma by address"):
    st.query_params["colours"] = "magma"
display, refused = read_display(st.query_params.to_dict())
for sentence in refused:
    st.warning(sentence)
chosen = st.session_state.get("chosen", "")
answer = lens(replace(scene, display=display, chosen=chosen, masked=masked), key="lens")
if answer.display is not None and answer.display != display:
    for name in write_display(display):
        del st.query_params[name]
    st.query_params.update(write_display(answer.display))
if answer.cells:
    st.session_state["masked"] = masked ^ answer.cells
    st.rerun()
if answer.chosen and answer.chosen != chosen:
    st.session_state["chosen"] = answer.chosen
    st.rerun()
st.session_state["at"] = st.session_state.get("at", 0) + answer.step
st.text(f"chosen {st.session_state.get('chosen', 'none')}, image {st.session_state['at']}")
