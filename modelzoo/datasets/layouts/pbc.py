"""PBC: a folder for each of eight kinds of normal blood cells (Acevedo et al. 2020)."""

from modelzoo.datasets.dataset import Origins
from modelzoo.datasets.layouts.inner_folders import TOP_FOLDER
from modelzoo.datasets.layouts.layout import Layout, Listing, Source, add_classes

_NAMES = frozenset(
    {
        "basophil", "eosinophil", "erythroblast", "ig", "lymphocyte", "monocyte", "neutrophil",
        "platelet",
    }
)  # fmt: skip


def _recognises(source: Source) -> bool:
    """Whether there are these folders and no others."""
    return {top.lower() for top in source.tops} == _NAMES


def _lists(source: Source) -> Listing:
    listing = Listing(source.path, Origins("the eight folders are those of PBC", label=TOP_FOLDER))
    add_classes(listing, source)
    listing.notes.append("ig is the folder of immature granulocytes; no name says the donor.")
    return listing


PBC = Layout("PBC", _recognises, _lists)
