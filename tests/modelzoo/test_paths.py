"""A path that was pasted is the one that was meant."""

from pathlib import Path

import pytest

from modelzoo.paths import clean


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("  /data/smears ", "/data/smears"),
        ("'/data/my smears'", "/data/my smears"),
        ('"/data/smears"', "/data/smears"),
        ("file:///data/my%20smears", "/data/my smears"),
        ("file://localhost/data/smears", "/data/smears"),
        ("~/smears", str(Path.home() / "smears")),
        ("smears~", "smears~"),
        ("it's", "it's"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_a_pasted_path_is_the_one_that_was_meant(typed: str, meant: str) -> None:
    assert clean(typed) == meant
