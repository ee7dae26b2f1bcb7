"""Cards of test images: what models predict, with probabilities."""

from collections.abc import Mapping

from modelzoo.evaluation.hardest import ImageResult, ModelPrediction
from modelzoo.text import count, percent
from pages.shell.gallery import Card
from pages.shell.text import plain


def card_of_one(result: ImageResult) -> Card:
    """The prediction of one model: the class predicted and the true class, with probabilities."""
    (prediction,) = result.by_model
    predicted = f"{prediction.predicted} {_percent(prediction.probability)}"
    true = result.label
    if not prediction.is_correct:
        true += f" {_percent(prediction.true_probability)}"
    return Card(
        result.image,
        f"predicted **{plain(predicted)}**  \ntrue class {plain(true)}",
        f"{result.image}, true class {true}, predicted {predicted}.",
        (prediction.run_id,),
    )


def card_of_all(result: ImageResult, names: Mapping[str, str]) -> Card:
    """The predictions of all models by class, the true class first."""
    by_class: dict[str, list[ModelPrediction]] = {}
    for prediction in result.by_model:
        by_class.setdefault(prediction.predicted, []).append(prediction)
    lines = [
        f"{'**' + plain(name) + '**' if name == result.label else plain(name)}: "
        + ", ".join(
            f"{plain(names[each.run_id])} {_percent(each.probability)}" for each in by_model
        )
        for name, by_model in sorted(by_class.items(), key=lambda item: item[0] != result.label)
    ]
    correct = f"{result.n_correct} of {count(len(result.by_model), 'model')} correct"
    return Card(
        result.image,
        f"true class **{plain(result.label)}**, {correct}  \n"
        + "  \n".join(f":small[{line}]" for line in lines),
        f"{result.image}, true class {result.label}, {correct}.",
        _most_confident(result),
    )


def _percent(probability: float) -> str:
    """A probability, kept on one line."""
    return percent(probability, 0).replace(" ", "\N{NO-BREAK SPACE}")


def _most_confident(result: ImageResult) -> tuple[str, ...]:
    """The runs that Explain shows: the most confident wrong and the most confident correct one."""
    chosen = []
    for is_correct in (False, True):
        alike = [each for each in result.by_model if each.is_correct == is_correct]
        if alike:
            chosen.append(max(alike, key=lambda each: each.probability).run_id)
    return tuple(chosen)
