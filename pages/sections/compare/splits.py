"""What a split is worth: each way of training under every split that it was run on."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from modelzoo.evaluation.by_split import (
    Way,
    describe_folds,
    describe_spread,
    list_ways,
    split_records,
)
from modelzoo.evaluation.metrics import METRICS
from modelzoo.evaluation.rows import SPLIT_HELP, SPLIT_WORDS, LeaderboardRow
from modelzoo.files import portable_name
from modelzoo.text import capital, shorten
from pages.figures.frame import config
from pages.figures.splits import kinds_of, split_scores, split_scores_alt
from pages.sections.compare.figures import NAME_LETTERS
from pages.sections.compare.filters import choose_metric
from pages.shell.tables import WHOLE_ROWS, offer_csv
from pages.shell.text import plain


def draw_splits(rows: Sequence[LeaderboardRow], file_format: str) -> None:
    """One line per way of training on one data set, with its score under each split.

    Args:
        rows: Of one data set, and of every split.
        file_format: Of figures that are saved.
    """
    metric = choose_metric()
    ways = list_ways(rows)
    scores = {
        way.title: {kind: each.scores[metric] for kind, each in way.by_split.items()}
        for way in ways
    }
    kinds = kinds_of(scores)
    if not kinds:
        st.write(f"{METRICS[metric].title} is not defined for any of these runs.")
        return
    dataset = shorten(ways[0].dataset, NAME_LETTERS)
    st.plotly_chart(
        split_scores(scores, metric, source=dataset),
        key="splits",
        config=config(f"{metric}-by-split-{portable_name(ways[0].dataset)}", file_format),
        alt=split_scores_alt(scores, metric),
    )
    st.caption(
        f"{METRICS[metric].full_help} One line per network and way of training: all settings but "
        "split and seed are the same. Points are means over seeds; bars reach from the lowest to "
        "the highest end of the seeds' 95 % CIs. Folds of background clusters are pooled, with a "
        "95 % CI over the clusters of all; of areas and losses it is that of the folds' mean. Test "
        "images differ from split to split, so the points of one line are not paired."
    )
    if len(kinds) == 1:
        st.caption(
            f"All runs on these images have the {SPLIT_WORDS[kinds[0]]}; train one on another "
            "split to see what the split is worth."
        )
    if said := describe_folds(ways):
        st.markdown(plain(said))
    _draw_table(ways, kinds, metric)


def _draw_table(ways: Sequence[Way], kinds: Sequence[str], metric: str) -> None:
    column = st.column_config
    st.dataframe(
        pd.DataFrame([_record(way, kinds, metric) for way in ways]),
        hide_index=True,
        height="content" if len(ways) <= WHOLE_ROWS else "auto",
        key="ways",
        alt=f"One row per way of training: {METRICS[metric].title} on each split.",
        column_config={
            "way": column.TextColumn("Model", pinned=True),
            **{
                kind: column.TextColumn(
                    capital(SPLIT_WORDS[kind]),
                    help="With 95 % CI; of several seeds the mean, the outermost ends of their "
                    f"95 % CIs, and the lowest and highest seed. {capital(SPLIT_HELP[kind])}",
                )
                for kind in kinds
            },
        },
    )
    leaked = {
        kind: each.leaked for way in ways for kind, each in way.by_split.items() if each.leaked
    }
    for kind, images in leaked.items():
        st.caption(
            plain(
                f"{capital(SPLIT_WORDS[kind])}: {images:,} test images share their group with "
                "images that the model has seen, so its scores may be too high for new patients."
            )
        )
    name = f"scores-by-split-{portable_name(ways[0].dataset)}"
    offer_csv(lambda: pd.DataFrame(split_records(ways)), name)


def _record(way: Way, kinds: Sequence[str], metric: str) -> dict[str, str]:
    cells = {
        kind: describe_spread(each.scores[metric], metric, len(each.runs), len(each.seeds))
        for kind, each in way.by_split.items()
    }
    return {"way": way.title, **{kind: cells.get(kind, "") for kind in kinds}}
