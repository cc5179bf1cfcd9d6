"""actors/speech: 150 hard sentences, and how each is read."""

from pathlib import Path

import pytest

from tests.readings import reading

SENTENCES = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parents[1] / "readings" / "sentences.tsv").read_text(encoding="utf-8").splitlines()
]


def test_there_are_150_hard_sentences() -> None:
    assert len(SENTENCES) >= 150
    assert len({text for _, text, _ in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize(("language", "text", "expected"), SENTENCES, ids=[text for _, text, _ in SENTENCES])
def test_a_hard_sentence_is_read_as_expected(language: str, text: str, expected: str) -> None:
    assert reading(text, language) == expected


def test_beijing_reads_what_is_written_for_china() -> None:
    assert reading("垃圾和企業", "zh-TW") == "le4 se4 han4 qi4 ye4"
