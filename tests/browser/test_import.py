"""A script from a file: chosen or dropped, read in the browser as the command line reads it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Visit
from tests.script_files import DOCUMENT, DOCUMENT_TEXT, NO_DOCUMENT, NO_TEXT, TABLE, TEXT_FILES

Ready = Callable[[Page], Page]


def choose(page: Page, name: str, content: bytes) -> None:
    with page.expect_file_chooser() as chooser:
        page.click("#import")
    chooser.value.set_files(FilePayload(name=name, mimeType="application/octet-stream", buffer=content))


def drop(page: Page, name: str, content: bytes) -> None:
    """As a person drags a file out of a window and lets it go above the script."""
    page.evaluate(
        """([name, content]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(content), (one) => one.charCodeAt(0))], name));
            for (const type of ["dragover", "drop"]) {
                document.getElementById("script").dispatchEvent(
                    new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
            }
        }""",
        [name, base64.b64encode(content).decode()],
    )


def test_every_file_is_read_as_the_command_line_reads_it(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    for name, (content, text, charset) in TEXT_FILES.items():
        choose(page, name, content)
        expect(page.locator("#imported span")).to_have_text(f"The text of “{name}” was read as {charset}")
        expect(page.locator("#script")).to_have_value(text)
    for name, content, text in (("a.docx", DOCUMENT, DOCUMENT_TEXT), ("b.docx", TABLE, "小美 \t你好 \n阿明 \t嗨 \n")):
        choose(page, name, content)
        expect(page.locator("#imported span")).to_have_text(f"“{name}” was read")
        expect(page.locator("#script")).to_have_value(text)
    expect(page.locator("#cast li")).to_have_count(2)


def test_what_cannot_be_read_is_said_and_the_script_stays(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "Ava: Hello")
    for name, content in NO_TEXT.items():
        choose(page, name, content)
        expect(page.locator(".toast")).to_have_text(f"“{name}” is no text in UTF-8, UTF-16, Big5 or GB18030")
    for name, content in NO_DOCUMENT.items():
        choose(page, name, content)
        expect(page.locator(".toast")).to_have_text(f"“{name}” is no Word document (.docx) that can be read")
    expect(page.locator("#script")).to_have_value("Ava: Hello")


@pytest.mark.parametrize(("name", "read_as"), [("a.srt", "srt"), ("a.md", "markdown"), ("a.fountain", "fountain")])
def test_a_file_that_is_dropped_takes_the_place_of_the_script_until_that_is_undone(
    visit: Visit, ready: Ready, name: str, read_as: str
) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "Ava: Hello")
    drop(page, name, b"1\n00:00:01,000 --> 00:00:02,000\nBen: Hi\n")
    expect(page.locator("#script")).to_have_value("1\n00:00:01,000 --> 00:00:02,000\nBen: Hi\n")
    expect(page.locator("#read-as")).to_have_value(read_as)

    page.locator(".toast button").click()
    expect(page.locator("#script")).to_have_value("Ava: Hello")
    expect(page.locator("#read-as")).to_have_value("auto")
    expect(page.locator("#imported")).to_be_hidden()


def test_another_encoding_is_one_press_away(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    alike = bytes([0xB0, 0xA1]) * 20
    choose(page, "a.txt", b"A: " + alike)
    expect(page.locator("#script")).to_have_value("A: " + alike.decode("big5"))
    page.get_by_role("button", name="Take GB18030").click()
    expect(page.locator("#script")).to_have_value("A: " + alike.decode("gb18030"))
