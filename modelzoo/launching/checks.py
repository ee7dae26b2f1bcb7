"""What can be known before a run is made: a failed check leaves none behind. No torch."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from modelzoo.backbones.table import BACKBONES, find_backbone, require_package
from modelzoo.backbones.weights import require_weights
from modelzoo.config.train_config import TrainConfig, require_balanced, require_cycle
from modelzoo.datasets.doubts import (
    Links,
    describe_copies,
    describe_validation,
    doubt_parts,
    doubt_split,
    find_doubts,
)
from modelzoo.datasets.opening import check_trainable
from modelzoo.datasets.preparing import Prepared
from modelzoo.datasets.splits import PART_WORDS, Part, Split, find_missing_classes
from modelzoo.datasets.splitting import make_split
from modelzoo.datasets.store import count_bytes
from modelzoo.datasets.words import describe_fold
from modelzoo.errors import UserError
from modelzoo.launching.plan import PlannedRun
from modelzoo.papers.systems import find_paper, match_classes
from modelzoo.runs.folder import check_run_is_free
from modelzoo.text import count, file_size, join_few

_BYTES = 4  # of a parameter
# Of each parameter a finetuning keeps the last and the best epoch with what its optimizer knows.
_COPIES = {"frozen": 1, "norms": 3, "finetune": 5}


def check_at_once(planned: Sequence[PlannedRun], *, runs: Path, weights: Path | None) -> None:
    """Pass when names are free and weights are there: what needs no look at the images.

    Args:
        planned: At least one.
        runs: Folder of the runs.
        weights: Local folder of ImageNet weights.

    Raises:
        UserError: A name is taken, weights or a package are missing, or the folder cannot be made.
    """
    _check_folder(runs)
    for each in planned:
        check_run_is_free(runs, each.name)
        require_package(find_backbone(each.config.backbone))
        if each.config.weights == "imagenet":
            require_weights(each.config.backbone, weights)


def _check_folder(folder: Path) -> None:
    """Raise a UserError where a folder cannot be written or made; nothing is made."""
    there = _find_existing(folder)
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise UserError(
            f"Runs cannot be kept in {folder}, because {there} is no folder that may be written "
            "to; give another one."
        )


def _find_existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.absolute().parents) if os.path.lexists(each))


def check_planned(
    planned: Sequence[PlannedRun], prepared: Prepared, *, runs: Path, store: Path
) -> tuple[str, ...]:
    """Sentences on what is doubtful, when every planned run can be trained on these images.

    Checked are images, parts, classes and groups of each split, and the disk.

    Args:
        planned: Runs on one data set, at least one.
        prepared: That data set.
        runs: Folder of the runs.
        store: Folder of results that can be made again.

    Raises:
        UserError: One cannot be trained, and why.
    """
    dataset, configs = prepared.dataset, [each.config for each in planned]
    check_trainable(dataset)
    notes = list(dataset.notes)
    links = Links.of(dataset, prepared.overlaps)
    notes += find_doubts(dataset, links, prepared.groups)
    if any(config.split == "given" for config in configs):
        notes += doubt_parts(dataset, links)
    if dataset.left_out_files:
        files = count(len(dataset.left_out_files), "file")
        notes.append(f"{files} left out; `python -m modelzoo data` lists them with the reasons.")
    splits: dict[tuple[object, ...], Split] = {}
    for config in configs:
        shares = config.test_share, config.validation_share, config.copies_per_class
        key = config.split, config.seed, shares
        if key not in splits:
            splits[key] = plan_split(prepared, config)
            notes += doubt_split(dataset, config.split)
            notes += describe_validation(dataset, splits[key], config.split)
            notes += describe_fold(splits[key], config.seed)
            notes += describe_copies(splits[key], config.split, config.copies_per_class)
            notes += _describe_missing(splits[key])
        require_balanced(_missing(splits[key]).get("train", []), config)
        require_cycle(len(splits[key].ids("train")), config)
    notes += _describe_other_classes(prepared, planned)
    notes += _describe_enlarged(prepared, planned)
    notes += [each for config in configs for each in _describe_early_stop(config)]
    _check_disk(configs, prepared, runs, store)
    return tuple(dict.fromkeys(notes))


def plan_split(prepared: Prepared, config: TrainConfig) -> Split:
    """The split that a run with `config` will have.

    Raises:
        UserError: As of `make_split`.
    """
    return make_split(
        prepared.dataset,
        config.split,
        groups=prepared.groups,
        clusters=prepared.clusters,
        seed=config.seed,
        test_share=config.test_share,
        validation_share=config.validation_share,
        copies_per_class=config.copies_per_class,
    )


def _missing(split: Split) -> dict[Part, list[str]]:
    return find_missing_classes((row.label, row.part) for row in split.rows)


def _describe_missing(split: Split) -> list[str]:
    return [
        f"{join_few(labels)} {'has' if len(labels) == 1 else 'have'} no {PART_WORDS[part]} images."
        for part, labels in _missing(split).items()
    ]


def _describe_other_classes(prepared: Prepared, planned: Sequence[PlannedRun]) -> list[str]:
    """A sentence for each paper whose recipe is used on classes that are not its own."""
    papers = {find_paper(each.config.recipe) for each in planned} - {None}
    classes = prepared.dataset.classes
    return [
        f"The recipe is of {paper.title}, whose classes are {join_few(paper.classes)}; those of "
        f"{prepared.dataset.source} are {join_few(classes)}: what is measured is not set beside "
        "the paper's claims."
        for paper in papers
        if paper and match_classes(classes, paper) is None
    ]


def _describe_enlarged(prepared: Prepared, planned: Sequence[PlannedRun]) -> list[str]:
    """A sentence where images are smaller than what the networks take."""
    px = max(each.config.px for each in planned)
    facts = [image.facts for image in prepared.dataset.images if image.facts.width]
    small = [min(each.width, each.height) for each in facts]
    small = [side for side in small if side < px]
    if not small:
        return []
    return [
        f"{count(len(small), 'image')} smaller than {px} px, the smallest of {min(small)} px, "
        f"{'is' if len(small) == 1 else 'are'} enlarged to that."
    ]


def _describe_early_stop(config: TrainConfig) -> list[str]:
    """A sentence where a training with one cycle may stop in the middle of it."""
    if config.schedule != "one-cycle" or config.patience >= config.epochs:
        return []
    return [
        f"The schedule one-cycle spans {config.epochs} epochs, and a patience of {config.patience} "
        f"may stop the training before the rate has come down; a patience of {config.epochs} "
        "lets it finish."
    ]


def _check_disk(
    configs: Sequence[TrainConfig], prepared: Prepared, runs: Path, store: Path
) -> None:
    """Raise a UserError where pixels, features and networks will not fit."""
    pixels = sum(
        count_bytes(prepared.dataset, input_px=px, store=store)
        for px in {config.px for config in configs}
    )
    networks = sum(
        _COPIES[config.mode] * _BYTES * BACKBONES[config.backbone].parameters for config in configs
    )
    for folder, needed in ((store, pixels), (runs, networks)):
        free = shutil.disk_usage(_find_existing(folder)).free
        if needed > free:
            raise UserError(
                f"About {file_size(needed)} will be written to {folder} and {file_size(free)} are "
                "free; free some space, or give another folder."
            )
