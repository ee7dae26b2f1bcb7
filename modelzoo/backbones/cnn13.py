"""The 13-layer CNN of Anand et al. 2025 (Sci. Rep., 9 August), which is trained from scratch.

Five blocks of 3 x 3 convolutions, each with batch norm and ReLU, and a max pool after each block;
16, 32, 64, 128 and 256 filters. The paper counts thirteen convolutions and gives the first block
two; 2, 2, 3, 3 and 3 is the one regular way to come to thirteen. Then flatten, a dense layer of 512
with ReLU, dropout and the last dense layer. The rate of the dropout is not stated; 0.5 is chosen.
"""

from typing import Any

from timm.models import build_model_with_cfg, register_model
from torch import Tensor, nn

from modelzoo.backbones.ours import describe_to_timm, last_of_each_size

_BLOCKS = ((16, 2), (32, 2), (64, 3), (128, 3), (256, 3))  # filters, convolutions
_SIDE = 7  # of the last map of 224 px
_UNITS = 512


class CNN13(nn.Module):
    """The network, with timm's methods.

    The dense layer takes a map of 7 x 7, what 224 px leave; that of another input is averaged to
    it, or repeated.
    """

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.5) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_chans
        for filters, count in _BLOCKS:
            for _ in range(count):
                layers += [
                    nn.Conv2d(channels, filters, 3, padding=1, bias=False),
                    nn.BatchNorm2d(filters),
                    nn.ReLU(inplace=True),
                ]
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.num_classes = num_classes
        self.num_features = channels
        self.pre_logits: nn.Module = nn.Sequential(
            nn.AdaptiveAvgPool2d(_SIDE),
            nn.Flatten(),
            nn.Linear(channels * _SIDE * _SIDE, _UNITS),
            nn.ReLU(inplace=True),
            nn.Dropout(drop_rate),
        )
        self.fc = nn.Linear(_UNITS, num_classes) if num_classes else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W)."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """The last spatial map, (N, 256, H / 32, W / 32), >= 0."""
        features: Tensor = self.features(x)
        return features

    def forward_intermediates(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last spatial map, and the last of each size."""
        return last_of_each_size(self.features, x)

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, K) of features (N, 256, h, w), or the inputs (N, 512) of the last layer."""
        vectors: Tensor = self.pre_logits(features)
        return vectors if pre_logits else self.fc(vectors)

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.fc

    def reset_classifier(self, num_classes: int) -> None:
        """A new last layer; 0 for none."""
        self.num_classes = num_classes
        self.fc = nn.Linear(_UNITS, num_classes) if num_classes else nn.Identity()


default_cfgs = describe_to_timm("cnn13", first_conv="features.0", classifier="fc")


def cnn13(pretrained: bool = False, **kwargs: Any) -> CNN13:
    """The network as timm builds it: `timm.create_model` makes it once this file is imported."""
    network: CNN13 = build_model_with_cfg(CNN13, "cnn13", pretrained, **kwargs)
    return network


register_model(cnn13)
