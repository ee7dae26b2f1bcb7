"""AlexNet with timm's methods: torchvision's network, since timm has none. No weights here.

Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks",
arXiv:1404.5997, the version that torchvision publishes ImageNet weights of.
"""

from typing import Any

from timm.models import build_model_with_cfg, register_model
from torch import Tensor, nn
from torchvision.models import AlexNet as TorchvisionAlexNet

from modelzoo.backbones.ours import describe_to_timm, last_of_each_size


class AlexNet(TorchvisionAlexNet):  # type: ignore[misc]  # torchvision has no types
    """Five convolutions and three dense layers, under torchvision's names of tensors."""

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.5) -> None:
        assert in_chans == 3
        super().__init__(num_classes or 1, drop_rate)
        self.classifier: nn.Sequential
        self.num_features = 256
        self.reset_classifier(num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last spatial map, (N, 256, 6, 6) of 224 px, >= 0."""
        features: Tensor = self.features(x)
        return features

    def forward_intermediates(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last spatial map, and the last of each size."""
        return last_of_each_size(self.features, x)

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, K) of features (N, 256, h, w), or the inputs (N, 4096) of the last layer."""
        pooled = self.avgpool(features).flatten(1)
        logits: Tensor = (self.classifier[:-1] if pre_logits else self.classifier)(pooled)
        return logits

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.classifier[-1]

    def reset_classifier(self, num_classes: int) -> None:
        """A new last layer; 0 takes the dense layers away, too."""
        self.num_classes = num_classes
        if num_classes:
            self.classifier[-1] = nn.Linear(4096, num_classes)
        else:
            self.classifier = nn.Sequential(nn.Identity())


default_cfgs = describe_to_timm("alexnet", first_conv="features.0", classifier="classifier.6")


def alexnet(pretrained: bool = False, **kwargs: Any) -> AlexNet:
    """AlexNet as timm builds it: `timm.create_model` makes it once this file is imported."""
    network: AlexNet = build_model_with_cfg(AlexNet, "alexnet", pretrained, **kwargs)
    return network


register_model(alexnet)
