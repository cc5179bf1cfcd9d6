"""From the body of POST /jobs to a Script: the rules that tie its fields together, and every problem at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from actors.providers.problem import Problem, Text
from actors.providers.provider import Provider
from service.http.errors import InvalidRequest
from service.http.json_body import as_list, as_object, as_text, as_whole, read_model
from service.http.messages import ErrorCode
from service.requests.schemas import MAX_CHARACTERS, MAX_SPEAKERS, JobRequest
from storage.jobs import Script, Turn, VoiceAssignment

_DEFAULTS: Final = {name: field.default for name, field in JobRequest.model_fields.items()}


def script_of(body: Any, providers: Mapping[str, Provider]) -> Script:
    """What a request asks for.

    Raises:
        InvalidRequest: with all of its problems. An unknown provider, or one that is not configured, has a code of its
            own when it is the only one.
    """
    request, problems = read_model(JobRequest, body)
    draft = _draft(body, broken={problem.field for problem in problems})
    provider = providers.get(draft.provider) if draft.provider is not None else None
    problems += _index_problems(draft)
    problems += _speaker_problems(draft)
    problems += _provider_problems(draft, provider)
    problems += _limit_problems(draft, provider)
    if provider is not None and not provider.missing_settings:
        problems += provider.check(draft.as_script())
    problems = first_of_each_field(problems)
    if request is None or problems:
        raise InvalidRequest(problems, _code_of(problems, draft.provider, provider))
    return _script(request)


def _script(request: JobRequest) -> Script:
    return Script(
        provider=request.provider,
        turns=tuple(Turn(t.speaker, t.text, t.index, t.voice_id) for t in sorted(request.turns, key=lambda t: t.index)),
        voice_assignments=tuple(
            VoiceAssignment(a.speaker, a.voice_id, a.voice_name) for a in request.voice_assignments
        ),
        language=request.language,
        output_format=request.output_format,
        gap_ms=request.gap_ms,
        crossfade_ms=request.crossfade_ms,
        normalize=request.normalize,
    )


@dataclass(frozen=True, slots=True)
class _DraftTurn:
    speaker: str | None
    text: str | None
    index: int | None
    voice_id: str | None


@dataclass(frozen=True, slots=True)
class _DraftVoice:
    speaker: str | None
    voice_id: str | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """As much of a request as can be read, None where a value is missing or of the wrong type, or is no speaker's name.

    Rules that tie fields together look at this, so that they find what they can beside problems of other kinds.
    """

    provider: str | None
    language: str | None
    turns: tuple[_DraftTurn, ...]
    voices: tuple[_DraftVoice, ...]
    has_voices: bool

    def as_script(self) -> Script:
        """What a provider is asked about. Places in the lists are kept, so that its problems name the right field."""
        voices = tuple(VoiceAssignment(voice.speaker or "", voice.voice_id or "") for voice in self.voices)
        cast_of = {voice.speaker for voice in voices}
        return Script(
            provider=self.provider or "",
            turns=tuple(
                Turn(turn.speaker, turn.text, place, turn.voice_id)
                for place, turn in enumerate(self.turns)
                if turn.speaker is not None and turn.text is not None and turn.speaker in cast_of
            ),
            voice_assignments=voices,
            language=self.language or _DEFAULTS["language"],
            output_format=_DEFAULTS["output_format"],
            gap_ms=_DEFAULTS["gap_ms"],
            crossfade_ms=_DEFAULTS["crossfade_ms"],
        )


def _draft(body: Any, broken: Set[str]) -> _Draft:
    """`broken`: the fields that are wrong in themselves."""
    fields = as_object(body)
    turns = [as_object(item) for item in as_list(fields.get("turns"))]
    voices = [as_object(item) for item in as_list(fields.get("voice_assignments"))]

    def speaker(of: Mapping[str, Any], place: str) -> str | None:
        return None if f"{place}.speaker" in broken else as_text(of.get("speaker"))

    return _Draft(
        provider=as_text(fields.get("provider")),
        language=as_text(fields.get("language")),
        turns=tuple(
            _DraftTurn(
                speaker(turn, f"turns[{place}]"),
                as_text(turn.get("text")),
                as_whole(turn.get("index")),
                as_text(turn.get("voice_id")),
            )
            for place, turn in enumerate(turns)
        ),
        voices=tuple(
            _DraftVoice(speaker(voice, f"voice_assignments[{place}]"), as_text(voice.get("voice_id")))
            for place, voice in enumerate(voices)
        ),
        has_voices=isinstance(fields.get("voice_assignments"), list),
    )


def _index_problems(draft: _Draft) -> Iterator[Problem]:
    """The indexes of n turns are 0 to n-1, each once."""
    last = len(draft.turns) - 1
    times = Counter(turn.index for turn in draft.turns)
    for place, turn in enumerate(draft.turns):
        field = f"turns[{place}].index"
        if turn.index is None:
            continue
        if not 0 <= turn.index <= last:
            yield Problem(field, Text(f"須為 0 到 {last}", f"must be from 0 to {last}"))
        elif times[turn.index] > 1:
            yield Problem(field, Text(f"{turn.index} 重複了", f"{turn.index} is there more than once"))


def _speaker_problems(draft: _Draft) -> Iterator[Problem]:
    """Every speaker of the turns has exactly one voice, and nobody else has."""
    speakers = dict.fromkeys(turn.speaker for turn in draft.turns if turn.speaker is not None)
    everybody_known = all(turn.speaker is not None for turn in draft.turns)
    seen: set[str] = set()
    for place, voice in enumerate(draft.voices):
        field = f"voice_assignments[{place}].speaker"
        if voice.speaker is None:
            continue
        if voice.speaker in seen:
            yield Problem(field, Text("同一角色重複指定語音", "this speaker has a voice already"))
        elif voice.speaker not in speakers and everybody_known and speakers:
            yield Problem(field, Text("台詞中沒有這個角色", "there is no turn of this speaker"))
        seen.add(voice.speaker)
    without = [speaker for speaker in speakers if speaker not in seen]
    if without and draft.has_voices and all(voice.speaker is not None for voice in draft.voices):
        names = ", ".join(speaker[:50] for speaker in without[:20]) + (", …" if len(without) > 20 else "")
        yield Problem("voice_assignments", Text(f"這些角色沒有語音：{names}", f"no voice for these speakers: {names}"))


def _provider_problems(draft: _Draft, provider: Provider | None) -> Iterator[Problem]:
    if draft.provider is None:
        return
    if provider is None:
        yield Problem("provider", Text("沒有這個語音服務", "there is no such provider"))
    elif provider.missing_settings:
        missing = ", ".join(provider.missing_settings)
        yield Problem("provider", Text(f"此語音服務尚未設定：{missing}", f"is not configured: {missing}"))


def _limit_problems(draft: _Draft, provider: Provider | None) -> Iterator[Problem]:
    speakers = len({turn.speaker for turn in draft.turns if turn.speaker is not None})
    most = min(MAX_SPEAKERS, provider.max_speakers) if provider is not None else MAX_SPEAKERS
    if speakers > most:
        yield Problem(
            "turns", Text(f"最多 {most} 個角色，目前有 {speakers} 個", f"at most {most} speakers, not {speakers}")
        )
    characters = sum(len(turn.text) for turn in draft.turns if turn.text is not None)
    limit = provider.character_limit if provider is not None else MAX_CHARACTERS
    if characters > limit:
        yield Problem(
            "turns",
            Text(
                f"總字數最多 {limit} 字，目前有 {characters} 字",
                f"at most {limit} characters of text in all, not {characters}",
            ),
        )


def first_of_each_field(problems: list[Problem]) -> list[Problem]:
    """A value that is wrong in itself breaks other rules too; the first thing said of it is the one to mend.

    What is said of a whole list stands: one may be wrong in several ways.
    """
    first: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        about = problem.text.en if problem.field in {"turns", "voice_assignments"} else ""
        first.setdefault((problem.field, about), problem)
    return list(first.values())


def _code_of(problems: list[Problem], name: str | None, provider: Provider | None) -> ErrorCode:
    if name is None or [problem.field for problem in problems] != ["provider"]:
        return ErrorCode.VALIDATION_ERROR
    return ErrorCode.UNKNOWN_PROVIDER if provider is None else ErrorCode.PROVIDER_NOT_CONFIGURED
