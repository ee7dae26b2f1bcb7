"""Half precision: clamps bit for bit, and which networks keep their logits in which precision."""

import pytest
import torch
from torch import Tensor, nn

from modelzoo.backbones.backbone import create_backbone
from tests.xai.networks import SmallNetwork
from xai.methods.half import copy_in_half, pick_half

HALVES = [torch.bfloat16, torch.float16]
CPU = torch.device("cpu")


class Clamped(nn.Module):
    """One activation."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.activation(x)
        return found


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("kind", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize("dtype", HALVES)
def test_a_clamp_of_bits_is_torchs_of_every_number(
    dtype: torch.dtype, kind: type[nn.ReLU], in_place: bool
) -> None:
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    every = every[~every.isnan()][None, None, None]
    model = Clamped(kind(inplace=in_place))

    half = copy_in_half(model, torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), dtype)

    assert half is not None
    given = every.clone()
    torch.testing.assert_close(half(given), kind()(every), rtol=0, atol=0)
    assert torch.equal(given, every) != in_place
    assert type(model.activation) is kind


@pytest.mark.parametrize("name", ["densenet121", "tf_efficientnet_lite0"])
def test_a_copy_has_the_logits_of_the_model(name: str) -> None:
    backbone = create_backbone(name, 4, seed=1).eval()
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        for _ in range(2):  # so that batch norms have something to fold
            backbone.train()(torch.randn(4, 3, 64, 64))
        expected = backbone.eval()(image)

    half = copy_in_half(backbone, image, expected, torch.float16)

    assert half is not None
    assert not any(type(each) in (nn.ReLU, nn.ReLU6) for each in half.modules())
    with torch.inference_mode():
        found = half(image.half()).float()
    torch.testing.assert_close(found, expected, rtol=0, atol=0.01 * expected.abs().max().item())


def test_numbers_too_large_for_half_precision_make_no_copy() -> None:
    network = SmallNetwork().eval()
    with torch.no_grad():
        next(network.body.parameters()).mul_(1e8)
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))

    with torch.no_grad():
        logits = network(image)

    assert copy_in_half(network, image, logits, torch.float16) is None


def test_depthwise_networks_do_not_run_in_bfloat16() -> None:
    quick = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else None
    fine = torch.float16 if torch.ops.mkldnn._is_mkldnn_fp16_supported() else None

    assert pick_half(create_backbone("resnet50", 4), CPU) == quick
    assert pick_half(create_backbone("tf_efficientnet_lite0", 4), CPU) == fine
