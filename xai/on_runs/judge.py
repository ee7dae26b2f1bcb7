"""Measures of the attribution maps of a run, for one image."""

from collections.abc import Sequence

from modelzoo.inference.trained import LoadedRun
from xai.attribution import Attribution
from xai.faithfulness.judge import judge
from xai.faithfulness.report import QualityReport
from xai.faithfulness.stability import randomise
from xai.on_runs.explain import explain_or_refuse
from xai.on_runs.open import as_input
from xai.on_runs.predict import predict_image
from xai.smear.segment import Cells
from xai.types import OnProgress, Rgb, SplitModel


def judge_image(
    run: LoadedRun,
    pixels: Rgb,
    cells: Cells,
    *,
    methods: Sequence[str],
    randomised: SplitModel | None = None,
) -> dict[str, QualityReport | str]:
    """By method, the measures of its map for the class that the run predicts; or why it has none.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8 of the image, at the input size of the run.
        cells: Of the image, at any size.
        methods: Names of rows in `xai.methods.table`.
        randomised: As in `judge_map`.
    """
    target = predict_image(run, pixels).predicted
    made_by_name = explain_or_refuse(run, pixels, methods=methods, target=target)
    return {
        name: made
        if isinstance(made, str)
        else judge_map(run, pixels, cells, made, randomised=randomised)
        for name, made in made_by_name.items()
    }


def judge_map(
    run: LoadedRun,
    pixels: Rgb,
    cells: Cells,
    attribution: Attribution,
    *,
    randomised: SplitModel | None = None,
    on_progress: OnProgress | None = None,
) -> QualityReport:
    """Every measure of one map, beside the same measures of baseline maps.

    Args:
        run: Opened.
        pixels: (px, px, 3) uint8 of the image, at the input size of the run.
        cells: Of the image, at any size.
        attribution: The map.
        randomised: From `randomise(run.backbone)`, made once for many images; None: made here.
        on_progress: Called with maps done and in all.
    """
    cells = cells.resized(run.px)
    return judge(
        run.backbone,
        as_input(run, pixels),
        attribution,
        nuclei=cells.nuclei,
        cells=cells.mask,
        randomised=randomised or randomise(run.backbone),
        on_progress=on_progress,
    )
