"""The one entry: right, alone or together, and without a trace in the model."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.xai.networks import (
    PooledNetwork,
    SmallNetwork,
    squares_in_corners,
    train_on_squares,
)
from xai.attribution import Attribution
from xai.errors import UserError
from xai.explain import explain, explain_by_all
from xai.methods.table import METHODS, ONE_PASS

every_method = pytest.mark.parametrize("method", list(METHODS))
ONLY_RELU = ("guided-backprop", "guided-grad-cam")
# The gradient itself, which does not ask whether the evidence is there.
SENSITIVITY = ("saliency", "smoothgrad")


def fit(network: SmallNetwork, method: str | None) -> SmallNetwork:
    """`network`, with ReLU in place of SiLU where the method is defined for nothing else."""
    if method in ONLY_RELU:
        network.body[1] = torch.nn.ReLU()
    return network


@pytest.fixture(scope="module")
def trained_by_activation() -> dict[bool, SmallNetwork]:
    """Networks that decide by a square in the upper left corner: with SiLU, and ReLU alone."""
    networks = {False: PooledNetwork(), True: fit(PooledNetwork(), ONLY_RELU[0])}
    for network in networks.values():
        train_on_squares(network)
    return networks


@pytest.fixture
def network(request: pytest.FixtureRequest) -> SmallNetwork:
    method = getattr(request.node, "callspec", None) and request.node.callspec.params.get("method")
    return fit(SmallNetwork(), method).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def everything_of(model: torch.nn.Module) -> dict[str, object]:
    return {
        "weights": {name: value.clone() for name, value in model.state_dict().items()},
        "gradients": [parameter.grad for parameter in model.parameters()],
        "requires_grad": [parameter.requires_grad for parameter in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [
            len(module._forward_hooks)
            + len(module._forward_pre_hooks)
            + len(module._backward_hooks)
            for module in model.modules()
        ],
    }


def assert_unchanged(model: torch.nn.Module, before: dict[str, object]) -> None:
    after = everything_of(model)
    old, new = before.pop("weights"), after.pop("weights")
    assert isinstance(old, dict)
    assert isinstance(new, dict)
    assert all(torch.equal(old[name], new[name]) for name in old)
    assert after == before


@every_method
def test_planted_evidence_is_found(
    method: str, trained_by_activation: dict[bool, SmallNetwork]
) -> None:
    images, labels = squares_in_corners(6, seed=5)
    trained = trained_by_activation[method in ONLY_RELU]

    found = explain(trained, images[labels == 1], method=method, target=1)

    for attribution in found:
        favour = np.maximum(attribution.values, 0)
        height, width = favour.shape
        # The square is 1/16 of the image; fields of a CAM see a little beyond it.
        corner = favour[: height * 3 // 8, : width * 3 // 8].sum() / favour.sum()
        # 9/64 = 0.14 of the image lie there.
        assert corner > (0.15 if method in SENSITIVITY else 0.8)


@every_method
def test_a_batch_equals_images_one_by_one(
    method: str, network: SmallNetwork, images: Tensor
) -> None:
    targets = [0, 1, 2, 1, 0]

    together = explain(network, images, method=method, target=targets)

    alone = [
        explain(network, image, method=method, target=target)[0]
        for image, target in zip(images.split(1), targets, strict=True)
    ]
    for one, other in zip(together, alone, strict=True):
        assert one.target == other.target
        np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-6)


def test_more_images_than_go_through_at_once_keep_their_order(network: SmallNetwork) -> None:
    images = torch.randn(20, 3, 224, 224, generator=torch.Generator().manual_seed(1))

    found = explain(network, images, method="grad-cam", target=1)

    last = explain(network, images[19:], method="grad-cam", target=1)[0]
    assert len(found) == 20
    np.testing.assert_allclose(found[19].values, last.values, rtol=1e-4, atol=1e-6)


@every_method
def test_eight_threads_on_one_model_get_the_maps_they_would_get_alone(
    method: str, network: SmallNetwork
) -> None:
    images = torch.randn(48, 1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    before = everything_of(network)

    def explain_one(index: int) -> Attribution:
        return explain(network, images[index], method=method, target=index % 3)[0]

    alone = [explain_one(index) for index in range(48)]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(explain_one, range(48)))

    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-6)
    assert_unchanged(network, before)


@every_method
def test_the_model_is_left_as_it_was(method: str, network: SmallNetwork, images: Tensor) -> None:
    network.requires_grad_(False)
    network.tail.requires_grad_(True)
    before = everything_of(network)

    explain(network, images, method=method, target=2)

    assert_unchanged(network, before)


@every_method
def test_the_model_is_left_as_it_was_after_an_error_inside(
    method: str, network: SmallNetwork, images: Tensor
) -> None:
    before = everything_of(network)
    calls = []

    class Breaks(SmallNetwork):
        def head(self, features: Tensor) -> Tensor:
            calls.append(1)
            logits = super().head(features)
            if method in (*ONE_PASS, "layer-cam-depths") or len(calls) == 3:
                raise RuntimeError("inside")
            return logits

    network.__class__ = Breaks

    with pytest.raises(RuntimeError, match="inside"):
        explain(network, images, method=method, target=2)

    assert calls
    assert_unchanged(network, before)


@every_method
def test_it_works_where_gradients_are_switched_off(
    method: str, network: SmallNetwork, images: Tensor
) -> None:
    with torch.no_grad():
        found = explain(network, images[:1], method=method, target=0)[0]

    again = explain(network, images[:1], method=method, target=0)[0]
    np.testing.assert_array_equal(found.values, again.values)


@every_method
def test_attributions_say_what_they_are(method: str, network: SmallNetwork, images: Tensor) -> None:
    found = explain(network, images, method=method, target=1, model_hash="abc")

    row = METHODS[method]
    for attribution, logits in zip(found, network(images), strict=True):
        assert attribution.method == method
        assert attribution.target == 1
        assert attribution.is_signed == row.is_signed
        # Behind a ReLU all features have one sign, and Eigen-CAM's map with them.
        is_negative = bool((attribution.values < 0).any())
        assert is_negative == (row.is_signed and method != "eigen-cam")
        assert attribution.values.dtype == np.float32
        assert attribution.seconds > 0
        assert attribution.forward_passes >= 1
        assert attribution.model_hash == "abc"
        assert attribution.logit == pytest.approx(logits[1].item(), abs=1e-5)


@every_method
@pytest.mark.parametrize("target", [3, -1])
def test_a_class_that_does_not_exist_is_a_sentence(
    method: str, target: int, network: SmallNetwork, images: Tensor
) -> None:
    with pytest.raises(UserError, match=f"Target {target} is no class of this model; give 0 to 2"):
        explain(network, images, method=method, target=target)


@every_method
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3000, 10)])
def test_an_image_too_small_or_too_large_is_a_sentence(
    method: str, width: int, height: int, network: SmallNetwork
) -> None:
    with pytest.raises(UserError, match=f"The image is {width} x {height} pixels"):
        explain(network, torch.zeros(1, 3, height, width), method=method, target=0)


def test_methods_of_one_pass_share_it_and_give_what_each_gives_alone(images: Tensor) -> None:
    passes = []

    class Counts(SmallNetwork):
        def features(self, x: Tensor) -> Tensor:
            passes.append(len(x))
            return super().features(x)

    network = Counts().eval()

    together = explain_by_all(network, images, methods=ONE_PASS, target=1)

    assert passes == [len(images)]
    assert list(together) == list(ONE_PASS)
    for method, found in together.items():
        for one, other in zip(
            found, explain(network, images, method=method, target=1), strict=True
        ):
            np.testing.assert_array_equal(one.values, other.values)


def test_a_map_of_one_field_is_a_sentence() -> None:
    class Strided(PooledNetwork):
        def features(self, x: Tensor) -> Tensor:
            return super().features(x).mean(dim=(2, 3), keepdim=True)

    with pytest.raises(UserError, match="a feature map of 1 x 1, which shows no place"):
        explain(Strided().eval(), torch.zeros(1, 3, 16, 16), method="grad-cam", target=0)


def test_an_unknown_method_is_a_sentence(network: SmallNetwork, images: Tensor) -> None:
    with pytest.raises(UserError, match="'lime' is unknown; give one of grad-cam, grad-cam-plus"):
        explain(network, images, method="lime", target=0)


@every_method
def test_a_model_of_numbers_that_are_none_is_a_sentence(method: str, images: Tensor) -> None:
    network = fit(SmallNetwork(), method).eval()
    with torch.no_grad():
        next(network.body.parameters()).fill_(torch.nan)

    with pytest.raises(UserError, match="logits are not finite"):
        explain(network, images, method=method, target=0)


def test_a_model_in_training_is_refused(network: SmallNetwork, images: Tensor) -> None:
    with pytest.raises(AssertionError, match="batch norms"):
        explain(network.train(), images, method="grad-cam", target=0)
