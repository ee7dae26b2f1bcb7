"""Tables as files."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

FIGURE_SPACE = "\N{FIGURE SPACE}"  # as wide as a digit


WHOLE_ROWS = 15  # a longer table scrolls in itself


def offer_csv(
    table: pd.DataFrame | Callable[[], pd.DataFrame], name: str, label: str = "Table as CSV"
) -> None:
    """A button that saves `table` as `<name>.csv`; a function of it is called on the click."""
    st.download_button(
        label,
        (lambda: table().to_csv(index=False)) if callable(table) else table.to_csv(index=False),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{name}",
        on_click="ignore",
    )


def offer_latex(latex: Callable[[], str], name: str) -> None:
    """A button that saves what `latex` gives on the click as `<name>.tex`."""
    st.download_button(
        "Table as LaTeX",
        latex,
        file_name=f"{name}.tex",
        mime="application/x-tex",
        icon=":material/download:",
        key=f"latex-{name}",
        on_click="ignore",
    )
