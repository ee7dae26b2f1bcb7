"""What accuracy is left when images are handed to a person: the least sure, the most unlike."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.risk_coverage import RiskCoverage, describe_risk_coverage
from modelzoo.evaluation.rows import LeaderboardRow
from modelzoo.runs.ood import describe_missing_ood
from pages.figures.frame import config
from pages.figures.risk_coverage import risk_coverage_alt, risk_coverage_curves
from pages.sections.compare.figures import describe_source, name_file
from pages.shell.errors import error_in_place
from pages.shell.palette import backbone_style
from pages.shell.scores import read_risk_coverage
from pages.shell.tables import offer_csv
from pages.shell.text import plain


def draw_risk_coverage(
    row: LeaderboardRow, name: str, file_format: str, *, calibrated: bool
) -> None:
    """The curves of one run, and what they say at a coverage of 90 %.

    Args:
        row: Of the run.
        name: Of the run.
        file_format: Of a figure that is saved.
        calibrated: Whether confidence is the scaled probability.
    """
    st.subheader("Risk-coverage curve")
    with error_in_place():
        curve = read_risk_coverage(row.run_id, calibrated=calibrated)
        if curve is None:
            st.caption("No test image has a label, so there is no accuracy.")
            return
        by_ood = read_risk_coverage(row.run_id, "ood", calibrated=calibrated)
        curves = [curve, *([by_ood] if by_ood else [])]
        for each in curves:
            st.markdown(plain(f"{name}: {describe_risk_coverage(each)}"))
        if by_ood is None:
            st.caption(plain(describe_missing_ood(row.run_id)))
        file = name_file(f"risk-coverage-{row.run_id}", row, calibrated=calibrated)
        st.plotly_chart(
            risk_coverage_curves(
                curves,
                backbone_style(row.backbone),
                name=name,
                source=describe_source(row, calibrated=calibrated),
            ),
            key="risk-coverage",
            config=config(file, file_format),
            alt=" ".join(risk_coverage_alt(each, name) for each in curves),
        )
        st.caption(
            "Accuracy is of all classes, whatever is positive above. Confidence is the highest "
            "probability of an image; how far an image is out of distribution is the percentile "
            "of its distance from the training images. Images that tie are kept or handed over "
            "together. Bands are the 95 % CI of each coverage by itself, over groups of images."
        )
        offer_csv(_tabulate(curves), file)


def _tabulate(curves: Sequence[RiskCoverage]) -> pd.DataFrame:
    """One row per order and coverage: shares in [0, 1]."""
    return pd.DataFrame(
        [
            {
                "handed_over_by": curve.by,
                "coverage": coverage,
                "accuracy": each.value,
                "accuracy_ci_low": each.ci_low,
                "accuracy_ci_high": each.ci_high,
                "aurc": curve.aurc.value,
                "aurc_ci_low": curve.aurc.ci_low,
                "aurc_ci_high": curve.aurc.ci_high,
                "excess_aurc": curve.excess.value,
            }
            for curve in curves
            for coverage, each in zip(curve.coverage, curve.accuracy, strict=True)
        ]
    )
