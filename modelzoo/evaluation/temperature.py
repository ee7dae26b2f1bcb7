"""Temperature scaling (Guo et al. 2017, section 4.2, arXiv:1706.04599): one number for a run.

Logits are divided by it before the softmax. It is fitted on the validation part only, so that what
is seen on the test part is no fit to it. The predicted class never changes.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from modelzoo.errors import UserError
from modelzoo.evaluation.losses import Floats
from modelzoo.runs.file_names import PREDICTIONS, TEMPERATURE
from modelzoo.runs.predictions import Predictions, read_predictions
from modelzoo.runs.records import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    Temperature,
    read_temperature,
    write_record,
)
from modelzoo.text import count, join_few

FEW_WRONG = 5  # validation images: with fewer, each moves the temperature by a lot
# Of the logarithm: two of three networks are taken to have a temperature from 0.67 to 1.5. By
# `benchmarks.calibration`, 0.3 helps less where a model is far off, and 0.5 harms more where none
# is needed.
SPREAD = 0.4
DRAWN = 1.05  # ratio of the temperature without the prior and with it, from which on it is said

_LISTED = 4  # models whose temperatures are said one by one

Read = Callable[[Path], Predictions]


def fit_temperature(
    logits: Floats, labels: npt.NDArray[np.integer], *, spread: float = SPREAD
) -> float:
    """The temperature that makes the labels likeliest, drawn towards 1, within its two limits.

    Minus the log likelihood is added to log(temperature)^2 / (2 spread^2): a normal prior, which
    many errors outweigh, and which keeps one or two from throwing the temperature far off.
    `benchmarks.calibration` has the log loss of test images with and without it.

    1 where all are right: the loss then falls without end as the temperature goes to 0, and tells
    nothing. (Runs on the ALL image data set that are right on all of 302 validation images had 6 to
    17 times their log loss on test images at a temperature of 0.05.)

    Args:
        logits: (N, K), N > 0, or logarithms of probabilities.
        labels: (N,), index of the true class.
        spread: Standard deviation of the prior; infinite: there is none.
    """
    logits = logits.astype(np.float64)
    if (logits.argmax(1) == labels).all():
        return 1.0
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / math.exp(log_temperature), axis=1)
        prior = log_temperature**2 / (2 * spread**2) / len(labels)
        return float(-scaled[rows, labels].mean()) + prior

    ends = math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)
    best = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    # The search stays inside the ends, and logits that are all alike have the same loss everywhere.
    found = min([0.0, float(best.x), *ends], key=lambda x: (round(loss(x), 12), abs(x)))
    return math.exp(found)


def fit_run(predictions: Predictions, run_id: str) -> Temperature:
    """The temperature of a run, of the validation images among its predictions.

    Of an ensemble it is fitted on the logarithms of the members' mean probabilities: one for the
    whole, after they are joined (Rahaman and Thiery 2021, arXiv:2007.08792).

    Raises:
        UserError: None of the validation images has a label, or there are none.
    """
    validation = predictions.only("validation")
    has_label = validation.labels >= 0
    logits, labels = validation.logits[has_label], validation.labels[has_label]
    if not len(labels):
        raise UserError(
            f"Run {run_id!r} has no validation image with a label, so no temperature can be fitted "
            "and its probabilities cannot be scaled; train it again with a validation part."
        )
    return Temperature(
        temperature=fit_temperature(logits, labels),
        images=len(labels),
        wrong=int((logits.argmax(1) != labels).sum()),
        alone=fit_temperature(logits, labels, spread=math.inf),
    )


def write_temperature(path: Path, predictions: Predictions) -> None:
    """Store the temperature with the run, where one can be fitted."""
    (path / TEMPERATURE).unlink(missing_ok=True)
    if (predictions.labels[np.array(predictions.parts) == "validation"] >= 0).any():
        write_record(path, TEMPERATURE, fit_run(predictions, path.name))


def find_temperature(path: Path, read: Read = read_predictions) -> Temperature:
    """The temperature stored with the run in folder `path`, else fitted on what it predicted.

    One of a version that drew none towards 1 is fitted again.

    Args:
        path: The folder.
        read: The predictions of a run's folder, for a reader that remembers them.

    Raises:
        UserError: There is no validation image with a label, or a file is missing or damaged.
    """
    stored = read_temperature(path)
    if stored and (stored.alone or not os.path.lexists(path / PREDICTIONS)):
        return stored
    return fit_run(read(path), path.name)


def read_calibrated(path: Path) -> Predictions:
    """The run's predictions with the probabilities of its temperature.

    Raises:
        UserError: As of `find_temperature`.
    """
    return calibrate(read_predictions(path), find_temperature(path))


def read_scaled(path: Path) -> Predictions:
    """As `read_calibrated`; as they are of a run without a temperature, of which it is said why."""
    try:
        return read_calibrated(path)
    except UserError:
        return read_predictions(path)


def calibrate(predictions: Predictions, temperature: Temperature) -> Predictions:
    """`predictions` with probabilities of the logits divided by the temperature."""
    if not len(predictions.images):
        return predictions
    return replace(
        predictions,
        probabilities=_keep_predicted(
            softmax(predictions.logits.astype(np.float64) / temperature.temperature, axis=1),
            predictions.probabilities.argmax(1),
        ),
    )


def scale_probabilities(
    probabilities: npt.NDArray[np.float32], temperature: Temperature
) -> npt.NDArray[np.float32]:
    """Probabilities (N, K) as they are at a temperature, where no logits are at hand.

    Logarithms of probabilities are logits less a number that is the same for all classes.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float32).tiny))
    scaled = softmax(logs / temperature.temperature, axis=1)
    return _keep_predicted(scaled, probabilities.argmax(1))


