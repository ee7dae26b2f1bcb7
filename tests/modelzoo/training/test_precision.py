"""Which precision a run computes in, and that it stays in it."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from modelzoo.backbones.backbone import Backbone, create_backbone
from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.dataset import Dataset
from modelzoo.errors import UserError
from modelzoo.inference.trained import load_run, predict
from modelzoo.parallel import Progress
from modelzoo.runs.file_names import CHECKPOINT, LOG, PRECISION
from modelzoo.runs.folder import Run, create_run
from modelzoo.runs.predictions import read_predictions
from modelzoo.runs.records import PrecisionRecord, read_environment, write_record
from modelzoo.runs.status import read_status
from modelzoo.training import precision
from modelzoo.training.precision import (
    Probe,
    autocast,
    multiplies_bfloat16,
    probe_precision,
    settle_precision,
)
from modelzoo.training.run import train
from tests.modelzoo.training.small import make_run, start

CPU = torch.device("cpu")
FLOAT32 = PrecisionRecord(training="float32", features="float32")


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return create_backbone("tf_efficientnet_lite0", 3)


def settle(run: Run, backbone: Backbone, folder: Path) -> tuple[PrecisionRecord, int]:
    """What was settled, and in how many passes of a probe."""
    passes = []
    on_progress: Progress = lambda done, total: passes.append(done)  # noqa: E731  # a counter
    settled = settle_precision(
        run, backbone, store=folder / "store", device=CPU, on_progress=on_progress
    )
    return settled, len(passes)


def make(folder: Path, name: str, **options: object) -> Run:
    values: dict[str, object] = {"input_px": 64, "precision": "auto"} | options
    return create_run(folder, name, TrainConfig(**values))  # type: ignore[arg-type]  # of any field


@pytest.mark.parametrize(
    ("float32", "bfloat16", "choice"),
    [(2.0, 1.0, "bfloat16"), (1.51, 1.0, "bfloat16"), (1.49, 1.0, "float32"), (1, 2, "float32")],
)
def test_bfloat16_is_chosen_where_it_is_a_fifth_faster(
    float32: float, bfloat16: float, choice: str
) -> None:
    assert Probe(float32=float32, bfloat16=bfloat16).choice == choice


@pytest.mark.parametrize("kind", ["training", "features"])
def test_a_probe_leaves_the_network_and_the_random_numbers_as_they_were(
    lite0: Backbone, kind: precision.Kind
) -> None:
    before = {name: value.clone() for name, value in lite0.state_dict().items()}
    lite0.train(kind == "features")
    random = torch.get_rng_state()

    probe = probe_precision(lite0, px=64, kind=kind)

    assert probe.float32 > 0
    assert probe.bfloat16 > 0
    assert torch.equal(torch.get_rng_state(), random)
    assert lite0.training == (kind == "features")
    assert all(torch.equal(value, before[name]) for name, value in lite0.state_dict().items())
    assert all(parameter.grad is None for parameter in lite0.parameters())


@pytest.mark.parametrize(
    ("mode", "asked", "expected"),
    [
        ("finetune", "bfloat16", PrecisionRecord(training="bfloat16", features="float32")),
        ("frozen", "bfloat16", PrecisionRecord(training="bfloat16", features="bfloat16")),
        ("frozen", "float32", FLOAT32),
    ],
)
def test_what_was_asked_for_is_taken_without_a_probe(
    tmp_path: Path, lite0: Backbone, mode: str, asked: str, expected: PrecisionRecord
) -> None:
    run = make(tmp_path, "run", mode=mode, precision=asked)

    assert settle(run, lite0, tmp_path) == (expected, 0)


def test_a_probe_is_made_once_for_a_network_and_each_kind_of_pass(
    tmp_path: Path, lite0: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)

    first, passes = settle(make(tmp_path, "first"), lite0, tmp_path)
    again, passes_again = settle(make(tmp_path, "again", seed=1), lite0, tmp_path)
    _, passes_of_steps = settle(make(tmp_path, "steps", mode="finetune"), lite0, tmp_path)

    assert first == again
    assert first.training == "float32"  # of a head on frozen features
    assert (passes > 0, passes_again, passes_of_steps > 0) == (True, 0, True)


def test_a_run_goes_on_in_the_precision_in_which_it_began(
    tmp_path: Path, lite0: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    run = make(tmp_path, "run", mode="finetune")
    begun = PrecisionRecord(training="bfloat16", features="float32")
    write_record(run.path, PRECISION, begun)
    old = make(tmp_path, "old", mode="finetune")  # of a version that had float32 only
    (old.path / CHECKPOINT).touch()

    assert settle(run, lite0, tmp_path) == (begun, 0)
    assert settle(old, lite0, tmp_path) == (FLOAT32, 0)


def test_a_processor_without_bfloat16_computes_as_before(
    tmp_path: Path, lite0: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: False)

    assert settle(make(tmp_path, "run", mode="finetune"), lite0, tmp_path) == (FLOAT32, 0)
    assert not (tmp_path / "store").exists()


def test_a_run_says_what_it_computed_in(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    run = make_run(tmp_path, images, mode="finetune", precision="auto", epochs=1)

    assert start(run, tmp_path).state == "done"

    found = read_environment(run.path).precision
    assert set(found) == {"training", "features"}
    log = (run.path / LOG).read_text(encoding="utf-8")
    assert f"A training step is computed in {found['training']}: bfloat16 is " in log
    assert not (run.path / PRECISION).exists()


def test_features_of_each_precision_are_kept_apart(tmp_path: Path, images: Path) -> None:
    found = []
    for number, numbers in enumerate(("float32", "bfloat16", "bfloat16", "float32")):
        run = make_run(tmp_path, images, f"run{number}", precision=numbers, epochs=1)
        start(run, tmp_path)
        found.append(read_environment(run.path).features)

    assert found == ["computed", "computed", "cached", "cached"]


def test_float16_on_a_cpu_is_a_sentence_before_it_starts(tmp_path: Path, images: Path) -> None:
    run = make_run(tmp_path, images, precision="float16")

    with pytest.raises(UserError, match="Precision float16 cannot be used on a CPU"):
        start(run, tmp_path)

    status = read_status(run.path, now=time.time())
    assert (status.state, status.phase) == ("failed", "")
    assert status.error.startswith("Precision float16 cannot be used on a CPU")


def test_autocast_is_what_its_name_says() -> None:
    layer, x = torch.nn.Linear(4, 2), torch.ones(1, 4)
    for dtype in ("float32", "bfloat16", "float16"):
        with autocast(CPU, dtype):
            assert layer(x).dtype == getattr(torch, dtype)


@pytest.mark.skipif(not multiplies_bfloat16(), reason="slow where bfloat16 is not multiplied")
def test_predictions_from_features_in_bfloat16_are_near_those_of_the_saved_network(
    tmp_path: Path, pbs: Dataset, pbs_store: Path, real_weights: Path
) -> None:
    """The saved network predicts in float32; the tolerance is that of docs/design.md."""
    values = dataclasses.asdict(TrainConfig(data=str(pbs.root), input_px=128, epochs=120))
    values |= {"batch_size": 64, "learning_rate": 0.003, "weight_decay": 0.01, "patience": 30}
    run = create_run(tmp_path, "run", TrainConfig(**(values | {"precision": "bfloat16"})))
    train(run, store=pbs_store, weights_folder=real_weights, device="cpu")
    found = read_predictions(run.path)
    trained = load_run(run.path)
    files = [pbs.root / name for name in found.images]

    from modelzoo.datasets.images import decode_image, fit_square

    pixels = np.stack([fit_square(decode_image(file), 128) for file in files])
    answers = np.concatenate([predict(trained, part).probabilities for part in np.split(pixels, 9)])

    is_same = answers.argmax(1) == found.probabilities.argmax(1)
    assert is_same.mean() >= 0.98
    assert np.abs(answers - found.probabilities).mean() < 0.02
    assert np.quantile(np.abs(answers - found.probabilities), 0.99) < 0.15
