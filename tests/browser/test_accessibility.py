"""For everybody: axe finds nothing in any state, in both languages, light and dark; and all goes without a mouse."""

from collections.abc import Callable
from typing import get_args
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Audit, Language, Visit
from tests.browser.stack import Stack

Ready = Callable[[Page], Page]

both_languages = pytest.mark.parametrize("language", get_args(Language))


@both_languages
def test_writing_and_submitting(visit: Visit, ready: Ready, audit: Audit, language: Language) -> None:
    page = ready(visit(language=language))
    audit(page)
    page.fill("#script", "A: 你好\n\n???\n\nB: 你好")
    expect(page.locator("#mistakes li")).to_have_count(1)
    page.click("#submit")
    expect(page.locator("#refused")).to_be_visible()
    audit(page)

    page.fill("#script", "A: 你好\nB: 你好\nC: 你好\nD: 你好\nE: 你好\nF: 你好")
    expect(page.locator("#cast li")).to_have_count(6)
    page.locator(".switch label").last.click()
    expect(page.locator("#rows li")).to_have_count(6)
    audit(page)

    page.locator("#cast .voice-button").first.click()
    expect(page.locator("#voice-list li").first).to_be_visible()
    audit(page)
    page.keyboard.press("Escape")

    page.click("#submit")
    page.wait_for_selector("#submitted .is-completed")
    audit(page)


@both_languages
def test_the_list(visit: Visit, audit: Audit, stack: Stack, language: Language) -> None:
    stack.failed()
    stack.cancelled()
    stack.busy()
    stack.submit()
    page = visit("/jobs", language=language)
    for status in ("pending", "processing", "completed", "failed", "cancelled"):
        expect(page.locator(f".job .is-{status}").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    audit(page)
    page.locator(".job .job-ends button:visible").first.click()
    expect(page.locator("#cancel-dialog")).to_be_visible()
    audit(page)


@both_languages
def test_a_job(visit: Visit, audit: Audit, stack: Stack, language: Language) -> None:
    page = visit(f"/jobs/{stack.completed()}", language=language)
    expect(page.locator("#wave path").first).to_be_attached()
    page.locator(".line").nth(1).click()
    page.locator("#link").click()
    expect(page.locator("#link-place")).to_be_visible()
    page.locator("#play").click()
    audit(page)
    page.locator(".again").first.click()
    audit(page)

    page.goto(f"/jobs/{stack.failed()}")
    expect(page.locator("#job-ended")).to_be_visible()
    audit(page)
    page.goto(f"/jobs/{stack.busy()}")
    expect(page.locator("#progress progress")).to_be_visible()
    audit(page)
    page.goto(f"/jobs/{uuid4()}")
    expect(page.locator("#job-missing")).to_be_visible()
    audit(page)


def test_an_empty_list_and_a_server_away(visit: Visit, audit: Audit) -> None:
    page = visit("about:blank", size="phone")
    page.route(
        "**/api/v1/jobs?*", lambda route: route.fulfill(json={"items": [], "total": 0, "limit": 20, "offset": 0})
    )
    page.goto("/jobs")
    expect(page.locator("#jobs-empty")).to_be_visible()
    audit(page)
    page.route("**/api/v1/jobs?*", lambda route: route.abort())
    page.locator("#filter a").last.click()
    expect(page.locator("#away")).to_be_visible()
    audit(page)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_nothing_is_wider_than_the_screen(visit: Visit, ready: Ready, stack: Stack, size: str) -> None:
    long = "W" * 50
    job_id = stack.completed(((long, "這是一個很長的角色名稱" * 20), ("B", "https://example.org/" + "a" * 200)))
    page = visit(f"/jobs/{job_id}", size=size, language="en")
    expect(page.locator("#player")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.goto("/jobs")
    expect(page.locator(".job .job-title").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.goto(f"/?from={job_id}")
    ready(page)
    expect(page.locator("#cast li")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until it has the focus."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def test_the_whole_way_without_a_mouse(visit: Visit, ready: Ready, stack: Stack) -> None:
    page = ready(visit())
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到內容")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "#script")
    page.keyboard.insert_text("A: 你好\nB: 再見")
    expect(page.locator("#cast li")).to_have_count(2)

    tab_to(page, "#cast .voice-button")
    page.keyboard.press("Enter")
    expect(page.locator("#voice-list input:checked")).to_be_focused()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#voice-list li:has(:checked) bdi").text_content() or ""
    page.keyboard.press("Enter")
    expect(page.locator("#cast .voice-button bdi").first).to_have_text(chosen)
    expect(page.locator("#cast .voice-button").first).to_be_focused()

    tab_to(page, "#submit")
    page.keyboard.press("Enter")
    expect(page.locator("#submitted-title")).to_be_focused()
    job_id = stack.wait_for(page.text_content("#submitted-id") or "", "completed")
    tab_to(page, "#submitted-job")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/jobs/{job_id}")
    expect(page.locator("#player")).to_be_visible()
    tab_to(page, "#play")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    page.keyboard.press("Enter")
    tab_to(page, "#lines li:nth-child(2) .line")
    page.keyboard.press("Enter")
    expect(page.locator("#lines > li").nth(1)).to_have_attribute("aria-current", "true")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
