"""YOLOv8n-cls, with timm's methods. The layers are those of the package ultralytics (AGPL-3.0).

Nothing of it is copied, and it is imported only when such a network is built.
"""

from typing import Any

from timm.models import build_model_with_cfg, register_model
from torch import Tensor, nn

from modelzoo.backbones.ours import describe_to_timm, last_of_each_size


class YoloClassifier(nn.Module):
    """The package's layers up to its head's convolution as features; then pool, dropout, linear."""

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0) -> None:
        super().__init__()
        from ultralytics.nn.tasks import ClassificationModel

        made = ClassificationModel("yolov8n-cls.yaml", in_chans, num_classes or 1, verbose=False)
        *layers, head = made.model
        self.features = nn.Sequential(*layers, head.conv)
        self.drop = nn.Dropout(drop_rate)
        self.num_classes = num_classes
        self.num_features: int = head.linear.in_features
        self.fc = head.linear if num_classes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W)."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """The last spatial map, (N, 1280, H / 32, W / 32)."""
        features: Tensor = self.features(x)
        return features

    def forward_intermediates(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last spatial map, and the last of each size."""
        return last_of_each_size(self.features, x)

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, K) of features (N, 1280, h, w), or the inputs of the last layer."""
        vectors: Tensor = self.drop(features.mean(dim=(2, 3)))
        return vectors if pre_logits else self.fc(vectors)

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        classifier: nn.Module = self.fc
        return classifier

    def reset_classifier(self, num_classes: int) -> None:
        """A new last layer; 0 for none."""
        self.num_classes = num_classes
        self.fc = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()


default_cfgs = describe_to_timm("yolov8n_cls", first_conv="features.0.conv", classifier="fc")


def yolov8n_cls(pretrained: bool = False, **kwargs: Any) -> YoloClassifier:
    """The network as timm builds it, where ultralytics is installed."""
    network: YoloClassifier = build_model_with_cfg(
        YoloClassifier, "yolov8n_cls", pretrained, **kwargs
    )
    return network


register_model(yolov8n_cls)
