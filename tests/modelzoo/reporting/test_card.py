"""The model card: read back by PyYAML and by the hub's own library, and never over a person's."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from typer.testing import CliRunner, Result

from modelzoo.__main__ import app
from modelzoo.runs.file_names import CARD
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from tests.run_folders import make_run

HEADINGS = [
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path / "runs"


def type_card(*runs: str) -> Result:
    return CliRunner().invoke(app, ["report", *runs, "--card"])


def card_of(folder: Path, name: str) -> str:
    answer = type_card(name)
    assert answer.exit_code == 0, answer.output
    return (folder / name / CARD).read_text(encoding="utf-8")


def read_results(text: str) -> list[EvalResult]:
    """The scores of a card, as the hub's library reads them."""
    data = ModelCard(text).data
    assert isinstance(data, ModelCardData)
    assert data.eval_results
    return data.eval_results


def test_the_hub_reads_the_scores_that_evaluate_gives(folder: Path) -> None:
    make_run(folder, "a", data='/data/it\'s: "<b>" #1')

    text = card_of(folder, "a")

    evaluated = json.loads(CliRunner().invoke(app, ["evaluate", "a", "--json"]).output)
    results = read_results(text)
    assert [each.metric_value for each in results] == pytest.approx(
        [score["value"] for score in evaluated["scores"]]
    )
    assert [each.metric_name for each in results] == [
        f"{score['title']}: {score['text']}" for score in evaluated["scores"]
    ]
    assert {each.dataset_name for each in results} == {'it\'s: "<b>" #1'}
    assert {each.dataset_revision for each in results} == {"abc123"}
    assert ModelCard(text).data["model_name"] == "a"


def test_the_metadata_has_the_hubs_keys_and_claims_no_more(folder: Path) -> None:
    make_run(folder, "a")

    _, metadata, body = re.split(r"^---$", card_of(folder, "a"), maxsplit=2, flags=re.MULTILINE)

    read = yaml.safe_load(io.StringIO(metadata))
    assert set(read) == {"library_name", "pipeline_tag", "tags", "metrics", "model-index"}
    (model,) = read["model-index"]
    (result,) = model["results"]
    assert set(result) == {"task", "dataset", "metrics"}
    assert {"type", "name"} <= set(result["dataset"])
    assert all(set(each) == {"type", "value", "name"} for each in result["metrics"])
    assert re.findall(r"^## (.*)$", body, re.MULTILINE) == HEADINGS
    assert "not for diagnosis" in body


def test_a_score_that_is_not_defined_is_left_out(folder: Path) -> None:
    run = make_run(folder, "a")
    found = read_predictions(run.path)
    images = len(found.images)
    write_predictions(
        run.path,
        Predictions(
            found.images,
            found.parts,
            found.labels,
            (*found.classes, "Rare"),  # without an image, so that it has no AUC
            np.hstack([found.logits, np.full((images, 1), -9, np.float32)]),
            np.hstack([found.probabilities, np.zeros((images, 1), np.float32)]),
        ),
    )

    text = card_of(folder, "a")

    types = {each.metric_type for each in read_results(text)}
    assert {"accuracy", "f1"} <= types
    assert not {"roc_auc", "average_precision"} & types
    assert "| AUC | not defined |" in text


def test_names_are_no_markdown(folder: Path) -> None:
    make_run(folder, "a", data="![x](http://foreign.test/x.png) <script>|")

    body = card_of(folder, "a").split("\n---\n", 1)[1]

    assert "![x]" not in body
    assert "<script>" not in body
    assert r"x.png) \<script\>\|" in body


def test_a_card_is_written_again_but_never_over_a_persons(folder: Path) -> None:
    make_run(folder, "a")
    file = folder / "a" / CARD
    card_of(folder, "a")
    card_of(folder, "a")

    file.write_text(file.read_text(encoding="utf-8").replace("not given", "adults"), "utf-8")
    changed = file.read_text(encoding="utf-8")
    answer = type_card("a")
    assert answer.exit_code == 2
    assert "was written or changed by a person" in " ".join(answer.stderr.split())
    assert file.read_text(encoding="utf-8") == changed

    file.write_text("mine\n", encoding="utf-8")
    assert type_card("a").exit_code == 2
    assert file.read_text(encoding="utf-8") == "mine\n"

    file.unlink()
    file.symlink_to(folder / "nowhere")
    assert type_card("a").exit_code == 2
    assert not (folder / "nowhere").exists()
