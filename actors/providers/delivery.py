"""How a line is to be said, speed and style, and what of it a vendor can be asked for.

A style is a word, as `cheerful`. Vendors have lists of their own, and some take any words at all: `MEANINGS` brings
together what means the same, in English and in Chinese, so that one script suits several vendors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from actors.providers.problem import Problem, Text
from actors.providers.provider import Delivery, Line, Provider
from storage.jobs import Script

#: Words of one meaning. A vendor that has one of them is asked for that, whichever was written.
MEANINGS: Final[Sequence[Sequence[str]]] = (
    ("cheerful", "happy", "joyful", "開心", "高興", "快樂", "愉快", "开心", "高兴", "快乐"),
    ("sad", "sadly", "難過", "悲傷", "傷心", "难过", "悲伤", "伤心"),
    ("angry", "angrily", "mad", "生氣", "憤怒", "生气", "愤怒"),
    ("excited", "excitedly", "興奮", "激動", "兴奋", "激动"),
    ("whispering", "whispers", "whispered", "whisper", "低語", "耳語", "悄聲", "小聲", "低语", "耳语", "小声"),
    ("shouting", "shouts", "shouted", "大喊", "大叫", "喊叫", "怒吼"),
    ("terrified", "scared", "fearful", "afraid", "害怕", "恐懼", "驚恐", "恐惧", "惊恐"),
    ("hopeful", "期待", "充滿希望", "充满希望"),
    ("friendly", "warm", "友善", "親切", "亲切"),
    ("unfriendly", "cold", "distant", "冷淡", "冷漠"),
    ("calm", "calmly", "peaceful", "平靜", "冷靜", "鎮定", "平静", "冷静"),
    ("serious", "seriously", "嚴肅", "認真", "严肃", "认真"),
    ("gentle", "gently", "affectionate", "溫柔", "輕柔", "温柔"),
    ("surprised", "amazed", "驚訝", "吃驚", "惊讶"),
    ("nervous", "anxious", "緊張", "焦慮", "紧张", "焦虑"),
    ("curious", "好奇"),
    ("sarcastic", "ironic", "諷刺", "嘲諷", "讽刺"),
    ("tired", "weary", "疲倦", "疲憊", "疲惫"),
    ("disappointed", "失望"),
    ("embarrassed", "尷尬", "害羞", "尴尬"),
    ("empathetic", "sympathetic", "同情"),
    ("depressed", "dejected", "沮喪", "沮丧"),
    ("disgruntled", "frustrated", "不滿", "不满"),
)

_SAME: Final[Mapping[str, Sequence[str]]] = {word: words for words in MEANINGS for word in words}

_NO_STYLE: Final = Text(
    "{vendor} 沒有「{style}」這種語氣，會用平常的語氣朗讀", "{vendor} has no style “{style}”: it is left out"
)
_NO_SPEED: Final = Text(
    "{vendor} 不能調整語速，會用平常的速度朗讀", "{vendor} has one speed alone: {speed:g} is left out"
)
_OTHER_SPEED: Final = Text(
    "{vendor} 的語速為 {slowest:g} 到 {fastest:g}，會用最接近的速度朗讀",
    "{vendor} speaks at {slowest:g} to {fastest:g}: the nearest of it is taken for {speed:g}",
)


def is_style_word(word: str) -> bool:
    """Whether a word names a style in any of the languages that scripts are written in here."""
    return word.strip().casefold() in _SAME


def style_of(delivery: Delivery, style: str) -> str | None:
    """A style as a vendor calls it; None where it has none that means this."""
    wanted = style.strip().casefold()
    known = {name.casefold(): name for name in delivery.styles}
    meant = next((known[word] for word in (wanted, *_SAME.get(wanted, ())) if word in known), None)
    return meant or (style.strip() if delivery.takes_any_style else None)


def speed_of(delivery: Delivery, speed: float) -> float:
    """The nearest speed that a vendor has."""
    return min(max(speed, delivery.slowest), delivery.fastest)


def deliverable(line: Line, provider: Provider) -> Line:
    """The line as its vendor can say it. What makes no difference to the vendor makes none to a segment's address."""
    if line.style is None and line.speed == 1:
        return line
    delivery = provider.delivery(line.voice_id)
    return replace(
        line,
        speed=speed_of(delivery, line.speed),
        style=style_of(delivery, line.style) if line.style else None,
    )


def left_out(style: str, voice_id: str, provider: Provider) -> Text | None:
    """What is said of a style that a voice has not; None of one that it has."""
    delivery = provider.delivery(voice_id)
    named = style_of(delivery, style)
    if named is None or (delivery.styles_of_voice is not None and named not in delivery.styles_of_voice):
        return _NO_STYLE.filled(vendor=provider.name, style=style)
    return None


def undeliverable(script: Script, provider: Provider) -> Iterator[Problem]:
    """What of the speeds and styles of a script its vendor will leave out. Each style is told once."""
    told: set[str] = set()
    for place, style, voice_id in _asked_styles(script):
        if style not in told and (text := left_out(style, voice_id, provider)):
            told.add(style)
            yield Problem(f"{place}.style", text)
    heard: set[tuple[float, float, float]] = set()
    for place, speed, voice_id in _asked_speeds(script):
        delivery = provider.delivery(voice_id)
        asked = (speed, delivery.slowest, delivery.fastest)
        if asked not in heard and speed_of(delivery, speed) != speed:
            heard.add(asked)
            text = _NO_SPEED if delivery.slowest == delivery.fastest else _OTHER_SPEED
            values = {"vendor": provider.name, "speed": speed}
            limits = {"slowest": delivery.slowest, "fastest": delivery.fastest}
            yield Problem(f"{place}.speed", text.filled(**values, **limits))


def _asked_styles(script: Script) -> Iterator[tuple[str, str, str]]:
    """(where it was asked for, the style, the voice)."""
    for place, given in enumerate(script.voice_assignments):
        if given.style:
            yield f"voice_assignments[{place}]", given.style, given.voice_id
    for turn in script.turns:
        style = script.style_for(turn)
        if style and (turn.style or turn.voice_id):
            yield f"turns[{turn.index}]", style, script.voice_for(turn)


def _asked_speeds(script: Script) -> Iterator[tuple[str, float, str]]:
    for place, given in enumerate(script.voice_assignments):
        if given.speed:
            yield f"voice_assignments[{place}]", given.speed, given.voice_id
    for turn in script.turns:
        if turn.speed or (turn.voice_id and script.speed_for(turn) != 1):
            yield f"turns[{turn.index}]", script.speed_for(turn), script.voice_for(turn)
