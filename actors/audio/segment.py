"""A segment as sound: one turn as spoken, in a WAV file of one channel, 16 bit, `SAMPLE_RATE_HZ`.

Made here from whatever a vendor sent, refused here when that is not speech, and read again here, block by block. The
head of a WAV file is `actors/audio/wav.py`; how segments become one file, `actors/audio/join.py`.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final
from wave import Wave_read

import av
import numpy as np
from av import AudioFrame, AudioResampler, AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from actors.audio.wav import BYTES_PER_SAMPLE, HEAD_BYTES, NotAudio, head_of, missing_bytes, reading, sound_of

#: Sound in memory: one channel of 16 bit at `SAMPLE_RATE_HZ`.
Samples = NDArray[np.int16]

#: Samples a second of a segment: what most voices are made at, and more than speech needs.
SAMPLE_RATE_HZ: Final = 24_000

SAMPLES_PER_MS: Final = SAMPLE_RATE_HZ // 1000

#: How much sound is handed to libav at a time: one second.
BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ

#: What a vendor may answer with. Without the first list libav would also open the files and ports that a playlist
#: names; without the second it would unpack whatever lies beside the sound, a cover of 900 MB in a file of one.
_DEMUXERS: Final = "wav,w64,aiff,au,mp3,aac,ogg,flac,mov,matroska,webm"
_CODECS: Final = frozenset(
    {
        *("mp3", "mp3float", "aac", "opus", "libopus", "vorbis", "flac", "alac", "pcm_alaw", "pcm_mulaw", "pcm_u8"),
        *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be"),
    }
)

#: Nothing that speaks is recorded outside of these. A file that says 10 Hz would become 2,400 times as large.
_LOWEST_RATE_HZ: Final = 4_000
_HIGHEST_RATE_HZ: Final = 192_000
_MOST_CHANNELS: Final = 8

#: Speech faster than this is no speech, not even at four times the usual speed: milliseconds for a letter or digit, and
#: for a wide one (Chinese, Japanese, Korean), which is a syllable or more.
_SHORTEST_LETTER_MS: Final = 5
_SHORTEST_WIDE_LETTER_MS: Final = 20

#: No utterance is shorter than this, whatever its text.
_SHORTEST_SEGMENT_MS: Final = 20

#: Nor is speech slower than this, at half of the usual speed: something for breath and for a sign that is read out at
#: length, and then for each character. A wide letter is a syllable, a digit is a word.
_LONGEST_SEGMENT_MS: Final = 30_000
_LONGEST_CHARACTER_MS: Final = 200
_LONGEST_WIDE_LETTER_MS: Final = 600
_LONGEST_DIGIT_MS: Final = 800

#: A segment whose highest sample stays below this (-60 dB of full scale) is silence.
_SILENCE_PEAK: Final = 33

#: Clipped sound stays at full scale for several samples at a time. Of speech that was made 10 dB too loud that is one
#: sample in 50 or more, 3 dB too loud one in 400 or less, and none of speech that merely reaches full scale.
_FULL_SCALE: Final = 32_700
_CLIPPED_RUN_SAMPLES: Final = 3
_CLIPPED_SHARE: Final = 1 / 50

#: So much may be missing from what a WAV header states: some vendors count the header in.
_WAV_SLACK_BYTES: Final = 1024

#: So much may be missing from what an MP3 header states: a decoder drops a frame at either end.
_MP3_SLACK_SAMPLES: Final = 100 * SAMPLES_PER_MS


class AudioError(Exception):
    """What a vendor sent is not usable as speech; the message says why in plain words."""


def normalize_segment(data: bytes, *, text: str) -> bytes:
    """Make what a vendor sent as the speech of `text` into a segment: the bytes of a WAV file.

    Takes whatever libav decodes, WAV headers without a true size included.

    Raises:
        AudioError: it does not decode, was cut off, is empty, is silent although there is something to say, is clipped
            beyond repair, or is absurdly short or long for its text.
    """
    _refuse_cut_off_wav(data)
    longest_ms = longest_speech_ms(text)
    segment = io.BytesIO(bytes(HEAD_BYTES))
    segment.seek(HEAD_BYTES)
    sound = sound_of(data, SAMPLE_RATE_HZ)
    if sound is None:
        for frame in _decoded(data, longest_ms=longest_ms):
            segment.write(samples_of(frame).tobytes())
    elif len(sound) <= longest_ms * SAMPLES_PER_MS * BYTES_PER_SAMPLE:
        # What is as it should be is not decoded: for a short line that takes longer than all the rest.
        segment.write(sound)
    else:
        raise _too_long(longest_ms)
    segment.seek(0)
    segment.write(head_of(len(segment.getbuffer()) - HEAD_BYTES, SAMPLE_RATE_HZ))
    made = segment.getvalue()
    _refuse_what_is_not_speech(np.frombuffer(made, np.int16, offset=HEAD_BYTES), text)
    return made


def _too_long(longest_ms: int) -> AudioError:
    return AudioError(f"the audio is absurdly long for its text: more than {longest_ms} ms")


def longest_speech_ms(text: str) -> int:
    """Whatever is longer than this is not the speech of `text`, however slow the voice."""
    return _LONGEST_SEGMENT_MS + sum(map(_longest_character_ms, text))


def _longest_character_ms(character: str) -> int:
    if character.isdigit():
        return _LONGEST_DIGIT_MS
    return _LONGEST_WIDE_LETTER_MS if unicodedata.east_asian_width(character) in "WF" else _LONGEST_CHARACTER_MS


def segment_length(path: Path) -> int:
    """How many samples the segment in this file has.

    Raises:
        AudioError: it is no whole segment.
    """
    with _open_segment(path) as segment:
        return segment.getnframes()


def read_segment(path: Path) -> Samples:
    """The sound of the segment in this file. It is not to be written to.

    Raises:
        AudioError: it is no whole segment.
    """
    with _open_segment(path) as segment:
        return np.frombuffer(segment.readframes(segment.getnframes()), np.int16)


def blocks_of(sound: Samples) -> Iterator[Samples]:
    """A sound in parts of `BLOCK_SAMPLES`, and the rest."""
    return (sound[at : at + BLOCK_SAMPLES] for at in range(0, len(sound), BLOCK_SAMPLES))


def frames_of(sounds: Iterable[Samples], position: int = 0) -> Generator[AudioFrame]:
    """These sounds, one after the other, as frames of a size that libav takes. `position`: as for `frame_of`."""
    for block in (block for sound in sounds for block in blocks_of(sound)):
        yield frame_of(block, position)
        position += len(block)


def frame_of(samples: Samples, position: int) -> AudioFrame:
    """A frame of these samples, the first of which is number `position` of its stream."""
    frame = AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate = SAMPLE_RATE_HZ
    frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
    frame.pts = position
    return frame


def samples_of(frame: AudioFrame) -> Samples:
    """The samples of a mono 16 bit frame, without what libav puts behind them; the frame's own memory."""
    return np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples)


