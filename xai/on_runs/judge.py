"""Measures of the attribution maps of a run, for one image."""

from modelzoo.inference.trained import LoadedRun
from xai.attribution import Attribution
from xai.faithfulness.judge import judge
from xai.faithfulness.report import QualityReport
from xai.faithfulness.stability import randomise
from xai.on_runs.open import as_input
from xai.smear.segment import Cells
from xai.types import OnProgress, Rgb, SplitModel


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
