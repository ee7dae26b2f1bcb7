import re
from pathlib import Path

import pytest

from modelzoo.evaluation.latex import leaderboard_latex
from modelzoo.evaluation.rows import LeaderboardRow, name_rows, read_row
from tests.run_folders import make_run


@pytest.fixture
def rows(tmp_path: Path) -> list[LeaderboardRow]:
    return [
        read_row(make_run(tmp_path, "weak", skill=0.5, backbone="vgg16")),
        read_row(make_run(tmp_path, "strong", skill=4, backbone="resnet50")),
    ]


def test_the_best_is_first_with_the_scores_of_the_table(rows: list[LeaderboardRow]) -> None:
    text = leaderboard_latex(rows, name_rows(rows))

    body = text.partition("\\midrule")[2].partition("\\bottomrule")[0].strip().splitlines()
    assert [line.partition(" &")[0] for line in body] == ["ResNet50", "VGG16"]
    score = rows[0].accuracy
    interval = f"{100 * score.ci_low:.1f}--{100 * score.ci_high:.1f}"
    assert body[1].split(" & ")[1] == f"{100 * score.value:.1f} ({interval})"
    titles = text.partition("\\toprule")[2].partition("\\midrule")[0].split(" & ")
    for title in ("F2", "Average precision", "Cohen's kappa", "MCC"):
        assert any(title in each for each in titles)
    assert "\\toprule" in text
    assert "smears, grouped split, seed 0: 48 test images in 24 groups" in text
    assert "95 \\% CI" in text


def test_a_negative_score_has_the_minus_of_mathematics(tmp_path: Path) -> None:
    row = read_row(make_run(tmp_path, "upside-down", skill=-9))

    text = leaderboard_latex([row], name_rows([row]))

    assert re.search(r"& \$-\$0\.\d{3} \(\$-\$0\.\d{3} to \$-\$0\.\d{3}\) &", text)


def test_names_are_printed_as_they_stand(rows: list[LeaderboardRow]) -> None:
    name = r"a_b & 50 % \input{x} $y$ #1 ~ ^ {<>"

    text = leaderboard_latex(rows[:1], {"weak": name})

    line = next(line for line in text.splitlines() if line.startswith("a"))
    assert line.startswith(
        r"a\_b \& 50 \% \textbackslash{}input\{x\} \$y\$ \#1 \textasciitilde{} "
        r"\textasciicircum{} \{\textless{}\textgreater{} & "
    )
    assert not re.search(r"(?<!\\)[_%$#]", line)
