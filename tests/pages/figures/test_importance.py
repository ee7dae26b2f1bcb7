from pages.figures.importance import importance_alt, importance_bars


def test_the_setting_that_matters_most_is_on_top() -> None:
    importance = {"momentum": 0.1, "learning_rate": 0.9}

    (bar,) = importance_bars(importance, source="sweep rates, 30 trials").data

    assert list(bar.y) == ["momentum", "learning rate"]  # from below
    assert list(bar.x) == [10, 90]
    assert importance_alt(importance) == (
        "Share of the variance of the validation score that each setting explains: "
        "learning rate 90 % and momentum 10 %."
    )
