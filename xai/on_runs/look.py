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
    started = time.perf_counter()
    backbone = run.backbone
    with torch.no_grad():
        features = backbone.features(as_input(run, pixels))
        embedded = backbone.embed(features)
        probabilities = backbone.classifier(embedded).float().softmax(dim=1).cpu().numpy()
    seconds = time.perf_counter() - started
    embeddings = as_embeddings(backbone, embedded)
    percentile = float(ood_percentile(embeddings, run.neighbours)[0])
    prediction = ImagePrediction(probabilities[0], percentile, embeddings[0])
    try:
        made = explain_features(
            backbone,
            features,
            methods=methods,
            targets=[prediction.predicted],
            seconds=seconds,
            model_hash=model_hash,
        )
    except UserError:
        return prediction, {}  # whoever asks for such a map is told why
    return prediction, {name: attributions[0] for name, attributions in made.items()}
