"""Making a run of several runs: their weighted mean, with its predictions and all a run has."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from modelzoo.config.train_config import TrainConfig, format_config
from modelzoo.errors import UserError
from modelzoo.evaluation.temperature import write_temperature
from modelzoo.files import make_folder, write_text
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.inference.trained import LoadedRun, load_run
from modelzoo.runs.ensembles import EnsembleRecord, Weighting, read_ensemble
from modelzoo.runs.file_names import CONFIG, DATA, ENSEMBLE, ENVIRONMENT, IMAGES, SPLIT, WEIGHTS
from modelzoo.runs.folder import Run, check_run_is_free, check_run_name
from modelzoo.runs.hashes import hash_model
from modelzoo.runs.parse import format_record
from modelzoo.runs.predictions import Predictions, read_predictions, write_predictions
from modelzoo.runs.records import (
    read_data,
    read_environment,
    read_hashes,
    read_split,
    read_weights,
    write_record,
)
from modelzoo.runs.status import HOST, Status, write_status
from modelzoo.text import join

LEAST = 1e-12  # of a probability


def make_ensemble(runs: Path, name: str, members: Sequence[str], weighting: Weighting) -> Run:
    """Make the run `runs/name`, which predicts the weighted mean of its members' probabilities.

    Args:
        runs: Folder of the runs.
        name: Of the new one.
        members: Names of runs in `runs`, at least two.
        weighting: equal; validation: the weights with the lowest log loss on the validation images.

    Raises:
        UserError: A member is not there, not trained, an ensemble itself, or was trained on other
            classes, at another size or on another split; the name cannot be used.
    """
    path = check_run_is_free(runs, name)
    loaded = _load(runs, members)
    predictions = [read_predictions(each.run.path) for each in loaded]
    assert len({each.images for each in predictions}) == 1  # in the order of one split
    weights = _weigh(predictions, weighting)
    record = EnsembleRecord(
        members=list(members),
        backbones=[each.run.config.backbone for each in loaded],
        weights=weights,
        weighting=weighting,
        sha256=[hash_model(each.run.path) for each in loaded],
    )
    unfinished = make_folder(runs / f".{name}.{os.getpid()}")
    config = replace(loaded[0].run.config, recipe=_name_recipe(loaded, weighting))
    write_text(unfinished / CONFIG, format_config(config))
    write_text(unfinished / ENSEMBLE, format_record(record))
    for file in (SPLIT, IMAGES):
        if (source := loaded[0].run.path / file).is_file():
            shutil.copy(source, unfinished / file)
    data = read_data(loaded[0].run.path)
    doubts = [*data.doubts, *_describe_settings(loaded)]
    write_record(unfinished, DATA, replace(data, doubts=doubts))
    joined = _join(predictions, weights)
    write_predictions(unfinished, joined)
    write_temperature(unfinished, joined)
    _write_neighbours(unfinished, loaded)
    _write_records(unfinished, loaded)
    now = time.time()
    write_status(
        unfinished, Status(state="done", queued=now, heartbeat=now, host=HOST, progress=1.0)
    )
    unfinished.rename(path)
    return Run(path, config)


def _load(runs: Path, members: Sequence[str]) -> list[LoadedRun]:
    """The members, when they can be joined.

    Raises:
        UserError: They cannot, and why.
    """
    if len(set(members)) < 2 or len(set(members)) < len(members):
        raise UserError(f"{join(list(members))} was given; give two or more different runs.")
    loaded = []
    for member in map(check_run_name, members):
        if read_ensemble(runs / member):
            raise UserError(f"{member} is an ensemble itself; give the runs that it joins.")
        loaded.append(load_run(runs / member))
    first = loaded[0]
    split = read_split(first.run.path)
    for other in loaded[1:]:
        for what, own, others in (
            ("the classes", first.classes, other.classes),
            ("an input of", f"{first.px} px", f"{other.px} px"),
        ):
            if own != others:
                raise UserError(
                    f"{other.run.id} has {what} {_words(others)} and {first.run.id} has "
                    f"{_words(own)}; give runs that have the same."
                )
        if read_split(other.run.path).id != split.id:
            raise UserError(
                f"{other.run.id} was trained and tested on another split of the images than "
                f"{first.run.id}: what one was tested on, the other may have learned; give runs of "
                "one split, kind and seed."
            )
        known, there = read_hashes(first.run.path), read_hashes(other.run.path)
        if any(there.get(image, sha256) != sha256 for image, sha256 in known.items()):
            raise UserError(
                f"{other.run.id} was trained and tested on other images than {first.run.id}, under "
                "the same names; give runs on the same data set."
            )
    return loaded


def _words(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else join(list(value))


def _name_recipe(loaded: Sequence[LoadedRun], weighting: Weighting) -> str:
    """The members' recipe where they have one in common, and how they are weighted."""
    recipes = {each.run.config.recipe for each in loaded}
    start = f"{recipes.pop()}-" if len(recipes) == 1 else ""
    return f"{start}ensemble-{weighting}"


