"""The switch that calibrates probabilities, on the page Explain."""

from pathlib import Path

from modelzoo.datasets.listing import list_images
from modelzoo.evaluation.temperature import find_temperature, scale_probabilities
from modelzoo.inference.trained import load_run, predict_files
from modelzoo.runs.file_names import TEMPERATURE
from modelzoo.runs.records import Temperature, write_record
from modelzoo.text import percent
from tests.pages.explain.opened import image_in_part, open_explain
from tests.pages.opened import text_of


def test_the_shown_probability_is_scaled_and_the_predicted_class_is_not(home: Path) -> None:
    run = home / "runs" / "lite0"
    write_record(run, TEMPERATURE, Temperature(temperature=0.05, images=302, wrong=20, alone=0.05))
    image = image_in_part(home, "lite0", "test")
    trained = load_run(run)
    ((_, batch),) = predict_files(trained, list_images(home / "data" / image))
    scaled = scale_probabilities(batch.probabilities, find_temperature(run))
    predicted = trained.classes[int(batch.probabilities.argmax())]

    off, on = (
        open_explain(image=image, run="lite0", **query)
        for query in ({}, {"calibrated": "true", "view": "Faithfulness"})
    )

    assert not on.exception
    before, after = (app.subheader[0].value for app in (off, on))
    assert f"predicts {predicted} ({percent(float(batch.probabilities.max()), 0)})" in before
    assert f"predicts {predicted} ({percent(float(scaled.max()), 0)})" in after
    assert before != after
    sentence = "Probabilities are scaled with temperature 0.05, fitted on 302 validation images."
    assert sentence in text_of(on)
    assert "so no probability is scaled" in text_of(on)
    assert "scaled" not in text_of(off)


def test_perturbed_probabilities_are_scaled_too(home: Path) -> None:
    for name in ("lite0", "b0-random"):
        record = Temperature(temperature=0.05, images=302, wrong=20, alone=0.05)
        write_record(home / "runs" / name, TEMPERATURE, record)
    query = {
        "image": image_in_part(home, "lite0", "test"),
        "run": "lite0",
        "view": "Perturbations",
        "perturbation": "Crop the border",
    }

    off, on = open_explain(**query), open_explain(**query, calibrated="true")

    changes = [
        next(each.value for each in app.markdown if "The probability of" in str(each.value))
        for app in (off, on)
    ]
    assert changes[0] != changes[1]


def test_a_model_without_a_temperature_is_shown_as_it_is_and_named(home: Path) -> None:
    (home / "runs" / "lite0" / TEMPERATURE).write_text("{")

    app = open_explain(calibrated="true", image=image_in_part(home, "lite0", "test"))

    assert not app.exception
    assert "The probabilities of EfficientNet-Lite0 are not scaled" in text_of(app)
    assert "temperature.json is damaged" in text_of(app)
