"""Links: old ones are rewritten to what they mean today, and what is gone is said.

Streamlit writes the title of what is chosen into the address, so every key and every title that a
widget shows is part of some link. Whoever renames one adds one line here: the old links then open
as before, and the address that is shown is the new one.
"""

import dataclasses
import math
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.splits import OLD_SPLIT_KINDS
from pages.shell.session import has_value, keep_said
from pages.shell.text import plain

Query = dict[str, list[str]]

# Page -> a widget's key as it was -> as it is.
OLD_KEYS: Mapping[str, Mapping[str, str]] = {
    "compare": {
        "cell": "entry",
        "cell_page": "entry_page",
        "drawn": "runs",
        "figures": "export",
        "maps_by": "map_metric",
        "only_data": "dataset",
        "only_recipe": "recipe",
        "right": "n_correct",
    },
    "explain": {
        "answers": "correctness",
        "ask": "view",
        "explain": "target",
        "probe": "perturbation",
    },
    # Not `run`, which is Explain's: Streamlit drops a link's value whose key is bound to a widget
    # of the page that the link is on, so Train could not link to Explain.
    "train": {"watch": "train_run"},
}

# (page, key as it is) -> a title as it was -> as it is.
OLD_TITLES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("train", "train_split"): OLD_SPLIT_KINDS,
    ("compare", "curve"): {
        "Train accuracy": "Training accuracy",
        "Train loss": "Training loss",
    },
    ("compare", "roc"): {"mean of all classes": "macro-average"},
    ("explain", "view"): {
        "Where it looked": "Attribution maps",
        "Cell by cell": "Shapley values per cell",
        "What if": "Perturbations",
        "How far to trust it": "Faithfulness",
        "Training images like it": "Nearest training images",
    },
    ("explain", "method"): {"LayerCAM, several depths": "Multi-layer LayerCAM"},
    ("explain", "target"): {"each model's own answer": "predicted class"},
    ("explain", "scale"): {
        "share of the map": "own",
        "normalised per map": "own",
        "logits": "shared",
    },
    ("explain", "part"): {
        "any part": "any set",
        "train": "training set",
        "validation": "validation set",
        "test": "test set",
    },
    ("explain", "correctness"): {"any answer": "any prediction", "all right": "all correct"},
    ("explain", "perturbation"): {
        "Paint all cells out": "Mask all cells (inpaint)",
        "Cut the border off": "Crop the border",
    },
}

# (page, key as it is) -> a pattern of titles as they were, and what replaces each match.
OLD_PATTERNS: Mapping[tuple[str, str], Sequence[tuple[str, str]]] = {
    ("compare", "entry"): [(r"^(.*?): (.*) said to be (.*)$", r"\1: \2 predicted as \3")],
    ("compare", "split"): [
        (r"\bheld-out looks(?=, seed )", "background-cluster split"),
        (r"\bgroup split(?=, seed )", "grouped split"),
    ],
}

# Of the page Compare: section -> keys of the choices inside. Links had no section while all was on
# one long page; one with choices of several sections opens the first of them here.
KEYS_BY_SECTION: Mapping[str, tuple[str, ...]] = {
    "Confusion": ("entry", "entry_page"),
    "Hard images": ("n_correct", "hard_page", "gallery_run", "outcome"),
    "ROC": ("roc",),
    "Precision-recall": ("precision_recall",),
    "Calibration": ("calibration",),
    "Operating point": ("positive", "criterion", "wanted", "threshold", "prevalence", "point_run"),
    "Learning curves": ("curve",),
    "Map quality": ("map_metric",),
}

# Streamlit makes a whole number of these before it looks at the limits, which infinity cannot be.
NUMBERS = frozenset(
    {"entry_page", "hard_page", "opacity", "erased", "train_seeds"}
    | {"wanted", "threshold", "prevalence"}
    | {"sample_seed", "sample_page", "train_sample_page", "sweep_trials"}
    | {
        f"train_{spec.name}"
        for spec in dataclasses.fields(TrainConfig)
        if spec.type in (int, float)
    }
)
LONGEST = 4096  # letters of a value: as long as a path may be


