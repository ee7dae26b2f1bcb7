"""NASNet-A (4 @ 1056), called NASNet-Mobile, which timm lacks. Only the network, no weights.

Zoph, Vasudevan, Shlens and Le 2018, "Learning Transferable Architectures for Scalable Image
Recognition", arXiv:1707.07012: figure 4 (cells) and appendix A.4 (around them). Names of the
modules are those of Cadene's `nasnetamobile-7e03cead.pth`, the published PyTorch weights.
"""

from collections.abc import Sequence
from typing import Any

import torch
from timm.models import build_model_with_cfg, register_model
from torch import Tensor, nn
from torch.nn import functional as F

from modelzoo.backbones.ours import describe_to_timm

# The penultimate 1056 channels are six branches of 4F, so F = 44 filters in the first cells.
_FILTERS = 44
_STEM = 32


class NASNetMobile(nn.Module):
    """NASNet-A 4 @ 1056: a stem, then three times four normal cells with reductions between.

    Padding is TensorFlow's SAME everywhere but in `conv0`, and the last map is averaged as a whole,
    so that any size from 32 px runs. No auxiliary head and no drop-path: the mobile model's
    configuration keeps every path, and the published weights have neither.
    """

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.5) -> None:
        super().__init__()
        f = _FILTERS
        self.num_classes = num_classes
        self.num_features = self.head_hidden_size = 24 * f
        self.drop_rate = drop_rate
        self.conv0 = _ConvNorm(in_chans, _STEM, kernel=3, stride=2)
        self.cell_stem_0 = _ReductionCell(_STEM, f // 4, previous=None)
        self.cell_stem_1 = _ReductionCell(f, f // 2, previous=_STEM, halve_previous=True)
        self.cell_0 = _NormalCell(2 * f, f, previous=f, halve_previous=True)
        self.cell_1 = _NormalCell(6 * f, f, previous=2 * f)
        self.cell_2 = _NormalCell(6 * f, f, previous=6 * f)
        self.cell_3 = _NormalCell(6 * f, f, previous=6 * f)
        self.reduction_cell_0 = _ReductionCell(6 * f, 2 * f, previous=6 * f)
        self.cell_6 = _NormalCell(8 * f, 2 * f, previous=6 * f, halve_previous=True)
        self.cell_7 = _NormalCell(12 * f, 2 * f, previous=8 * f)
        self.cell_8 = _NormalCell(12 * f, 2 * f, previous=12 * f)
        self.cell_9 = _NormalCell(12 * f, 2 * f, previous=12 * f)
        self.reduction_cell_1 = _ReductionCell(12 * f, 4 * f, previous=12 * f)
        self.cell_12 = _NormalCell(16 * f, 4 * f, previous=12 * f, halve_previous=True)
        self.cell_13 = _NormalCell(24 * f, 4 * f, previous=16 * f)
        self.cell_14 = _NormalCell(24 * f, 4 * f, previous=24 * f)
        self.cell_15 = _NormalCell(24 * f, 4 * f, previous=24 * f)
        self.last_linear: nn.Module = nn.Linear(24 * f, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W)."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """The last spatial map, (N, 1056, H / 32, W / 32), >= 0."""
        features, _ = self.forward_intermediates(x)
        return features

    def forward_intermediates(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last spatial map, and the last of each size from H / 4 on, as timm's networks do."""
        previous = self.conv0(x)
        x = self.cell_stem_0(previous, previous)
        stages = []
        for cell in (
            self.cell_stem_1,
            *(self.cell_0, self.cell_1, self.cell_2, self.cell_3, self.reduction_cell_0),
            *(self.cell_6, self.cell_7, self.cell_8, self.cell_9, self.reduction_cell_1),
            *(self.cell_12, self.cell_13, self.cell_14, self.cell_15),
        ):
            before = x
            previous, x = x, cell(x, previous)
            if x.shape[2:] != before.shape[2:]:
                stages.append(before)
        features = torch.relu(x)
        return features, [*stages, features]

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, K) of a feature map, or the inputs of the last layer (N, 1056)."""
        pooled = F.dropout(x.mean(dim=(2, 3)), self.drop_rate, self.training)
        return pooled if pre_logits else self.last_linear(pooled)

    def get_classifier(self) -> nn.Module:
        """The last linear layer, under timm's name for the question."""
        return self.last_linear

    def reset_classifier(self, num_classes: int) -> None:
        """A new last layer of `num_classes` outputs, random as torch makes it; 0 for none."""
        self.num_classes = num_classes
        self.last_linear = (
            nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
        )


class _Cell(nn.Module):
    """What all cells share: two maps in, brought to one size and `f` channels, then combined.

    Args:
        inputs: Channels of the cell before.
        f: Channels of each branch.
        previous: Channels of the cell before that one; None leaves that map as it is.
        halve_previous: That map is twice as large. It is halved without losing every second pixel:
            two 1x1 convolutions read two grids, one pixel apart ("factorized reduction").
    """

    def __init__(
        self, inputs: int, f: int, *, previous: int | None, halve_previous: bool = False
    ) -> None:
        super().__init__()
        self.halve_previous = halve_previous
        if halve_previous:
            assert previous is not None
            self.path_1 = _Grid(previous, f // 2)
            self.path_2 = _Grid(previous, f // 2)
            self.final_path_bn = _norm(f)
        else:
            self.conv_prev_1x1 = _ReluConvNorm(previous, f) if previous else nn.Identity()
        self.conv_1x1 = _ReluConvNorm(inputs, f)

    def forward(self, x: Tensor, previous: Tensor) -> Tensor:
        return self.combine(self.conv_1x1(x), self._fit(previous))

    def combine(self, h: Tensor, g: Tensor) -> Tensor:
        """The cell's output from its two fitted inputs."""
        raise NotImplementedError

    def _fit(self, previous: Tensor) -> Tensor:
        fitted: Tensor
        if self.halve_previous:
            r = torch.relu(previous)
            shifted = F.pad(r, (0, 1, 0, 1))[:, :, 1:, 1:]  # zero beyond the edge
            fitted = self.final_path_bn(torch.cat([self.path_1(r), self.path_2(shifted)], dim=1))
        else:
            fitted = self.conv_prev_1x1(previous)
        return fitted


class _NormalCell(_Cell):
    """Figure 4, left: keeps the size; six branches of `f` channels, one of them the fitted g."""

    def __init__(self, inputs: int, f: int, *, previous: int, halve_previous: bool = False) -> None:
        super().__init__(inputs, f, previous=previous, halve_previous=halve_previous)
        self.comb_iter_0_left = _Separables(f, f, kernel=5)
        self.comb_iter_0_right = _Separables(f, f, kernel=3)
        self.comb_iter_1_left = _Separables(f, f, kernel=5)
        self.comb_iter_1_right = _Separables(f, f, kernel=3)
        self.comb_iter_4_left = _Separables(f, f, kernel=3)

    def combine(self, h: Tensor, g: Tensor) -> Tensor:
        b0 = self.comb_iter_0_left(h) + self.comb_iter_0_right(g)
        b1 = self.comb_iter_1_left(g) + self.comb_iter_1_right(g)
        b2 = _average(h, stride=1) + g
        b3 = 2 * _average(g, stride=1)  # the search found the same average twice
        b4 = self.comb_iter_4_left(h) + h
        return torch.cat([g, b0, b1, b2, b3, b4], dim=1)


class _ReductionCell(_Cell):
    """Figure 4, right: halves the size; four branches of `f` channels."""

    def __init__(
        self, inputs: int, f: int, *, previous: int | None, halve_previous: bool = False
    ) -> None:
        super().__init__(inputs, f, previous=previous, halve_previous=halve_previous)
        right = f if previous else inputs  # the very first cell's g is its input as it is
        self.comb_iter_0_left = _Separables(f, f, kernel=5, stride=2)
        self.comb_iter_0_right = _Separables(right, f, kernel=7, stride=2)
        self.comb_iter_1_right = _Separables(right, f, kernel=7, stride=2)
        self.comb_iter_2_right = _Separables(right, f, kernel=5, stride=2)
        self.comb_iter_4_left = _Separables(f, f, kernel=3)

    def combine(self, h: Tensor, g: Tensor) -> Tensor:
        largest = _maximum(h)
        b0 = self.comb_iter_0_left(h) + self.comb_iter_0_right(g)
        b1 = largest + self.comb_iter_1_right(g)
        b2 = _average(h, stride=2) + self.comb_iter_2_right(g)
        b3 = _average(b0, stride=1) + b1
        b4 = self.comb_iter_4_left(b0) + largest
        return torch.cat([b1, b2, b3, b4], dim=1)  # b0 is used up, so it is no output


class _ConvNorm(nn.Sequential):
    """Convolution without padding, then batch norm."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.bn = _norm(outputs)


class _ReluConvNorm(_ConvNorm):
    """ReLU, 1x1 convolution, batch norm."""

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.bn(self.conv(torch.relu(x)))
        return normed


class _Grid(nn.Sequential):
    """Every second pixel, then a 1x1 convolution: the same as that convolution with stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)


class _Separables(nn.Module):
    """ReLU, separable convolution, batch norm, all of it twice; the stride is in the first."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.separable_1 = _Separable(inputs, outputs, kernel, stride)
        self.bn_sep_1 = _norm(outputs)
        self.separable_2 = _Separable(outputs, outputs, kernel, 1)
        self.bn_sep_2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn_sep_1(self.separable_1(torch.relu(x)))
        y: Tensor = self.bn_sep_2(self.separable_2(torch.relu(x)))
        return y


class _Separable(nn.Module):
    """Depthwise convolution with SAME padding, then a 1x1 one across channels."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.depthwise_conv2d = nn.Conv2d(
            inputs,
            inputs,
            kernel,
            stride,
            padding=kernel // 2 if stride == 1 else 0,  # with a stride `forward` pads
            groups=inputs,
            bias=False,
        )
        self.pointwise_conv2d = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.depthwise_conv2d.kernel_size, self.depthwise_conv2d.stride
        if stride == 2:
            x = F.pad(x, _same_padding(x.shape[-2:], kernel))
        y: Tensor = self.pointwise_conv2d(self.depthwise_conv2d(x))
        return y


def _same_padding(size: Sequence[int], kernel: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom of TensorFlow's SAME padding at stride 2.

    An even side is padded one pixel less at its start than at its end, an odd one evenly.
    """
    height, width = size
    end = kernel // 2
    return end - 1 + width % 2, end, end - 1 + height % 2, end


def _average(x: Tensor, *, stride: int) -> Tensor:
    """3x3 average with SAME padding, which is not counted."""
    if stride == 1:
        return F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)
    # `ceil_mode` is SAME's extra pixel at the end of an even side.
    return F.avg_pool2d(x, 3, 2, _odd(x), ceil_mode=True, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    """3x3 maximum at stride 2 with SAME padding, which is never the largest."""
    return F.max_pool2d(x, 3, 2, _odd(x), ceil_mode=True)


def _odd(x: Tensor) -> tuple[int, int]:
    """1 for each side that is odd: what SAME adds before it at a 3x3 window and stride 2."""
    return x.shape[-2] % 2, x.shape[-1] % 2


def _norm(channels: int) -> nn.BatchNorm2d:
    # TensorFlow's eps, which the weights were trained with; the momentum is the PyTorch port's.
    return nn.BatchNorm2d(channels, eps=0.001, momentum=0.1)


default_cfgs = describe_to_timm("nasnet_mobile", first_conv="conv0.conv", classifier="last_linear")


def nasnet_mobile(pretrained: bool = False, **kwargs: Any) -> NASNetMobile:
    """NASNet-Mobile as timm builds it: `timm.create_model` makes it once this file is imported."""
    network: NASNetMobile = build_model_with_cfg(
        NASNetMobile, "nasnet_mobile", pretrained, **kwargs
    )
    return network


register_model(nasnet_mobile)
