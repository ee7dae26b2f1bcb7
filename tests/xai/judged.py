"""A network that reads one corner, maps of it, and reports with given scores."""

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from xai.attribution import Attribution
from xai.faithfulness.report import Quality, QualityReport
from xai.types import Floats

maps = arrays(np.float64, (4, 5), elements=st.floats(-10, 10, width=32))


class ReadsCorner(nn.Module):
    """The logit of class 1 is `slope` times the mean of the upper left quarter, of class 0 it is 0.

    Its features are the image itself, so that it needs no weights.
    """

    def __init__(self, slope: float = 4.0) -> None:
        super().__init__()
        self.slope = slope

    def features(self, x: Tensor) -> Tensor:
        return x.clone()

    def head(self, features: Tensor) -> Tensor:
        height, width = features.shape[2:]
        read = features[:, :, : height // 2, : width // 2].mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(read), self.slope * (read - 0.5)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def bright_corner() -> Tensor:
    image = torch.zeros(1, 3, 16, 16)
    image[:, :, :8, :8] = 1
    return image


def corner_map(row: int, column: int) -> Floats:
    """(4, 4) with 1 in one of the quarters."""
    values = np.zeros((4, 4))
    values[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 1
    return values


def by_pixel(values: Floats) -> Floats:
    """(4, 4) as (16, 16), without the blending that enlarging does."""
    return values.repeat(4, axis=0).repeat(4, axis=1)


def as_attribution(values: Floats, method: str = "score-cam", target: int = 1) -> Attribution:
    return Attribution(
        values=values.astype(np.float32),
        method=method,
        target=target,
        is_signed=False,
        seconds=0,
        forward_passes=1,
        completeness_gap=None,
        logit=0,
        baseline_logit=None,
    )


def sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def report_of(own: Quality, **others: Quality) -> QualityReport:
    worst = Quality(deletion=1, insertion=0, average_drop=1, increase_in_confidence=0)
    return QualityReport(
        method="grad-cam",
        own=own,
        random=others.get("random", worst),
        centre=others.get("centre", worst),
        blurred=others.get("blurred", worst),
        probability=0.9,
        grey_probability=0.5,
        blurred_probability=0.5,
    )


def scores(deletion: float, insertion: float) -> Quality:
    return Quality(deletion=deletion, insertion=insertion, average_drop=0, increase_in_confidence=0)
