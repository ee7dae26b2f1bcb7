"""The section of the page Compare that shows test images with what models predict."""

from pathlib import Path

import numpy as np

from modelzoo.runs.predictions import read_predictions
from modelzoo.text import percent
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run


def test_the_predictions_of_one_model_are_wrong_or_correct_with_probabilities(
    folder: Path,
) -> None:
    make_run(folder, "a", skill=0.5)
    make_run(folder, "b", skill=0.5, backbone="vgg16")
    make_run(folder, "elsewhere", skill=0.5, split="background")
    test = read_predictions(folder / "b").only("test")
    predicted = test.probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != test.labels)
    hardest = wrong[test.probabilities[wrong].max(1).argmax()]
    label = test.labels[hardest]

    only_wrong = open_page("compare", gallery_run="b", outcome="wrong")
    both = open_page("compare", gallery_run="b")
    left_out = open_page("compare", section="Hard images", gallery_run="elsewhere")

    assert not only_wrong.exception
    assert f"VGG16: The model is correct on {len(predicted) - len(wrong)} of {len(predicted)}" in (
        text_of(only_wrong)
    )
    assert f"{len(wrong)} of {len(predicted)} images: wrong" in text_of(only_wrong)
    card = next(each.value for each in only_wrong.markdown if each.value.startswith("predicted "))
    assert card.replace("\N{NO-BREAK SPACE}", " ") == (
        f"predicted **{test.classes[predicted[hardest]]} "
        f"{percent(test.probabilities[hardest].max(), 0)}**  \n"
        f"true class {test.classes[label]} {percent(test.probabilities[hardest, label], 0)}"
    )
    (first, *_) = (each.proto.label for each in only_wrong.get("page_link"))
    assert first.replace("\\", "") == test.images[hardest]
    assert f"{len(predicted)} of {len(predicted)} images: wrong" in text_of(both)
    assert "is left out by what is chosen above" in left_out.warning[0].value
    assert "gallery_run" not in [
        box.key for box in open_page("compare", section="Hard images", runs=["a"]).selectbox
    ]


def test_images_can_be_filtered_by_how_many_models_are_right(folder: Path) -> None:
    make_run(folder, "a", skill=0.5)
    make_run(folder, "b", skill=0.5, backbone="vgg16")

    app = open_page("compare", n_correct="2")
    gone = open_page("compare", n_correct="none")

    assert not app.exception
    assert "2 of 2 models correct" in text_of(app)
    assert "0 of 2 models correct" not in text_of(app)
    assert gone.warning[0].value == "Number of models none of this link is not here."
