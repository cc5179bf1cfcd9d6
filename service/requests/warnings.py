"""What of a job will not be as it was asked, though it is accepted: the `warnings` of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from actors.directions import Words, reading_of
from actors.lines import lines_in, parts_of
from actors.providers.delivery import left_out, undeliverable
from actors.providers.problem import Language, Problem, Text
from actors.providers.provider import EVERY_LANGUAGE, Provider, primary_language
from service.requests.schemas import ProblemBody
from storage.jobs import Script

#: A job is told so many. More say nothing that is new.
MAX_WARNINGS: Final = 100

#: Languages that are written with Chinese characters, as voices are tagged.
_WITH_HAN: Final = frozenset({"zh", "yue", "ja", "ko", "hak", "nan", "wuu"})
_HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

_DIVIDED: Final = Text(
    "這句超過 {vendor} 一次能讀的長度，會在句尾分成 {pieces} 段朗讀",
    "this turn is longer than {vendor} reads at once: it is spoken in {pieces} pieces, divided at ends of sentences",
)
_OTHER_LANGUAGE: Final = Text(
    "這個聲音說的是 {voice}，工作的語言是 {asked}", "this voice speaks {voice}, the job is in {asked}"
)
_NO_CHINESE: Final = Text(
    "這句有中文，這個聲音說的是 {voice}", "there is Chinese in this turn, and its voice speaks {voice}"
)
_NOT_READ: Final = Text(
    "{direction} 是給演員的指示，不會朗讀；若要照字面朗讀，請在括號前加反斜線",
    "{direction} is for an actor and is not read aloud; to have it read put a backslash before its brackets",
)


def warnings_of(script: Script, providers: Mapping[str, Provider], language: Language) -> list[ProblemBody]:
    """What of a script will not be as it was asked; of a provider that is not there any more, nothing is known."""
    provider = providers.get(script.provider)
    found = _warnings(script, provider) if provider is not None else ()
    return told(list(islice(found, MAX_WARNINGS)), language)


def told(problems: Sequence[Problem], language: Language) -> list[ProblemBody]:
    """Problems as a client reads them."""
    return [ProblemBody(field=problem.field, message=problem.text(language)) for problem in problems]


def _warnings(script: Script, provider: Provider) -> Iterator[Problem]:
    yield from undeliverable(script, provider)
    yield from _directions_left_out(script, provider)
    yield from _divided(script, provider)
    yield from _other_languages(script, provider)


def _divided(script: Script, provider: Provider) -> Iterator[Problem]:
    for turn in script.turns:
        if not provider.fits(turn.text):
            pieces = sum(1 for _ in lines_in(parts_of(script, turn, provider)))
            if pieces > 1:
                yield Problem(f"turns[{turn.index}].text", _DIVIDED.filled(vendor=provider.name, pieces=pieces))


def _other_languages(script: Script, provider: Provider) -> Iterator[Problem]:
    """Voices of other languages than the job's, and Chinese for a voice that has none: each voice once."""
    languages = {voice.voice_id: voice for voice in provider.known_voices() if voice.language != EVERY_LANGUAGE}
    told: set[str] = set()
    for place, given in enumerate(script.voice_assignments):
        voice = languages.get(given.voice_id)
        if voice is not None and not voice.speaks(script.language):
            told.add(voice.voice_id)
            values = {"voice": voice.language, "asked": script.language}
            yield Problem(f"voice_assignments[{place}].voice_id", _OTHER_LANGUAGE.filled(**values))
    for turn in script.turns:
        voice = languages.get(script.voice_for(turn))
        if voice is None or voice.voice_id in told or primary_language(voice.language) in _WITH_HAN:
            continue
        if _HAN.search(turn.text):
            told.add(voice.voice_id)
            yield Problem(f"turns[{turn.index}].text", _NO_CHINESE.filled(voice=voice.language))


def _directions_left_out(script: Script, provider: Provider) -> Iterator[Problem]:
    """Each of them once: a script may have the same in every line."""
    told: set[str] = set()
    for turn in script.turns:
        reading, voice_id = reading_of(turn.text), script.voice_for(turn)
        for written in reading.left_out:
            if written not in told:
                told.add(written)
                yield Problem(f"turns[{turn.index}].text", _NOT_READ.filled(direction=written))
        for style in dict.fromkeys(part.style for part in reading.parts if isinstance(part, Words) and part.style):
            if style not in told and (text := left_out(style, voice_id, provider)):
                told.add(style)
                yield Problem(f"turns[{turn.index}].text", text)
