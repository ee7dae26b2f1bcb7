"""The best trial of a sweep: as a recipe to train again, and in words."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import tomli_w

from modelzoo.config.train_config import TrainConfig
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_WORDS
from modelzoo.evaluation.tables import describe_score
from modelzoo.files import write_text
from modelzoo.sweeps.folder import Sweep
from modelzoo.sweeps.ranges import Value
from modelzoo.sweeps.study import TrialFacts
from modelzoo.text import count, one_line

# Where one of four settings matters and chance adds to the score, the largest importance was the
# right setting's in 1 of 6 sweeps with 6 trials, 3 of 6 with 10, and 6 of 6 with 20.
ENOUGH_TRIALS = 20
_ALWAYS_IN_A_RECIPE = {"backbone", "mode", "split"}  # that the settings were chosen for
_NOT_IN_A_RECIPE = {"data", "columns", "recipe", "seed"}


def find_best(sweep: Sweep, trials: Sequence[TrialFacts]) -> TrialFacts | None:
    """The trial with the best score, of equal ones the first; None: none was scored."""
    sign = -1 if METRICS[sweep.settings.metric].higher_is_better else 1
    scored = [(sign * trial.score.value, trial.number, trial) for trial in trials if trial.score]
    return min(scored)[2] if scored else None


def recipe_path(sweep: Sweep) -> Path:
    """Where the best is kept; `sweep-` tells it from the recipe of a paper of that name."""
    return sweep.path / f"sweep-{sweep.name}.toml"


def write_recipe(sweep: Sweep, trials: Sequence[TrialFacts]) -> None:
    """Keep the best of the trials, of which one was scored, as a recipe."""
    text = format_recipe(sweep, trials)
    path = recipe_path(sweep)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def format_recipe(sweep: Sweep, trials: Sequence[TrialFacts]) -> str:
    """The best of the trials, of which one was scored, as a recipe: TOML that says where from."""
    best = find_best(sweep, trials)
    assert best
    config = dataclasses.replace(sweep.config, **best.values)  # type: ignore[arg-type]
    values = {
        key: value
        for key, value in dataclasses.asdict(config).items()
        if key in {*best.values, *_ALWAYS_IN_A_RECIPE}
        or (key not in _NOT_IN_A_RECIPE and value != _default(key))
    }
    lines = [
        f"Trial {best.number} of the sweep {sweep.name}, over {'; '.join(sweep.settings.over)}.",
        describe_best(sweep, trials),
        f"Validation images: of {sweep.config.data}, {SPLIT_WORDS[sweep.config.split]}, "
        f"seed {sweep.config.seed}.",
        describe_seeds(sweep.config),
    ]
    return "".join(f"# {one_line(line)}\n" for line in lines) + tomli_w.dumps(values)


def _default(key: str) -> object:
    return next(spec.default for spec in dataclasses.fields(TrainConfig) if spec.name == key)


def describe_best(sweep: Sweep, trials: Sequence[TrialFacts]) -> str:
    """What the best trial scored, and what that is worth."""
    best, metric = find_best(sweep, trials), METRICS[sweep.settings.metric]
    if best is None or best.score is None:
        return "No trial has been scored so far."
    how_many = len({trial.number for trial in trials if trial.score and trial.same_as is None})
    score = describe_score(metric.name, best.score)
    if how_many == 1:
        return f"{metric.title} on validation images: {score}; only one trial was scored."
    return (
        f"{metric.title} on validation images: {score}, the best of {how_many} trials that were "
        "chosen among by this score, so it is optimistic; the test images say what it is worth."
    )


def describe_seeds(config: TrainConfig) -> str:
    """Which test images the choice of the settings has not seen."""
    if config.split == "given":
        return "The test images are those given with the data, and no trial read them."
    return (
        f"With seed {config.seed} no trial read the test images; with another seed the split is "
        "another, and most of its test images trained or validated the trials, which may make "
        "scores a little too high."
    )


def describe_values(values: Mapping[str, Value]) -> str:
    """Settings and their values, in a line."""
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )


def describe_importance(importance: Mapping[str, float], trials: Sequence[TrialFacts]) -> str:
    """What the importances rest on."""
    scored = sum(trial.is_scored for trial in trials)
    if not importance:
        return "The importance of settings is shown when trials with different settings are scored."
    names = [name for name, share in importance.items() if share == max(importance.values())]
    first = names[0].replace("_", " ")
    about = (
        f"share of the variance of the score that each setting explains, over "
        f"{count(scored, 'trial')}; trials that the sweep stopped or that failed are not counted."
    )
    if scored < ENOUGH_TRIALS:
        return (
            f"A rough guess, since fewer than {ENOUGH_TRIALS} trials often name the wrong setting: "
            f"{first} matters most ({about.removesuffix('.')})."
        )
    return f"{first.capitalize()} matters most: {about}"


def describe_progress(sweep: Sweep, trials: Sequence[TrialFacts]) -> str:
    """How many trials there are, by what became of them."""
    n_again = sum(trial.same_as is not None for trial in trials)
    parts = [
        f"{sum(trial.state == state for trial in trials)} {state}"
        for state in ("done", "stopped by the sweep", "failed", "unfinished")
        if any(trial.state == state for trial in trials)
    ]
    again = f"; {n_again} had settings that were tried before, and were not trained again"
    return (
        f"{count(len(trials), 'trial')} of {sweep.settings.trials}"
        f"{': ' + ', '.join(parts) if parts else ''}{again if n_again else ''}."
    )


def choose_seeds(sweep: Sweep) -> list[int]:
    """Three seeds to train the best with: the sweep's own, whose test images no trial read."""
    return [sweep.config.seed, *(seed for seed in range(3) if seed != sweep.config.seed)][:3]


def train_command(sweep: Sweep) -> list[str]:
    """The command that trains and tests the best with three seeds, the sweep's own first."""
    command = ["python", "-m", "modelzoo", "train", "--recipe", str(recipe_path(sweep))]
    command += ["--data", sweep.config.data, "--seed", ",".join(map(str, choose_seeds(sweep)))]
    if sweep.config.columns:
        command += ["--columns", sweep.config.columns]
    return command
