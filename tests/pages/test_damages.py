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


@pytest.fixture(scope="module")
def damaged_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run for each damage, and one that is whole."""
    home = tmp_path_factory.mktemp("home")
    whole = make_run(home / "runs", "whole", images=40, skill=9.0)
    write_judgement(whole.path, [QUALITY_ROW], [VALIDITY_ROW])
    (whole.path / MODEL).write_bytes(b"no network")
    spoil_copies(DAMAGES, whole.path, home / "runs")
    return home


@pytest.mark.parametrize("page", ["", "compare", "explain", "papers", "train"])
def test_a_page_opens_beside_every_damage(
    damaged_home: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(damaged_home))

    app = open_page(page)

    assert not app.exception
    if page in ("compare", ""):
        assert "EfficientNet-Lite0" in text_of(app)


@pytest.mark.parametrize(("page", "key"), [("train", "train_run"), ("explain", "run")])
def test_a_damaged_run_that_is_asked_for_ends_in_no_traceback(
    damaged_home: Path, tmp_path: Path, page: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    whole, asked = tmp_path / "runs" / "whole", tmp_path / "runs" / "asked"
    shutil.copytree(damaged_home / "runs" / "whole", whole)

    for damage in DAMAGES[len(page) :: 12]:  # other ones on each page
        shutil.copytree(whole, asked)
        damage.spoil(asked)

        app = open_page(page, **{key: "asked"})

        assert not app.exception, damage.name
        shutil.rmtree(asked)