def _keep_predicted(
    probabilities: npt.NDArray[np.float64], predicted: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """(N, K) float32, in which the predicted class is the first of the highest values.

    Rounding may make two classes equal, of which the first would then be predicted.
    """
    rounded = probabilities.astype(np.float32)
    rows = np.flatnonzero(rounded.argmax(1) != predicted)
    top = rounded[rows, predicted[rows]]
    rounded[rows] = np.minimum(rounded[rows], np.nextafter(top, np.float32(0))[:, None])
    rounded[rows, predicted[rows]] = top
    return rounded


def describe_temperature(temperature: Temperature) -> str:
    """`temperature 1.80, fitted on 302 validation images`, and what is weak about it."""
    images = count(temperature.images, "validation image")
    words = f"temperature {temperature.temperature:.2f}, fitted on {images}"
    if not temperature.wrong:
        return f"temperature 1 (no change): all {images} are right, so that none can be fitted"
    if temperature.wrong == temperature.images:
        words += ", none of which is right"
    elif temperature.wrong < FEW_WRONG:
        verb = "is" if temperature.wrong == 1 else "are"
        words += f", of which only {temperature.wrong} {verb} wrong, so it is rough"
    if _ratio(temperature) >= DRAWN:
        words += f", drawn towards 1 (without that: {temperature.alone:.2f})"
    return words


def _ratio(temperature: Temperature) -> float:
    """How many times farther from 1 it would lie without the prior."""
    return math.exp(abs(math.log(temperature.alone / temperature.temperature)))


def describe_scaling(found: Mapping[str, Temperature | str]) -> str:
    """That probabilities are scaled, with what, and of which models they are not.

    Args:
        found: By the name of the run, at least one: its temperature, or why it has none.
    """
    fitted = {name: each for name, each in found.items() if isinstance(each, Temperature)}
    reasons = [
        f"The probabilities of {name} are not scaled: {each}"
        for name, each in found.items()
        if isinstance(each, str)
    ]
    if len(fitted) == 1:
        ((name, each),) = fitted.items()
        whose = f" of {name}" if len(found) > 1 else ""
        said = [f"Probabilities{whose} are scaled with {describe_temperature(each)}."]
    elif fitted:
        listed = "; ".join(f"{name}: {describe_temperature(each)}" for name, each in fitted.items())
        said = [f"Probabilities are scaled, those of each model with its own. {listed}."]
        if len(fitted) > _LISTED:
            said = [_describe_many(fitted)]
    else:
        said = []
    return " ".join([*said, *reasons])


def _describe_many(fitted: Mapping[str, Temperature]) -> str:
    """`describe_scaling` of more models than are listed one by one."""
    scaled = {name: each for name, each in fitted.items() if each.wrong}
    right = [name for name in fitted if name not in scaled]
    values = sorted(each.temperature for each in scaled.values()) or [1.0]
    images = sorted({each.images for each in fitted.values()})
    on = f"{images[0]:,}" if len(images) == 1 else f"{images[0]:,} to {images[-1]:,}"
    words = (
        f"Probabilities are scaled, those of each model with its own temperature ({values[0]:.2f} "
        f"to {values[-1]:.2f}), fitted on its {on} validation images."
    )
    if rough := [name for name, each in scaled.items() if each.wrong < FEW_WRONG]:
        words += (
            f" With fewer than {FEW_WRONG} of these wrong it is rough, and drawn towards 1: "
            f"{join_few(rough)}."
        )
    if right:
        words += f" All of these right, none can be fitted, and nothing changes: {join_few(right)}."
    return words
