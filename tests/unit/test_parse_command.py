"""`readthrough parse`: what it writes is read again as the same script; what it did, and why it failed, it says."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from embedded.parse import main
from service.requests.script.dialogue import Format
from service.requests.script.plain import line_of
from service.requests.script.reader import parse_dialogue
from storage.jobs import Turn
from tests.script_files import DOCUMENT, SIMPLIFIED, TRADITIONAL
from tests.scripts import Sample, samples

SAMPLES = list(samples())


def test_a_document_becomes_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.docx").write_bytes(DOCUMENT)
    assert main([str(tmp_path / "a.docx")]) == 0
    out, err = capsys.readouterr()
    assert out == "小美: 你好，走吧\n阿明: 好\n走\n小美: 早 & 晚\n"
    assert err == "line 1: heading: '# 第一場': left out\n"


def test_the_encoding_that_was_found_is_said_and_another_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(TRADITIONAL.encode("big5"))
    assert main([str(file), "-o", str(tmp_path / "b.txt")]) == 0
    assert "the text is in Big5" in capsys.readouterr().err
    assert (tmp_path / "b.txt").read_text("utf-8") == TRADITIONAL.replace("：", ": ")

    file.write_bytes(SIMPLIFIED.encode("gb18030"))
    assert main([str(file), "--encoding", "GB18030"]) == 0
    assert main([str(file), "--encoding", "UTF-8"]) == 1
    assert f"readthrough parse: {file}: the file is no text in UTF-8\n" in capsys.readouterr().err


def test_a_script_comes_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Given:
        buffer = io.BytesIO(b"- Ava: Hello\n\nnobody\n")

    monkeypatch.setattr(sys, "stdin", Given)
    assert main(["-"]) == 1
    out, err = capsys.readouterr()
    assert out == "Ava: Hello\n"
    assert err.splitlines() == [
        "the text is in UTF-8",
        "line 1: bullet: '- Ava: Hello': 'Ava: Hello'",
        "mistake: line 3 has no speaker: write `Name: text`",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.txt")]) == 1
    assert "none.txt" in capsys.readouterr().err


def test_a_warning_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Ava: www.example.org", "utf-8")
    assert main([str(tmp_path / "a.txt")]) == 0
    assert "warning: line 1 has a web address" in capsys.readouterr().err


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_what_is_written_is_read_again_as_the_same(sample: Sample) -> None:
    dialogue = parse_dialogue(sample.text)
    again = parse_dialogue("".join(map(line_of, dialogue.turns)), Format.SCRIPT)
    assert [turn.speaker for turn in again.turns] == [turn.speaker for turn in dialogue.turns]
    assert [turn.text.split() for turn in again.turns] == [turn.text.split() for turn in dialogue.turns]


@pytest.mark.parametrize("name", ["Host (shy)", "1", "Guest 2", "小 美", "A, B", "🎤"])
def test_a_name_that_would_be_taken_for_more_is_in_brackets(name: str) -> None:
    line = line_of(Turn(name, "Hello", 0))
    assert [turn.speaker for turn in parse_dialogue(line).turns] == [name]
