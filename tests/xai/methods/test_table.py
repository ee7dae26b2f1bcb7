"""What a row of the table of methods promises, and what is left behind by those who use it."""

import inspect
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from torch import Tensor, nn

from tests.xai.networks import SmallNetwork
from xai.errors import UserError
from xai.explain import explain
from xai.methods.deeplift import deep_lift
from xai.methods.table import METHODS, ONE_PASS, load_function


@pytest.fixture
def image() -> Tensor:
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))


NEED_MAPS = {name for name, row in METHODS.items() if row.starts_from_features} | {
    "layer-cam-depths", "score-cam", "score-cam-exact", "guided-grad-cam",
}  # fmt: skip


class OnTokens(SmallNetwork):
    """Features as a transformer has them: (N, tokens, C)."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x).flatten(2).transpose(1, 2)

    def stages(self, x: Tensor) -> list[Tensor]:
        return [self.features(x)]

    def head(self, features: Tensor) -> Tensor:
        return super().head(features.transpose(1, 2).unflatten(2, (8, 8)))


class ChannelsLast(SmallNetwork):
    """Features as a Swin transformer has them: (N, h, w, C)."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x).permute(0, 2, 3, 1)

    def stages(self, x: Tensor) -> list[Tensor]:
        return [self.features(x)]

    def head(self, features: Tensor) -> Tensor:
        return super().head(features.permute(0, 3, 1, 2))


@pytest.mark.parametrize("name", METHODS)
def test_a_row_names_a_function_that_takes_what_the_row_gives(name: str) -> None:
    row = METHODS[name]
    parameters = inspect.signature(load_function(row.function)).parameters.values()

    needed = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]

    given = [each.replace("contrast_gradients", "gradients") for each in row.inputs]
    assert needed == given
    assert all(each.default is not each.empty for each in parameters if each.name not in needed)


def test_one_pass_methods_are_those_that_need_no_more_than_features_and_gradients() -> None:
    assert ONE_PASS == (
        "grad-cam", "grad-cam-plus-plus", "hires-cam", "xgrad-cam", "layer-cam", "finer-cam",
        "eigen-cam",
    )  # fmt: skip


def test_the_map_of_a_method_is_the_same_for_every_class_where_its_row_says_so(
    image: Tensor,
) -> None:
    network = SmallNetwork().eval()
    network.body[1] = nn.ReLU()
    same = {
        name
        for name in METHODS
        if np.array_equal(
            explain(network, image, method=name, target=0)[0].values,
            explain(network, image, method=name, target=1)[0].values,
        )
    }

    assert same == {name for name, row in METHODS.items() if not row.is_class_specific}


@pytest.mark.parametrize("kind", [OnTokens, ChannelsLast])
@pytest.mark.parametrize("name", METHODS)
def test_a_network_whose_features_are_no_maps_is_refused_where_a_method_needs_one(
    name: str, kind: type[SmallNetwork], image: Tensor
) -> None:
    network = kind().eval()
    network.body[1] = nn.ReLU()

    if name in NEED_MAPS:
        with pytest.raises(UserError, match=r"no maps \(N, C, h, w\)|does not show its inner maps"):
            explain(network, image, method=name, target=0)
    else:
        (made,) = explain(network, image, method=name, target=0)
        assert np.isfinite(made.values).all()


def test_captum_knows_what_it_knew_before(image: Tensor) -> None:
    before = dict(SUPPORTED_NON_LINEAR)

    deep_lift(SmallNetwork().eval(), image, 0)

    assert before == SUPPORTED_NON_LINEAR
    assert nn.SiLU not in SUPPORTED_NON_LINEAR


def test_importing_changes_nothing_of_the_process() -> None:
    code = (
        "import warnings; import torch, captum.attr; before = list(warnings.filters)\n"
        "import xai.explain, xai.methods.guided, xai.methods.deeplift, xai.model\n"
        "assert warnings.filters == before"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_process_that_is_prepared_hides_captums_warning_and_no_other() -> None:
    from xai.model import prepare_process

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        prepare_process()
        warnings.warn("Setting forward, backward hooks and attributes on ReLU", stacklevel=1)
        warnings.warn("another", stacklevel=1)

    assert [str(each.message) for each in caught] == ["another"]
