"""manifest.json as version 0.1.0 wrote it."""

import json
from dataclasses import fields
from pathlib import Path

from tests.pages.opened import ROOT
from xai.attribution import Attribution
from xai.commands.manifest import read_images

OLD = ROOT / "tests" / "data" / "as_of_0_1" / "explain" / "manifest.json"


def test_a_manifest_of_version_0_1_0_is_read_with_the_names_of_today() -> None:
    written = json.loads(OLD.read_text())

    (image,) = read_images(OLD, written["model_sha256"])

    (old,) = written["images"]
    assert image["prediction"] == old["answer"]
    assert image["ood_percentile"] == old["unlikeness"]
    for made, before in zip(image["maps"], old["maps"], strict=True):
        assert made["description"] == before["says"]
        assert made["forward_passes"] == before["forwards"]
        assert made["completeness_gap"] == before["expected_error"]
        assert {spec.name for spec in fields(Attribution)} - {"model_hash"} <= made.keys()


def test_maps_of_another_model_are_not_taken_over(tmp_path: Path) -> None:
    assert read_images(OLD, "0" * 64) == []
    assert read_images(tmp_path / "none.json", "0" * 64) == []
