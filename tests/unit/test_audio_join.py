"""Segments are joined: what is heard when, how loud, and what the file says of itself. Pure tones are the voices."""

from __future__ import annotations

import math
import subprocess
import sys
import wave
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import pytest

from actors.audio.join import FORMATS, SAMPLE_RATE_HZ, AudioError, Piece, TurnTiming, join

PER_MS = SAMPLE_RATE_HZ // 1000
REPOSITORY = Path(__file__).parents[2]

#: How exactly a turn must be found again, in ms: a frame of the codec where it is one that loses something.
PRECISION_MS = {"wav": 2.0, "flac": 2.0, "mp3": 24.0, "ogg": 20.0, "m4a": 1024 / PER_MS}


def tone(samples: int, *, hz: float = 1000.0, level: float = 0.2) -> array[int]:
    """A tone at `level` of full scale. A whole number of ms of a multiple of 100 Hz has no jump at its ends."""
    return array("h", (round(32_767 * level * math.sin(2 * math.pi * hz * n / SAMPLE_RATE_HZ)) for n in range(samples)))


@pytest.fixture
def piece(tmp_path: Path) -> Callable[..., Piece]:
    """Makes a piece of samples, or of a number of milliseconds of a tone."""
    made = 0

    def make(sound: array[int] | int, speaker: str = "Ann", text: str = "", **of_tone: float) -> Piece:
        nonlocal made
        made += 1
        path = tmp_path / f"{made}.wav"
        with wave.open(str(path), "wb") as segment:
            segment.setnchannels(1)
            segment.setsampwidth(2)
            segment.setframerate(SAMPLE_RATE_HZ)
            segment.writeframes((tone(sound * PER_MS, **of_tone) if isinstance(sound, int) else sound).tobytes())
        return Piece(path, speaker, text)

    return make


def decoded(path: Path) -> tuple[array[int], int]:
    """What a decoder makes of a file: 16 bit samples, and how many there are a second."""
    samples = array("h")
    with av.open(path) as container:
        stream = container.streams.audio[0]
        as_s16 = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
        for frame in container.decode(stream):
            for converted in as_s16.resample(frame):
                samples.frombytes(bytes(converted.planes[0])[: converted.samples * 2])
        return samples, stream.rate


def chapters_of(path: Path) -> list[tuple[int, int, str]]:
    """Start and end in ms, and title."""
    with av.open(path) as container:
        return [
            (round(start * unit * 1000), round(end * unit * 1000), chapter["metadata"]["title"])
            for chapter in container.chapters()
            for start, end, unit in [(chapter["start"], chapter["end"], chapter["time_base"] or 0)]
        ]


def rms(samples: Sequence[int]) -> float:
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32_768


def decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


def amplitude(samples: Sequence[int], hz: float, rate: int = SAMPLE_RATE_HZ) -> float:
    """How much of this frequency is in the samples, as a part of full scale. Exact for whole periods."""
    turning = [2 * math.pi * hz * n / rate for n in range(len(samples))]
    sine = sum(sample * math.sin(angle) for sample, angle in zip(samples, turning, strict=True))
    cosine = sum(sample * math.cos(angle) for sample, angle in zip(samples, turning, strict=True))
    return 2 * math.hypot(sine, cosine) / len(samples) / 32_767


def heard(samples: array[int], rate: int, *, between_ms: tuple[float, float]) -> tuple[float, float]:
    """The first and last moment in ms, of those between, at which there is more than a fifth of a voice."""
    first, last = (round(at * rate / 1000) for at in between_ms)
    loud = max(map(abs, samples)) / 5
    audible = [n for n in range(max(first, 0), min(last, len(samples))) if abs(samples[n]) > loud]
    return audible[0] * 1000 / rate, audible[-1] * 1000 / rate


# Where turns are


