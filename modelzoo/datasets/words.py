"""The report of a data set in words: the same in the terminal, on pages and on the data card."""

from modelzoo.datasets.dataset import Dataset
from modelzoo.datasets.report import Format, Report
from modelzoo.datasets.splits import Split, count_folds
from modelzoo.text import count, join

MOST_FORMATS = 5
_MODES = {"L": "grey", "P": "palette", "1": "black and white", "LA": "grey with transparency"}


def describe_origins(report: Report) -> list[tuple[str, str]]:
    """What was taken for layout, class, subject, group and part, and from where."""
    origins = report.origins
    known = report.of_subjects
    if known == report.images:
        subject = f"{origins.group}, for every image"
    elif known:
        subject = f"{origins.group}, for {known:,} of {report.images:,} images"
    else:
        subject = "not known"
    return [
        ("layout", f"{report.layout}, because {origins.layout}"),
        ("class", origins.label),
        ("subject", subject),
        ("group", "one subject, copies, and fields that overlap"),
        ("part", origins.part if report.parts else "not given"),
    ]


def describe_left_out(dataset: Dataset) -> str:
    """How many files were left out, folders, and lines of a table that name no other file."""
    used = {"", *dataset.ids}
    counts = {
        "file": sum(bool(each.id) for each in dataset.left_out_files),
        "folder": len({each.id for each in dataset.skipped if each.id.endswith("/")}),
        "line": sum(each.id in used for each in dataset.skipped),
    }
    return join([count(how_many, noun) for noun, how_many in counts.items() if how_many])


def describe_formats(report: Report) -> list[str]:
    """Sizes and kinds of the files, the most frequent first."""
    lines = [
        f"{count(each.images, 'image')}: {_describe_format(each)}"
        for each in report.formats[:MOST_FORMATS]
    ]
    if rest := report.formats[MOST_FORMATS:]:
        widths = sorted(each.width for each in rest)
        heights = sorted(each.height for each in rest)
        lines.append(
            f"{count(sum(each.images for each in rest), 'image')}: {len(rest):,} other sizes or "
            f"modes, {widths[0]:,} to {widths[-1]:,} px wide, {heights[0]:,} to {heights[-1]:,} px "
            "high"
        )
    return lines


def _describe_format(kind: Format) -> str:
    mode = _MODES.get(kind.mode, "grey" if kind.mode.startswith("I") else kind.mode)
    bits = count(kind.bits, "bit")
    return f"{kind.width:,} x {kind.height:,} px, {mode}, {bits} per channel"


def describe_shared(report: Report) -> str:
    """How many images show the same: "2 images with copies, 1,008 overlapping pairs"."""
    again = f", {count(report.repeats, 'image')} turned, resized or saved again"
    return (
        f"{count(report.copies, 'image')} with copies{again if report.repeats else ''}, "
        f"{count(report.overlaps, 'overlapping pair')}"
    )


def describe_fold(split: Split, seed: int) -> tuple[str, ...]:
    """A sentence where whole background clusters are held out: which, and what intervals are over.

    Args:
        split: Of a run.
        seed: Of the same run.
    """
    folds = count_folds(split)
    if not folds:
        return ()
    tested, clusters = len(split.ids("test")), {row.cluster for row in split.rows}
    return (
        f"Background clusters of each class are held out, fold {seed % folds + 1} of {folds}: "
        f"{tested:,} of {len(split.rows):,} images, whatever the test share. Seeds 0 to "
        f"{folds - 1} together test each of the {len(clusters)} clusters once. Images of one "
        "cluster may be right or wrong together, so intervals count clusters, and those of one run "
        "are wide.",
    )
