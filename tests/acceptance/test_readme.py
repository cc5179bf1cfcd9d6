"""The README, taken at its word: its quickstart runs as it stands, and its settings table is the code's."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import httpx
import pytest

from actors.providers.settings import ProviderSettings
from actors.settings import WorkSettings
from embedded.ports import free_port
from embedded.settings import EmbeddedSettings
from service.routes.openapi import openapi_document
from service.settings import ServiceSettings
from storage.logs import LogSettings
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
STARTS_WITHIN_S = 60


def environment(**settings: str) -> Mapping[str, str]:
    """The variables of a user who has set these, and none that would lead elsewhere."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "READTHROUGH_TEST_SESSION") if name in os.environ
    }
    return kept | settings


@pytest.fixture
def server_url(server_directory: Path) -> Iterator[str]:
    """`readthrough run` as a user starts it, in a directory of its own."""
    port = free_port()
    log = server_directory / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded", "run"],
            cwd=ROOT,
            env=environment(PORT=str(port), DATA_DIR=str(server_directory / "data"), LOG_FORMAT="json"),
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    give_up_at = time.monotonic() + STARTS_WITHIN_S
    while not _is_ready(url):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.05)
    yield url
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, log.read_text()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def quickstart() -> str:
    """The block of shell lines behind its mark."""
    found = re.search(r"<!-- quickstart:.*?-->\n```sh\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_quickstart_runs_as_written(server_url: str, tmp_path: Path) -> None:
    lines = quickstart().replace("http://127.0.0.1:8000", server_url)
    submit, rest = lines.split("# How it stands", 1)
    # The one thing that a reader does and a script must be told: wait until the job is completed.
    wait = f"""
        for _ in $(seq 300); do
          curl -s {server_url}/api/v1/jobs/$JOB | grep -q '"status":"completed"' && break
          sleep 0.1
        done
        # How it stands"""

    done = subprocess.run(
        [
            "bash",
            "-euo",
            "pipefail",
            "-c",
            submit.replace("curl ", "curl -fsS ") + wait + rest.replace("curl ", "curl -fsS "),
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert '"status":"completed"' in done.stdout
    with av.open(str(tmp_path / "download"), "r") as audio:
        assert audio.format.name == "mp3"
        assert sum(frame.samples for frame in audio.decode(audio=0)) > 24_000


def test_the_link_of_the_quickstart_opens_without_a_key(server_url: str) -> None:
    found = re.search(r"-d '(\{.*?\n  \})'", quickstart(), re.DOTALL)
    assert found is not None
    job = httpx.post(f"{server_url}/api/v1/jobs", json=json.loads(found[1])).json()
    give_up_at = time.monotonic() + 30
    while (detail := httpx.get(f"{server_url}/api/v1/jobs/{job['id']}").json())["status"] != "completed":
        assert time.monotonic() < give_up_at, detail
        time.sleep(0.05)

    link = httpx.get(f"{server_url}/api/v1/jobs/{job['id']}/download-link").json()

    linked, streamed = httpx.get(link["url"]), httpx.get(f"{server_url}/api/v1/jobs/{job['id']}/download")
    assert linked.status_code == streamed.status_code == 200
    assert linked.content == streamed.content
    forged = httpx.get(link["url"].replace("X-Amz-Signature=", "X-Amz-Signature=0"))
    assert forged.status_code == 403


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    found = re.search(r"<!-- settings:.*?-->\n(.*?)\n\n", README, re.DOTALL)
    assert found is not None
    rows = [row.split("|") for row in found[1].splitlines()[2:]]
    named = {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row[1])}

    kinds = [
        DatabaseSettings,
        ObjectStoreSettings,
        RuleSettings,
        LogSettings,
        WorkSettings,
        ProviderSettings,
        ServiceSettings,
        EmbeddedSettings,
    ]
    assert named == {name.upper() for kind in kinds for name in kind.model_fields}


def test_the_route_table_names_every_route_of_the_api_and_no_other() -> None:
    found = re.search(r"<!-- routes:.*?-->\n(.*?)\n\n", README, re.DOTALL)
    assert found is not None
    named = set(re.findall(r"`([A-Z]+) (/[^`?]*)[^`]*`", found[1]))

    described = openapi_document(ServiceSettings())["paths"]
    assert named | {("HEAD", "/api/v1/jobs/{job_id}/download")} == {
        (method.upper(), path) for path, methods in described.items() for method in methods if method != "parameters"
    } | {("GET", "/schema"), ("GET", "/schema/openapi.json")}


@pytest.mark.parametrize("target", ["help", "install", "run", "demo", "test", "check", "fix", "migrate"])
def test_make_has_the_targets_that_the_docs_name(target: str) -> None:
    make = shutil.which("make")
    assert make is not None
    helped = subprocess.run([make, "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.search(rf"^  make {target} ", helped.stdout, re.MULTILINE)
