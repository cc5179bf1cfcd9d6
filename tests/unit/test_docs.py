"""The documents for those who come: what they name exists, and the records of decisions have their form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
#: The changelog tells of the past: what it names may be gone.
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "NOTICE"])
DOCUMENTS.remove(ROOT / "CHANGELOG.md")

FOLDERS = "actors|client|deploy|docs|embedded|scheduler|service|storage|tests"
A_PATH = re.compile(rf"(?<![\w/.-])(?:{FOLDERS})/(?:[\w.-]+/)*(?:[\w-]+\.\w+)?")
A_FILE_OF_OURS = re.compile(
    r"(?<![\w/.-])(?:compose[\w.]*\.yaml|pyproject\.toml|Dockerfile|Makefile|NOTICE|LICENSE)(?![\w/-])"
)
A_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
NAMES_IN_A_FILE = re.compile(r"`([\w/]+\.py): ([\w, ]+)`")
A_TARGET = re.compile(r"`make ([a-z-]+)")
A_MODULE = re.compile(r"python -m ((?:tests|embedded|actors)[\w.]*)")


def found(pattern: re.Pattern[str], group: int = 0) -> Sequence[tuple[str, str]]:
    """(document, what it says), each once."""
    return [
        (str(document.relative_to(ROOT)), name)
        for document in DOCUMENTS
        for name in sorted({match[group].strip() for match in pattern.finditer(document.read_text())})
    ]


def test_the_documents_name_files() -> None:
    assert len(found(A_PATH)) > 50


@pytest.mark.parametrize(("document", "path"), [*found(A_PATH), *found(A_FILE_OF_OURS)])
def test_a_named_path_exists(document: str, path: str) -> None:
    is_for_you_to_name = re.search(r"[A-Z]{4,}", Path(path).stem) is not None
    assert is_for_you_to_name or (ROOT / path).exists(), f"{document} names {path}"


@pytest.mark.parametrize(("document", "link"), found(A_LINK, 1))
def test_a_link_leads_somewhere(document: str, link: str) -> None:
    assert (ROOT / document).parent.joinpath(link).exists()


def test_every_name_behind_a_file_is_in_it() -> None:
    """As in `storage/run_store.py: claim`."""
    for document in DOCUMENTS:
        for path, names in NAMES_IN_A_FILE.findall(document.read_text()):
            for name in names.split(", "):
                assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), f"{document.name}: {path} has no {name}"


@pytest.mark.parametrize(("document", "target"), found(A_TARGET, 1))
def test_a_named_target_is_one_of_make(document: str, target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{document} names make {target}"


@pytest.mark.parametrize(("document", "module"), found(A_MODULE, 1))
def test_a_named_module_can_be_run(document: str, module: str) -> None:
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), f"{document} names {module}"


def test_the_index_lists_every_decision_once_and_in_order() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\(([\w-]+\.md)\)", (DECISIONS / "README.md").read_text(), re.MULTILINE)

    assert len(RECORDS) >= 12
    assert listed == [(record.name[:4], record.name) for record in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_has_its_form(record: Path) -> None:
    text = record.read_text()

    assert text.startswith(f"# {record.name[:4]}: ")
    assert re.search(r"^Status: (accepted|superseded by \[\d{4}\]\([\w-]+\.md\))$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert 15 <= text.count("\n") <= 40


def test_the_changelog_keeps_its_form() -> None:
    """https://keepachangelog.com: what is not released comes first, then a section for each version."""
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))

    assert versions[0] == "Unreleased"
    assert len(versions) == len(set(versions))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_package_says_its_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    licence = (ROOT / "LICENSE").read_text()

    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE", "NOTICE"]
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_notice_names_whatever_asks_for_more_than_attribution() -> None:
    """Of what is installed to run this: every package whose own metadata names the GPL (or LGPL, AGPL) or the MPL."""
    pinned = set(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", (ROOT / "constraints-run.txt").read_text(), re.MULTILINE))
    notice = (ROOT / "NOTICE").read_text()
    demanding = set[str]()
    for distribution in distributions():
        facts = distribution.metadata.json
        name = str(facts["name"]).lower().replace("_", "-")
        licence = f"{facts.get('license_expression', '')} {facts.get('classifier', '')}"
        if name in pinned and re.search(r"\b[AL]?GPL|Lesser General|General Public|Mozilla|\bMPL", licence):
            demanding.add(name)

    assert {"dramatiq", "psycopg", "certifi"} <= demanding
    assert {name for name in demanding if not re.search(rf"\b{name}\b", notice)} == set()
