"""What several vendors refuse alike, found in a script before anybody is asked: the pieces of `Provider.check`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from actors.providers.problem import Problem, Text
from storage.jobs import Script

#: Names of voices as vendors write them: `zh-TW-HsiaoChenNeural`, `af_bella(2)+af_sky`, `中文女`.
#: No control character, quote, bracket or backslash: an id goes into paths, XML and JSON of others.
_SAFE_VOICE_ID: Final = re.compile(r"\w[\w .+:()/-]{0,127}")

#: What XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets), lone surrogates included.
_FORBIDDEN_IN_XML: Final = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_safe_voice_id(voice_id: str) -> bool:
    """Whether an id can be passed on to a vendor at all."""
    return _SAFE_VOICE_ID.fullmatch(voice_id) is not None and ".." not in voice_id and "//" not in voice_id


def unknown_voices(script: Script, is_known: Callable[[str], bool]) -> Iterator[Problem]:
    """A Problem for every assignment, and every turn with a voice of its own, whose voice is unsafe or not known."""
    asked = [(f"voice_assignments[{place}]", given.voice_id) for place, given in enumerate(script.voice_assignments)]
    asked += [(f"turns[{turn.index}]", turn.voice_id) for turn in script.turns if turn.voice_id is not None]
    for place, voice_id in asked:
        if not (is_safe_voice_id(voice_id) and is_known(voice_id)):
            yield Problem(f"{place}.voice_id", Text("此語音服務沒有這個語音", "the provider has no such voice"))


def too_long_turns(script: Script, limit_characters: int) -> Iterator[Problem]:
    """A Problem for every turn of more than `limit_characters`."""
    for turn in script.turns:
        if len(turn.text) > limit_characters:
            yield Problem(
                f"turns[{turn.index}].text",
                Text(
                    f"單一句最多 {limit_characters} 字，請分成幾句",
                    f"a turn may have at most {limit_characters} characters: split it",
                ),
            )


def unspeakable_turns(script: Script) -> Iterator[Problem]:
    """A Problem for every turn with a character that XML cannot carry, or with nothing in it to be read aloud."""
    for turn in script.turns:
        if has_forbidden_characters(turn.text):
            yield Problem(
                f"turns[{turn.index}].text", Text("含有無法朗讀的控制字元", "it has characters that cannot be spoken")
            )
        elif not has_something_to_say(turn.text):
            yield Problem(f"turns[{turn.index}].text", Text("沒有可朗讀的文字", "there is nothing in it to be spoken"))


def has_forbidden_characters(text: str) -> bool:
    """Whether XML 1.0, and so SSML, has no way to write `text`."""
    return _FORBIDDEN_IN_XML.search(text) is not None


def has_something_to_say(text: str) -> bool:
    """Whether there is a letter or a number in `text`: punctuation alone makes no sound."""
    return any(character.isalnum() for character in text)
