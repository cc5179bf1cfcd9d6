"""Schemathesis: requests made of the OpenAPI document, right ones and wrong ones, and answers held against it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from actors.providers.provider import Line
from embedded.object_store import ObjectStore
from tests.service_api import Api, StubProvider, running_api, settings_of
from tests.standins import tone

#: Cases of each operation: a few in `make test`, many in `make fuzz`.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
PHASES = "fuzzing" if EXAMPLES < 10 else "examples,coverage,fuzzing"
CONFIG = Path(__file__).with_name("schemathesis.toml")
#: `make test` has so many seconds for it on a quiet machine; `make fuzz` has what it needs.
TIMEOUT_S = 300 + 10 * EXAMPLES


@dataclass
class Speaking(StubProvider):
    """A provider that says a tone."""

    def speak(self, line: Line, timeout_s: float) -> bytes:
        return tone.wav(line.text, line.voice_id)


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    providers: Sequence[StubProvider] = (Speaking(), StubProvider("unset", missing_settings=("UNSET_KEY",)))
    with running_api(
        database_url, settings_of(object_store, bucket), providers=providers, behind_socket=True
    ) as running:
        yield running


@pytest.mark.timeout(TIMEOUT_S + 60)
def test_every_answer_is_as_the_document_says(api: Api, tmp_path: Path) -> None:
    document = f"{str(api.client.base_url).rstrip('/')}/schema/openapi.json"
    run = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            f"--config-file={CONFIG}",
            "run",
            document,
            "--checks=all",
            f"--phases={PHASES}",
            f"--max-examples={EXAMPLES}",
            "--seed=1",
            "--no-color",
            "--continue-on-failure",
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=tmp_path,
        check=False,
    )
    sys.stdout.write(run.stdout[-3000:])
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    numbers = api.client.get("/metrics").text
    assert re.findall(r'readthrough_requests_total\{.*status="5.*', numbers) == []
