"""The page Explain, opened by a link, and what it shows."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from modelzoo.runs.records import read_split
from tests.pages.opened import open_page

IMAGES = 40  # of the data set
PX = 64  # that the models see


def open_explain(**query: str | list[str]) -> AppTest:
    return open_page("explain", **query)


def image_in_part(home: Path, run: str, part: str) -> str:
    rows = read_split(home / "runs" / run).rows
    return next(row.image for row in rows if row.part == part)


def alt_texts(app: AppTest) -> list[str]:
    return [image.alt for each in app.image for image in each.proto.imgs]


def map_url(app: AppTest) -> str:
    """Where the browser fetches the only map: a name made from its bytes."""
    (url,) = [
        image.url for each in app.image for image in each.proto.imgs if " of Eff" in image.alt
    ]
    return str(url)
