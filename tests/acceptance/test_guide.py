"""The feature guide of docs/architecture.md, followed to the letter in a copy of the tree: what it names is enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What each addition adds as files of its own, laid out as in the tree.
NEW_FILES = ROOT / "tests" / "guide"
GUIDE = (ROOT / "docs" / "architecture.md").read_text()

PACKAGES = ("actors", "client", "embedded", "scheduler", "service", "storage")
#: What is not the project's own, and what a copy of it does not need.
LEFT_OUT = (
    ".venv",
    ".git",
    ".data",
    ".hypothesis",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "screenshots",
    "build",
)


@dataclass(frozen=True)
class Lines:
    """Lines that are added to a file, right after the first line that begins with `after`, whatever its indent."""

    file: str
    after: str
    lines: str

    def add(self, tree: Path) -> None:
        """Add them."""
        path = tree / self.file
        text = path.read_text()
        found = re.search(rf"^ *{re.escape(self.after)}.*\n", text, re.MULTILINE)
        assert found is not None, f"{self.file} has no line like {self.after}"
        path.write_text(f"{text[: found.end()]}{self.lines}{text[found.end() :]}")


@dataclass(frozen=True)
class Addition:
    """One way to extend the project: the section that tells it, its new files (`tests/guide/NAME/`), its lines."""

    section: str
    name: str
    lines: Sequence[Lines]

    def new_files(self) -> set[str]:
        """Paths in the tree."""
        folder = NEW_FILES / self.name
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    def touched(self) -> set[str]:
        """Every file that it makes or changes."""
        return self.new_files() | {each.file for each in self.lines}

    def add(self, tree: Path) -> None:
        """Follow the guide."""
        for file in self.new_files():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(NEW_FILES / self.name / file, tree / file)
        for each in self.lines:
            each.add(tree)


VENDOR = Addition(
    section="A vendor",
    name="vendor",
    lines=[
        Lines(
            "actors/providers/__init__.py",
            "from actors.providers.espeak import",
            "from actors.providers.murmur import Murmur\n",
        ),
        Lines("actors/providers/__init__.py", "PROVIDERS: ", '    "murmur": Murmur,\n'),
        Lines(
            "actors/providers/settings.py",
            '"""The vendors\' variables',
            '\n    murmur_api_key: SecretStr | None = None\n    murmur_base_url: Address = "https://murmur.example"\n',
        ),
        Lines(
            "tests/integration/test_provider_conformance.py",
            "from tests.standins.azure import",
            "from tests.standins.murmur import MurmurStandIn\n",
        ),
        Lines(
            "tests/integration/test_provider_conformance.py",
            "VENDORS: ",
            '    "murmur": Vendor(MurmurStandIn, "low"),\n',
        ),
        Lines("README.md", "| `azure` |", "| `murmur` | `MURMUR_API_KEY` | at most 2,000 characters a turn |\n"),
        Lines(
            "README.md",
            "| `OPENAI_TTS_VOICES` |",
            "| `MURMUR_API_KEY` | murmur | |\n| `MURMUR_BASE_URL` | | `https://murmur.example` |\n",
        ),
    ],
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the project, to be changed."""
    copy = tmp_path / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT, "*.egg-info"))
    return copy


def section(title: str) -> str:
    """What the guide says under this heading."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the guide has no section {title!r}"
    return found[1]


def files_named(title: str) -> set[str]:
    """The files that a section of the guide tells to make or to change: the first column of its table."""
    rows = re.findall(r"^\| `([^`]+)`", section(title), re.MULTILINE)
    return set(rows)


def source_files(files: set[str]) -> set[str]:
    """Those of them that are the product's own code: not its words, its tests or its documents."""
    return {file for file in files if file.split("/")[0] in PACKAGES and not is_words(file)}


def is_words(file: str) -> bool:
    """Whether a file holds sentences in two languages."""
    return file == "service/http/messages.py" or "/static/words/" in file


def run_tests(tree: Path, *arguments: str) -> int:
    """Run tests of the copy, in the copy. How many passed; the others are a failure here."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    return int(passed[1])


def test_a_copy_runs_its_own_code(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import actors, tests; print(actors.__file__); print(tests.__file__)"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )

    assert all(line.startswith(f"{tree}/") for line in done.stdout.split())


def test_a_vendor_is_added_where_the_guide_says(tree: Path) -> None:
    VENDOR.add(tree)

    assert files_named(VENDOR.section) == {file.replace("murmur", "VENDOR") for file in VENDOR.touched()}
    tests = ("tests/integration/test_provider_conformance.py", "tests/acceptance/test_readme.py")
    assert run_tests(tree, *tests, "-k", "murmur or tested_here or settings_table") > 25


def test_a_vendor_that_is_not_in_the_conformance_tests_is_noticed(tree: Path) -> None:
    for each in VENDOR.lines:
        if not each.file.startswith("tests/"):
            each.add(tree)
    shutil.copy(NEW_FILES / "vendor" / "actors" / "providers" / "murmur.py", tree / "actors" / "providers")

    with pytest.raises(AssertionError, match="test_every_vendor_is_tested_here"):
        run_tests(tree, "tests/integration/test_provider_conformance.py", "-k", "tested_here")
