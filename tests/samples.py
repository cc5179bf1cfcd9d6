"""Sample dialogues."""

from __future__ import annotations

from collections.abc import Sequence

from storage.jobs import Script, Turn, VoiceAssignment

#: Two distinct voices of each provider.
VOICES = {"espeak": ("cmn+f2", "cmn+m3"), "openai": ("alloy", "onyx"), "azure": ("zh-TW-HsiaoYuNeural",) * 2}


def script(
    *texts: str, provider: str = "espeak", output_format: str = "mp3", gap_ms: int = 300, speakers: str = "AB"
) -> Script:
    """A dialogue of the speakers in turn, which say `texts`."""
    said: Sequence[str] = texts or ("你好，今天天氣真好！", "是啊，要不要一起去公園走走？")
    turns = tuple(Turn(speakers[index % len(speakers)], text, index) for index, text in enumerate(said))
    return Script(
        provider=provider,
        turns=turns,
        voice_assignments=tuple(
            VoiceAssignment(speaker, VOICES[provider][speakers.index(speaker) % 2])
            for speaker in dict.fromkeys(turn.speaker for turn in turns)
        ),
        language="zh-TW",
        output_format=output_format,
        gap_ms=gap_ms,
        crossfade_ms=50,
    )