def rewrite_link(page: str) -> None:
    """Begin the page again with what its link means today; call it before any widget is made.

    Streamlit gives a widget its value from the address as it was when the run began.

    Args:
        page: Name of its script in `pages/`.
    """
    asked = {key: st.query_params.get_all(key) for key in st.query_params}
    meant = read_link(page, asked)
    # Later, such a choice may be one that the section just closed leaves behind.
    if page == "compare" and not has_value("section"):
        meant = name_section(meant)
    if meant != asked:
        st.switch_page(f"pages/{page}.py", query_params=meant)


def read_link(page: str, asked: Mapping[str, Sequence[str]]) -> Query:
    """What a link means today: keys and titles as they are, without values that cannot be.

    Args:
        page: Name of its script in `pages/`.
        asked: Values by key, as the link has them.
    """
    old_keys = OLD_KEYS.get(page, {})
    meant: Query = {}
    for key, values in asked.items():
        name = old_keys.get(key, key)
        if name != key and name in asked:
            continue  # the new key says it already
        if usable := [_title(page, name, value) for value in values if _can_be(name, value)]:
            meant[name] = usable
    return meant


def name_section(asked: Query) -> Query:
    """A link to the page Compare with the section that its choices are in, if it names none."""
    if "section" in asked:
        return asked
    for section, keys in KEYS_BY_SECTION.items():
        if any(key in asked for key in keys):
            return asked | {"section": [section]}
    return asked


def _title(page: str, key: str, title: str) -> str:
    """The title as it is today."""
    title = OLD_TITLES.get((page, key), {}).get(title, title)
    for pattern, replacement in OLD_PATTERNS.get((page, key), ()):
        title = re.sub(pattern, replacement, title)
    return title


def _can_be(key: str, value: str) -> bool:
    """Whether a widget can be asked for this value without harm, whether it has it or not."""
    if len(value) > LONGEST or any(unicodedata.category(each) == "Cs" for each in value):
        return False  # halves of a letter: no name on a disk or a page has them
    if "\0" in value:
        return False  # other control characters may be in the name of an image
    if key not in NUMBERS:
        return True
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


# What the lens calls a choice -> its key in an address; `view` is that of the page.
_LENS_KEYS = {
    name: name for name in ("opacity", "scale", "contours", "outlines", "grid", "colours", "lens")
} | {"view": "show", "zoom": "zoom"}


def read_lens_choices() -> dict[str, str]:
    """The choices of display in the address, by their names in the lens; opacity is in [0, 1]."""
    found = {
        name: st.query_params[key] for name, key in _LENS_KEYS.items() if key in st.query_params
    }
    if "opacity" in found:  # a number: others are taken out of every address
        found["opacity"] = str(float(found["opacity"]) / 100)
    return found


def write_lens_choices(choices: Mapping[str, str]) -> None:
    """Put choices of display into the address, and take out those that are at their default."""
    for name, key in _LENS_KEYS.items():
        value = choices.get(name)
        if value is None:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = f"{100 * float(value):.0f}" if name == "opacity" else value


def offer_link(**choices: str | list[str]) -> None:
    """The address of this view, to copy.

    Args:
        **choices: By key, beside those that the address already has; a choice that is left at its
            default is not in the address, and would be another where the default is.
    """
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    with st.popover("Link to this view", icon=":material/link:", width="stretch"):
        st.code(
            f"{st.context.url or ''}?{urlencode(query | choices, doseq=True)}",
            language=None,
            wrap_lines=True,
        )


def warn_if_gone(
    key: str, there: Collection[str], what: str, *, elsewhere: Collection[str] = ()
) -> None:
    """Say that the link's choice `key` is not there any more; call it before the widget.

    Streamlit drops such a value without a word, and the page would show something else.

    Args:
        key: Of the widget.
        there: What can be chosen.
        what: What a choice is called.
        elsewhere: What could be chosen if the page's other choices were others.
    """
    sentences = []
    for value in st.query_params.get_all(key):
        if value and value not in there and value in elsewhere:
            left_out = f"{what} {plain(value)} of this link is left out by what is chosen above."
            sentences.append((left_out, ":material/filter_alt:"))
        elif value and value not in there:
            gone = f"{what} {plain(value)} of this link is not here."
            sentences.append((gone, ":material/link_off:"))
    for sentence, icon in keep_said(key, sentences):
        st.warning(sentence, icon=icon)
