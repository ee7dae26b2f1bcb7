"""Classes that are listed and have no image that can be used, a sentence each. No files."""

from collections import Counter
from collections.abc import Mapping, Sequence

from modelzoo.text import join_few

_FEW = 3  # classes, beyond which one sentence names them


def doubt_empty_classes(reasons_by_class: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences on classes without an image, with the most frequent reason of each.

    Args:
        reasons_by_class: Why files that are listed for such a class are left out, one at least.
    """
    if len(reasons_by_class) > _FEW:
        return [
            f"The classes {join_few(sorted(reasons_by_class))} have no image that can be used; see "
            "what was left out, and why."
        ]
    doubts = []
    for label, reasons in sorted(reasons_by_class.items()):
        ((reason, times),) = Counter(reasons).most_common(1)
        doubts.append(
            f"The class {label} has no image that can be used: {times:,} left out because: "
            f"{reason}."
        )
    return doubts
