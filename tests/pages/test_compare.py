import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from modelzoo.runs.file_names import CONFIG, HISTORY, PREDICTIONS
from modelzoo.runs.predictions import read_predictions, write_predictions
from modelzoo.runs.records import read_split
from tests.pages.opened import ROOT, open_page, text_of
from tests.run_folders import make_run, write_images


def test_an_empty_machine_is_told_what_to_do(folder: Path) -> None:
    app = open_page("compare")

    assert not app.exception
    assert "nothing to compare" in text_of(app)
    assert "Reference results" in [each.value for each in app.subheader]
    assert "They are not yours" in app.info[0].value
    assert len(app.dataframe[0].value) > 1
    sections = ("Confusion", "ROC", "Calibration", "Learning curves", "Hard images", "Map quality")
    for section in sections:
        assert not open_page("compare", section=section).exception
    assert app.code[0].value == "python -m modelzoo demo"
    assert [button.label for button in app.button] == ["Train the demo"]


def test_the_answer_comes_first_and_names_its_split(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=0.2)
    make_run(folder, "b", backbone="resnet50", skill=4)

    app = open_page("compare")

    assert not app.exception
    assert app.markdown[0].value.startswith(
        "#### ResNet50 has the highest accuracy; VGG16 is lower by "
    )
    assert "grouped split, seed 0" in app.markdown[1].value
    assert "split" not in [box.key for box in app.selectbox]  # one split: nothing to choose
    assert charts_of(app) == 2  # intervals and ranks: the other sections are closed
    assert app.dataframe[0].value["model"].tolist() == ["ResNet50", "VGG16"]


def test_runs_of_two_splits_are_never_in_one_table(folder: Path) -> None:
    for name in ("vgg16", "resnet50"):
        make_run(folder, f"{name}-group", backbone=name)
    make_run(folder, "vgg16-look", backbone="vgg16", split="background", skill=0.5)
    look = f"smears, background-cluster split, seed 0, {read_split(folder / 'vgg16-look').id[:6]}"

    by_group, by_look = open_page("compare"), open_page("compare", split=look)

    assert by_group.dataframe[0].value["run"].tolist() == ["resnet50-group", "vgg16-group"]
    assert "2 of 3 evaluated runs are shown" in text_of(by_group)
    assert "Mean test accuracy of VGG16 on smears: " in text_of(by_group)
    assert by_look.dataframe[0].value["run"].tolist() == ["vgg16-look"]
    assert "background-cluster split, seed 0" in by_look.markdown[0].value


def test_a_split_that_is_gone_is_said(folder: Path) -> None:
    make_run(folder, "a")

    app = open_page("compare", split="smears, grouped split, seed 9, 012345")

    assert not app.exception
    assert (
        app.warning[0].value
        == "Split smears, grouped split, seed 9, 012345 of this link is not here."
    )
    assert len(app.dataframe) == 1  # of one run there are no pairs


def test_a_score_in_the_link_is_shown(folder: Path) -> None:
    make_run(folder, "a")

    assert open_page("compare", score="AUC").segmented_control(key="score").value == "auc"
    assert open_page("compare", score="Luck").segmented_control(key="score").value == "accuracy"


def test_scores_that_are_chosen_stand_in_the_leaderboard_too(folder: Path) -> None:
    make_run(folder, "a", skill=-9)

    few, more = open_page("compare"), open_page("compare", more_scores=["F2", "Cohen's kappa"])
    gone = open_page("compare", more_scores=["Luck"])

    assert not {"f2", "average_precision", "kappa", "mcc"} & set(few.dataframe[0].value)
    shown = more.dataframe[0].value
    assert {"accuracy", "f2", "kappa"} <= set(shown)
    assert "mcc" not in shown
    assert shown["kappa"][0].startswith("\N{MINUS SIGN}0.")
    assert gone.warning[0].value == "Score Luck of this link is not here."


def test_a_random_start_has_its_badge(folder: Path) -> None:
    make_run(folder, "a", starts_at_random=True)

    app = open_page("compare")

    assert app.dataframe[0].value["weights"].tolist() == [["from scratch"]]
    assert "initialised without ImageNet weights" in text_of(app)


def test_unfinished_and_damaged_runs_are_sentences_below(folder: Path) -> None:
    make_run(folder, "good")
    make_run(folder, "failed", state="failed", error="The disk was full; free some space.")
    damaged = make_run(folder, "damaged")
    (damaged.path / PREDICTIONS).write_bytes(b"PAR1")
    (make_run(folder, "torn").path / CONFIG).write_text("data = [")
    (make_run(folder, "no-history").path / HISTORY).write_bytes(b'"\xff')

    app = open_page("compare")

    assert not app.exception
    assert "The disk was full; free some space." in text_of(app)
    assert "predictions.parquet is damaged" in text_of(app)
    assert "config.toml is no valid TOML" in text_of(app)
    curves = open_page("compare", section="Learning curves")
    assert "history.csv is damaged" in curves.error[0].value
    assert app.dataframe[0].value["run"].tolist() == ["good", "no-history"]


