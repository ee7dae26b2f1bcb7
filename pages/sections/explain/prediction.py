"""Predictions of models for one image, in words. No Streamlit, no torch."""

from collections import Counter
from collections.abc import Sequence

from modelzoo.text import join_few, ordinal, percent
from pages.shell.prediction import Prediction

OUT_OF_DISTRIBUTION = 95.0  # percentile from which an image is called out of distribution
OOD_HELP = (
    "Distance of the features of the image to those of the nearest training image, as a percentile "
    "of the same distance of the training images to the nearest of another group: 50 is as far as "
    f"the median training image, 100 farther than any. Above {OUT_OF_DISTRIBUTION:.0f} the image "
    "is called out of distribution, which is said of about 5 % of ordinary images, too."
)
FEW = 3  # models that a sentence names one by one
LOW_CONFIDENCE = 0.5  # highest probability below which a prediction gets a warning


def describe_predictions(predictions: Sequence[Prediction], label: str | None) -> str:
    """What the models predict, whether they agree, and whether it is correct.

    Args:
        predictions: At least one.
        label: The true class; None: not known.
    """
    if len(predictions) <= FEW:
        return _describe(predictions, label)
    votes = Counter(prediction.predicted for prediction in predictions).most_common()
    total = len(predictions)
    if label is not None:
        correct = sum(prediction.predicted == label for prediction in predictions)
        many = "All" if correct == total else "None" if not correct else str(correct)
        verb = "is" if correct == 1 else "are"
        return f"{many} of {total} models {verb} correct; the true class is {label}."
    if len(votes) == 1:
        return f"All {total} models predict {votes[0][0]} ({_percents(predictions)})."
    return f"{total} models disagree: {', '.join(f'{n} {name}' for name, n in votes)}."


def describe_ood_models(predictions: Sequence[Prediction]) -> str:
    """For how many models the image is out of distribution; empty: for none."""
    out = [each for each in predictions if each.ood_percentile > OUT_OF_DISTRIBUTION]
    if not out:
        return ""
    if len(out) == len(predictions):
        whose = "this model" if len(out) == 1 else f"{len(out)} of {len(out)} models"
        return f"Out of distribution for {whose}: do not interpret prediction and map."
    named = join_few([each.title for each in out])
    return (
        f"Out of distribution for {len(out)} of {len(predictions)} models ({named}): do not "
        "interpret their predictions and maps."
    )


def describe_doubts(prediction: Prediction, part: str | None) -> list[str]:
    """What limits a prediction; one sentence each.

    Args:
        prediction: Of one model.
        part: Where the image was in the model's training; None: nowhere.
    """
    doubts = []
    if prediction.ood_percentile > OUT_OF_DISTRIBUTION:
        share = (
            "all"
            if prediction.ood_percentile >= 100
            else percent(prediction.ood_percentile / 100, 0)
        )
        doubts.append(
            f"This image is out of distribution for {prediction.title}: it is farther from its "
            f"nearest training image than {share} of the training images are from theirs in "
            "another group. Prediction and map may mean little."
        )
    if part == "train":
        doubts.append(
            "This image is in the training set of this run, so a correct prediction shows nothing."
        )
    if part == "validation":
        doubts.append(
            "This image is in the validation set of this run, which chose its best epoch."
        )
    if doubt := describe_low_confidence(prediction):
        doubts.append(doubt)
    return doubts


def describe_low_confidence(prediction: Prediction) -> str:
    """That no class has a probability of half or more; empty: one has."""
    if prediction.probabilities.max() >= LOW_CONFIDENCE:
        return ""
    return (
        f"Low confidence: the highest probability of {prediction.title} is under "
        f"{percent(LOW_CONFIDENCE, 0)}."
    )


def describe_ood(prediction: Prediction) -> str:
    """The OOD score, as a percentile and in words."""
    is_out = prediction.ood_percentile > OUT_OF_DISTRIBUTION
    words = "out of distribution" if is_out else "in distribution"
    return f"**OOD score: {ordinal(prediction.ood_percentile)} percentile**, {words}"


def _describe(predictions: Sequence[Prediction], label: str | None) -> str:
    """What the models predict, whether they agree, and whether it is correct where known."""
    by_class: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        by_class.setdefault(prediction.predicted, []).append(prediction)
    if len(by_class) == 1:
        predicted = predictions[0].predicted
        who = {1: f"{predictions[0].title} predicts", 2: "Both models predict"}.get(
            len(predictions), f"All {len(predictions)} models predict"
        )
        sentence = f"{who} {predicted} ({_percents(predictions)})"
        if label is None:
            return f"{sentence}."
        verdict = "which is correct" if predicted == label else f"but the true class is {label}"
        return f"{sentence}, {verdict}."
    groups = sorted(by_class.items(), key=lambda item: -len(item[1]))
    listed = ", ".join(
        f"{', '.join(prediction.title for prediction in group)} "
        f"{'predicts' if len(group) == 1 else 'predict'} "
        f"{predicted} ({_percents(group)})"
        for predicted, group in groups
    )
    truth = "" if label is None else f" The true class is {label}."
    return f"The models disagree: {listed}.{truth}"


def _percents(predictions: Sequence[Prediction]) -> str:
    low, *_, high = sorted(
        [float(prediction.probabilities.max()) for prediction in predictions] * 2
    )
    if percent(low, 0) == percent(high, 0):
        return percent(low, 0)
    return f"{percent(low, 0).removesuffix(' %')} to {percent(high, 0)}"
