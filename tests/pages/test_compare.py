import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from modelzoo import runs
from tests.run_folders import make_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for runs."""
    monkeypatch.setenv("BLASTLENS_HOME", str(tmp_path))
    return tmp_path / "runs"


def open_compare(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/compare.py")
    return app.run()


def text_of(app: AppTest) -> str:
    return "\n".join(str(each.value) for each in [*app.markdown, *app.caption, *app.info])


def test_an_empty_machine_is_told_what_to_do(folder: Path) -> None:
    app = open_compare()

    assert not app.exception
    assert "nothing to compare" in text_of(app)
    assert app.code[0].value == "python -m modelzoo demo"
    assert [button.label for button in app.button] == ["Train the demo"]


def test_the_answer_comes_first_and_names_its_split(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=0.2)
    make_run(folder, "b", backbone="resnet50", skill=4)

    app = open_compare()

    assert not app.exception
    assert app.markdown[0].value.startswith("#### ResNet50 is best; VGG16 is behind, by ")
    assert "group split, seed 0" in app.markdown[1].value
    assert "split" not in [box.key for box in app.selectbox]  # one split: nothing to choose
    assert len(app.get("plotly_chart")) == 1 + 2 + 1 + 1  # intervals, confusion, ROC, training
    assert app.dataframe[0].value["model"].tolist() == ["ResNet50", "VGG16"]


def test_runs_of_two_splits_are_never_in_one_table(folder: Path) -> None:
    for name in ("vgg16", "resnet50"):
        make_run(folder, f"{name}-group", backbone=name)
    make_run(folder, "vgg16-look", backbone="vgg16", split="look", skill=0.5)
    look = f"smears, held-out looks, seed 0, {runs.read_split(folder / 'vgg16-look').id[:6]}"

    by_group, by_look = open_compare(), open_compare(split=look)

    assert by_group.dataframe[0].value["run"].tolist() == ["resnet50-group", "vgg16-group"]
    assert "2 of 3 tested runs are shown" in text_of(by_group)
    assert "Testing on held-out looks lowers VGG16" in text_of(by_group)
    assert by_look.dataframe[0].value["run"].tolist() == ["vgg16-look"]
    assert "held-out looks, seed 0" in by_look.markdown[0].value


def test_a_split_that_is_gone_is_said(folder: Path) -> None:
    make_run(folder, "a")

    app = open_compare(split="smears, group split, seed 9, 012345")

    assert not app.exception
    assert app.warning[0].value == "Split smears, group split, seed 9, 012345 of this link is gone."
    assert len(app.dataframe) == 1


def test_a_score_in_the_link_is_shown(folder: Path) -> None:
    make_run(folder, "a")

    assert open_compare(score="AUC").segmented_control(key="score").value == "auc"
    assert open_compare(score="Luck").segmented_control(key="score").value == "accuracy"


def test_a_random_start_has_its_badge(folder: Path) -> None:
    make_run(folder, "a", starts_at_random=True)

    app = open_compare()

    assert app.dataframe[0].value["weights"].tolist() == [["no ImageNet weights"]]
    assert "started without ImageNet weights" in text_of(app)


def test_unfinished_and_damaged_runs_are_sentences_below(folder: Path) -> None:
    make_run(folder, "good")
    make_run(folder, "failed", state="failed", error="The disk was full; free some space.")
    damaged = make_run(folder, "damaged")
    (damaged.path / runs.PREDICTIONS).write_bytes(b"PAR1")
    (make_run(folder, "torn").path / runs.CONFIG).write_text("data = [")
    (make_run(folder, "no-history").path / runs.HISTORY).write_bytes(b'"\xff')

    app = open_compare()

    assert not app.exception
    assert "The disk was full; free some space." in text_of(app)
    assert "predictions.parquet is damaged" in text_of(app)
    assert "config.toml is no valid TOML" in text_of(app)
    assert "history.csv is damaged" in app.error[0].value
    assert app.dataframe[0].value["run"].tolist() == ["good", "no-history"]


def test_a_run_that_changes_is_read_again(folder: Path) -> None:
    run = make_run(folder, "a", skill=4)
    app = open_compare()
    before = app.dataframe[0].value["accuracy"][0]
    worse = runs.read_predictions(make_run(folder.parent / "other", "a", skill=0).path)

    runs.write_predictions(run.path, worse)
    app.run()

    assert app.dataframe[0].value["accuracy"][0] != before


def test_comparing_imports_no_torch(folder: Path) -> None:
    make_run(folder, "a")
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file(sys.argv[1], default_timeout=60)\n"
        "app.switch_page('pages/compare.py').run()\n"
        "assert not app.exception and app.dataframe\n"
        "assert not {'torch', 'torchvision', 'timm', 'captum'} & set(sys.modules)\n"
    )

    door = str(ROOT / "streamlit_app.py")
    subprocess.run([sys.executable, "-c", script, door], cwd=ROOT, check=True, timeout=120)
