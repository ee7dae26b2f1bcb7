"""The switch that calibrates probabilities, the same on every page, and what it did in words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from modelzoo.evaluation.temperature import describe_scaling, scale_probabilities
from modelzoo.runs.records import Temperature
from pages.shell.prediction import Prediction
from pages.shell.reads import Model, read_temperature_of
from pages.shell.session import carry_switch, remember_switch
from pages.shell.text import plain

KEY = "calibrated"


def choose_calibrated(more: str) -> bool:
    """Whether probabilities are scaled by the temperatures of their runs.

    Args:
        more: For the help: what is scaled on the page, and what is not.
    """
    carry_switch(KEY)
    is_on = st.toggle(
        "Calibrated probabilities",
        key=KEY,
        bind="query-params",
        help="Divides the logits of each model by a temperature that was fitted on its validation "
        "images (Guo et al. 2017), so that a probability of 80 % is right in about 80 of 100 "
        f"images like these. The predicted class never changes. {more}",
    )
    remember_switch(KEY, is_on)
    return is_on


def draw_scaling(path_by_name: Mapping[str, Path]) -> None:
    """With which temperatures the probabilities of these runs are scaled.

    Args:
        path_by_name: Folders of the runs, at least one.
    """
    found = {name: read_temperature_of(path) for name, path in path_by_name.items()}
    st.caption(f":material/straighten: {plain(describe_scaling(found))}")


def calibrate_models(models: Sequence[Model]) -> list[Model]:
    """`models` with the temperatures of their runs, where they have one."""
    found = [(model, read_temperature_of(model.run.path)) for model in models]
    return [
        replace(model, temperature=each if isinstance(each, Temperature) else None)
        for model, each in found
    ]


def scale(model: Model, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities (K,) of one image as the page shows them; empty ones stay so."""
    if model.temperature is None or not len(probabilities):
        return probabilities
    (scaled,) = scale_probabilities(probabilities[None], model.temperature)
    return np.asarray(scaled)


def scale_prediction(model: Model, prediction: Prediction) -> Prediction:
    """The prediction of the model as the page shows it."""
    return prediction.with_probabilities(scale(model, prediction.probabilities))