def _describe_settings(loaded: Sequence[LoadedRun]) -> list[str]:
    """A sentence where members were trained in other ways: the run's config is the first one's."""
    first = loaded[0].run.config
    differing = sorted(
        {
            spec.name.replace("_", " ")
            for each in loaded[1:]
            for spec in fields(TrainConfig)
            if spec.name not in ("backbone", "recipe", "data")
            and getattr(each.run.config, spec.name) != getattr(first, spec.name)
        }
    )
    if not differing:
        return []
    return [
        f"The members of this ensemble were trained with other settings ({join(differing)}); those "
        f"that are shown are of {loaded[0].run.id}."
    ]


def _weigh(predictions: Sequence[Predictions], weighting: Weighting) -> list[float]:
    """One weight per member; they sum to 1.

    The log loss of a weighted mean of probabilities is convex in the weights, which are the softmax
    of what is searched for, so that none is negative.
    """
    n = len(predictions)
    if weighting == "equal":
        return [1 / n] * n
    validation = [each.only("validation") for each in predictions]
    labels = validation[0].labels
    rows = np.arange(len(labels))
    # (members, N), of the true class
    said = np.stack([each.probabilities[rows, labels] for each in validation]).astype(np.float64)

    def loss(x: npt.NDArray[np.float64]) -> float:
        return float(-np.log(np.maximum(softmax(x) @ said, LEAST)).mean())

    best = minimize(loss, np.zeros(n), method="Nelder-Mead", options={"maxiter": 2000})
    return [float(weight) for weight in softmax(best.x)]


def _join(predictions: Sequence[Predictions], weights: Sequence[float]) -> Predictions:
    """The weighted mean of the probabilities; its logarithms are the logits."""
    first = predictions[0]
    logits = logsumexp(
        np.stack([np.log(np.maximum(each.probabilities, LEAST)) for each in predictions]),
        axis=0,
        b=np.asarray(weights)[:, None, None],
    ).astype(np.float32)
    return replace(first, logits=logits, probabilities=softmax(logits, axis=1))


def _write_neighbours(path: Path, loaded: Sequence[LoadedRun]) -> None:
    """The members' embeddings of the training images side by side, each of the same length."""
    split = read_split(loaded[0].run.path)
    joined = np.concatenate([each.neighbours.embeddings for each in loaded], axis=1)
    write_neighbours(path, joined, loaded[0].neighbours.images, split)


def _write_records(path: Path, loaded: Sequence[LoadedRun]) -> None:
    """Where the weights are from and what it cost: those of the members together."""
    folders = [each.run.path for each in loaded]
    weights = [read_weights(folder) for folder in folders]
    scratch = next((each for each in weights if each.kind == "none"), weights[0])
    write_record(path, WEIGHTS, scratch)
    environments = [read_environment(folder) for folder in folders]
    write_record(
        path,
        ENVIRONMENT,
        replace(
            environments[0],
            parameters=sum(each.parameters for each in environments),
            ms_per_image=sum(each.ms_per_image for each in environments),
            seconds={
                f"members, {phase}": sum(each.seconds.get(phase, 0.0) for each in environments)
                for phase in environments[0].seconds
            },
            memory_bytes=max(each.memory_bytes for each in environments),
        ),
    )
