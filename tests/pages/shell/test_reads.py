"""What pages read of runs, and how often."""

from pathlib import Path

import pytest
import streamlit as st

from modelzoo.runs.predictions import Predictions, read_predictions
from pages.shell import reads
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path


def test_predictions_are_read_once_until_they_change(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        make_run(home / "runs", name, images=40)
    read: list[str] = []

    def count(path: Path) -> Predictions:
        read.append(path.name)
        return read_predictions(path)

    monkeypatch.setattr(reads, "read_predictions", count)
    st.cache_resource.clear()

    open_page("compare")
    open_page("compare", roc="Pre")
    at_first = sorted(read)
    make_run(home / "new", "b", images=80)
    (home / "new" / "b").rename(home / "runs" / "c")
    open_page("compare")

    assert at_first == ["a", "b"]
    assert sorted(read) == ["a", "b", "c"]


@pytest.mark.parametrize("page", [None, "compare", "explain", "papers", "train"])
@pytest.mark.parametrize("kind", ["file", "loop"])
def test_a_folder_of_runs_that_is_none_is_a_sentence(
    home: Path, page: str | None, kind: str
) -> None:
    runs = home / "runs"
    runs.write_text("") if kind == "file" else runs.symlink_to(runs)

    app = open_page(page)

    assert not app.exception
    said = [each.value for each in app.error]
    assert len(said) == 1
    assert "could not be opened" in said[0]


@pytest.mark.parametrize("page", [None, "compare", "explain", "papers", "train"])
def test_a_folder_of_runs_that_was_deleted_is_like_a_new_one(home: Path, page: str | None) -> None:
    app = open_page(page)

    assert not app.exception
    assert not app.error
    assert "no run" in text_of(app).lower() or "nothing" in text_of(app).lower() or page
