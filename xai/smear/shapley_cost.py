"""How many forward passes Shapley values of cells take. No torch: pages say it beforehand."""

SAMPLED_PASSES = 300  # about so many where not all coalitions are evaluated
EXACT_FEATURES = 10  # cells and background: up to so many, all 2 ** n coalitions are evaluated


def count_passes(cells: int) -> int:
    """How many passes `cell_shapley` takes for so many cells."""
    n = cells + 1
    return (2**n if n <= EXACT_FEATURES else 2 * count_permutations(n) * (n + 1)) + cells


def count_permutations(n: int) -> int:
    """How many random permutations of n features are drawn, each of which is also reversed."""
    return max(4, SAMPLED_PASSES // (2 * n))
