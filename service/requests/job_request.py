"""From the body of POST /jobs to a Script: the rules that tie its fields together, and every problem at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from actors.lexicon import Say, lexicon_of
from actors.providers.problem import Problem, Text
from actors.providers.provider import Provider
from service.http.errors import InvalidRequest
from service.http.messages import ErrorCode
from service.requests.schemas import MAX_CHARACTERS, MAX_SPEAKERS, JobRequest, JobTurnBody, VoiceAssignmentBody
from service.requests.spoken import direction_problems, spoken_script
from service.requests.validation import Problems, read_fields
from storage.jobs import Script, Turn, VoiceAssignment
from storage.lexicon import Pronunciation

_DEFAULTS: Final = {name: field.default for name, field in JobRequest.model_fields.items()}
_VOICE: Final = re.compile(r"voice_assignments\[(\d+)\](.*)")

#: The turns and the voices of a request, in its order; None for each that is wrong in itself.
_Turns = Sequence[JobTurnBody | None]
_Voices = Sequence[VoiceAssignmentBody | None]


def script_of(body: Any, providers: Mapping[str, Provider], entries: Sequence[Pronunciation] = ()) -> Script:
    """What a request asks for. `entries`: how its user has words said, which makes lines longer or shorter.

    Raises:
        InvalidRequest: with all of its problems, up to `MAX_PROBLEMS`. An unknown provider, or one that is not
            configured, has a code of its own when it is the only one.
    """
    problems = Problems()
    request = read_fields(JobRequest, body, problems)
    name: str | None = request.get("provider")
    provider = providers.get(name) if name is not None else None
    for problem in _cross_problems(request, provider, entries):
        problems.add(problem)
    if problems.found:
        raise InvalidRequest(problems.found, _code_of(problems.found, name, provider))
    return _script(JobRequest.model_construct(**request))


def _script(request: JobRequest) -> Script:
    return Script(
        provider=request.provider,
        turns=tuple(
            Turn(turn.speaker, turn.text, turn.index, turn.voice_id, turn.speed, turn.style)
            for turn in sorted(request.turns, key=lambda turn: turn.index)
        ),
        voice_assignments=tuple(
            VoiceAssignment(given.speaker, given.voice_id, given.voice_name, given.speed, given.style)
            for given in request.voice_assignments
        ),
        language=request.language,
        output_format=request.output_format,
        gap_ms=request.gap_ms,
        crossfade_ms=request.crossfade_ms,
        normalize=request.normalize,
    )


def _cross_problems(
    request: Mapping[str, Any], provider: Provider | None, entries: Sequence[Pronunciation]
) -> Iterator[Problem]:
    """What the rules that tie fields together find, of what is right in itself."""
    turns: _Turns = request.get("turns", ())
    voices: _Voices | None = request.get("voice_assignments")
    yield from _index_problems(turns)
    yield from _speaker_problems(turns, voices)
    if "provider" in request:
        yield from _provider_problems(provider)
    yield from _limit_problems(turns, provider)
    if provider is not None and not provider.missing_settings:
        language = request.get("language", _DEFAULTS["language"])
        yield from _vendor_problems(turns, voices or (), language, provider, lexicon_of(entries, language))


def _index_problems(turns: _Turns) -> Iterator[Problem]:
    """The indexes of n turns are 0 to n-1, each once."""
    last = len(turns) - 1
    times = Counter(turn.index for turn in turns if turn is not None)
    for place, turn in enumerate(turns):
        field = f"turns[{place}].index"
        if turn is None:
            continue
        if turn.index > last:
            yield Problem(field, Text(f"須為 0 到 {last}", f"must be from 0 to {last}"))
        elif times[turn.index] > 1:
            yield Problem(field, Text(f"{turn.index} 重複了", f"{turn.index} is there more than once"))


def _speaker_problems(turns: _Turns, voices: _Voices | None) -> Iterator[Problem]:
    """Every speaker of the turns has exactly one voice, and nobody else has. Who is in a wrong turn is not known."""
    speakers = dict.fromkeys(turn.speaker for turn in turns if turn is not None)
    everybody_known = bool(turns) and None not in turns
    seen: set[str] = set()
    for place, voice in enumerate(voices or ()):
        field = f"voice_assignments[{place}].speaker"
        if voice is None:
            continue
        if voice.speaker in seen:
            yield Problem(field, Text("同一角色重複指定語音", "this speaker has a voice already"))
        elif voice.speaker not in speakers and everybody_known:
            yield Problem(field, Text("台詞中沒有這個角色", "there is no turn of this speaker"))
        seen.add(voice.speaker)
    without = [speaker for speaker in speakers if speaker not in seen]
    if without and voices is not None and None not in voices:
        names = ", ".join(without[:20]) + (", …" if len(without) > 20 else "")
        yield Problem("voice_assignments", Text(f"這些角色沒有語音：{names}", f"no voice for these speakers: {names}"))


def _provider_problems(provider: Provider | None) -> Iterator[Problem]:
    if provider is None:
        yield Problem("provider", Text("沒有這個語音服務", "there is no such provider"))
    elif provider.missing_settings:
        missing = ", ".join(provider.missing_settings)
        yield Problem("provider", Text(f"此語音服務尚未設定：{missing}", f"is not configured: {missing}"))


def _limit_problems(turns: _Turns, provider: Provider | None) -> Iterator[Problem]:
    speakers = len({turn.speaker for turn in turns if turn is not None})
    most = min(MAX_SPEAKERS, provider.max_speakers) if provider is not None else MAX_SPEAKERS
    if speakers > most:
        yield Problem(
            "turns",
            Text(f"最多 {most} 個角色，目前有 {speakers} 個", f"at most {most} speakers, not {speakers}"),
        )
    characters = sum(len(turn.text) for turn in turns if turn is not None)
    limit = provider.character_limit if provider is not None else MAX_CHARACTERS
    if characters > limit:
        yield Problem(
            "turns",
            Text(
                f"總字數最多 {limit} 字，目前有 {characters} 字",
                f"at most {limit} characters of text in all, not {characters}",
            ),
        )


def _vendor_problems(turns: _Turns, voices: _Voices, language: str, provider: Provider, say: Say) -> Iterator[Problem]:
    """What the vendor would refuse. It is asked about what is right so far, and about speakers who have a voice."""
    places = [place for place, voice in enumerate(voices) if voice is not None]
    cast = tuple(
        VoiceAssignment(voice.speaker, voice.voice_id, None, voice.speed, voice.style)
        for voice in voices
        if voice is not None
    )
    speakers = {voice.speaker for voice in cast}
    draft = Script(
        provider=provider.name,
        # A turn's place as its index, so that it is named by its place in the request.
        turns=tuple(
            Turn(turn.speaker, turn.text, place, turn.voice_id, turn.speed, turn.style)
            for place, turn in enumerate(turns)
            if turn is not None and turn.speaker in speakers
        ),
        voice_assignments=cast,
        language=language,
        output_format=_DEFAULTS["output_format"],
        gap_ms=_DEFAULTS["gap_ms"],
        crossfade_ms=_DEFAULTS["crossfade_ms"],
    )
    yield from direction_problems(draft)
    for problem in provider.check(spoken_script(draft, provider, say)):
        of_voice = _VOICE.fullmatch(problem.field)
        if of_voice is None:
            yield problem
        else:
            yield Problem(f"voice_assignments[{places[int(of_voice[1])]}]{of_voice[2]}", problem.text)


def _code_of(problems: Sequence[Problem], name: str | None, provider: Provider | None) -> ErrorCode:
    if name is None or [problem.field for problem in problems] != ["provider"]:
        return ErrorCode.VALIDATION_ERROR
    return ErrorCode.UNKNOWN_PROVIDER if provider is None else ErrorCode.PROVIDER_NOT_CONFIGURED
