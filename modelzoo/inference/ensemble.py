"""Several trained networks as one: the weighted mean of their probabilities. No files of its own.

It has the methods of a `Backbone`, so that all that predicts and explains works on it. Its features
are those of its members side by side, and its logits the logarithms of the mean probabilities: a
map of it is then the mean of its members' maps, each counted by what it adds to the probability.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modelzoo.backbones.backbone import Backbone

LEAST = 1e-12  # of a probability: logits stay finite


class Ensemble(nn.Module):
    """The networks, in evaluation mode and on one device, with their weights."""

    def __init__(self, members: Sequence[Backbone], weights: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.classifier = Vote([each.classifier for each in members], weights)
        # Side of the joined map -> how often each member's values are repeated to fill it; filled
        # by `features`, since only images tell the side of a member's own map.
        self._repeats: dict[int, tuple[int, ...]] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of the probabilities, (N, K) of normalised images (N, 3, H, W)."""
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """The members' last maps side by side, (N, sum of C, h, w)."""
        return self._join([member.features(each) for member, each in self._inputs(x)])

    def head(self, features: Tensor) -> Tensor:
        """Logarithms of the probabilities, (N, K) of features."""
        logits: Tensor = self.classifier(self.embed(features))
        return logits

    def embed(self, features: Tensor) -> Tensor:
        """The inputs (N, sum of D) of the members' last layers."""
        members = self._backbones()
        channels = [int(member.channels) for member in members]
        repeats = self._repeats.get(features.shape[-1], (1,) * len(members))
        parts = features.split(channels, dim=1)
        return torch.cat(
            [
                member.embed(F.avg_pool2d(part, repeat) if repeat > 1 else part)
                for member, part, repeat in zip(members, parts, repeats, strict=True)
            ],
            dim=1,
        )

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels (N, H, W, 3) uint8 as the first member takes them; the others change them."""
        return self._backbones()[0].normalise(pixels)

    def _backbones(self) -> list[Backbone]:
        return [each for each in self.members if isinstance(each, Backbone)]

    def _inputs(self, x: Tensor) -> list[tuple[Backbone, Tensor]]:
        """Each member with the images as it takes them."""
        members = self._backbones()
        first = members[0].row
        inputs = []
        for member in members:
            row = member.row
            if (row.mean, row.std) == (first.mean, first.std):
                inputs.append((member, x))
                continue
            mean, std, own_mean, own_std = (
                x.new_tensor(values)[:, None, None]
                for values in (first.mean, first.std, row.mean, row.std)
            )
            inputs.append((member, (x * std + mean - own_mean) / own_std))
        return inputs

    def _join(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps side by side on the coarsest grid that each one's fields divide into whole ones."""
        side = math.lcm(*(each.shape[-1] for each in maps))
        repeats = tuple(side // each.shape[-1] for each in maps)
        self._repeats[side] = repeats
        return torch.cat(
            [
                F.interpolate(each, scale_factor=repeat, mode="nearest") if repeat > 1 else each
                for each, repeat in zip(maps, repeats, strict=True)
            ],
            dim=1,
        )


class Vote(nn.Module):
    """The last layers of the members, and the weighted mean of what they say."""

    weights: Tensor

    def __init__(self, layers: Sequence[nn.Linear], weights: Sequence[float]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.inputs = [layer.in_features for layer in layers]
        self.in_features = sum(self.inputs)
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32))

    def unit_parts(self, embedded: Tensor) -> Tensor:
        """Inputs (N, sum of D) with each member's part of length 1."""
        parts = embedded.float().split(self.inputs, dim=1)
        return torch.cat([F.normalize(part, dim=1) for part in parts], dim=1)

    def forward(self, embedded: Tensor) -> Tensor:
        """(N, K) logarithms of the mean probabilities, of inputs (N, sum of D)."""
        parts = embedded.split(self.inputs, dim=1)
        said = [
            layer(part).float().log_softmax(dim=1)
            for layer, part in zip(self.layers, parts, strict=True)
        ]
        weighted = torch.stack(said) + self.weights.clamp_min(LEAST).log()[:, None, None]
        return weighted.logsumexp(dim=0)
