"""What stands beside the papers' systems, as it comes with the project."""

from pathlib import Path

import pytest

from modelzoo import paths
from modelzoo.errors import UserError
from modelzoo.evaluation.rows import read_leaderboard
from modelzoo.papers.beside import BASELINES, list_beside
from modelzoo.papers.tables import HONEST, describe_measured
from modelzoo.runs.folder import list_runs
from tests.modelzoo.papers.test_measured import CNN13, make_row

SHIPPED = paths.reference_folder()


def test_what_comes_with_the_project_has_three_seeds_on_three_splits() -> None:
    runs, damaged = list_runs(SHIPPED)
    rows = read_leaderboard([run for run in runs if not run.has_model]).rows

    ways = {way.title: way for way in list_beside(rows, SHIPPED / BASELINES)}

    assert not damaged
    frozen = [ways[f"{title}, frozen"] for title in ("EfficientNet-Lite0", "ResNet50")]
    forests = [way for title, way in ways.items() if title not in {f.title for f in frozen}]
    for way in [*frozen, *(way for way in forests if "no network" in way.note)]:
        assert set(way.by_split) == {"random", "grouped", "background"}
        assert all(each.seeds == (0, 1, 2) for each in way.by_split.values())
        for each in way.by_split.values():
            score = each.scores["accuracy"]
            assert score.lowest <= score.value <= score.highest
            assert score.ci_low < score.value < score.ci_high
            assert score.folds == (3 if each.split == "background" else 1)


def test_the_readme_has_what_comes_with_the_project() -> None:
    readme = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    runs, _ = list_runs(SHIPPED)
    rows = read_leaderboard([run for run in runs if not run.has_model]).rows

    for way in list_beside(rows, SHIPPED / BASELINES):
        if "every weight" in way.title:
            continue
        cells = [describe_measured(way.by_split[kind], "accuracy") for kind in HONEST]
        said = " | ".join(cell.removesuffix(", 3 seeds") for cell in cells)
        assert f"| {way.title} | {said} |" in readme


def test_a_papers_recipe_is_not_beside_it(tmp_path: Path) -> None:
    assert list_beside([make_row(tmp_path, CNN13, "run")], tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    "text", ["baseline,split\ncolour,random\n", "baseline,split,seed\nluck,random,0\n"]
)
def test_a_damaged_file_of_baselines_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / BASELINES).write_text(text)

    with pytest.raises(UserError, match="is damaged"):
        list_beside([], tmp_path / BASELINES)
