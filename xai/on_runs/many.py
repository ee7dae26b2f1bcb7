"""Predictions and maps of any number of image files, a batch at a time; large ones in fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from modelzoo.datasets.fields import Field, cut_field, place_fields
from modelzoo.datasets.images import fit_square
from modelzoo.errors import UserError as ZooError
from modelzoo.inference.decoding import decode_all
from modelzoo.inference.smears import Smear, join_pieces
from modelzoo.inference.trained import LoadedRun, Piece, open_squares, predict
from xai.attribution import Attribution
from xai.methods.table import ONE_PASS
from xai.on_runs.explain import explain_many
from xai.on_runs.look import look_at_all
from xai.smear.join import MapJoiner
from xai.types import Map, Rgb

BATCH = 8  # as many images of 224 px as a CPU takes gladly in one pass; see CHUNK_PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedSmear:
    """A smear with its maps."""

    smear: Smear
    target: int | None  # index of the class explained; None: it could not be read
    maps: dict[str, Map]  # by method; of a smear that was cut one map of all its fields
    refused: dict[str, str]  # method -> why the network does not allow it


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which maps are made, and how."""

    methods: tuple[str, ...]
    target: int | None = None  # index of the class explained; None: the predicted one
    field_px: int = 0  # as in `place_fields`


def explain_smears(
    run: LoadedRun, files: Sequence[Path], wanted: Wanted
) -> Iterator[list[ExplainedSmear]]:
    """Predictions and maps in the order of the files, a few at a time.

    A smear that is cut into fields has one target for all of them: the class of the highest mean
    probability, or the one that is wanted.

    Args:
        run: Opened.
        files: Of images; one that cannot be read has a reason and no maps.
        wanted: The maps.
    """
    waiting: list[tuple[Piece, Rgb | None]] = []
    for file, image in decode_all(files, depth=run.depth, threads=torch.get_num_threads()):
        squares = open_squares(file, image, run.px, field_px=wanted.field_px)
        first = next(squares)
        if first[0].field is None:
            waiting.append(first)
            if len(waiting) < BATCH:
                continue
        if waiting:
            yield _explain_whole(run, waiting, wanted)
            waiting = []
        if first[0].field is not None and not isinstance(image, ZooError):
            yield [_explain_in_fields(run, file, image, wanted)]
    if waiting:
        yield _explain_whole(run, waiting, wanted)


def _explain_whole(
    run: LoadedRun, squares: Sequence[tuple[Piece, Rgb | None]], wanted: Wanted
) -> list[ExplainedSmear]:
    """Images of which the middle square is looked at, in one forward pass where that is enough."""
    pixels = [each for _, each in squares if each is not None]
    if not pixels:
        return [_unread(piece, len(run.classes)) for piece, _ in squares]
    cheap = [name for name in wanted.methods if name in ONE_PASS]
    predictions, looked = look_at_all(run, pixels, methods=cheap, target=wanted.target)
    targets = [each.predicted if wanted.target is None else wanted.target for each in predictions]
    missing = [name for name in wanted.methods if name not in looked]
    made: dict[str, list[Attribution] | str] = {
        **looked,
        **explain_many(run, pixels, methods=missing, targets=targets),
    }
    explained = []
    at = iter(range(len(pixels)))
    for piece, each in squares:
        if each is None:
            explained.append(_unread(piece, len(run.classes)))
            continue
        index = next(at)
        prediction = predictions[index]
        answer = prediction.probabilities, np.float32(prediction.ood_percentile)
        maps = {
            name: of_method[index].values
            for name, of_method in made.items()
            if not isinstance(of_method, str)
        }
        smear = join_pieces([piece], [answer], len(run.classes))
        refused = {name: why for name, why in made.items() if isinstance(why, str)}
        explained.append(ExplainedSmear(smear, targets[index], maps, refused))
    return explained


def _unread(piece: Piece, classes: int) -> ExplainedSmear:
    return ExplainedSmear(join_pieces([piece], [], classes), None, {}, {})


def _explain_in_fields(
    run: LoadedRun, file: Path, image: Image.Image, wanted: Wanted
) -> ExplainedSmear:
    """A large smear: its fields predicted, then all of them explained for one class."""
    fields = place_fields(image.size, wanted.field_px)
    pieces = [Piece(file, size=image.size, field=field) for field in fields]
    answers = []
    for _, pixels in _in_batches(run, image, fields):
        batch = predict(run, np.stack(pixels))
        answers += list(zip(batch.probabilities, batch.ood_percentile, strict=True))
    smear = join_pieces(pieces, answers, len(run.classes))
    target = smear.predicted if wanted.target is None else wanted.target
    joined: dict[str, MapJoiner] = {}
    refused: dict[str, str] = {}
    for some, pixels in _in_batches(run, image, fields):
        methods = [name for name in wanted.methods if name not in refused]
        made = explain_many(run, pixels, methods=methods, targets=[target] * len(pixels))
        for name, attributions in made.items():
            if isinstance(attributions, str):
                refused[name] = attributions
                continue
            for field, each in zip(some, attributions, strict=True):
                if name not in joined:
                    joined[name] = MapJoiner(image.size, field.side, each.values.shape)
                joined[name].add(field.left, field.upper, each.values)
    maps = {name: joiner.values for name, joiner in joined.items() if name not in refused}
    return ExplainedSmear(smear, target, maps, refused)


def _in_batches(
    run: LoadedRun, image: Image.Image, fields: Sequence[Field]
) -> Iterator[tuple[list[Field], list[Rgb]]]:
    """Fields with their pixels (px, px, 3), BATCH at a time."""
    left = iter(fields)
    while some := list(islice(left, BATCH)):
        yield some, [fit_square(cut_field(image, field), run.px) for field in some]
