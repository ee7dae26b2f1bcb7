"""Whether a method's maps are valid on one network, on a few of its images. No files, no pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
import torch
from torch import Tensor

from xai.attribution import Attribution, coincide
from xai.errors import UserError
from xai.explain import explain
from xai.methods.table import find_method
from xai.model import chunk_size
from xai.types import Map, OnProgress, SplitModel

MAX_GAP = 0.05  # of the difference that values should sum to; Integrated Gradients aims at 0.01
MAX_EMPTY = 0.1  # share of empty maps; from here on a reader of ten maps meets one on average


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """The results of the checks of one method on one network."""

    method: str
    refusal: str | None  # why the network does not allow the method; then nothing was checked
    same_as: tuple[str, ...]  # methods whose maps have the same positive part
    ignores_class: bool  # whether the two most probable classes get the same map
    empty_share: float  # of maps without positive attribution, [0, 1]
    gap_share: float | None  # completeness gap over the difference in logits; None: no such sum
    sentence: str  # all this in words


@dataclass(frozen=True, slots=True, eq=False)
class _Attributions:
    """One method's attributions of all images, for their two most probable classes."""

    first: list[Attribution]
    second: list[Attribution]

    @property
    def both(self) -> list[Attribution]:
        return self.first + self.second


def examine(
    model: SplitModel,
    images: Tensor,
    *,
    methods: Sequence[str],
    on_progress: OnProgress | None = None,
) -> list[Validity]:
    """Check each method on this network, on a few images.

    Each image is explained for its two most probable classes. The results hold for these images;
    a handful that differ shows more than many of one kind.

    Args:
        model: In evaluation mode; left as it is.
        images: (N, 3, H, W) float32, normalised, at least one.
        methods: Names of rows in `xai.methods`.
        on_progress: Called with methods done and in all, after each.

    Raises:
        UserError: A method is unknown, or the model has one class only.
    """
    for method in methods:
        find_method(method)
    first, second = _two_classes(model, images)
    attributions: dict[str, _Attributions] = {}
    refusals: dict[str, str] = {}
    for done, method in enumerate(methods):
        try:
            attributions[method] = _Attributions(
                explain(model, images, method=method, target=first),
                explain(model, images, method=method, target=second),
            )
        except UserError as error:
            refusals[method] = str(error)
        if on_progress:
            on_progress(done + 1, len(methods))
    return [
        _refused(method, refusals[method]) if method in refusals else _check(method, attributions)
        for method in methods
    ]


def _two_classes(model: SplitModel, images: Tensor) -> tuple[list[int], list[int]]:
    """Each image's most probable class, and its second."""
    with torch.inference_mode():
        logits = torch.cat([model(part) for part in images.split(chunk_size(images))])
    if logits.shape[1] < 2:
        raise UserError("The model has one class only; give one of two or more.")
    first, second = logits.topk(2, dim=1).indices.T.tolist()
    return first, second


def _refused(method: str, refusal: str) -> Validity:
    return Validity(
        method=method,
        refusal=refusal,
        same_as=(),
        ignores_class=False,
        empty_share=0,
        gap_share=None,
        sentence=refusal,
    )


def _check(method: str, attributions: Mapping[str, _Attributions]) -> Validity:
    own = attributions[method]
    same_as = tuple(
        name for name, other in attributions.items() if name != method and _are_same(own, other)
    )
    ignores_class = _ignores_class(own)
    empty_share = float(np.mean([one.positive_sum == 0 for one in own.both]))
    gap = gap_share(own.both)
    return Validity(
        method=method,
        refusal=None,
        same_as=same_as,
        ignores_class=ignores_class,
        empty_share=empty_share,
        gap_share=gap,
        sentence=_describe(same_as, ignores_class, empty_share, gap),
    )


def _are_same(one: _Attributions, other: _Attributions) -> bool:
    """Whether the positive attribution is the same on all images and for both classes."""
    return _coincide(
        [np.maximum(each.values, 0) for each in one.both],
        [np.maximum(each.values, 0) for each in other.both],
    )


def _ignores_class(own: _Attributions) -> bool:
    return _coincide([one.values for one in own.first], [one.values for one in own.second])


def _coincide(ones: Sequence[Map], others: Sequence[Map]) -> bool:
    """Whether the maps of all images coincide; where all are empty they show nothing."""
    pairs = list(zip(ones, others, strict=True))
    return any(one.any() for one, _ in pairs) and all(starmap(coincide, pairs))


def gap_share(attributions: Sequence[Attribution]) -> float | None:
    """The completeness gap, as a share of the difference in logits that values should sum to.

    The sum of all gaps over the sum of all differences, in place of the mean of their ratios, which
    one image without a difference would decide.

    Returns:
        >= 0; 0: exact; None: the method has no baseline, so its values need not sum to anything.
    """
    gaps, differences = [], []
    for one in attributions:
        if one.baseline_logit is not None:
            gaps.append(abs(one.completeness_gap or 0.0))
            differences.append(abs(one.logit - one.baseline_logit))
    return sum(gaps) / max(sum(differences), 1e-12) if gaps else None


def _describe(
    same_as: Sequence[str], ignores_class: bool, empty_share: float, gap: float | None
) -> str:
    sentences = []
    if same_as:
        titles = " and ".join(find_method(name).title for name in same_as)
        sentences.append(
            f"On the images examined its positive attribution is the same as that of {titles}, so "
            "their agreement is no independent evidence."
        )
    if ignores_class:
        sentences.append(
            "On the images examined the map is the same for the two most probable classes, so it "
            "does not distinguish them."
        )
    if gap is not None and gap > MAX_GAP:
        sentences.append(
            f"The sum of its values misses the difference in logits by {100 * gap:.0f} % "
            "(completeness): compare places, not amounts."
        )
    if empty_share >= MAX_EMPTY:
        sentences.append(f"{100 * empty_share:.0f} % of its maps have no positive attribution.")
    return " ".join(sentences) or "No check failed on the images examined."


def to_rows(validities: Sequence[Validity]) -> list[dict[str, str]]:
    """One row of texts per method, to be stored as CSV."""
    return [
        {
            "method": one.method,
            "refusal": one.refusal or "",
            "same_as": " ".join(one.same_as),
            "ignores_class": "yes" if one.ignores_class else "no",
            "empty_share": repr(one.empty_share),
            "gap_share": "" if one.gap_share is None else repr(one.gap_share),
            "sentence": one.sentence,
        }
        for one in validities
    ]
