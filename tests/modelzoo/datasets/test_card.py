"""The data card: read back by mlcroissant, and its figures against the files."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import mlcroissant
import pandas as pd
import pytest

from modelzoo.datasets.card import check_card, write_card
from modelzoo.datasets.preparing import Prepared, prepare
from modelzoo.errors import UserError


@pytest.fixture
def prepared(tmp_path: Path, store: Path, write_image: Callable[..., Path]) -> Prepared:
    """Two parts of two classes, one with a name that Markdown would read, and a copy."""
    for seed, part in enumerate(("train", "test")):
        for n, label in enumerate(("*early* | <b>", "Pro")):
            write_image(f"my set/{part}/{label}/1.png", seed=10 * seed + n, px=40)
    write_image("my set/test/Pro/copy.png", seed=1, px=40)
    (tmp_path / "my set/train/Pro/notes.txt").touch()
    return prepare(tmp_path / "my set", store=store)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_croissant_reads_what_the_card_describes(prepared: Prepared, tmp_path: Path) -> None:
    _, table, croissant = write_card(tmp_path / "out/card.md", prepared)

    found = mlcroissant.Dataset(croissant)
    records = list(found.records("images"))

    assert not found.metadata.ctx.issues.errors
    # What only a person knows is left out, and nothing else is missing.
    missing = [warning.split('"')[1] for warning in found.metadata.ctx.issues.warnings]
    assert {name.rsplit("/", 1)[1] for name in missing} == {"citeAs", "datePublished", "license"}
    assert [each["images/image"].decode() for each in records] == list(prepared.dataset.ids)
    for each in records:
        content = (prepared.dataset.root / each["images/image"].decode()).read_bytes()
        assert each["images/sha256"].decode() == hashlib.sha256(content).hexdigest()
    (described,) = json.loads(croissant.read_text())["distribution"]
    assert described["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()


def test_the_card_is_one_page_with_the_figures(prepared: Prepared, tmp_path: Path) -> None:
    card, table, _ = write_card(tmp_path / "card.md", prepared)
    text = card.read_text()

    assert "5 images of 2 classes in 4 groups" in text
    assert hashlib.sha256(table.read_bytes()).hexdigest() in text
    assert prepared.dataset.id in text
    assert "1 of the 3 given test images is a copy" in text
    assert r"| \*early\* \| \<b\> | 2 | 2 | 1 |" in text
    assert "- 1: not an image by its extension (such as train/Pro/notes.txt)" in text
    assert "not for diagnosis" in text
    assert len(text.splitlines()) < 90
    rows = pd.read_csv(table, keep_default_na=False)
    assert rows["part"].tolist() == ["test"] * 3 + ["train"] * 2
    assert set(rows["width"]) == {40}


@pytest.mark.parametrize("taken", ["mine.csv", "mine.json", "mine.md"])
def test_a_card_never_takes_the_place_of_another_file(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("path,label")
    with pytest.raises(UserError, match="which is another file"):
        check_card(tmp_path / "mine.md", tmp_path / "data", None)


def test_a_card_may_be_written_again_but_not_over_the_table_it_is_about(
    prepared: Prepared, tmp_path: Path
) -> None:
    card, table, croissant = write_card(tmp_path / "card.md", prepared)
    check_card(card, prepared.dataset.root, None)
    for given in (table, croissant):
        with pytest.raises(UserError, match="which is another file"):
            check_card(card, given, None)
        with pytest.raises(UserError, match="which is another file"):
            check_card(card, prepared.dataset.root, given)
