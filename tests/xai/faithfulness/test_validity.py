"""Checks of a method on a network: copies, class-blind maps, broken sums, refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.xai.networks import PooledNetwork, SmallNetwork, squares_in_corners, train_on_squares
from xai.attribution import Attribution
from xai.errors import UserError
from xai.explain import explain
from xai.faithfulness.validity import Validity, examine, gap_share, to_rows

CAMS = ("grad-cam", "xgrad-cam", "hires-cam", "eigen-cam")


@pytest.fixture
def images() -> Tensor:
    return squares_in_corners(4, seed=3)[0]


@pytest.fixture(scope="module")
def pooled() -> PooledNetwork:
    network = PooledNetwork()
    train_on_squares(network)
    return network


def by_method(found: list[Validity]) -> dict[str, Validity]:
    return {each.method: each for each in found}


def test_before_a_global_average_pool_three_methods_are_one(
    pooled: PooledNetwork, images: Tensor
) -> None:
    found = by_method(examine(pooled, images, methods=CAMS))

    assert found["grad-cam"].same_as == ("xgrad-cam", "hires-cam")
    assert found["xgrad-cam"].same_as == ("grad-cam", "hires-cam")
    assert found["hires-cam"].same_as == ("grad-cam", "xgrad-cam")
    assert found["eigen-cam"].same_as == ()
    assert found["xgrad-cam"].sentence.startswith(
        "On the images examined its positive attribution is the same as that of Grad-CAM and "
        "HiResCAM, so their agreement is no independent evidence."
    )


def test_behind_another_head_they_differ(images: Tensor) -> None:
    network = SmallNetwork().eval()

    found = examine(network, images, methods=CAMS)

    assert all(each.same_as == () for each in found)


def test_only_eigen_cam_ignores_the_class(pooled: PooledNetwork, images: Tensor) -> None:
    found = examine(pooled, images, methods=CAMS)

    assert [each.method for each in found if each.ignores_class] == ["eigen-cam"]
    assert found[-1].sentence == (
        "On the images examined the map is the same for the two most probable classes, so it does "
        "not distinguish them."
    )


def test_the_share_of_empty_maps_is_that_of_maps_without_positive_attribution(
    pooled: PooledNetwork, images: Tensor
) -> None:
    found = examine(pooled, images, methods=["grad-cam"])[0]

    maps = [explain(pooled, images, method="grad-cam", target=target) for target in (0, 1)]
    is_empty = [each.is_empty for of_class in maps for each in of_class]
    assert found.empty_share == np.mean(is_empty)


def test_a_network_of_negative_weights_leaves_empty_maps(images: Tensor) -> None:
    network = PooledNetwork().eval()
    with torch.no_grad():
        next(network.tail.parameters()).fill_(-1.0)  # the features are never below 0

    found = examine(network, images, methods=["grad-cam", "xgrad-cam"])

    assert [each.empty_share for each in found] == [1, 1]
    assert [each.same_as for each in found] == [(), ()]  # nothing is no map
    assert found[0].sentence == "100 % of its maps have no positive attribution."


def test_integrated_gradients_keep_their_sum_here(pooled: PooledNetwork, images: Tensor) -> None:
    found = examine(pooled, images[:2], methods=["integrated-gradients", "grad-cam"])

    assert found[0].gap_share is not None
    assert found[0].gap_share < 0.05
    assert found[0].sentence == "No check failed on the images examined."
    assert found[1].gap_share is None


def test_the_gap_is_the_error_over_the_difference_it_should_sum_to(
    pooled: PooledNetwork, images: Tensor
) -> None:
    one = explain(pooled, images[:1], method="grad-cam", target=0)[0]

    def with_error(error: float | None, logit: float) -> Attribution:
        return replace(one, completeness_gap=error, logit=logit, baseline_logit=1.0)

    assert gap_share([with_error(0.5, 3.0), with_error(-1.0, -3.0)]) == 1.5 / 6
    assert gap_share([with_error(None, 3.0)]) == 0
    assert gap_share([one]) is None


def test_a_method_that_is_refused_says_why_and_the_others_go_on(images: Tensor) -> None:
    class WithoutDepths(PooledNetwork):
        def stages(self, x: Tensor) -> list[Tensor]:
            raise UserError("This network has one depth only.")

    found = examine(WithoutDepths().eval(), images, methods=["layer-cam-depths", "grad-cam"])

    assert found[0].refusal == "This network has one depth only."
    assert found[0].sentence == "This network has one depth only."
    assert found[1].refusal is None


def test_progress_is_reported_after_each_method(pooled: PooledNetwork, images: Tensor) -> None:
    reported: list[tuple[int, int]] = []

    examine(
        pooled,
        images[:1],
        methods=["grad-cam", "eigen-cam"],
        on_progress=lambda done, total: reported.append((done, total)),
    )

    assert reported == [(1, 2), (2, 2)]


def test_an_unknown_method_is_a_sentence(pooled: PooledNetwork, images: Tensor) -> None:
    with pytest.raises(UserError, match="'lime' is unknown"):
        examine(pooled, images, methods=["grad-cam", "lime"])


def test_a_model_of_one_class_is_a_sentence(images: Tensor) -> None:
    with pytest.raises(UserError, match="one class only"):
        examine(PooledNetwork(classes=1).eval(), images, methods=["grad-cam"])


def test_a_row_of_text_by_hand() -> None:
    found = Validity(
        method="grad-cam",
        refusal=None,
        same_as=("hires-cam", "layer-cam"),
        ignores_class=True,
        empty_share=0.25,
        gap_share=None,
        sentence="The same map.",
    )

    assert to_rows([found]) == [
        {
            "method": "grad-cam",
            "refusal": "",
            "same_as": "hires-cam layer-cam",
            "ignores_class": "yes",
            "empty_share": "0.25",
            "gap_share": "",
            "sentence": "The same map.",
        }
    ]
