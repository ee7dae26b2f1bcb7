"""Rows of a leaderboard, made without a run. For tests."""

import numpy as np

from modelzoo.config.train_config import TrainConfig
from modelzoo.evaluation.intervals import evaluate
from modelzoo.evaluation.rows import LeaderboardRow
from tests.run_folders import predictions_of


def row(
    title: str,
    errors: int | float = 0,
    *,
    images: int = 200,
    seed: int = 0,
    split: str = "grouped",
    split_id: str = "",
    recipe: str = "quick",
    images_per_group: int = 1,
    has_imagenet: bool | None = True,
) -> LeaderboardRow:
    """A row that errs on the first `errors` images."""
    labels = np.arange(images) % 2
    wrong = np.arange(images) < errors
    predictions = predictions_of(labels, np.eye(2)[labels ^ wrong], classes=("a", "b"))
    groups = {
        image: f"g{index // images_per_group:04d}" for index, image in enumerate(predictions.images)
    }
    return LeaderboardRow(
        run_id=f"{title}-{recipe}-{split}-{seed}".lower(),
        backbone=title.lower(),
        title=title,
        recipe=recipe,
        mode="frozen",
        dataset="smears",
        dataset_id="abc",
        split_kind=split,
        split_id=split_id or f"{split}{seed}",
        seed=seed,
        state="done",
        evaluation=evaluate(predictions, groups),
        has_imagenet=has_imagenet,
        config=TrainConfig(data="smears", recipe=recipe, seed=seed),
        ms_per_image=10.0,
        parameters=1e6,
        seconds=60.0,
    )
