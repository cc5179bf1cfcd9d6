"""The feature guide of docs/architecture.md, followed to the letter in a copy of the tree: what it names is enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
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
class Edit:
    """A place in a file, which there is once, and what stands there afterwards."""

    file: str
    old: str
    new: str

    def make(self, tree: Path) -> None:
        """Make it in a copy of the tree."""
        path = tree / self.file
        text = path.read_text()
        assert text.count(self.old) == 1, f"{self.file} has {self.old!r} {text.count(self.old)} times"
        path.write_text(text.replace(self.old, self.new))


def below(file: str, line: str, added: str) -> Edit:
    """Lines that are added under a line."""
    return Edit(file, f"{line}\n", f"{line}\n{added}\n")


def above(file: str, line: str, added: str) -> Edit:
    """Lines that are added over a line, of which the beginning is enough."""
    return Edit(file, f"\n{line}", f"\n{added}\n{line}")


@dataclass(frozen=True)
class Addition:
    """One way to extend the project: the section that tells it, its new files (`tests/guide/NAME/`), its edits.

    `names`: what is called otherwise in each addition, and in capitals in the guide.
    """

    section: str
    name: str
    names: Mapping[str, str]
    edits: Sequence[Edit]

    def new_files(self) -> set[str]:
        """Paths in the tree."""
        folder = NEW_FILES / self.name
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}

    def touched(self) -> set[str]:
        """Every file that it makes or changes, as the guide calls them."""
        return {self._in_capitals(file) for file in self.new_files() | {edit.file for edit in self.edits}}

    def make(self, tree: Path, *, without: str = "") -> None:
        """Follow the guide, but for what it says of one file."""
        for file in self.new_files() - {without}:
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(NEW_FILES / self.name / file, tree / file)
        for edit in self.edits:
            if edit.file != without:
                edit.make(tree)

    def _in_capitals(self, file: str) -> str:
        for name, capitals in self.names.items():
            file = file.replace(name, capitals)
        return file


VENDOR = Addition(
    section="A vendor",
    name="vendor",
    names={"murmur": "VENDOR"},
    edits=[
        above(
            "actors/providers/__init__.py", "from actors.providers.openai", "from actors.providers.murmur import Murmur"
        ),
        below(
            "actors/providers/__init__.py",
            "PROVIDERS: Mapping[str, Callable[[ProviderSettings], Provider]] = {",
            '    "murmur": Murmur,',
        ),
        above(
            "actors/providers/settings.py",
            '    @model_validator(mode="before")',
            '    murmur_api_key: SecretStr | None = None\n    murmur_base_url: Address = "https://murmur.example"\n',
        ),
        above(
            "tests/integration/test_provider_conformance.py",
            "from tests.standins.openai",
            "from tests.standins.murmur import MurmurStandIn",
        ),
        below(
            "tests/integration/test_provider_conformance.py",
            "VENDORS: Mapping[str, Vendor] = {",
            '    "murmur": Vendor(MurmurStandIn, "low"),',
        ),
        above("README.md", "| `azure` |", "| `murmur` | `MURMUR_API_KEY` | at most 2,000 characters a turn |"),
        above(
            "compose.yaml",
            "    OPENAI_API_KEY:",
            "    MURMUR_API_KEY: ${MURMUR_API_KEY:-}\n    MURMUR_BASE_URL: ${MURMUR_BASE_URL:-}",
        ),
        above("README.md", "| `OPENAI_TTS_VOICES` |", "| `MURMUR_API_KEY`, `MURMUR_BASE_URL` | murmur | |"),
        above("README.zh-TW.md", "| `azure` |", "| `murmur` | `MURMUR_API_KEY` | 每句最多 2,000 字 |"),
        above("README.zh-TW.md", "| `OPENAI_TTS_VOICES` |", "| `MURMUR_API_KEY`、`MURMUR_BASE_URL` | murmur | |"),
    ],
)

STAGE = Addition(
    section="A stage of work",
    name="stage",
    names={"9999_review": "NUMBER_STAGE", "review": "STAGE"},
    edits=[
        above(
            "storage/stages.py",
            '    ASSEMBLING = "assembling"',
            '    REVIEWING = "reviewing"  # spoken, and not looked at yet',
        ),
        Edit(
            "storage/stages.py",
            "Stage.RETRYING),\n            (JobStatus.PROCESSING, Stage.ASSEMBLING),\n",
            "Stage.RETRYING),\n            (JobStatus.PROCESSING, Stage.REVIEWING),\n",
        ),
        above(
            "storage/stages.py",
            "    (JobStatus.PROCESSING, Stage.ASSEMBLING): frozenset(",
            "    (JobStatus.PROCESSING, Stage.REVIEWING): frozenset(\n"
            "        {(JobStatus.PROCESSING, Stage.ASSEMBLING), (JobStatus.FAILED, Stage.DONE)}\n"
            "    ),",
        ),
        Edit("storage/stages.py", "        then=Stage.ASSEMBLING,\n", "        then=Stage.REVIEWING,\n"),
        above(
            "storage/stages.py",
            "    Stage.ASSEMBLING: Work(",
            "    Stage.REVIEWING: Work(\n"
            '        queue="review",\n'
            '        actor="review",\n'
            '        uses="looks",\n'
            "        waits_at=((JobStatus.PROCESSING, Stage.REVIEWING),),\n"
            "        waits_again_at=Stage.REVIEWING,\n"
            "        then=Stage.ASSEMBLING,\n"
            "    ),",
        ),
        above("actors/queue/worker.py", "from actors.run import", "from actors.review import review"),
        above("actors/queue/worker.py", "    Stage.ASSEMBLING: assemble,", "    Stage.REVIEWING: review,"),
        above(
            "service/page/static/words/en.json", '"stage.assembling"', '"stage.reviewing": "Looking at {total} lines",'
        ),
        above("service/page/static/words/zh-TW.json", '"stage.assembling"', '"stage.reviewing": "檢查 {total} 句",'),
        Edit("compose.yaml", '["worker", "--queues", "assembly"]', '["worker", "--queues", "assembly,review"]'),
    ],
)

ROUTE = Addition(
    section="A route",
    name="route",
    names={"recital": "NOUN"},
    edits=[
        Edit("service/app.py", "openapi, providers, timeline\n", "openapi, providers, recital, timeline\n"),
        below("service/app.py", "            timeline.read_peaks,", "            recital.read_recital,"),
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
    VENDOR.make(tree)

    assert files_named(VENDOR.section) == VENDOR.touched()
    tests = ("integration/test_provider_conformance.py", "acceptance/test_readme.py", "unit/test_compose.py")
    wanted = "murmur or tested_here or settings_table or of_a_vendor"
    assert run_tests(tree, *(f"tests/{test}" for test in tests), "-k", wanted) > 25


def test_a_vendor_that_is_not_in_the_conformance_tests_is_noticed(tree: Path) -> None:
    VENDOR.make(tree, without="tests/integration/test_provider_conformance.py")

    with pytest.raises(AssertionError, match="test_every_vendor_is_tested_here"):
        run_tests(tree, "tests/integration/test_provider_conformance.py", "-k", "tested_here")


def test_a_stage_is_added_where_the_guide_says(tree: Path) -> None:
    STAGE.make(tree)
    point_at_the_newest(tree / "storage" / "migrations" / "versions" / "9999_review.py")

    assert files_named(STAGE.section) == STAGE.touched()
    assert len(source_files(STAGE.touched())) <= 5
    tests = ("test_review.py", "test_migrate.py", "../unit/test_compose.py", "../unit/test_service_words.py")
    assert run_tests(tree, *(f"tests/integration/{test}" for test in tests)) > 5


def test_a_route_is_added_where_the_guide_says(tree: Path) -> None:
    ROUTE.make(tree)

    assert files_named(ROUTE.section) == ROUTE.touched()
    assert len(source_files(ROUTE.touched())) <= 2
    tests = ("test_service_recital.py", "test_service_openapi.py")
    assert run_tests(tree, *(f"tests/integration/{test}" for test in tests)) > 5


def point_at_the_newest(migration: Path) -> None:
    """Have a migration follow the newest that there is, whichever that is today."""
    others = sorted(path.name[:4] for path in migration.parent.glob("[0-9]*.py") if path != migration)
    migration.write_text(migration.read_text().replace("HEAD", others[-1]))
