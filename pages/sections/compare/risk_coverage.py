"""What accuracy is left when the least sure images are handed to a person."""

import pandas as pd
import streamlit as st

from modelzoo.evaluation.risk_coverage import RiskCoverage, describe_risk_coverage
from modelzoo.evaluation.rows import LeaderboardRow
from pages.figures.frame import config
from pages.figures.risk_coverage import risk_coverage_alt, risk_coverage_curve
from pages.sections.compare.figures import describe_source, name_file
from pages.shell.errors import error_in_place
from pages.shell.palette import backbone_style
from pages.shell.reads import read_risk_coverage
from pages.shell.tables import offer_csv
from pages.shell.text import plain


def draw_risk_coverage(row: LeaderboardRow, name: str, file_format: str) -> None:
    """The curve of one run, and what it says at a coverage of 90 %.

    Args:
        row: Of the run.
        name: Of the run.
        file_format: Of a figure that is saved.
    """
    st.subheader("Risk-coverage curve")
    with error_in_place():
        curve = read_risk_coverage(row.run_id)
        if curve is None:
            st.caption("No test image has a label, so there is no accuracy.")
            return
        st.markdown(plain(f"{name}: {describe_risk_coverage(curve)}"))
        st.plotly_chart(
            risk_coverage_curve(
                curve, backbone_style(row.backbone), name=name, source=describe_source(row)
            ),
            key="risk-coverage",
            config=config(name_file(f"risk-coverage-{row.run_id}", row), file_format),
            alt=risk_coverage_alt(curve, name),
        )
        st.caption(
            "Accuracy is of all classes, whatever is positive above. Confidence is the highest "
            "probability of an image; images that tie are kept or handed over together. The band "
            "is the 95 % CI of each coverage by itself, a bootstrap over groups. How far test "
            "images are out of distribution is not stored with a run, so confidence alone decides."
        )
        offer_csv(_tabulate(curve), name_file(f"risk-coverage-{row.run_id}", row))


def _tabulate(curve: RiskCoverage) -> pd.DataFrame:
    """One row per coverage: shares in [0, 1]."""
    return pd.DataFrame(
        {
            "coverage": curve.coverage,
            "accuracy": [each.value for each in curve.accuracy],
            "accuracy_ci_low": [each.ci_low for each in curve.accuracy],
            "accuracy_ci_high": [each.ci_high for each in curve.accuracy],
        }
    )
