"""Every page beside runs that are damaged in every way: nothing is lost, and no traceback."""

import shutil
from pathlib import Path

import pytest

from modelzoo.runs.attribution_tables import write_judgement
from modelzoo.runs.file_names import MODEL
from tests.damages import DAMAGES, spoil_copies
from tests.modelzoo.runs.test_attribution_tables import QUALITY_ROW, VALIDITY_ROW
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run

PAGES = ("", "compare", "explain", "papers", "train")


def make_whole(home: Path) -> Path:
    whole = make_run(home / "runs", "whole", images=40, skill=9.0)
    write_judgement(whole.path, [QUALITY_ROW], [VALIDITY_ROW])
    (whole.path / MODEL).write_bytes(b"no network")
    return whole.path


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_beside_a_third_of_all_damages(
    tmp_path: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each beside each reader is in tests of runs; pages that read alike have different thirds.
    spoil_copies(DAMAGES[PAGES.index(page) % 3 :: 3], make_whole(tmp_path), tmp_path / "runs")
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))

    app = open_page(page)

    assert not app.exception
    if page in ("compare", ""):
        assert "EfficientNet-Lite0" in text_of(app)


@pytest.mark.parametrize(("page", "key"), [("train", "train_run"), ("explain", "run")])
def test_a_damaged_run_that_is_asked_for_ends_in_no_traceback(
    tmp_path: Path, page: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    whole, asked = make_whole(tmp_path), tmp_path / "runs" / "asked"

    for damage in DAMAGES[len(page) :: 12]:  # other ones on each page
        shutil.copytree(whole, asked)
        damage.spoil(asked)

        app = open_page(page, **{key: "asked"})

        assert not app.exception, damage.name
        shutil.rmtree(asked)
