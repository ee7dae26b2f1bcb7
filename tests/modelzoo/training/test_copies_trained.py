"""Trainings on copies of images, made before or after the split."""

from pathlib import Path

import pytest

from modelzoo.datasets.copies import original_of
from modelzoo.datasets.opening import open_dataset
from modelzoo.datasets.splits import SplitKind
from modelzoo.evaluation.run_scores import evaluate_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import read_hashes, read_split
from modelzoo.training.split import settle_split
from tests.modelzoo.training.small import make_run, start


@pytest.mark.parametrize(
    ("kind", "copies", "rows"),
    [("leaky-augmented", 36, 72), ("leaky-validation", 0, 86), ("random", 36, 66)],
)
def test_a_run_on_copies_is_trained_tested_and_resumed_on_them(
    tmp_path: Path, images: Path, kind: SplitKind, copies: int, rows: int
) -> None:
    run = make_run(tmp_path, images, split=kind, copies_per_class=copies, epochs=2)
    start(run, tmp_path)
    split, predictions = read_split(run.path), read_predictions(run.path)

    assert len(split.rows) == rows
    assert predictions.images == tuple(row.image for row in split.rows)
    assert set(read_hashes(run.path)) == {original_of(row.image) for row in split.rows}
    evaluation = evaluate_run(run)
    if kind == "leaky-augmented":
        assert "share their group with training or validation images" in evaluation.notes[1]
    assert any("copies" in note for note in evaluation.notes[:1]) == kind.startswith("leaky")
    dataset = open_dataset(images, store=tmp_path)
    assert settle_split(run, dataset, tmp_path, lambda *_: None) == split
