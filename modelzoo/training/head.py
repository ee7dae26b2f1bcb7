"""What is trained of a frozen network: one linear layer on embeddings, or head and batch norms."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from modelzoo.backbones.backbone import Backbone


def freeze_all_but_norms(backbone: Backbone) -> None:
    """Let only the head and the batch norms of `backbone` be trained.

    As fastai's `freeze` leaves a network (`train_bn`): the weights and biases of batch norms are
    trained, and their statistics follow the images.
    """
    backbone.requires_grad_(False)
    for module in backbone.modules():
        if isinstance(module, _BatchNorm):
            module.requires_grad_(True)
    for parameter in backbone.head_parameters():
        parameter.requires_grad_(True)


class StandardisedLinear(nn.Module):
    """A linear layer over embeddings centred and divided by one common spread.

    One spread for all: dividing each feature by its own blows up those that hardly vary on the
    training images, and images unlike them (masked ones, above all) get logits of any size.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, mean: Tensor, spread: Tensor, n_classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.linear = nn.Linear(len(mean), n_classes)
        # All classes alike at the start: the problem is convex, no symmetry needs breaking.
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    @classmethod
    def of(cls, embeddings: npt.NDArray[np.float32], n_classes: int) -> "StandardisedLinear":
        """One for the training images' `embeddings` (N, D)."""
        mean = torch.from_numpy(embeddings.mean(axis=0))
        # Root mean square of the deviation, over all features; a dead network has none at all.
        spread = torch.from_numpy(embeddings).sub(mean).square().mean().sqrt().clamp_min(1e-6)
        return cls(mean, spread, n_classes)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(N, D) embeddings -> (N, K) logits."""
        logits: Tensor = self.linear((embeddings - self.mean) / self.spread)
        return logits

    def fold_into(self, classifier: nn.Linear) -> None:
        """Give `classifier` weights with which it does the same on raw embeddings."""
        with torch.no_grad():
            weight = self.linear.weight / self.spread
            classifier.weight.copy_(weight)
            classifier.bias.copy_(self.linear.bias - weight @ self.mean)
