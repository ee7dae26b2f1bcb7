"""Two models as they are before any training, and their images."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modelzoo.backbones.backbone import create_backbone
from modelzoo.backbones.saved import write_backbone
from modelzoo.datasets.synthetic.drawing import draw_smear
from modelzoo.inference.neighbours import write_neighbours
from modelzoo.runs.records import read_split
from tests.pages.explain.opened import IMAGES, PX
from tests.run_folders import CLASSES, make_run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a data set and two models as they are before any training."""
    home = tmp_path_factory.mktemp("home")
    generator = np.random.default_rng(0)
    data = home / "data"
    data.mkdir()
    pixels = generator.integers(0, 255, (IMAGES, 80, 96, 3), np.uint8)
    for index, each in enumerate(pixels):
        Image.fromarray(each).save(data / f"{index:04d}.jpg")
    for backbone, name in (("tf_efficientnet_lite0", "lite0"), ("efficientnet_b0", "b0-random")):
        run = make_run(
            home / "runs",
            name,
            images=IMAGES,
            images_per_group=1,
            starts_at_random=name.endswith("random"),
            data=str(data),
            backbone=backbone,
            input_px=PX,
        )
        network = create_backbone(backbone, len(CLASSES), seed=1).eval()
        write_backbone(run.path, network, CLASSES, PX)
        split = read_split(run.path)
        with torch.inference_mode():
            squares = network.normalise(torch.from_numpy(pixels[:, :PX, :PX].copy()))
            embeddings = network.embed(network.features(squares)).numpy()
        write_neighbours(run.path, embeddings, [row.image for row in split.rows], split)
    return home


@pytest.fixture
def home(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may spoil."""
    copy = tmp_path / "home"
    shutil.copytree(trained, copy)
    for config in copy.glob("runs/*/config.toml"):
        text = config.read_text()
        config.write_text(text.replace(str(trained / "data"), str(copy / "data")))
    monkeypatch.setenv("BLASTLENS_HOME", str(copy))
    return copy


@pytest.fixture
def smear() -> bytes:
    """An upload that shows a few cells."""
    out = BytesIO()
    Image.fromarray(draw_smear("Early", seed=4).pixels).save(out, "PNG")
    return out.getvalue()
