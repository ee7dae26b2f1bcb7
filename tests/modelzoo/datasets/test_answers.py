from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelzoo.datasets.answers import (
    MOST_LETTERS,
    QUESTIONS,
    keep_answers,
    read_answers,
    read_kept_answers,
)
from modelzoo.errors import UserError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(answers=st.dictionaries(st.sampled_from(sorted(QUESTIONS)), TEXTS))
def test_answers_are_read_as_they_were_kept(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("home") / "answers"

    keep_answers(folder, "abc123", answers)

    kept = {key: text.strip() for key, text in answers.items() if text.strip()}
    assert {key: text.replace("\r\n", "\n") for key, text in kept.items()} == {
        key: text.replace("\r\n", "\n") for key, text in read_kept_answers(folder, "abc123").items()
    }
    assert not read_kept_answers(folder, "abc124")


@pytest.mark.parametrize("dataset_id", ["../x", "/etc/passwd", "", "a" * 65, "a\0b", "é"])
def test_an_id_that_is_none_leads_to_no_file(tmp_path: Path, dataset_id: str) -> None:
    (tmp_path / "x.toml").write_text('source = "x"\n', encoding="utf-8")
    folder = tmp_path / "answers"

    assert read_kept_answers(folder, dataset_id) == {}
    with pytest.raises(UserError, match="has no id"):
        keep_answers(folder, dataset_id, {"source": "x"})
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"source = ", "is no TOML"),
        (b"\xff", "is damaged"),
        (b'colour = "red"', "'colour', which is not asked"),
        (b"source = 3", "is no text of at most 2,000 letters"),
        (f'source = "{"x" * (MOST_LETTERS + 1)}"'.encode(), "is no text of at most 2,000 letters"),
        (b"a" * 300_000, "is damaged"),
        (b"source = " + b"[" * 5000, "is no TOML"),
    ],
)
def test_a_file_of_something_else_is_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "answers.toml"
    file.write_bytes(content)

    with pytest.raises(UserError, match=sentence):
        read_answers(file)
