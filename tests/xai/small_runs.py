"""Runs that commands can load, as small as can be."""

from pathlib import Path

import numpy as np

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.runs.records import read_split
from tests.run_folders import CLASSES, make_run, write_images


def write_small_runs(home: Path) -> list[str]:
    """Write `home`/data and `home`/runs; the images' ids.

    Two untrained runs of Lite0, one of 64 px and one of 32, which leaves a single field, and a run
    without a model.
    """
    names = write_images(home / "data", images_per_class=10)
    for px in (64, 32):
        run = make_run(
            home / "runs", f"lite0-{px}", image_ids=names, images_per_group=1,
            data=str(home / "data"), input_px=64,
        )  # fmt: skip
        backbone = create_backbone("tf_efficientnet_lite0", len(CLASSES), seed=px).eval()
        write_backbone(run.path, backbone, CLASSES, px)
        embeddings = np.random.default_rng(0).normal(size=(len(names), 1280)).astype(np.float32)
        write_neighbours(run.path, embeddings, names, read_split(run.path))
    make_run(home / "runs", "unfinished", state="failed")
    return names