def test_a_run_that_changes_is_read_again(folder: Path) -> None:
    run = make_run(folder, "a", skill=4)
    app = open_page("compare")
    before = app.dataframe[0].value["accuracy"][0]
    worse = read_predictions(make_run(folder.parent / "other", "a", skill=0).path)

    write_predictions(run.path, worse)
    app.run()

    assert app.dataframe[0].value["accuracy"][0] != before


def test_comparing_imports_no_torch(folder: Path) -> None:
    make_run(folder, "a")
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file(sys.argv[1], default_timeout=300)\n"
        "app.switch_page('pages/compare.py').run()\n"
        "assert not app.exception and app.dataframe\n"
        "assert not {'torch', 'torchvision', 'timm', 'captum'} & set(sys.modules)\n"
    )

    door = str(ROOT / "streamlit_app.py")
    subprocess.run([sys.executable, "-c", script, door], cwd=ROOT, check=True)


def links_of(app: AppTest) -> list[str]:
    """The images that lead to Explain, in order."""
    return [str(each.proto.label) for each in app.get("page_link") if isinstance(each, Element)]


def charts_of(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def test_runs_are_filtered_by_recipe_and_data_set(folder: Path) -> None:
    make_run(folder, "a", data="/x/one", recipe="quick")
    make_run(folder, "b", data="/x/one", recipe="thorough")
    make_run(folder, "c", data="/x/two", recipe="quick")

    both = open_page("compare", dataset="one", recipe="quick")
    none = open_page("compare", dataset="two", recipe="thorough")
    gone = open_page("compare", recipe="slow")

    assert both.dataframe[0].value["run"].tolist() == ["a"]
    assert "1 of 3 evaluated runs is shown." in text_of(both)
    assert "No run has both this data set and this recipe" in none.info[0].value
    assert not none.dataframe
    assert gone.warning[0].value == "Recipe slow of this link is not here."
    assert len(gone.dataframe[0].value) == 3


def test_what_differs_between_the_settings_is_said(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", learning_rate=0.001)
    make_run(folder, "b", backbone="resnet50", learning_rate=0.01)

    app = open_page("compare")

    assert "the runs shown differ in learning rate" in text_of(app)
    assert app.dataframe[2].value.columns.tolist() == ["model", "run", "learning_rate"]
    buttons = [button.label for button in app.download_button]
    assert buttons == [
        "Table as CSV",
        "Table as LaTeX",
        "Report as HTML",
        "Model cards as ZIP",
        "Table as CSV",
        "Table as CSV",
    ]


def test_every_two_of_the_runs_chosen_are_compared(folder: Path) -> None:
    make_run(folder, "a", backbone="vgg16", skill=0.2)
    make_run(folder, "b", backbone="resnet50", skill=4)
    make_run(folder, "c", backbone="xception", skill=2)

    everything = open_page("compare").dataframe[1].value
    two = open_page("compare", runs=["a", "b"]).dataframe[1].value

    assert everything[["Model", "Compared with"]].values.tolist() == [
        ["ResNet50", "Xception"],
        ["ResNet50", "VGG16"],
        ["Xception", "VGG16"],
    ]
    assert two[["Model", "Compared with"]].values.tolist() == [["ResNet50", "VGG16"]]
    assert two["p"].tolist() == ["< 0.001"]
    assert "Note" not in two


def test_scores_sort_by_their_letters_as_by_their_values(folder: Path) -> None:
    for name, skill in (("a", -9.0), ("b", 0.5), ("c", 9.0)):
        make_run(folder, name, skill=skill)

    shown = open_page("compare").dataframe[0].value["accuracy"].tolist()

    assert [text.strip("\N{FIGURE SPACE}").partition(" ")[0] for text in shown][::2] == [
        "100.0",
        "0.0",
    ]
    assert shown == sorted(shown, key=lambda text: text.replace("\N{FIGURE SPACE}", " "))[::-1]
    assert len({text.index("%") for text in shown}) == 1


def test_a_cell_in_the_link_opens_its_images(folder: Path) -> None:
    data = folder.parent / "smears"
    image_ids = write_images(data)
    run = make_run(folder, "a", image_ids=image_ids, skill=0.5, data=str(data))
    predictions = read_predictions(run.path).only("test")
    said = predictions.probabilities.argmax(1)
    wanted = [
        image
        for image, label, answer in zip(predictions.images, predictions.labels, said, strict=True)
        if (label, answer) == (1, 3)
    ]
    assert wanted

    app = open_page("compare", entry="a: Early predicted as Pro")

    assert not app.exception
    assert sorted(links_of(app)[: len(wanted)]) == sorted(wanted)
    alts = [image.alt for each in app.image for image in each.proto.imgs]
    assert all(
        any(alt.startswith(f"{image}, true class Early") for alt in alts) for image in wanted
    )
    assert f"{len(wanted)} test images, highest confidence first" in text_of(app)


def test_a_data_set_that_was_moved_away_is_one_sentence(folder: Path) -> None:
    make_run(folder, "a", skill=0.5)

    app = open_page("compare", entry="a: Early predicted as Pro")

    assert not app.exception
    assert not app.image
    assert "smears is not there any more" in app.info[0].value
    assert links_of(app)  # the ids stay, with what was said of them
    assert "predicted **Pro" in text_of(app)


def test_an_image_that_is_damaged_is_said_on_its_card(folder: Path) -> None:
    data = folder.parent / "smears"
    image_ids = write_images(data)
    make_run(folder, "a", image_ids=image_ids, data=str(data))
    for image_id in image_ids:
        (data / image_id).write_bytes(b"no image")

    app = open_page("compare", section="Hard images")

    assert not app.exception
    assert not app.image
    assert "Its file is gone or damaged." in text_of(app)


def test_a_cell_that_is_gone_or_left_out_is_said(folder: Path) -> None:
    make_run(folder, "a")
    make_run(folder, "b")
    make_run(folder, "looks", split="background")

    gone = open_page("compare", entry="deleted: Early predicted as Pro")
    hidden = open_page("compare", entry="looks: Early predicted as Pro")

    assert "is not here" in gone.warning[0].value
    assert "is left out by what is chosen above" in hidden.warning[0].value


def test_of_many_runs_the_best_are_drawn_and_others_can_be_chosen(folder: Path) -> None:
    for number in range(14):
        make_run(folder, f"run-{number:02d}", skill=number / 4, images=60)

    entry = "run-00: Pre predicted as Pro"
    best = open_page("compare", entry=entry)
    chosen = open_page("compare", runs=["run-00", "run-03"], entry=entry)
    hard = open_page("compare", runs=["run-00", "run-03"], section="Hard images")

    assert charts_of(best) == 12
    assert charts_of(chosen) == 2
    assert "Both models are correct on" in text_of(hard)
    assert "is left out by what is chosen above" in best.warning[0].value
    assert not chosen.warning
    assert len(open_page("compare", runs=["run-00"]).dataframe[0].value) == 14


def test_of_few_runs_some_can_be_left_out_of_the_figures(folder: Path) -> None:
    for name in "abc":
        make_run(folder, name)

    everything = open_page("compare", section="Confusion")
    two = open_page("compare", section="Confusion", runs=["a", "c"])

    assert charts_of(everything) == 3
    assert charts_of(two) == 2
    assert everything.multiselect(key="runs").placeholder == "all 3"


def test_predictions_that_vanish_while_shown_leave_the_others(folder: Path) -> None:
    make_run(folder, "a")
    lost = make_run(folder, "b", backbone="vgg16")
    app = open_page("compare")

    (lost.path / PREDICTIONS).unlink()
    app.run()

    assert not app.exception
    assert app.dataframe[0].value["run"].tolist() == ["a"]
    assert "predictions.parquet is missing" in text_of(app)


@pytest.mark.parametrize(
    ("section", "query", "heading"),
    [
        ("Ranking", {"score": "AUC"}, "Leaderboard"),
        ("Confusion", {"entry": "a: Early predicted as Pro"}, "Confusion matrices"),
        ("ROC", {"roc": "Early"}, "ROC curves"),
        ("Precision-recall", {"precision_recall": "Pro"}, "Precision-recall curves"),
        ("Calibration", {"calibration": "Pro"}, "Calibration"),
        ("Operating point", {"prevalence": "10"}, "Operating point"),
        ("Operating point", {"criterion": "Youden's J"}, "Operating point"),
        ("Learning curves", {"curve": "Training loss"}, "Learning curves"),
        ("Hard images", {"hard_page": "1"}, "Hardest test images"),
        ("Hard images", {"n_correct": "1"}, "Hardest test images"),
        ("Hard images", {"gallery_run": "a"}, "Hardest test images"),
        ("Map quality", {"map_metric": "Deletion"}, "Faithfulness of attribution maps"),
    ],
)
def test_a_link_without_a_section_opens_the_one_of_its_choices(
    folder: Path, section: str, query: dict[str, str], heading: str
) -> None:
    make_run(folder, "a")

    for app in (open_page("compare", **query), open_page("compare", section=section)):
        assert not app.exception
        assert not app.warning
        assert app.subheader[0].value == heading
        headings = [each.value for each in app.subheader]
        assert len(headings) == (
            2 if section in ("Ranking", "Operating point") else 1
        )  # and no other section's


def test_a_section_in_the_link_wins_over_choices_of_others(folder: Path) -> None:
    make_run(folder, "a")

    app = open_page("compare", section="ROC", entry="a: Early predicted as Pro")
    gone = open_page("compare", section="Nonsense")

    assert app.subheader[0].value == "ROC curves"
    assert gone.warning[0].value == "Section Nonsense of this link is not here."
    assert gone.subheader[0].value == "Leaderboard"
