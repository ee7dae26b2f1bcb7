"""A trial of a sweep trains as a run does, on everything but the test part."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from modelzoo.errors import UserError
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.runs.history import read_history
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_split
from modelzoo.runs.trial import Trial, write_trial
from tests.modelzoo.training.small import make_run, start


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_a_trial_scores_as_a_run_does_and_predicts_no_test_image(
    tmp_path: Path, images: Path, mode: str
) -> None:
    run = make_run(tmp_path, images, "run", mode=mode, epochs=1)
    trial = make_run(tmp_path, images, "trial", mode=mode, epochs=1)
    write_trial(trial.path, Trial(sweep="sweep", number=0))

    for each in (run, trial):
        assert start(each, tmp_path / each.id).state == "done"

    assert read_split(trial.path) == read_split(run.path)
    whole, part = read_predictions(run.path), read_predictions(trial.path)
    assert set(part.parts) == {"train", "validation"}
    assert set(part.images).isdisjoint(read_split(run.path).ids("test"))
    for name in ("train", "validation"):
        assert part.only(name).images == whole.only(name).images
        np.testing.assert_allclose(part.only(name).logits, whole.only(name).logits, atol=1e-4)
    losses = [read_history(each.path)["validation_loss"].tolist() for each in (run, trial)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert not trial.has_model
    with pytest.raises(UserError, match="its test images were left out on purpose"):
        evaluate_run(trial)
    assert evaluate_run(trial, part="validation").images == len(
        read_split(trial.path).ids("validation")
    )
    if mode == "frozen":
        (file,) = (tmp_path / "trial" / "store" / "embeddings").iterdir()
        with safe_open(file, framework="numpy") as content:
            assert len(content.get_tensor("embeddings")) == len(part.images)
