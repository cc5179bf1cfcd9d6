"""Previews: a voice says one short sentence, so that a person can choose by ear. Spoken once, kept for all users.

A preview is a segment of no user: known by its row before it is uploaded, and gone when nobody asks for it any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import structlog

from actors.audio.join import FORMATS, Piece, join
from actors.lines import segment_digest
from actors.providers.provider import EVERY_LANGUAGE, Line, Provider, ProviderError, Voice, primary_language
from actors.synthesis import speech_of
from storage.audio_store import AudioStore, AudioStoreError, ObjectMissing
from storage.jobs import new_id
from storage.segment_store import SegmentIntent, SegmentStore

#: What every player plays.
PREVIEW_FORMAT: Final = FORMATS["mp3"]

#: What a voice of a language says. The Japanese is in kana, which every voice can read.
_SENTENCES: Final[Mapping[str, str]] = {
    "ar": "مرحبًا، هكذا يبدو صوتي.",
    "cs": "Dobrý den, takhle zní můj hlas.",
    "da": "Hej, sådan lyder min stemme.",
    "de": "Hallo, so klingt meine Stimme.",
    "el": "Γεια σας, έτσι ακούγεται η φωνή μου.",
    "en": "Hello, this is what my voice sounds like.",
    "es": "Hola, así suena mi voz.",
    "fi": "Hei, tältä ääneni kuulostaa.",
    "fr": "Bonjour, voici comment sonne ma voix.",
    "hi": "नमस्ते, मेरी आवाज़ ऐसी सुनाई देती है।",
    "hu": "Jó napot, így szól a hangom.",
    "id": "Halo, beginilah suara saya.",
    "it": "Ciao, ecco come suona la mia voce.",
    "ja": "こんにちは。わたしのこえは、こんなかんじです。",
    "ko": "안녕하세요, 제 목소리는 이렇습니다.",
    "ms": "Helo, beginilah suara saya.",
    "nb": "Hei, slik høres stemmen min ut.",
    "nl": "Hallo, zo klinkt mijn stem.",
    "pl": "Cześć, tak brzmi mój głos.",
    "pt": "Olá, é assim que soa a minha voz.",
    "ro": "Bună ziua, așa sună vocea mea.",
    "ru": "Здравствуйте, так звучит мой голос.",
    "sv": "Hej, så här låter min röst.",
    "th": "สวัสดี นี่คือเสียงของฉัน",
    "tr": "Merhaba, sesim böyle duyuluyor.",
    "uk": "Вітаю, так звучить мій голос.",
    "vi": "Xin chào, giọng nói của tôi nghe như thế này.",
    "yue": "你好，我把聲就係咁樣。",
    "zh": "你好，這就是我的聲音。",
}
_FALLBACK: Final = "en"
#: Where Mandarin is read as in China rather than as in Taiwan.
_READ_AS_IN_CHINA: Final = frozenset({"cn", "sg", "my"})

#: Of two previews with the same lock one waits, even if they are not the same. Rarely, with so many.
_LOCKS: Final = 64

log = structlog.get_logger()


class Previews:
    """The previews of a process, which speaks each of them once. May be shared by threads."""

    def __init__(self, segments: SegmentStore, audio: AudioStore) -> None:
        self._segments = segments
        self._audio = audio
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def preview(self, provider: Provider, voice: Voice, language: str | None, timeout_s: float) -> bytes:
        """A short MP3 of the voice. `language` (BCP 47) is for voices that speak every language.

        Raises:
            ProviderError: the vendor refused or failed, or did not speak within `timeout_s` seconds.
            ObjectStoreUnavailable: it was spoken before, but cannot be had.
        """
        ends_at = time.monotonic() + timeout_s
        line = preview_line(voice, language)
        digest = segment_digest(provider, line)
        with self._alone(digest, timeout_s):
            known = self._find(digest)
            if known is not None:
                return known
            made = _mp3(speech_of(line, provider, timeout_s=ends_at - time.monotonic()), voice)
            self._keep(digest, made)
            return made

    @contextmanager
    def _alone(self, digest: bytes, timeout_s: float) -> Generator[None]:
        lock = self._locks[digest[0] % _LOCKS]
        if not lock.acquire(timeout=max(0, timeout_s)):
            raise ProviderError("is still speaking a sample that was asked for before", permanent=False)
        try:
            yield
        finally:
            lock.release()

    def _find(self, digest: bytes) -> bytes | None:
        stored = self._segments.find(None, [digest]).get(digest)
        if stored is None:
            return None
        try:
            return b"".join(self._audio.open(stored.object_key))
        except ObjectMissing:
            self._segments.mark_lost(stored.id)
            return None

    def _keep(self, digest: bytes, made: bytes) -> None:
        """Store it for the next request; this one has its sample in any case."""
        intent = SegmentIntent(new_id(), None, digest, f"previews/{digest.hex()}/{uuid4().hex}.mp3")
        self._segments.claim(intent, None)
        try:
            self._audio.put(intent.object_key, made, PREVIEW_FORMAT.content_type)
        except AudioStoreError as error:
            log.warning("preview_not_kept", error=str(error))
            self._segments.abandon(intent.id)
            return
        self._segments.finish_upload(intent.id)


def preview_line(voice: Voice, language: str | None) -> Line:
    """What a voice says of itself, in its own language; in `language`, or English, if it speaks them all."""
    spoken = voice.language if voice.language != EVERY_LANGUAGE else _heard(language or _FALLBACK)
    sentence = _SENTENCES.get(primary_language(spoken), _SENTENCES[_FALLBACK])
    return Line(sentence, voice.voice_id, spoken)


def _heard(tag: str) -> str:
    """What of a language tag can be heard in a preview: a preview is kept by it, and each new one is paid for."""
    language = primary_language(tag)
    if language == "zh":
        subtags = tag.lower().split("-x-")[0].split("-")
        return "zh-CN" if "hans" in subtags or not _READ_AS_IN_CHINA.isdisjoint(subtags[1:]) else "zh-TW"
    return language if language in _SENTENCES else _FALLBACK


def _mp3(segment: bytes, voice: Voice) -> bytes:
    with TemporaryDirectory(prefix="readthrough-") as directory:
        spoken, made = Path(directory) / "spoken.wav", Path(directory) / "made.mp3"
        spoken.write_bytes(segment)
        piece = Piece(spoken, voice.voice_name)
        join([piece], made, format=PREVIEW_FORMAT.name, gap_ms=0, crossfade_ms=0, title=voice.voice_name)
        return made.read_bytes()
