"""The section on maps of the page Compare."""

from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from modelzoo.runs.attribution_tables import write_judgement
from modelzoo.runs.file_names import QUALITY
from modelzoo.runs.folder import Run
from tests.pages.opened import open_page, text_of
from tests.run_folders import make_run

BASELINES = "random placement, the centre map and the blurred map"


def judge(run: Run, *, p: float) -> None:
    """Leave the tables of `python -m xai quality`, as if two methods had been judged."""
    rows = [
        {
            "method": method, "measure": measure, "value": 0.64, "ci_low": 0.55, "ci_high": 0.7,
            "random": 0.4, "centre": 0.5, "blurred": 0.3, "win_share": 0.75, "gain": 0.14,
            "area": 0.31 if measure == "nucleus_energy" else None,
            "images": 12, "groups": 9, "p_random": p, "p_centre": p, "p_blurred": p,
        }
        for method in ("score-cam", "grad-cam")
        for measure in ("deletion", "insertion", "nucleus_energy", "rotation_variance")
    ]  # fmt: skip
    write_judgement(run.path, rows, [])


def maps_of(app: AppTest) -> Element:
    (found,) = (each for each in app.dataframe if "Map" in each.value)
    return found


def test_runs_whose_maps_were_not_judged_are_told_the_command(folder: Path) -> None:
    run = make_run(folder, "a")

    app = open_page("compare", section="Map quality")

    assert not app.exception
    assert "The maps of no run shown have been evaluated yet" in text_of(app)
    assert app.code[0].value == f"python -m xai quality --run {run.path}"


def test_maps_stand_beside_baseline_maps(folder: Path) -> None:
    judge(make_run(folder, "a", skill=4), p=0.012)
    judge(make_run(folder, "b", backbone="vgg16"), p=0.2)
    missing = make_run(folder, "c", backbone="resnet50", skill=1)

    app = open_page("compare", section="Map quality")

    assert not app.exception
    said = text_of(app)
    assert "Grad-CAM is better on insertion than random placement in 1 of 2 runs, " in said
    assert "Score-CAM is better on insertion than random placement in 1 of 2 runs, " in said
    assert "Test images of smears, grouped split, seed 0, " in said
    published = "73.97 % of the important pixels lay in the nucleus"
    assert published not in said  # it is of nuclei
    assert published in text_of(open_page("compare", map_metric="Share in nuclei"))
    table = maps_of(app).value
    assert table["Map"].tolist() == ["Score-CAM", "Grad-CAM"] * 2
    assert set(table["Insertion"]) == {"0.64 (0.55–0.70)"}
    assert table[["Random", "Centre", "Blurred", "Better than all three"]].iloc[0].tolist() == [
        0.4, 0.5, 0.3, 75,
    ]  # fmt: skip
    assert set(table["p, blurred"]) == {0.012, 0.2}
    assert "Share of area" not in table
    assert "Not evaluated yet: ResNet50" in [each.label for each in app.expander]
    assert app.code[0].value == f"python -m xai quality --run {missing.path}"


def test_a_score_of_maps_in_the_link_is_shown(folder: Path) -> None:
    judge(make_run(folder, "a"), p=0.012)

    app = open_page("compare", map_metric="Share in nuclei")
    none = open_page("compare", map_metric="Share in cytoplasm")

    assert not app.exception
    assert maps_of(app).value["Share of area"].tolist() == [0.31, 0.31]
    assert f"{BASELINES} (p = 0.012) on share in nuclei in the one run evaluated" in text_of(app)
    assert not none.exception
    assert "No run shown has this measure" in text_of(none)


def test_a_damaged_table_of_maps_is_said_and_the_others_stay(folder: Path) -> None:
    judge(make_run(folder, "a"), p=0.012)
    (make_run(folder, "b", backbone="vgg16").path / QUALITY).write_text("method\n")

    app = open_page("compare", section="Map quality")

    assert not app.exception
    assert "quality.csv is damaged; remove it" in app.error[0].value
    assert len(maps_of(app).value) == 2
