"""Which target the runs of the form are sent to, and what is free at each. No torch."""

import streamlit as st

from modelzoo.launching.target import LOCAL, Target
from pages.shell.links import warn_if_gone
from pages.shell.targets import look_at, read_targets_here, warn_of_settings
from pages.shell.text import code, plain

ENGINE_WORDS = {"local": "this machine", "slurm": "Slurm", "ray": "Ray"}


def choose_target() -> Target:
    """Where the runs go; this machine, without a choice, where the settings file names no other."""
    warn_of_settings()
    targets = read_targets_here()
    warn_if_gone("train_target", targets, "Target")
    if len(targets) == 1:
        return LOCAL
    chosen = st.selectbox(
        "Target",
        list(targets),
        index=None,
        placeholder=f"{LOCAL.name} (this machine)",
        key="train_target",
        bind="query-params",
        help="Where the runs are trained: this machine, or a cluster of the settings file "
        "targets.toml. Several runs are one array on Slurm, and a job each on Ray.",
    )
    for target in targets.values():
        free, problem = look_at(target)
        words = plain(problem or "; ".join(each.text for each in free))
        place = f" {plain(target.partition or target.address)}".rstrip()
        mark = ":red[:material/error:] " if problem else ""
        st.caption(f"{mark}{code(target.name)} ({ENGINE_WORDS[target.engine]}{place}): {words}")
    return targets.get(chosen or LOCAL.name, LOCAL)
