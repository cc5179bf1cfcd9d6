"""The README, taken at its word: its quickstart runs as it stands, and its settings table is the code's."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import Mock

import av
import httpx
import pytest

from actors.providers.settings import ProviderSettings
from actors.settings import WorkSettings
from embedded.ports import free_port
from embedded.settings import EmbeddedSettings
from service.app import create_app
from service.routes.openapi import openapi_document
from service.settings import ServiceSettings
from storage.logs import LogSettings
from storage.settings import DatabaseSettings, LexiconSettings, ObjectStoreSettings, RuleSettings
from tests.readme import ADDRESS, ROOT, paste, quickstart

ENGLISH, CHINESE = ((ROOT / name).read_text() for name in ("README.md", "README.zh-TW.md"))
STARTS_WITHIN_S = 60

in_both_languages = pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=["English", "Chinese"])


def environment(**settings: str) -> Mapping[str, str]:
    """The variables of a user who has set these, and none that would lead elsewhere."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "READTHROUGH_TEST_SESSION") if name in os.environ
    }
    return kept | settings


@pytest.fixture(scope="module")
def server_url(session_directory: Path) -> Iterator[str]:
    """`readthrough run` as a user starts it, in a directory of its own."""
    server_directory = Path(tempfile.mkdtemp(dir=session_directory, prefix=""))
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


@in_both_languages
@pytest.mark.parametrize("in_brackets", [True, False], ids=["in brackets", "line by line"])
def test_the_quickstart_pasted_as_one_block_saves_the_audio(
    server_url: str, tmp_path: Path, readme: str, in_brackets: bool
) -> None:
    # Nothing in the block is changed but the port: the shell's user has set curl to fail where the API refuses.
    (tmp_path / ".curlrc").write_text("fail\nshow-error\n")

    shown = paste(
        quickstart(readme).replace(ADDRESS, server_url),
        tmp_path,
        environment(HOME=str(tmp_path), LANG="C.UTF-8"),
        in_brackets=in_brackets,
    )

    assert "curl: (" not in shown
    assert "command not found" not in shown
    assert '"status":"completed"' in shown
    (saved,) = tmp_path.glob("readthrough-*.mp3")
    with av.open(str(saved), "r") as audio:
        assert audio.format.name == "mp3"
        assert sum(frame.samples for frame in audio.decode(audio=0)) > 24_000


@in_both_languages
def test_a_shell_that_takes_no_comments_finds_nothing_to_do_in_those_of_the_quickstart(readme: str) -> None:
    # zsh, the shell of macOS, takes a pasted `# Who's there?` for a command with an open quotation mark.
    comments = [line for line in quickstart(readme).splitlines() if line.lstrip().startswith("#")]

    assert comments
    assert [line for line in comments if re.search(r"""['"`$&|;<>()\[\]{}*?!\\~]""", line)] == []


def test_the_link_of_the_quickstart_opens_without_a_key(server_url: str) -> None:
    found = re.search(r"-d '(\{.*?\n  \})'", quickstart(ENGLISH), re.DOTALL)
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


PYTHON = {
    f"{name} {number}": code
    for name, text in {
        "English": ENGLISH,
        "Chinese": CHINESE,
        "client.md": (ROOT / "docs/client.md").read_text(),
    }.items()
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL), 1)
}


@pytest.mark.parametrize("code", PYTHON.values(), ids=PYTHON)
def test_each_example_in_python_runs_as_it_stands(server_url: str, tmp_path: Path, code: str) -> None:
    # Nothing is changed but the port.
    command = [sys.executable, "-c", code.replace(ADDRESS, server_url)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    saved = [path for path in tmp_path.iterdir() if path.suffix in {".mp3", ".wav"}]
    assert len(saved) == 1
    with av.open(str(saved[0]), "r") as audio:
        assert sum(frame.samples for frame in audio.decode(audio=0)) > 6_000


@in_both_languages
def test_the_settings_table_names_every_setting_and_no_other(readme: str) -> None:
    found = re.search(r"<!-- settings:.*?-->\n(.*?)\n\n", readme, re.DOTALL)
    assert found is not None
    rows = [row.split("|") for row in found[1].splitlines()[2:]]
    named = {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row[1])}

    kinds = [
        DatabaseSettings,
        ObjectStoreSettings,
        RuleSettings,
        LexiconSettings,
        LogSettings,
        WorkSettings,
        ProviderSettings,
        ServiceSettings,
        EmbeddedSettings,
    ]
    assert named == {name.upper() for kind in kinds for name in kind.model_fields}


@in_both_languages
def test_the_route_table_names_every_route_of_the_api_and_no_other(readme: str) -> None:
    found = re.search(r"<!-- routes:.*?-->\n(.*?)\n\n", readme, re.DOTALL)
    assert found is not None
    named = set(re.findall(r"`([A-Z]+) (/[^`?]*)[^`]*`", found[1]))

    settings = ServiceSettings()  # the routes are the same for all
    described = openapi_document(create_app(settings, Mock()).routes, settings)["paths"]
    assert named | {("HEAD", "/api/v1/jobs/{job_id}/download")} == {
        (method.upper(), path) for path, methods in described.items() for method in methods if method != "parameters"
    } | {("GET", "/schema"), ("GET", "/schema/openapi.json")}


def test_both_languages_give_the_same_commands_values_and_links() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    assert values_in_tables(CHINESE) == values_in_tables(ENGLISH)
    assert links(CHINESE) - {"README.md"} == links(ENGLISH) - {"README.zh-TW.md"}


def commands(readme: str) -> list[str]:
    """The lines of shell, without what they say to a reader."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    lines = (re.sub(r"(^|\s+)#.*", "", line) for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def values_in_tables(readme: str) -> list[list[str]]:
    """What stands as code in each row of each table."""
    return [re.findall(r"`[^`]+`", row) for row in readme.splitlines() if row.startswith("|")]


def links(readme: str) -> set[str]:
    """The files that are linked."""
    return set(re.findall(r"\]\(([^)]+)\)", readme))


@in_both_languages
def test_make_has_the_targets_that_the_readme_names(readme: str) -> None:
    make = shutil.which("make")
    assert make is not None
    named = set(re.findall(r"`make ([a-z-]+)[ `]", readme))

    helped = subprocess.run([make, "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert {"run", "test", "check", "fresh", "chaos"} <= named
    assert named <= set(re.findall(r"^  make ([a-z-]+) ", helped.stdout, re.MULTILINE))
