"""Every method on every backbone, and many at once on one that is shared."""

import itertools
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelzoo.backbones.backbone import Backbone, create_backbone
from tests.built_here import BUILT_HERE
from tests.xai.test_explain_images import assert_unchanged, everything_of
from xai.errors import UserError
from xai.explain import explain, explain_by_all
from xai.methods.table import METHODS, ONE_PASS

# The rest is slow, or has its own test on every backbone: `test_rerouting.py`.
CAMS = (*ONE_PASS, "layer-cam-depths", "ablation-cam", "recipro-cam", "score-cam")
GUIDED = {"guided-backprop", "guided-grad-cam"}
NOT_DEFINED = {
    "efficientnet_b0": GUIDED,
    "efficientnetv2_b0": GUIDED,
    "tf_efficientnet_lite0": GUIDED,
    "efficientnet_b3": GUIDED,
    "yolov8n_cls": GUIDED,
    "xception": {"layer-cam-depths"},
}
SLOW_PASSES = 60  # forward passes
DEEPER_TWINS = ("vgg19", "resnet152", "densenet169")  # the slowest, of vgg16 and so on


def settled(name: str, px: int) -> Backbone:
    """A random backbone whose batch norms have seen images, so that its features are not all 0."""
    backbone = create_backbone(name, 4, seed=1)
    if not any(isinstance(module, nn.BatchNorm2d) for module in backbone.modules()):
        return backbone.eval()
    with torch.no_grad():
        for seed in range(3):
            generator = torch.Generator().manual_seed(seed)
            backbone(torch.randn(8, 3, px, px, generator=generator))
    return backbone.eval()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in DEEPER_TWINS else [])
        for name in BUILT_HERE
    ],
)
def test_cams_of_every_backbone_are_maps_and_leave_no_trace(name: str) -> None:
    # VGG has the most to compute in each pixel: a map of 2 x 2 there, of 3 x 3 elsewhere.
    px = 64 if "vgg" in name else 96
    backbone = settled(name, px)
    images = torch.randn(1, 3, px, px, generator=torch.Generator().manual_seed(7))
    before = everything_of(backbone)
    fields = backbone.features(images).shape[2:]

    refusals = {key: refusal for key, row in METHODS.items() if (refusal := row.refusal(backbone))}
    assert set(refusals) == NOT_DEFINED.get(name, set())
    for method in set(refusals) & set(CAMS):
        with pytest.raises(UserError, match=re.escape(refusals[method])):
            explain(backbone, images, method=method, target=3)
    # A class of a random network may have no evidence, but not all of them.
    allowed = [method for method in CAMS if method not in refusals]
    targets = {method: [0, 1, 2, 3] for method in allowed}
    targets |= {method: [3] for method in ("layer-cam-depths", "score-cam") if method in allowed}
    if "vgg" in name:  # whose large head runs once for each of 512 channels
        targets["ablation-cam"] = [3]
    if name == "vgg19":  # vgg16 has the same head
        del targets["ablation-cam"], targets["score-cam"]

    for classes in ([0, 1, 2, 3], [3]):
        together = explain_by_all(
            backbone,
            images.expand(len(classes), -1, -1, -1),
            methods=[method for method in targets if targets[method] == classes],
            target=classes,
        )
        for method, found in together.items():
            assert all(np.isfinite(each.values).all() for each in found), method
            assert not all(each.is_empty for each in found), method
            if method == "layer-cam-depths":
                assert found[0].values.shape > tuple(fields)
            else:
                assert found[0].values.shape == tuple(fields), method
    assert_unchanged(backbone, before)


@pytest.fixture
def one_core_a_call() -> Iterator[None]:
    """Sums that are shared out among cores round by chance, and gradients jump at a ReLU's kink."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_core_a_call")
def test_100_calls_of_eight_threads_on_one_model_give_the_maps_made_alone() -> None:
    backbone = settled("tf_efficientnet_lite0", 48)
    images = torch.randn(3, 1, 3, 48, 48, generator=torch.Generator().manual_seed(7))
    methods = [
        method
        for method in METHODS
        if method not in {"score-cam-exact", *NOT_DEFINED["tf_efficientnet_lite0"]}
    ]
    # Those that pass hundreds of images take most of the time: each twice, the others more often.
    quick = [method for method in methods if METHODS[method].passes < SLOW_PASSES]
    slow = [method for method in methods if method not in quick]
    subjects = [(image, target) for target in (1, 3) for image in range(3)]
    calls = [(method, *subject) for method in slow for subject in subjects[:2]]
    rounds = [(method, *subject) for subject in subjects for method in quick]
    calls += itertools.islice(itertools.cycle(rounds), 100 - len(calls))
    random.Random(0).shuffle(calls)
    before = everything_of(backbone)
    alone = {call: make(backbone, images, *call) for call in dict.fromkeys(calls)}

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda call: make(backbone, images, *call), calls))

    for call, values in zip(calls, together, strict=True):
        scale = np.abs(alone[call]).max()
        np.testing.assert_allclose(values, alone[call], atol=1e-3 * scale, err_msg=str(call))
    assert_unchanged(backbone, before)


def make(backbone: Backbone, images: Tensor, method: str, image: int, target: int) -> np.ndarray:
    return explain(backbone, images[image], method=method, target=target)[0].values


def test_a_pass_is_shared_by_all_that_need_only_the_last_features() -> None:
    backbone = settled("tf_efficientnet_lite0", 64)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(7))

    together = explain_by_all(backbone, images, methods=CAMS, target=[0, 3])

    for method, found in together.items():
        alone = explain(backbone, images, method=method, target=[0, 3])
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-6)
