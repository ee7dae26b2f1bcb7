"""What one model predicts for one image, as the pages pass it on. No Streamlit, no torch."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

OWN = "predicted class"  # of each model, in place of a class's name: what is to be explained


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # arrays have no single answer to ==
class Prediction:
    """The prediction of one model for one image."""

    run_id: str
    title: str  # of the model, as people read it
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]  # (K,)
    ood_percentile: float  # percentile of the training images' own distances, [0, 100]

    @property
    def predicted(self) -> str:
        """Name of the class with the highest probability."""
        return self.classes[int(self.probabilities.argmax())]

    def class_to_explain(self, wanted: str) -> str:
        """The target class: the one named, or the predicted one where that is `OWN`."""
        return self.predicted if wanted == OWN else wanted

    def with_probabilities(self, probabilities: npt.NDArray[np.float32]) -> "Prediction":
        """The prediction of the same model for the image after a change."""
        return replace(self, probabilities=probabilities)
