"""What of a method holds on one network, seen on a few of its images. No files, no pages."""

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

MISSES = 0.05  # of the difference that values should sum to; Integrated Gradients aims at less
EMPTY = 0.1  # share of empty maps from which on a reader will meet one


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """What of one method holds on one network."""

    method: str
    refusal: str | None  # why the method cannot be used here; the rest is then nothing
    same_as: tuple[str, ...]  # methods with the same map of what speaks for the class
    ignores_class: bool  # whether two classes get the same map
    empty_share: float  # of maps on which nothing speaks for the class, [0, 1]
    gap_share: float | None  # of the difference that the values should sum to; None: no such sum
    sentence: str  # all this in plain words


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One method's maps of all images, for the likeliest class and for the runner-up."""

    likeliest: list[Attribution]
    runner_up: list[Attribution]

    @property
    def attributions(self) -> list[Attribution]:
        return self.likeliest + self.runner_up


def examine(
    model: SplitModel,
    images: Tensor,
    *,
    methods: Sequence[str],
    on_progress: OnProgress | None = None,
) -> list[Validity]:
    """What of each method holds on this network.

    Each image is explained for its likeliest class and for the runner-up. That maps are the same
    is seen on these images only: a handful that differ says more than many of one kind.

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
    trials: dict[str, _Trial] = {}
    refusals: dict[str, str] = {}
    for done, method in enumerate(methods):
        try:
            trials[method] = _Trial(
                explain(model, images, method=method, target=first),
                explain(model, images, method=method, target=second),
            )
        except UserError as error:
            refusals[method] = str(error)
        if on_progress:
            on_progress(done + 1, len(methods))
    return [
        _refuse(method, refusals[method]) if method in refusals else _hold(method, trials)
        for method in methods
    ]


def _two_classes(model: SplitModel, images: Tensor) -> tuple[list[int], list[int]]:
    """Each image's likeliest class, and the next."""
    with torch.inference_mode():
        logits = torch.cat([model(part) for part in images.split(chunk_size(images))])
    if logits.shape[1] < 2:
        raise UserError("The model has one class only; give one of two or more.")
    best = logits.topk(2, dim=1).indices.T.tolist()
    return best[0], best[1]


def _refuse(method: str, refusal: str) -> Validity:
    return Validity(
        method=method,
        refusal=refusal,
        same_as=(),
        ignores_class=False,
        empty_share=0,
        gap_share=None,
        sentence=f"Not for this network: {refusal}",
    )


def _hold(method: str, trials: Mapping[str, _Trial]) -> Validity:
    own = trials[method]
    same_as = tuple(
        name for name, other in trials.items() if name != method and _are_same(own, other)
    )
    ignores_class = _ignores_class(own)
    empty_share = float(np.mean([each.evidence_for == 0 for each in own.attributions]))
    gap = gap_share(own.attributions)
    return Validity(
        method=method,
        refusal=None,
        same_as=same_as,
        ignores_class=ignores_class,
        empty_share=empty_share,
        gap_share=gap,
        sentence=_say(method, same_as, ignores_class, empty_share, gap),
    )


def _are_same(one: _Trial, other: _Trial) -> bool:
    """Whether what speaks for the class is the same on all images and for both classes."""
    return _coincide(
        [np.maximum(each.values, 0) for each in one.attributions],
        [np.maximum(each.values, 0) for each in other.attributions],
    )


def _ignores_class(trial: _Trial) -> bool:
    return _coincide(
        [each.values for each in trial.likeliest], [each.values for each in trial.runner_up]
    )


def _coincide(ones: Sequence[Map], others: Sequence[Map]) -> bool:
    """Whether the maps of all images coincide; where all are empty they show nothing."""
    pairs = list(zip(ones, others, strict=True))
    return any(one.any() for one, _ in pairs) and all(starmap(coincide, pairs))


def gap_share(attributions: Sequence[Attribution]) -> float | None:
    """By how much values miss the difference in logits that they should sum to.

    The sum of all errors over the sum of all differences, in place of the mean of their ratios,
    which one image without a difference would decide.

    Returns:
        >= 0; 0: exact; None: the method has no baseline, so its values need not sum to anything.
    """
    errors, differences = [], []
    for each in attributions:
        if each.baseline_logit is not None:
            errors.append(abs(each.completeness_gap or 0.0))
            differences.append(abs(each.logit - each.baseline_logit))
    return sum(errors) / max(sum(differences), 1e-12) if errors else None


def _say(
    method: str,
    same_as: Sequence[str],
    ignores_class: bool,
    empty_share: float,
    gap: float | None,
) -> str:
    found = []
    if same_as:
        titles = " and ".join(find_method(name).title for name in same_as)
        start = (
            "What speaks for the class is the same map" if _is_signed(method) else "The same map"
        )
        found.append(f"{start} as {titles} on this network: their agreement proves nothing.")
    if ignores_class:
        found.append("The same map for every class: it explains no answer.")
    if gap is not None and gap > MISSES:
        found.append(
            f"Its values miss the answer they should sum to by {gap:.0%}: read places, not numbers."
        )
    if empty_share >= EMPTY:
        found.append(f"{empty_share:.0%} of its maps are empty: nothing speaks for the class.")
    return " ".join(found) or "Nothing speaks against it on this network."


def _is_signed(method: str) -> bool:
    return find_method(method).is_signed


def to_rows(found: Sequence[Validity]) -> list[dict[str, str]]:
    """One row of texts per method, to be stored as CSV."""
    return [
        {
            "method": each.method,
            "refusal": each.refusal or "",
            "same_as": " ".join(each.same_as),
            "ignores_class": "yes" if each.ignores_class else "no",
            "empty_share": repr(each.empty_share),
            "gap_share": "" if each.gap_share is None else repr(each.gap_share),
            "sentence": each.sentence,
        }
        for each in found
    ]
