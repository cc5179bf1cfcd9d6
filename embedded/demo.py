"""`make demo`: a sample dialogue goes in, its audio comes out as `demo.mp3`.

Talks to the server that `make run` has started, if there is one at that address, or else starts everything itself.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from embedded.errors import RunError
from embedded.run import everything
from service.settings import ServiceSettings
from storage.logs import LogSettings, configure_logs
from storage.process import interrupt_on_signals, run_command
from storage.settings import read

#: Where the audio goes, in the directory that the command was given in.
RESULT: Final = Path("demo.mp3")

#: The dialogue of the quickstart.
SAMPLE: Final[dict[str, Any]] = {
    "turns": [
        {"speaker": "A", "text": "你好，今天天氣真好！", "index": 0},
        {"speaker": "B", "text": "是啊，要不要一起去公園走走？", "index": 1},
    ],
    "language": "zh-TW",
    "output_format": "mp3",
}

#: Who reads it, the first that the server has: both are on the machine itself and need no key.
CASTS: Final[Mapping[str, Sequence[str]]] = {"kokoro": ("woman-warm", "man-deep"), "espeak": ("cmn+f2", "cmn+m3")}
_NAMES: Final = ("曉雨", "雲哲")

#: Two turns take some seconds, the first use of a model some more; a busy machine takes several times that.
_PATIENCE_S: Final = 180.0
_POLL_S: Final = 0.1
_BAR_WIDTH: Final = 24


class DemoFailed(Exception):
    """The sample did not become audio. The message says why."""


def main(argv: list[str]) -> int:
    """The command: 0 and `demo.mp3`, or 1 and the reason."""
    # The progress bar has the terminal; what goes wrong is still told.
    configure_logs(LogSettings(log_level="warning"))
    interrupt_on_signals()
    try:
        with _server(read(ServiceSettings)) as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            _demonstrate(client)
    except (DemoFailed, RunError, httpx.HTTPError) as error:
        sys.stderr.write(f"\ndemo: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


@contextmanager
def _server(settings: ServiceSettings) -> Generator[str]:
    """The address of a server: the one that runs, or one that runs as long as the block."""
    running = f"http://{settings.host}:{settings.port}"
    if _is_readthrough(running):
        sys.stdout.write(f"Readthrough runs at {running}\n")
        yield running
        return
    sys.stdout.write("Starting PostgreSQL, the object store, the worker and the API ...\n")
    # Any free port will do: nobody else has to find this server.
    with everything(settings.model_copy(update={"port": 0})) as system:
        serving = threading.Thread(target=system.api.serve, name="api")
        serving.start()
        try:
            yield system.api.url
        finally:
            system.api.stop()
            serving.join()


def _is_readthrough(url: str) -> bool:
    try:
        schema = httpx.get(f"{url}/schema/openapi.json", timeout=2, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(schema, dict) and schema.get("info", {}).get("title") == "Readthrough"  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] # JSON of a stranger


def _demonstrate(client: httpx.Client) -> None:
    job = _answer(client.post("/api/v1/jobs", json=_sample(client)))
    sys.stdout.write(f"Job {job['id']}\n")
    give_up_at = time.monotonic() + _PATIENCE_S
    while job["status"] in {"pending", "processing"}:
        if time.monotonic() > give_up_at:
            raise DemoFailed(f"the job is still {job['status']} after {_PATIENCE_S:.0f} seconds")
        time.sleep(_POLL_S)
        job = _answer(client.get(f"/api/v1/jobs/{job['id']}"))
        _draw(job["progress"])
    sys.stdout.write("\n")
    if job["status"] != "completed":
        raise DemoFailed(f"the job has {job['status']}: {job['error_message']}")
    with client.stream("GET", f"/api/v1/jobs/{job['id']}/download") as answer, RESULT.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            file.write(chunk)
    seconds = job["result_metadata"]["duration_ms"] / 1000
    sys.stdout.write(f"{seconds:.1f} s of audio, {RESULT.stat().st_size:,} bytes: {RESULT.absolute()}\n")


def _sample(client: httpx.Client) -> dict[str, Any]:
    """The dialogue with its cast."""
    usable = {
        provider["name"] for provider in _answer(client.get("/api/v1/providers"))["items"] if provider["configured"]
    }
    provider = next((name for name in CASTS if name in usable), None)
    if provider is None:
        raise DemoFailed("no local voice is installed: neither readthrough[kokoro] nor readthrough[espeak]")
    assignments = [
        {"speaker": speaker, "voice_id": voice_id, "voice_name": name}
        for speaker, voice_id, name in zip("AB", CASTS[provider], _NAMES, strict=True)
    ]
    return SAMPLE | {"provider": provider, "voice_assignments": assignments}


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise DemoFailed(f"{response.request.url.path} answered {response.status_code}: {response.text}")
    return response.json()


def _draw(progress: dict[str, Any]) -> None:
    done, total, stage = progress["turns_done"], progress["turns_total"], progress["stage"]
    filled = round(_BAR_WIDTH * done / total)
    bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
    sys.stdout.write(f"\r{bar} {done}/{total} turns, {stage:<12}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
