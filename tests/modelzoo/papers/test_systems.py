"""The rows of the papers' systems: each has its claims, its recipe and its size."""

import csv
import dataclasses
import tomllib
from pathlib import Path

import pytest

from modelzoo.backbones.backbone import create_empty_backbone
from modelzoo.config.train_config import RECIPES, TrainConfig
from modelzoo.papers.claims import CLAIMS, find_claims, read_claims
from modelzoo.papers.systems import PAPERS, SYSTEMS, System, match_classes
from tests.built_here import BUILT_HERE

BUILT = [system for system in SYSTEMS if system.backbone in BUILT_HERE]
OF_PAPERS = sorted({system.recipe for system in SYSTEMS})
# What a person chooses, or what several systems of one recipe differ in.
LEFT_OPEN = {"data", "columns", "seed", "recipe", "backbone"}


def test_every_claim_belongs_to_one_system_and_every_system_has_claims() -> None:
    keys = [(each.paper, each.name, each.optimizer) for each in SYSTEMS]

    assert len(set(keys)) == len(keys)
    claimed = {(each.paper, each.system, each.optimizer) for each in read_claims()}
    assert claimed <= set(keys)
    # Pushpalatha et al. claim their ensemble as the result, and give no score of it.
    without = [each for each in SYSTEMS if not each.claims]
    assert [each.name for each in without] == ["ensemble_equal", "ensemble_validation"]


def test_the_claims_are_those_of_the_list(real_data: Path) -> None:
    shipped = CLAIMS.read_text(encoding="utf-8")

    assert shipped == (real_data.parent / "papers" / "claims.csv").read_text(encoding="utf-8")
    assert len(read_claims()) == len(list(csv.DictReader(shipped.splitlines()))) == 267


def test_a_claim_is_given_as_the_paper_prints_it() -> None:
    by_metric = {each.metric: each for each in find_claims("pushpalatha2024", "resnet50", "adamax")}
    area = find_claims("muduli2025", "densenet121", "adam")[5]

    accuracy = by_metric["accuracy"]
    assert (accuracy.text, accuracy.value, accuracy.where) == ("98.625 %", 0.98625, "Table I")
    assert (area.metric, area.text, area.value) == ("auc", "0.98", 0.98)


@pytest.mark.parametrize("system", BUILT, ids=lambda system: system.key)
def test_a_system_has_as_many_parameters_as_its_row_says(system: System) -> None:
    classes, head = len(PAPERS[system.paper].classes), system.config.head

    built = [
        create_empty_backbone(name, classes, head=head)
        for name in system.members or (system.backbone,)
    ]

    assert sum(p.numel() for each in built for p in each.parameters()) == system.parameters


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.key)
def test_a_systems_recipe_is_that_of_its_row(system: System) -> None:
    config = system.config

    assert config.backbone == system.backbone
    assert config.optimizer == (system.optimizer or "adam")
    assert config.weights == ("none" if system.name in ("cnn13", "yolov8") else "imagenet")


@pytest.mark.parametrize("recipe", OF_PAPERS)
def test_a_papers_recipe_is_complete_and_says_of_every_value_where_it_is_from(recipe: str) -> None:
    file = RECIPES / f"{recipe}.toml"
    text = file.read_text(encoding="utf-8")
    options = {spec.name for spec in dataclasses.fields(TrainConfig)} - LEFT_OPEN

    assert options - set(tomllib.loads(text)) == set()
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            said = line.partition("#")[2].strip()
            assert said, line


@pytest.mark.parametrize(
    ("paper", "classes", "found"),
    [
        ("muduli2025", ["Benign", "Early", "Pre", "Pro"], True),
        (
            "anand2025",
            ["Benign", "[Malignant] Pre-B", "[Malignant] Pro-B", "[Malignant] early Pre-B"],
            True,
        ),
        ("muduli2025", ["Benign", "Early", "Pre"], False),
        ("muduli2025", ["Benign", "Early", "Pre", "Pro", "Other"], False),
        ("muduli2025", ["Benign", "Early", "Pre 1", "Pre 2"], False),
        ("muduli2025", ["all", "hem"], False),
        ("pushpalatha2024", ["all", "hem"], True),
        ("pushpalatha2024", ["Benign", "Early", "Pre", "Pro"], False),
    ],
)
def test_classes_are_the_papers_by_their_words(paper: str, classes: list[str], found: bool) -> None:
    matched = match_classes(classes, PAPERS[paper])

    assert (matched is not None) == found
    if matched:
        assert sorted(matched.values()) == sorted(classes)
        assert all(word in name.casefold() for word, name in matched.items())
