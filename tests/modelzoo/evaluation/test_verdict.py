import pytest

from modelzoo.evaluation.verdict import describe_split_effect, verdict
from tests.modelzoo.evaluation.rows import row

# The verdict


def test_without_runs_there_is_no_verdict() -> None:
    assert verdict([]) == "No run has been evaluated yet."


def test_one_run_is_described_and_asks_for_another() -> None:
    assert verdict([row("VGG16", 20)]) == (
        "VGG16 has an accuracy of 90.0 % (95 % CI 85.0–93.5 %) on smears, grouped split, seed 0: "
        "200 test images in 200 groups. Evaluate another backbone on the same split to compare."
    )


def test_two_runs_that_differ() -> None:
    sentence = verdict([row("VGG16", 40), row("DenseNet121", 10)])

    assert sentence.startswith(
        "DenseNet121 has the highest accuracy; VGG16 is lower by 10–20 points (95 % CI). "
    )
    assert "DenseNet121 has an accuracy of 95.0 %" in sentence
    assert "grouped split, seed 0" in sentence


def test_two_runs_that_do_not_differ_significantly() -> None:
    sentence = verdict([row("VGG16", 11), row("DenseNet121", 10)])

    assert sentence.startswith(
        "DenseNet121 has the highest accuracy; VGG16 shows no significant difference from it. "
    )


def test_many_alike_and_one_behind() -> None:
    rows = [row(f"Net{index}", 10 + min(index, 1)) for index in range(5)]

    sentence = verdict([*rows, row("EfficientNet-B0", 32)])

    assert sentence.startswith(
        "Net0 has the highest accuracy; four others show no significant difference from it; "
        "EfficientNet-B0 is lower by "
    )


def test_runs_that_share_the_highest_accuracy_are_named_together() -> None:
    two = [row("A", 10), row("B", 10), row("C", 12), row("D", 60)]

    assert verdict(two).startswith(
        "A and B share the highest accuracy; C shows no significant difference from A; "
        "D is lower by "
    )
    assert verdict(two[:2]).startswith("A and B share the highest accuracy. ")
    many = verdict([row(f"Net{index}", 10) for index in range(5)])
    assert many.startswith("Net0 and four others share the highest accuracy. ")


def test_several_behind_are_named_up_to_three_and_counted_beyond() -> None:
    few = [row("A", 2), row("B", 30), row("C", 60)]
    many = [*few, row("D", 90), row("E", 120)]

    assert "A has the highest accuracy; lower are B by " in verdict(few)
    assert " and C by " in verdict(few)
    assert "A has the highest accuracy; four are lower, from B by " in verdict(many)
    assert " to E by " in verdict(many)


def test_a_small_gap_is_said_with_a_decimal() -> None:
    sentence = verdict([row("A", 0, images=2000), row("B", 14, images=2000)])

    assert "B is lower by 0.3–1.1 points" in sentence


def test_missing_imagenet_weights_and_few_groups_are_said() -> None:
    rows = [row("A", 2, images_per_group=50), row("B", 3, images_per_group=50, has_imagenet=False)]

    assert "One of the two was initialised without ImageNet weights." in verdict(rows)
    assert "Both were initialised" in verdict([rows[1], row("C", 2, has_imagenet=False)])
    assert "It was initialised" in verdict(rows[1:])
    assert "The test images form only 4 groups, so the intervals are rough." in verdict(rows)


def test_the_verdict_is_on_one_split_only() -> None:
    rows = [row("A", 2), row("B", 60), row("C", 0, split="background")]

    sentence = verdict(rows)

    assert "A has the highest accuracy; B is lower" in sentence
    assert "C" not in sentence.replace("CI", "")


# What the split does


def test_the_drop_on_held_out_looks_is_a_mean_over_seeds() -> None:
    rows = [row("EfficientNet-Lite0", 10 + seed, seed=seed) for seed in range(5)]
    rows += [
        row("EfficientNet-Lite0", 38 + seed, seed=seed, split="background") for seed in range(5)
    ]

    assert describe_split_effect(rows) == (
        "Mean test accuracy of EfficientNet-Lite0 on smears: 94.0 % on the grouped split "
        "(5 seeds), 80.0 % on the background-cluster split (5 seeds)."
    )


def test_other_backbones_are_counted_with_their_range() -> None:
    rows = [row("A", 10), row("A", 50, split="background")]
    rows += [
        row("B", 10),
        row("B", 30, split="background"),
        row("C", 10),
        row("C", 40, split="background"),
    ]

    assert (
        "75.0 % on the background-cluster split (1 seed); two others: "
        "\N{MINUS SIGN}15 to \N{MINUS SIGN}10 points." in describe_split_effect(rows)
    )


def test_means_over_different_seeds_are_said_to_be_so() -> None:
    rows = [row("A", 10, seed=0), row("A", 50, seed=1, split="background")]
    paired = [row("A", 12, seed=1), *rows]

    assert describe_split_effect(rows).endswith(
        "75.0 % on the background-cluster split (1 seed), which have no seed in common."
    )
    assert describe_split_effect(paired).endswith(
        "94.0 % on the grouped split (1 seed), 75.0 % on the background-cluster split (1 seed)."
    )


def test_without_looks_groups_are_held_against_the_random_split() -> None:
    rows = [row("A", 10, split="random"), row("A", 30)]

    assert describe_split_effect(rows).startswith(
        "Mean test accuracy of A on smears: 95.0 % on the random split (1 seed), 85.0 % on the "
        "grouped split (1 seed)"
    )


def test_no_effect_is_claimed_where_runs_differ_in_more_than_the_split() -> None:
    other_recipe = [row("A", 10), row("A", 50, split="background", recipe="finetune")]
    other_weights = [row("A", 10), row("A", 50, split="background", has_imagenet=False)]

    assert (
        describe_split_effect(other_recipe)
        == describe_split_effect(other_weights)
        == describe_split_effect([])
        == ""
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (30, "\N{MINUS SIGN}10 points"),
        (12, "\N{MINUS SIGN}1 point"),
        (10, "0 points"),
        (6, "+2 points"),
    ],
)
def test_a_change_has_its_sign(wrong: int, words: str) -> None:
    rows = [row("A", 10), row("A", 80, split="background")]
    rows += [row("B", 10), row("B", wrong, split="background")]

    assert describe_split_effect(rows).endswith(f"; B: {words}.")


def test_no_effect_is_claimed_of_a_split_since_none_was_tested() -> None:
    sentence = describe_split_effect([row("A", 10), row("A", 50, split="background")])

    assert not any(word in sentence for word in ("lower", "raise", "significant", "because"))
