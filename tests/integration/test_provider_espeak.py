"""actors/providers/espeak.py with the real library: what it says, and what becomes of its child processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from actors.audio.wav import duration_s
from actors.providers import espeak as espeak_module
from actors.providers.espeak import MAX_TURN_CHARACTERS, Espeak
from actors.providers.provider import Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins.settings import settings_of

ENOUGH_S = 20.0
ZH = Line("你好，今天天氣很好。", "cmn", "zh-TW")
#: Some seconds of work for one core.
LONG = Line("今天天氣很好，我們去公園走走吧。" * 4000, "cmn", "zh-TW")


@pytest.fixture
def espeak() -> Iterator[Espeak]:
    provider = Espeak(settings_of({}))
    yield provider
    provider.close()


def children() -> list[psutil.Process]:
    """Our espeak processes, zombies included, and their forks."""
    return [process for process in psutil.Process().children(recursive=True) if _is_espeak(process)]


def pool_children() -> list[psutil.Process]:
    """Our espeak processes without their forks."""
    return [process for process in psutil.Process().children() if _is_espeak(process)]


def _is_espeak(process: psutil.Process) -> bool:
    try:
        return process.status() == "zombie" or any("espeak_child" in word for word in process.cmdline())
    except psutil.ZombieProcess:
        return True
    except psutil.NoSuchProcess:
        return False


def are_gone(processes: list[psutil.Process]) -> bool:
    """A fork that lost its parent is a zombie until the machine's init finds the time."""
    return all(_is_gone(process) for process in processes)


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == "zombie"
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ENOUGH_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def failure(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        call()
    return raised.value


def check(provider: Espeak, text: str, voice_id: str) -> list[str]:
    script = Script("espeak", (Turn("A", text, 0),), (VoiceAssignment("A", voice_id),), "zh-TW", "mp3", 300, 50)
    return [problem.field for problem in provider.check(script)]


def test_chinese_and_english_are_spoken(espeak: Espeak) -> None:
    for line in (ZH, Line("Hello, how are you?", "en-us", "en-US")):
        assert 1 < duration_s(espeak.speak(line, ENOUGH_S)) < 4


def test_every_variant_sounds_different(espeak: Espeak) -> None:
    variants = [voice.voice_id for voice in espeak.voices(ENOUGH_S) if voice.voice_id.split("+")[0] == "cmn"]
    assert len({espeak.speak(Line(ZH.text, variant, "zh-TW"), ENOUGH_S) for variant in variants}) == 10


def test_the_same_turn_sounds_the_same_whatever_was_said_before_and_by_which_process(espeak: Espeak) -> None:
    breathy = Line(ZH.text, "cmn+f2", "zh-TW")
    second = int(time.time())
    first = espeak.speak(breathy, ENOUGH_S)
    espeak.speak(Line("Something else!", "en-us+m8", "en-US"), ENOUGH_S)
    assert espeak.speak(breathy, ENOUGH_S) == first
    wait_until(lambda: int(time.time()) > second)  # the library likes to seed its noise with it
    another = Espeak(settings_of({}))
    assert another.speak(breathy, ENOUGH_S) == first
    another.close()


def test_every_language_on_offer_speaks(espeak: Espeak) -> None:
    bases = [voice.voice_id for voice in espeak.voices(ENOUGH_S) if "+" not in voice.voice_id]
    assert len(bases) > 100
    with ThreadPoolExecutor(4) as threads:
        said = threads.map(lambda voice: espeak.speak(Line("1 2 3 abc", voice, ""), ENOUGH_S), bases)
    assert all(duration_s(wav) > 0.3 for wav in said)


def test_eight_threads_at_once_are_served_by_a_bounded_number_of_processes(espeak: Espeak) -> None:
    lines = [Line(f"這是第 {n} 句。", "cmn+f2", "zh-TW") for n in range(8)]
    alone = [espeak.speak(line, ENOUGH_S) for line in lines]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda line: espeak.speak(line, ENOUGH_S), lines)) == alone
    assert 1 <= len(pool_children()) <= max(2, os.cpu_count() or 0)


def test_full_width_digits_and_letters_are_read(espeak: Espeak) -> None:
    assert espeak.speak(Line("１２Ａ", "cmn", "zh-TW"), ENOUGH_S) == espeak.speak(Line("12A", "cmn", "zh-TW"), ENOUGH_S)


def test_a_control_character_commands_nothing(espeak: Espeak) -> None:
    plain = espeak.speak(Line("  99P hello", "en-us", "en-US"), ENOUGH_S)
    assert espeak.speak(Line("\x01 99P hello", "en-us", "en-US"), ENOUGH_S) == plain
    assert espeak.speak(Line("a\0b\ud800", "en-us", "en-US"), ENOUGH_S)


@pytest.mark.parametrize("text", ["……", "——！？", "   "])
def test_a_text_without_a_sound_is_refused_for_good(espeak: Espeak, text: str) -> None:
    assert failure(lambda: espeak.speak(Line(text, "cmn", "zh-TW"), ENOUGH_S)).permanent
    assert check(espeak, text, "cmn") == ["turns[0].text"]


@pytest.mark.parametrize("voice_id", ["cmn+nosuch", "nosuch", "../lang/sit/cmn", ""])
def test_an_unknown_voice_is_refused_for_good(espeak: Espeak, voice_id: str) -> None:
    assert failure(lambda: espeak.speak(Line("好", voice_id, "zh-TW"), ENOUGH_S)).permanent
    assert check(espeak, "好", voice_id) == ["voice_assignments[0].voice_id"]