def _refuse_cut_off_wav(data: bytes) -> None:
    # libav plays what is there and says nothing.
    try:
        came, stated = missing_bytes(data) or (0, 0)
    except NotAudio as error:
        raise AudioError(str(error)) from error
    if stated - came > _WAV_SLACK_BYTES:
        raise AudioError(f"the audio was cut off: {came} of {stated} bytes came")


def _decoded(data: bytes, *, longest_ms: int) -> Generator[AudioFrame]:
    """What was sent, frame by frame, as mono of 16 bit at our rate."""
    options = {"format_whitelist": _DEMUXERS, "codec_whitelist": ",".join(_CODECS)}
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    heard_ms, made_samples = 0.0, 0
    try:
        with av.open(io.BytesIO(data), "r", container_options=options) as container:
            if not container.streams.audio:
                raise AudioError("there is no sound in what was sent")
            stream = container.streams.audio[0]
            if stream.codec_context.name not in _CODECS:
                raise AudioError(f"the audio is in a format that is not for speech: {stream.codec_context.name}")
            for frame in _frames_of(container, stream):
                # Before it is resampled, for that may make it 48 times as large.
                heard_ms += frame.samples * 1000 / frame.sample_rate
                if heard_ms > longest_ms:
                    raise _too_long(longest_ms)
                for made in resampler.resample(frame):
                    made_samples += made.samples
                    yield made
            for made in resampler.resample(None):
                made_samples += made.samples
                yield made
            stated_samples = _stated_mp3_length(container, data)
    except (FFmpegError, ValueError) as error:  # ValueError: its sample rate changes halfway
        raise AudioError(f"the audio does not decode: {error}") from error
    if made_samples < stated_samples - _MP3_SLACK_SAMPLES:
        raise AudioError(f"the audio was cut off: {made_samples} of {stated_samples} samples came")


