"""The page Papers: what is claimed, what was measured, and what was not trained yet."""

from pathlib import Path

import pytest

from modelzoo.papers.systems import PAPERS, SYSTEMS
from tests.modelzoo.papers.test_measured import CNN13, make_row
from tests.pages.opened import open_page, text_of

CNN13_TITLE = "Anand et al. 2025: 13-layer CNN, Adam"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    monkeypatch.setattr("modelzoo.paths.reference_folder", lambda: tmp_path / "reference")
    return tmp_path


@pytest.mark.usefixtures("home")
def test_without_a_run_every_claim_is_there_and_says_that_nothing_was_trained() -> None:
    app = open_page("papers")

    assert not app.exception
    assert [each.value for each in app.subheader][:4] == [each.title for each in PAPERS.values()]
    tables = [frame.value for frame in app.dataframe]
    assert sum(map(len, tables)) == len(SYSTEMS)
    assert all((table["paper"] == "not trained yet").all() for table in tables)
    assert tables[0].iloc[0]["claimed"] == "100 %"
    assert "31 systems have not been trained yet" in text_of(app)


def test_a_run_of_a_system_stands_beside_its_claim(home: Path) -> None:
    make_row(home / "runs", CNN13, "leaky", split="leaky-augmented")
    make_row(home / "reference", CNN13, "grouped", split="grouped", epochs=2)

    app = open_page("papers", paper="Anand et al. 2025", system=CNN13_TITLE)

    assert not app.exception
    systems, claims = (frame.value for frame in app.dataframe)
    row = {key: str(value) for key, value in systems.iloc[0].items()}
    assert (row["claimed"], row["random"]) == ("96 %", "")
    assert row["paper"].startswith("83.3 % (")
    assert row["grouped"].endswith("), n = 48*~")
    by_score = claims.set_index("score")
    assert by_score.loc["Sensitivity, pre", "claimed"] == "93 %"
    assert str(by_score.loc["Sensitivity, pre", "measured0"]).endswith(")")
    text = text_of(app)
    assert "Reference results, which come with the project: grouped." in text
    assert "epochs 2 (30)" in text
    assert "The input size is not stated; 224 px is chosen." in text
    assert "--recipe anand2025-cnn13 --backbone cnn13 --data FOLDER --split leaky-augmented" in (
        app.code[0].value
    )


@pytest.mark.usefixtures("home")
def test_another_score_is_claimed_by_fewer() -> None:
    app = open_page("papers", claim="AUC", paper="Muduli et al. 2025")

    claimed = app.dataframe[0].value["claimed"]
    assert claimed.iloc[0] == "0.96"
    assert (claimed == "no claim").sum() == 21


@pytest.mark.usefixtures("home")
def test_what_a_link_names_and_is_not_there_is_said() -> None:
    app = open_page("papers", paper="Smith 2020", claim="Luck", system="None of them")

    assert not app.exception
    assert len(app.warning) == 3
