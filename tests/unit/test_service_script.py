"""Dialogues as people write them, in the format of our own; what people paste is in `test_script_table.py`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.requests.script.dialogue import Dialogue, Format
from service.requests.script.reader import MAX_LINES, parse_dialogue


def said(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("A: 你好\nB: 是啊", [("A", "你好"), ("B", "是啊")]),
        ("A：你好\nB：是啊", [("A", "你好"), ("B", "是啊")]),
        ("A:你好", [("A", "你好")]),
        ("[Host]: Hello\n[Guest] : Hi", [("Host", "Hello"), ("Guest", "Hi")]),
        ("【主持人】：大家好\n［來賓］:你好", [("主持人", "大家好"), ("來賓", "你好")]),
        ("[Host, the second]: Hi", [("Host, the second", "Hi")]),
        ("A: 一\n\n\nB: 二\n", [("A", "一"), ("B", "二")]),
        ("\r\nA: 一\r\nB: 二\r\n", [("A", "一"), ("B", "二")]),
        ("\ufeff  A :  一  \n\u3000B：二\u3000", [("A", "一"), ("B", "二")]),
        ("A: 一\n接著說\nB: 二", [("A", "一\n接著說"), ("B", "二")]),
        ("A:\n一\n二", [("A", "一\n二")]),
        ("Dr. Smith: Hello", [("Dr. Smith", "Hello")]),
        ("Host (whispering): Hello", [("Host (whispering)", "Hello")]),
        ("1: Hello", [("1", "Hello")]),
        ("A: 我們 12:30 見", [("A", "我們 12:30 見")]),
        ("A: 好\n12:30 見", [("A", "好\n12:30 見")]),
        ("A: 好\n12：30 見", [("A", "好\n12：30 見")]),
        ("A: see\nhttp://example.org/a:b", [("A", "see\nhttp://example.org/a:b")]),
        ("A: see\nGo to https://example.org", [("A", "see\nGo to https://example.org")]),
        ("A: 好\n他說，記住：不要動", [("A", "好\n他說，記住：不要動")]),
        ("A: a: b: c", [("A", "a: b: c")]),
    ],
)
def test_lines_become_turns(text: str, turns: list[tuple[str, str]]) -> None:
    dialogue = parse_dialogue(text, Format.SCRIPT)
    assert said(dialogue) == turns
    assert (dialogue.error("zh"), list(dialogue.changes)) == (None, [])
    assert [turn.index for turn in dialogue.turns] == list(range(len(turns)))


NAMES = st.text("甲乙AbÉß", min_size=1, max_size=6)
#: No marks of Markdown, and no full stop, which makes a number of `1.`: with those a text is no longer a script alone.
WORDS = st.text("好的 ，。！？：:12 abc「」!?…", min_size=1, max_size=20).filter(lambda text: text.strip(" \u3000"))
LINES = st.one_of(st.tuples(NAMES, st.sampled_from([":", "：", " : "]), WORDS).map("".join), WORDS, st.just(""))


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_what_is_a_script_is_read_as_one_whatever_format_is_looked_for(text: str) -> None:
    as_script = parse_dialogue(text, Format.SCRIPT)
    found = parse_dialogue(text)
    if as_script.error("en") is None:
        assert (said(found), found.lines, list(found.changes)) == (said(as_script), as_script.lines, [])


def test_only_a_name_with_an_aside_is_read_otherwise_and_that_is_told() -> None:
    dialogue = parse_dialogue("Host (whispering): Hello\n[Guest (shy)]: Hi")
    assert said(dialogue) == [("Host", "(whispering) Hello"), ("Guest (shy)", "Hi")]
    (change,) = dialogue.changes
    assert (change.line, change.kind, change.before, change.after) == (
        1,
        "aside",
        "Host (whispering): Hello",
        "Host: (whispering) Hello",
    )


def test_speakers_are_named_in_the_order_in_which_they_speak_and_characters_counted() -> None:
    dialogue = parse_dialogue("B: 一二\nA: 三\nB: 四")
    assert dialogue.speakers == ["B", "A"]
    assert dialogue.total_characters == 4


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("你好", "第 1 行沒有角色", "line 1 has no speaker"),
        ("A: 好\n\n旁白沒有名字", "第 3 行沒有角色", "line 3 has no speaker"),
        ("A: 好\nB:\nA: 好", "第 2 行的角色「B」沒有台詞", "line 2: the speaker 'B' says nothing"),
        ("A: 好\nB:", "第 2 行的角色「B」沒有台詞", "line 2"),
        ("A: 好\n: 好", "第 2 行的角色名稱是空的", "line 2 has an empty"),
        ("[]: 好", "第 1 行的角色名稱是空的", "line 1 has an empty"),
        (f"[{'長' * 51}]: 好", "第 1 行的角色名稱超過 50 個字元", "line 1 has a speaker's name of more than 50"),
        ("", "沒有任何台詞", "there is no line"),
        (" \n\u3000\n", "沒有任何台詞", "there is no line"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, zh: str, en: str) -> None:
    dialogue = parse_dialogue(text)
    assert (dialogue.error("zh") or "").startswith(zh)
    assert (dialogue.error("en") or "").startswith(en)


def test_every_line_that_is_wrong_is_named_once() -> None:
    dialogue = parse_dialogue("沒有名字\n還是沒有\n\nA: 好\n\n又沒有")
    assert (dialogue.error("zh") or "").splitlines() == [
        "第 1 行沒有角色，請寫成「角色: 台詞」",
        "第 6 行沒有角色，請寫成「角色: 台詞」",
    ]
    assert said(dialogue) == [("A", "好")]


def test_of_many_wrong_lines_the_first_ten_are_named() -> None:
    assert len((parse_dialogue("一\n\n" * 50).error("zh") or "").splitlines()) == 11


def test_a_name_of_fifty_characters_is_a_speaker_and_a_longer_one_is_text() -> None:
    assert parse_dialogue(f"{'名' * 50}: 好").speakers == ["名" * 50]
    assert parse_dialogue(f"{'名' * 51}: 好").turns == []


def test_a_seventh_speaker_is_told_at_the_first_turn() -> None:
    dialogue = parse_dialogue("\n".join(f"S{n}: 好" for n in range(8)))
    assert dialogue.error("zh") == "第 7 行是第 7 個角色，最多 6 個"
    assert parse_dialogue("\n".join(f"S{n}: 好" for n in range(6))).error("zh") is None


def test_a_thousand_turns_are_taken_and_one_more_is_not() -> None:
    assert parse_dialogue("A: 好\n" * 1000).error("zh") is None
    assert parse_dialogue("A: 好\n" * 1001).error("zh") == "從第 1001 行起超過 1000 句"


def test_a_hundred_thousand_characters_are_taken_and_one_more_is_not() -> None:
    text = f"A: {'好' * 60_000}\nB: {'好' * 40_000}"
    assert parse_dialogue(text).error("zh") is None
    assert parse_dialogue(text + "好").error("zh") == "從第 2 行起總字數超過 100000 字（共 100001 字）"


def test_of_more_lines_than_any_script_has_nothing_is_read() -> None:
    assert parse_dialogue("A: b\n" + "c\n" * (MAX_LINES - 2)).error("en") is None
    dialogue = parse_dialogue("A: b\n" + "c\n" * MAX_LINES)
    assert (dialogue.turns, dialogue.error("en")) == ([], "there are more than 10000 lines: this is no script")