@pytest.mark.parametrize("name", FORMATS)
def test_each_turn_is_heard_where_the_timeline_says(name: str, piece: Callable[..., Piece], tmp_path: Path) -> None:
    voices = [("Ann", 400.0), ("Bob", 900.0), ("Cyd", 1500.0), ("Ann", 400.0), ("Bob", 900.0)]
    pieces = [piece(600 + 130 * n, speaker, hz=hz) for n, (speaker, hz) in enumerate(voices)]
    output = tmp_path / f"joined.{FORMATS[name].extension}"

    timeline = join(pieces, output, format=name, gap_ms=300, crossfade_ms=50)

    samples, rate = decoded(output)
    assert timeline.duration_ms == round(len(samples) * 1000 / rate)
    for (_, hz), turn in zip(voices, timeline.turns, strict=True):
        start, end = heard(samples, rate, between_ms=(turn.start_ms - 150, turn.end_ms + 150))
        assert start == pytest.approx(turn.start_ms, abs=PRECISION_MS[name])
        assert end == pytest.approx(turn.end_ms, abs=PRECISION_MS[name])
        middle = (turn.start_ms + turn.end_ms) * rate // 2000
        around = samples[middle - rate // 20 : middle + rate // 20]
        assert max((400.0, 900.0, 1500.0), key=lambda voice: amplitude(around, voice, rate)) == hz


def test_a_timeline_that_is_three_milliseconds_off_would_be_noticed(
    piece: Callable[..., Piece], tmp_path: Path
) -> None:
    timeline = join([piece(500), piece(500)], tmp_path / "a.wav", format="wav", gap_ms=200, crossfade_ms=0)
    samples, rate = decoded(tmp_path / "a.wav")

    start, _ = heard(samples, rate, between_ms=(600, timeline.duration_ms))

    assert start != pytest.approx(timeline.turns[1].start_ms + 3, abs=PRECISION_MS["wav"])
    assert start != pytest.approx(timeline.turns[1].start_ms - 3, abs=PRECISION_MS["wav"])


@pytest.mark.parametrize("name", FORMATS)
def test_a_decoder_finds_every_sample_and_no_more(name: str, piece: Callable[..., Piece], tmp_path: Path) -> None:
    # The lengths go round a frame of MP3, 576 samples: each leaves the encoder with another rest.
    whole = FORMATS[name].whole_samples
    for length in range(24_000, 24_576, 31):
        join([piece(tone(length))], tmp_path / "a", format=name, gap_ms=0, crossfade_ms=0, normalize=False)
        samples, rate = decoded(tmp_path / "a")
        assert len(samples) * SAMPLE_RATE_HZ / rate == math.ceil(length / whole) * whole


def test_timings_do_not_drift_over_turns_that_end_within_a_millisecond(
    piece: Callable[..., Piece], tmp_path: Path
) -> None:
    turn = piece(tone(2_411))  # 100.458 ms

    timeline = join([turn] * 100, tmp_path / "a.wav", format="wav", gap_ms=10, crossfade_ms=0)

    assert timeline.turns[99].start_ms == round(99 * (2_411 / PER_MS + 10))
    assert timeline.duration_ms == timeline.turns[99].end_ms == round((100 * 2_411 + 99 * 240) / PER_MS)


def test_a_gap_is_silence_to_the_sample(piece: Callable[..., Piece], tmp_path: Path) -> None:
    join([piece(400), piece(400)], tmp_path / "a.wav", format="wav", gap_ms=250, crossfade_ms=50)

    samples, _ = decoded(tmp_path / "a.wav")

    gap = samples[400 * PER_MS : 650 * PER_MS]
    assert not any(gap)
    assert any(samples[400 * PER_MS - 10 : 400 * PER_MS])
    assert any(samples[650 * PER_MS : 650 * PER_MS + 10])


def test_a_turn_that_meets_silence_rises_and_falls_over_five_milliseconds(
    piece: Callable[..., Piece], tmp_path: Path
) -> None:
    step = array("h", [8_000] * 2_400)

    join([piece(step)], tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=0, normalize=False)

    samples, _ = decoded(tmp_path / "a.wav")
    assert list(samples[:120]) == sorted(samples[:120])
    assert samples[0] < 100
    assert samples[120:-120] == step[120:-120]
    assert samples[-120:] == samples[:120][::-1]


def test_a_dialogue_of_one_turn_is_that_turn(piece: Callable[..., Piece], tmp_path: Path) -> None:
    timeline = join([piece(777)], tmp_path / "a.mp3", format="mp3", gap_ms=500, crossfade_ms=50)

    assert timeline.duration_ms == 777
    assert timeline.turns == (TurnTiming(0, 777),)


# Turns that fade into each other


def test_at_gap_zero_a_turn_begins_before_the_one_before_ends_and_power_is_kept(
    piece: Callable[..., Piece], tmp_path: Path
) -> None:
    pieces = [piece(500, "Ann", hz=400.0), piece(500, "Bob", hz=1200.0)]

    timeline = join(pieces, tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=100, normalize=False)

    assert timeline.turns == (TurnTiming(0, 500), TurnTiming(400, 900))
    samples, _ = decoded(tmp_path / "a.wav")
    for at_ms in range(400, 500, 10):
        window = samples[at_ms * PER_MS : (at_ms + 10) * PER_MS]
        done = (at_ms + 5 - 400) / 100
        going, coming = amplitude(window, 400.0) / 0.2, amplitude(window, 1200.0) / 0.2
        assert going == pytest.approx(math.cos(math.pi / 2 * done), abs=0.03)
        assert coming == pytest.approx(math.sin(math.pi / 2 * done), abs=0.03)
        assert going**2 + coming**2 == pytest.approx(1, abs=0.03)
    assert amplitude(samples[390 * PER_MS : 400 * PER_MS], 1200.0) < 0.001
    assert amplitude(samples[500 * PER_MS : 510 * PER_MS], 400.0) < 0.001


def test_a_crossfade_takes_at_most_half_of_the_shorter_turn(piece: Callable[..., Piece], tmp_path: Path) -> None:
    pieces = [piece(400), piece(60), piece(300), piece(300)]

    timeline = join(pieces, tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=100)

    assert timeline.turns == (TurnTiming(0, 400), TurnTiming(370, 430), TurnTiming(400, 700), TurnTiming(600, 900))
    assert len(decoded(tmp_path / "a.wav")[0]) == 900 * PER_MS


def test_two_loud_voices_that_are_alike_do_not_clip_in_a_crossfade(piece: Callable[..., Piece], tmp_path: Path) -> None:
    loud = piece(500, level=0.95)

    join([loud, loud], tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=200, normalize=False)

    samples, _ = decoded(tmp_path / "a.wav")
    assert max(map(abs, samples)) <= round(0.95 * 32_767)
    assert rms(samples[300 * PER_MS : 500 * PER_MS]) == pytest.approx(0.95 / math.sqrt(2), rel=0.01)


# How loud


def test_speakers_twenty_decibels_apart_come_out_equally_loud(piece: Callable[..., Piece], tmp_path: Path) -> None:
    pieces = [piece(1000, "Ann", level=0.3), piece(1000, "Bob", level=0.03)] * 2

    timeline = join(pieces, tmp_path / "a.wav", format="wav", gap_ms=100, crossfade_ms=0)

    samples, _ = decoded(tmp_path / "a.wav")
    for turn in timeline.turns:
        # A tone of 1 kHz has the loudness of its power: R128 is made so.
        level = rms(samples[(turn.start_ms + 10) * PER_MS : (turn.end_ms - 10) * PER_MS])
        assert decibels(level) == pytest.approx(-16, abs=0.2)


def test_without_levelling_samples_stay_as_they_are(piece: Callable[..., Piece], tmp_path: Path) -> None:
    loud, soft = tone(24_000, level=0.9), tone(24_000, level=0.05)

    join(
        [piece(loud, "Ann"), piece(soft, "Bob")],
        tmp_path / "a.wav",
        format="wav",
        gap_ms=100,
        crossfade_ms=0,
        normalize=False,
    )

    samples, _ = decoded(tmp_path / "a.wav")
    assert samples[120 : 24_000 - 120] == loud[120:-120]
    assert samples[26_400 + 120 : 50_400 - 120] == soft[120:-120]


def test_a_speaker_who_lowers_their_voice_stays_lower(piece: Callable[..., Piece], tmp_path: Path) -> None:
    pieces = [piece(1000, "Ann", level=0.1), piece(1000, "Ann", level=0.05)]

    join(pieces, tmp_path / "a.wav", format="wav", gap_ms=100, crossfade_ms=0)

    samples, _ = decoded(tmp_path / "a.wav")
    spoken, whispered = rms(samples[2_400:21_600]), rms(samples[28_800:48_000])
    assert decibels(spoken / whispered) == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize("name", FORMATS)
def test_a_voice_of_high_peaks_is_limited_and_no_sample_clips(
    name: str, piece: Callable[..., Piece], tmp_path: Path
) -> None:
    quiet_with_peaks = tone(24_000, level=0.02)
    for at in range(0, 24_000, 2_000):
        quiet_with_peaks[at : at + 24] = tone(24, level=0.8)

    timeline = join([piece(quiet_with_peaks)], tmp_path / "a", format=name, gap_ms=0, crossfade_ms=0)

    samples, _ = decoded(tmp_path / "a")
    assert 0.5 * 32_767 < max(map(abs, samples)) < 32_767
    assert timeline.duration_ms == pytest.approx(1000, abs=43)
    if name == "wav":
        assert max(map(abs, samples)) <= math.ceil(0.891 * 32_767)
        assert len(samples) == 24_000


def test_a_speaker_of_one_short_word_is_measured_all_the_same(piece: Callable[..., Piece], tmp_path: Path) -> None:
    pieces = [piece(1000, "Ann", level=0.3), piece(100, "Bob", level=0.02)]

    timeline = join(pieces, tmp_path / "a.wav", format="wav", gap_ms=100, crossfade_ms=0)

    samples, _ = decoded(tmp_path / "a.wav")
    word = timeline.turns[1]
    assert decibels(rms(samples[(word.start_ms + 10) * PER_MS : (word.end_ms - 10) * PER_MS])) == pytest.approx(
        -16, abs=1
    )


@pytest.mark.parametrize(
    ("level", "raised_by_db"), [(0.001, 30), (0.0002, 0)], ids=["a faint voice", "no more than noise"]
)
def test_what_is_hardly_there_is_raised_by_thirty_decibels_at_most(
    level: float, raised_by_db: int, piece: Callable[..., Piece], tmp_path: Path
) -> None:
    faint = tone(24_000, level=level)

    join([piece(faint)], tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=0)

    samples, _ = decoded(tmp_path / "a.wav")
    assert decibels(rms(samples[240:-240]) / rms(faint[240:-240])) == pytest.approx(raised_by_db, abs=0.2)


def test_silence_as_a_voice_stays_silence(piece: Callable[..., Piece], tmp_path: Path) -> None:
    pieces = [piece(300, "Ann"), piece(array("h", bytes(9_600)), "Bob"), piece(array("h"), "Cyd")]

    timeline = join(pieces, tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=0)

    assert timeline.turns == (TurnTiming(0, 300), TurnTiming(300, 500), TurnTiming(500, 500))
    assert not any(decoded(tmp_path / "a.wav")[0][300 * PER_MS :])


# What the file says of itself


@pytest.mark.parametrize("name", ["mp3", "m4a"])
def test_title_speakers_and_a_chapter_for_each_change_of_speaker_are_in_the_file(
    name: str, piece: Callable[..., Piece], tmp_path: Path
) -> None:
    pieces = [
        piece(300, "老王", "你好，小李。"),
        piece(300, "老王", "吃了吗？"),
        piece(300, "Bob", "I have, thank you"),
        piece(300, "老王"),
    ]

    timeline = join(pieces, tmp_path / "a", format=name, gap_ms=100, crossfade_ms=0, title="Ein Gespräch\ud800")

    with av.open(tmp_path / "a") as container:
        assert container.metadata["title"] == "Ein Gespräch?"
        assert container.metadata["artist"] == "老王, Bob"
    first, second, third = (timeline.turns[n].start_ms for n in (0, 2, 3))
    assert chapters_of(tmp_path / "a") == [
        (first, second, "老王: 你好，小李。"),
        (second, third, "Bob: I have, thank you"),
        (third, timeline.duration_ms, "老王"),
    ]


def test_a_wav_file_is_a_plain_header_and_samples(piece: Callable[..., Piece], tmp_path: Path) -> None:
    join([piece(500)], tmp_path / "a.wav", format="wav", gap_ms=0, crossfade_ms=0, title="A title")

    assert (tmp_path / "a.wav").stat().st_size == 44 + 2 * 500 * PER_MS


def test_a_player_of_m4a_is_told_the_length_that_a_decoder_finds(piece: Callable[..., Piece], tmp_path: Path) -> None:
    timeline = join([piece(550)], tmp_path / "a.m4a", format="m4a", gap_ms=0, crossfade_ms=0)

    frames = 13  # of 1024 samples, for 13,200
    assert timeline.duration_ms == round(frames * 1024 / PER_MS)
    with av.open(tmp_path / "a.m4a") as container:
        stream = container.streams.audio[0]
        assert (stream.duration or 0) * (stream.time_base or 0) * SAMPLE_RATE_HZ == frames * 1024


@pytest.mark.parametrize("name", ["mp3", "m4a"])
def test_more_chapters_than_the_format_counts_are_merged(
    name: str, piece: Callable[..., Piece], tmp_path: Path
) -> None:
    pieces = [piece(40, "Ann"), piece(40, "Bob")] * 150

    timeline = join(pieces, tmp_path / "a", format=name, gap_ms=0, crossfade_ms=0)

    chapters = chapters_of(tmp_path / "a")
    assert [start for start, _, _ in chapters] == [turn.start_ms for turn in timeline.turns[::2]]
    assert chapters[-1][1] == timeline.duration_ms


# Stopping, refusing, and the size of it


def test_the_check_is_asked_before_each_turn_of_both_passes_and_can_stop_either(
    piece: Callable[..., Piece], tmp_path: Path
) -> None:
    pieces = [piece(1000, speaker) for speaker in ("Ann", "Bob", "Ann")]

    class Stop(Exception):
        """The lease is lost."""

    def joined(*, stop_at: int) -> int:
        asked = 0

        def check() -> None:
            nonlocal asked
            asked += 1
            if asked == stop_at:
                raise Stop

        join(pieces, tmp_path / "a.mp3", format="mp3", gap_ms=0, crossfade_ms=50, check=check)
        return asked

    assert joined(stop_at=0) == 6
    for turn in range(1, 7):
        with pytest.raises(Stop):
            joined(stop_at=turn)


def test_what_cannot_be_joined_is_refused(piece: Callable[..., Piece], tmp_path: Path) -> None:
    output = tmp_path / "a.mp3"
    broken = Piece(tmp_path / "broken.wav", "Ann")
    broken.path.write_bytes(b"RIFF and no more")

    with pytest.raises(ValueError, match="nothing"):
        join([], output, format="mp3", gap_ms=0, crossfade_ms=0)
    with pytest.raises(ValueError, match="mp4"):
        join([piece(100)], output, format="mp4", gap_ms=0, crossfade_ms=0)
    with pytest.raises(ValueError, match="negative"):
        join([piece(100)], output, format="mp3", gap_ms=-1, crossfade_ms=0)
    with pytest.raises(AudioError, match=r"broken\.wav"):
        join([piece(100), broken], output, format="mp3", gap_ms=0, crossfade_ms=0)
    with pytest.raises(FileNotFoundError):
        join([piece(100)], tmp_path / "nowhere" / "a.mp3", format="mp3", gap_ms=0, crossfade_ms=0)


@pytest.mark.parametrize("normalize", [True, False])
def test_a_segment_that_was_cut_on_the_disk_is_not_joined_as_if_it_were_whole(
    normalize: bool, piece: Callable[..., Piece], tmp_path: Path
) -> None:
    cut = piece(1000)
    cut.path.write_bytes(cut.path.read_bytes()[:24_001])

    with pytest.raises(AudioError, match=cut.path.name):
        join([piece(100), cut], tmp_path / "a", format="mp3", gap_ms=50, crossfade_ms=0, normalize=normalize)


MEASURED_JOIN = """
import sys
from pathlib import Path
from actors.audio.join import Piece, join

segment, turns, held_turns = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
held = [segment.read_bytes() for _ in range(held_turns)]
pieces = [Piece(segment, "AB"[n % 2]) for n in range(turns)]
join(pieces, segment.with_suffix(".mp3"), format="mp3", gap_ms=0, crossfade_ms=50)
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux")
def test_memory_does_not_grow_with_the_number_of_turns(piece: Callable[..., Piece]) -> None:
    segment = piece(5_000).path

    def peak_kb(turns: int, *, held: int = 0) -> int:
        command = [sys.executable, "-c", MEASURED_JOIN, str(segment), str(turns), str(held)]
        return int(subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout)

    few = peak_kb(16)  # more than a minute: long enough for parts
    assert peak_kb(160) < few * 1.15
    assert peak_kb(16, held=160) > few * 1.5
