"""Learning curves as they are drawn."""

import numpy as np
import pandas as pd
import pytest

from pages.figures.learning import (
    CURVES,
    best_epoch,
    learning_curves,
    learning_curves_alt,
    live_curves,
    live_curves_alt,
    most_accurate_epoch,
)
from pages.shell.palette import backbone_style


@pytest.mark.parametrize("curve", CURVES)
def test_epochs_are_whole(curve: str) -> None:
    for epochs in (1, 2, 3, 40):
        column = curve.replace("error", "accuracy")
        history = pd.DataFrame({"epoch": range(1, epochs + 1), column: np.linspace(0, 1, epochs)})

        axis = learning_curves({"Net": history}, {"Net": backbone_style("vgg16")}, curve).layout

        assert axis.xaxis.dtick == int(axis.xaxis.dtick) >= 1


# The lowest loss and the highest accuracy are each there twice: the first of both counts.
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3, 4],
        "train_loss": [0.9, 0.8, 0.7, 0.6],
        "train_accuracy": [0.5, 0.6, 0.7, 0.8],
        "validation_loss": [0.9, 0.4, 0.4, 0.5],
        "validation_accuracy": [0.5, 0.8, 0.9, 0.9],
    }
)


def test_the_best_epochs_are_marked() -> None:
    styles = {"Net": backbone_style("vgg16")}

    line, bar = learning_curves({"Net": HISTORY}, styles, "validation_accuracy").data

    assert (best_epoch(HISTORY), most_accurate_epoch(HISTORY)) == (2, 3)
    assert [size > 0 for size in line.marker.size] == [False, True, False, False]
    assert line.y.tolist() == [50, 80, 90, 90]
    assert (list(bar.x), list(bar.y), bar.marker.symbol) == ([3], [90], "line-ns-open")
    assert bar.legendgroup == line.legendgroup  # what is left out in the legend takes both along
    assert learning_curves_alt({"Net": HISTORY}, "validation_accuracy") == (
        "Validation accuracy by epoch; epochs of the lowest validation loss, the checkpoint, and "
        "of the highest validation accuracy: Net 2 and 3 of 4."
    )


@pytest.mark.parametrize("part", ["train", "validation"])
def test_the_error_rate_is_what_accuracy_leaves(part: str) -> None:
    figure = learning_curves({"Net": HISTORY}, {"Net": backbone_style("vgg16")}, f"{part}_error")

    line, bar = figure.data
    assert line.y.tolist() == pytest.approx([100 - 100 * a for a in HISTORY[f"{part}_accuracy"]])
    assert list(bar.y) == [line.y[2]]
    assert figure.layout.yaxis.title.text.endswith("error rate in %")


def test_the_live_curves_mark_the_best_epochs_on_the_validation_curve() -> None:
    training, validation, bar = live_curves(HISTORY, "loss").data

    assert max(training.marker.size) == 0
    assert [size > 0 for size in validation.marker.size] == [False, True, False, False]
    assert (list(bar.x), list(bar.y)) == ([3], [0.4])
    assert live_curves_alt(HISTORY, "accuracy") == (
        "Accuracy after epoch 4: training 80 %, validation 90 %. Lowest validation loss, the "
        "checkpoint: epoch 2; highest validation accuracy: epoch 3."
    )
    assert live_curves_alt(HISTORY[:0], "loss") == "No loss yet: no epoch is finished."
    first = live_curves(HISTORY[:1], "loss").data
    assert all(size > 0 for line in first[:2] for size in line.marker.size)  # no line is seen yet


def test_a_history_without_validation_has_no_marks() -> None:
    history = HISTORY[["epoch", "train_loss"]]

    (line,) = learning_curves({"Net": history}, {"Net": backbone_style("vgg16")}, "train_loss").data

    assert max(line.marker.size) == 0
    assert most_accurate_epoch(history) is None


def test_a_history_without_epochs_is_left_out() -> None:
    empty = {"Net": pd.DataFrame({"epoch": []})}

    figure = learning_curves(empty, {"Net": backbone_style("vgg16")}, "train_loss")

    assert not figure.data
    assert best_epoch(empty["Net"]) is None
