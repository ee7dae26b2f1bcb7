"""A run's prediction for an image together with its maps, from one forward pass."""

import time
from collections.abc import Sequence

import torch

from modelzoo.inference.neighbours import ood_percentile
from modelzoo.inference.trained import LoadedRun, as_embeddings
from xai.attribution import Attribution
from xai.errors import UserError
from xai.explain import explain_features
from xai.on_runs.open import as_input
from xai.on_runs.predict import ImagePrediction
from xai.types import Rgb


def predict_and_explain(
    run: LoadedRun, pixels: Rgb, *, methods: Sequence[str], model_hash: str = ""
) -> tuple[ImagePrediction, dict[str, Attribution]]:
    """What `run` predicts, and its maps for the class that it predicts.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8, at the input size of the run.
        methods: Names of methods that start from the last features.
        model_hash: Handed on to the attributions.

    Returns:
        The prediction, and attributions by method; none where this network allows no such maps.
    """
    (prediction,), made = look_at_all(run, [pixels], methods=methods, model_hash=model_hash)
    return prediction, {name: attributions[0] for name, attributions in made.items()}


def look_at_all(
    run: LoadedRun,
    pixels: Sequence[Rgb],
    *,
    methods: Sequence[str],
    target: int | None = None,
    model_hash: str = "",
) -> tuple[list[ImagePrediction], dict[str, list[Attribution]]]:
    """As `predict_and_explain` of several images in one forward pass.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8 each.
        methods: Names of methods that start from the last features.
        target: Index of the class explained; None: that of each image's prediction.
        model_hash: Handed on to the attributions.
    """
    started = time.perf_counter()
    backbone = run.backbone
    with torch.no_grad():
        features = backbone.features(as_input(run, *pixels))
        embedded = backbone.embed(features)
        probabilities = backbone.classifier(embedded).float().softmax(dim=1).cpu().numpy()
    seconds = time.perf_counter() - started
    embeddings = as_embeddings(backbone, embedded)
    percentiles = ood_percentile(embeddings, run.neighbours)
    predictions = [
        ImagePrediction(p, float(percentile), embedding)
        for p, percentile, embedding in zip(probabilities, percentiles, embeddings, strict=True)
    ]
    try:
        made = explain_features(
            backbone,
            features,
            methods=methods,
            targets=[each.predicted if target is None else target for each in predictions],
            seconds=seconds,
            model_hash=model_hash,
        )
    except UserError:
        return predictions, {}  # whoever asks for such a map is told why
    return predictions, made