def test_kanji_are_refused_for_japanese_alone(espeak: Espeak) -> None:
    assert check(espeak, "今日はいい天気", "ja+f2") == ["turns[0].text"]
    assert check(espeak, "きょうはいいてんき", "ja+f2") == []
    assert check(espeak, "今日天氣好", "cmn") == []


def test_a_turn_that_would_not_fit_in_memory_is_told(espeak: Espeak) -> None:
    assert check(espeak, "好" * MAX_TURN_CHARACTERS, "cmn") == []
    assert check(espeak, "好" * (MAX_TURN_CHARACTERS + 1), "cmn") == ["turns[0].text"]


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_module, "espeakng_loader", None)
    provider = Espeak(settings_of({}))
    assert list(provider.missing_settings) == ["readthrough[espeak]"]
    assert provider.voices(ENOUGH_S) == []
    assert provider.fingerprint
    assert failure(lambda: provider.speak(ZH, ENOUGH_S)).permanent
    provider.close()


def test_no_process_is_started_before_it_is_needed_nor_left_behind(espeak: Espeak) -> None:
    espeak.voices(ENOUGH_S)
    assert children() == []
    espeak.speak(ZH, ENOUGH_S)
    assert len(pool_children()) == 1
    assert espeak._pool
    [child] = espeak._pool.children
    espeak.close()
    assert children() == []
    assert child.process.returncode == 0, "it left by itself"


def test_an_idle_process_that_was_killed_is_replaced_unnoticed(espeak: Espeak) -> None:
    said = espeak.speak(ZH, ENOUGH_S)
    [child] = pool_children()
    child.kill()
    wait_until(lambda: child.status() == "zombie")
    assert espeak.speak(ZH, ENOUGH_S) == said
    assert [process.pid for process in pool_children()] != [child.pid]


def test_a_crash_in_the_middle_of_a_turn_is_transient_and_the_next_turn_works(espeak: Espeak) -> None:
    with ThreadPoolExecutor(1) as thread:
        speaking = thread.submit(espeak.speak, LONG, ENOUGH_S)
        wait_until(lambda: len(children()) == 2)  # the one that listens, and its fork that speaks
        children()[-1].send_signal(signal.SIGSEGV)
        error = failure(speaking.result)
    assert (str(error), error.permanent) == ("espeak-ng ended in the middle of a turn", False)
    assert children() == []
    assert espeak.speak(ZH, ENOUGH_S)


@pytest.mark.parametrize("which", ["listener", "speaker", "speaker of a dead listener"])
def test_a_process_that_hangs_is_killed_in_time_and_replaced(espeak: Espeak, which: str) -> None:
    with ThreadPoolExecutor(1) as thread:
        begun = time.monotonic()
        speaking = thread.submit(espeak.speak, LONG, 1.0)
        wait_until(lambda: len(children()) == 2)
        assert espeak._pool
        [child] = espeak._pool.children
        processes = listener, speaker = children()
        speaker.suspend()
        if which == "listener":
            listener.suspend()
        elif which == "speaker of a dead listener":
            listener.kill()
        error = failure(speaking.result)
        assert time.monotonic() - begun < 5
    assert not error.permanent
    # Of a stopped process whose parent has died the kernel may make an end by itself.
    assert str(error) == "espeak-ng did not finish in time" or which == "speaker of a dead listener"
    wait_until(lambda: are_gone(processes))
    assert child.process.returncode == (0 if which == "speaker" else -signal.SIGKILL), "a listener ends its speaker"
    assert espeak.speak(ZH, ENOUGH_S)


def test_who_waits_too_long_for_a_free_process_is_told_so(espeak: Espeak, monkeypatch: pytest.MonkeyPatch) -> None:
    assert espeak._pool
    monkeypatch.setattr(espeak._pool, "_size", 1)
    with ThreadPoolExecutor(1) as thread:
        speaking = thread.submit(espeak.speak, LONG, ENOUGH_S)
        wait_until(lambda: len(children()) == 2)
        error = failure(lambda: espeak.speak(ZH, 0.05))
        espeak.close()
        assert not failure(speaking.result).permanent
    assert (str(error), error.permanent) == ("espeak-ng was busy with other turns", False)


def test_a_process_that_cannot_be_started_is_transient(espeak: Espeak, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/nonexistent")
        error = failure(lambda: espeak.speak(ZH, ENOUGH_S))
    assert (str(error), error.permanent) == ("espeak-ng could not be started: No such file or directory", False)
    assert espeak.speak(ZH, ENOUGH_S)


def test_the_end_interrupts_a_turn_and_leaves_no_process(espeak: Espeak) -> None:
    with ThreadPoolExecutor(1) as thread:
        speaking = thread.submit(espeak.speak, LONG, ENOUGH_S)
        wait_until(lambda: len(children()) == 2)
        forks = children()
        espeak.close()
        assert not failure(speaking.result).permanent
    wait_until(lambda: are_gone(forks))
    assert not failure(lambda: espeak.speak(ZH, ENOUGH_S)).permanent
    espeak.close()


PARENT = """
from actors.providers.espeak import Espeak
from actors.providers.provider import Line
from tests.standins.settings import settings_of
Espeak(settings_of({})).speak(Line("好" * 100_000, "cmn", "zh-TW"), 60)
"""


def test_the_children_of_a_killed_process_leave_even_in_the_middle_of_a_turn() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=root) as parent:
        try:
            family = psutil.Process(parent.pid)
            wait_until(lambda: len(family.children(recursive=True)) == 2)
            orphans = family.children(recursive=True)
            orphans[-1].suspend()
        finally:
            parent.kill()
    wait_until(lambda: are_gone(orphans))