def _frames_of(container: InputContainer, stream: AudioStream) -> Generator[AudioFrame]:
    """The frames of a stream, each of which says of itself what sound can be: some formats say it anew in each."""
    _refuse_impossible(stream.codec_context.sample_rate, stream.codec_context.channels)
    for frame in container.decode(stream):
        _refuse_impossible(frame.sample_rate, frame.layout.nb_channels)
        yield frame


def _refuse_impossible(sample_rate_hz: int, channels: int) -> None:
    if not _LOWEST_RATE_HZ <= sample_rate_hz <= _HIGHEST_RATE_HZ:
        raise AudioError(f"the audio says that it has {sample_rate_hz} samples a second, which no speech has")
    if not 1 <= channels <= _MOST_CHANNELS:
        raise AudioError(f"the audio says that it has {channels} channels, which no speech has")


def _stated_mp3_length(container: InputContainer, data: bytes) -> int:
    # Without one of these tags libav guesses the length from the first frames, which says nothing about the rest.
    tagged = b"Xing" in data[:8192] or b"Info" in data[:8192]
    stream = container.streams.audio[0]
    if container.format.name != "mp3" or not tagged or stream.duration is None or stream.time_base is None:
        return 0
    return int(stream.duration * stream.time_base * SAMPLE_RATE_HZ)


def _refuse_what_is_not_speech(samples: Samples, text: str) -> None:
    if not len(samples):
        raise AudioError("the audio is empty")
    letters = [character for character in text if character.isalnum()]
    peak = max(int(samples.max()), -int(samples.min()))
    if letters and peak < _SILENCE_PEAK:
        raise AudioError("the audio is all silence")
    if peak >= _FULL_SCALE and _clipped_samples(samples) > _CLIPPED_SHARE * len(samples):
        raise AudioError("the audio is clipped: it was made too loud for its format")
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in letters)
    spoken_ms = wide * _SHORTEST_WIDE_LETTER_MS + (len(letters) - wide) * _SHORTEST_LETTER_MS
    shortest_ms = max(_SHORTEST_SEGMENT_MS, spoken_ms)
    if len(samples) < shortest_ms * SAMPLES_PER_MS:
        length_ms = len(samples) // SAMPLES_PER_MS
        raise AudioError(f"the audio is absurdly short for its text: {length_ms} ms for {len(letters)} letters")


def _clipped_samples(samples: Samples) -> int:
    """How many samples stay at full scale, on the same side, with their neighbours."""
    side = (samples >= _FULL_SCALE).astype(np.int8) - (samples <= -_FULL_SCALE)
    begins = np.flatnonzero(np.diff(side, prepend=side[0] + 1))
    lengths = np.diff(begins, append=len(side))
    return int(lengths[(side[begins] != 0) & (lengths >= _CLIPPED_RUN_SAMPLES)].sum())


@contextmanager
def _open_segment(path: Path) -> Generator[Wave_read]:
    try:
        with reading(path, SAMPLE_RATE_HZ) as segment:
            yield segment
    except NotAudio as error:
        raise AudioError(str(error)) from error
