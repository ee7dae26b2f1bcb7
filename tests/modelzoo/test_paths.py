"""A path that was pasted is the one that was meant."""

from pathlib import Path

import pytest

from modelzoo.paths import clean, find_typed


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("  /data/smears ", "/data/smears"),
        ("'/data/my smears'", "/data/my smears"),
        ('"/data/smears"', "/data/smears"),
        ("file:///data/my%20smears", "/data/my smears"),
        ("file://localhost/data/smears", "/data/smears"),
        ("FILE:/data/my%20smears", "/data/my smears"),
        ("<file:///data/my%20smears>", "/data/my smears"),
        (" </data/smears>\n", "/data/smears"),
        ("\u201c/data/my smears\u201d", "/data/my smears"),
        ("\u2018/data/smears\u2019", "/data/smears"),
        ("\u201e/data/smears\u201c", "/data/smears"),
        ("\u00ab/data/smears\u00bb", "/data/smears"),
        (r"/data/my\ smears\ \(new\) ", "/data/my smears (new)"),
        (r"'/data/my\ smears'", r"/data/my\ smears"),
        (r"C:\data\smears", r"C:\data\smears"),
        ("\u202a/data/smears\u202c", "/data/smears"),
        ("'\u202a/data/smears'", "/data/smears"),
        ("\u201c/data/smears'", "\u201c/data/smears'"),
        ("~no such person/smears", "~no such person/smears"),
        ("~/smears", str(Path.home() / "smears")),
        ("smears~", "smears~"),
        ("it's", "it's"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_a_pasted_path_is_the_one_that_was_meant(typed: str, meant: str) -> None:
    assert clean(typed) == meant


@pytest.mark.parametrize(
    "name", ["'a'", "\u201ca\u201d", r"a\ b", "<a>", " a ", "\u202aa", "~", "file:"]
)
def test_what_is_there_as_typed_is_taken_as_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()

    assert find_typed(name) == name
    assert find_typed(f"{tmp_path}/{name}") == f"{tmp_path}/{name}"
    assert find_typed(f" '{tmp_path}/{name}' ") == f"{tmp_path}/{name}"
