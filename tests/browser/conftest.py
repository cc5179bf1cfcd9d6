"""A browser, the running system, and pages that are watched: no error, no broken policy, no request to elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.stack import Stack, running_stack
from tests.servers.chromium import ARGUMENTS, find_chromium

Language = Literal["zh-TW", "en"]
Visit = Callable[..., Page]
Audit = Callable[[Page], None]

#: A page that is slower than this is broken, in milliseconds.
TIMEOUT_MS = 15_000
SIZES = {
    "desktop": (1280, 860),
    "phone": (360, 760),
    "window": (1280, 900),
    "narrow": (640, 900),
    # What is left of "window" at a zoom of 200 %; to be had with a device_scale_factor of 2.
    "zoomed": (640, 450),
}

#: Most tests are by somebody who used espeak last time: it speaks at once, and has a voice for every language.
ESPEAK = """
if (location.protocol === "http:") localStorage["readthrough.provider"] ??= "espeak";
"""

#: Beside axe's defaults: what WCAG 2.2 AA adds.
EVERYTHING = {"rules": {"target-size": {"enabled": True}}}
#: What a colour scheme can break.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all. It ends with this package: its event loop must not be in the way of other tests."""
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def running(session_directory: Path) -> Iterator[Stack]:
    """The system, started once."""
    with running_stack(Path(tempfile.mkdtemp(dir=session_directory, prefix=""))) as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    """The system, with no job active before and after, and a vendor that behaves."""
    running.settle()
    yield running
    running.settle()


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Opens a page as a person of some language, with some colours and size. The last thing that is checked of each:
    it asked nobody else for anything, no script failed and nothing was against the policy."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        path: str = "/",
        *,
        language: Language = "zh-TW",
        scheme: Literal["light", "dark"] = "light",
        size: str = "desktop",
        url: str | None = None,
        **options: Any,
    ) -> Page:
        width, height = SIZES[size]
        base = url or request.getfixturevalue("stack").url
        context = browser.new_context(
            base_url=base,
            locale="zh-TW" if language == "zh-TW" else "en-US",
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(ESPEAK)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{error}\n{error.stack}"))
        page.on("console", lambda message: complaints.extend(_against_policy(message.text)))
        page.on("request", lambda asked: complaints.extend(_elsewhere(asked.url, base)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _against_policy(text: str) -> Sequence[str]:
    return [text] if "Content Security Policy" in text or "Refused to" in text else []


def _elsewhere(url: str, base: str) -> Sequence[str]:
    return [] if url.startswith((f"{base}/", f"blob:{base}/", "data:")) else [f"a request to {url}"]


@pytest.fixture(scope="session")
def audit() -> Audit:
    """Asks axe-core for every violation, in light, and then for those of the colours in dark."""
    axe = Axe()

    def look(page: Page) -> None:
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe.axe_script)
        looks: Sequence[tuple[Literal["light", "dark"], Any]] = (("light", EVERYTHING), ("dark", COLOURS))
        for scheme, options in looks:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = page.evaluate(
                "options => axe.run(document, options).then((result) => result.violations)",
                {**options, "resultTypes": ["violations"]},
            )
            told = [
                f"{scheme}: {one['id']}: {node['html'][:200]} {node.get('failureSummary')}"
                for one in found
                for node in one["nodes"]
            ]
            assert told == [], "\n".join(told)

    return look


@pytest.fixture
def ready() -> Callable[[Page], Page]:
    """Waits until the page that writes has its providers."""

    def wait(page: Page) -> Page:
        page.wait_for_selector("body[data-ready]")
        return page

    return wait
