"""Predictions of whole smears as rows of a table: their columns and what stands in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelzoo.inference.smears import Smear, describe_smear

_FIELD = pa.struct(
    [
        ("left", pa.int32()),  # pixels of the file
        ("upper", pa.int32()),
        ("side", pa.int32()),
        ("predicted", pa.string()),
        ("probability", pa.float32()),  # of the predicted class
        ("ood_percentile", pa.float32()),
    ]
)


def prediction_columns(classes: Sequence[str], *, cuts: bool) -> list[tuple[str, pa.DataType]]:
    """Names and types of the columns; those on fields are there where large images are cut."""
    floats = pa.float32()
    return [
        ("image", pa.string()),
        ("predicted", pa.string()),
        ("ood_percentile", floats),
        *((f"p:{name}", floats) for name in classes),
        *(((f"share:{name}", floats) for name in classes) if cuts else ()),
        *((("fields", pa.list_(_FIELD)), ("note", pa.string())) if cuts else ()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("outside", floats),
        ("reason", pa.string()),
    ]


def prediction_row(smear: Smear, root: Path, classes: Sequence[str]) -> dict[str, Any]:
    """A smear as a row; null is what an unreadable image has, and share and fields of one not cut.

    Args:
        smear: Predicted.
        root: That its name in the table is relative to.
        classes: Of the run.
    """
    row: dict[str, Any] = {
        "image": smear.file.relative_to(root).as_posix(),
        "width": smear.size[0],
        "height": smear.size[1],
        "outside": smear.outside,
        "reason": smear.reason or None,
    }
    if smear.reason:
        return row | dict.fromkeys(("width", "height", "outside"))
    row |= {"predicted": classes[smear.predicted], "ood_percentile": smear.ood_percentile}
    row |= {f"p:{name}": float(p) for name, p in zip(classes, smear.mean, strict=True)}
    if smear.fields:
        shares = zip(classes, smear.field_shares, strict=True)
        row |= {f"share:{name}": float(share) for name, share in shares}
        row |= {"fields": _field_rows(smear, classes), "note": describe_smear(smear, classes)}
    return row


def _field_rows(smear: Smear, classes: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "left": field.left,
            "upper": field.upper,
            "side": field.side,
            "predicted": classes[int(p.argmax())],
            "probability": float(p.max()),
            "ood_percentile": float(percentile),
        }
        for field, p, percentile in zip(
            smear.fields, smear.probabilities, smear.ood_percentiles, strict=True
        )
    ]
