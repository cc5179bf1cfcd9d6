"""Pictures of the four views: `python -m tests.browser.screenshots DIR [NAME ...]`.

Light and dark, phone and desktop, Traditional Chinese and English, against the real system. Chinese needs a font that
has it (Debian: `fonts-noto-cjk`).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.stack import Stack, running_stack
from tests.servers.chromium import ARGUMENTS, find_chromium

Scheme = Literal["light", "dark"]

SIZES: Mapping[str, tuple[int, int]] = {"desktop": (1280, 860), "phone": (360, 760)}

SCRIPTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "zh-TW": (
        ("旁白", "傍晚的公園，湖邊的荷花剛開。"),
        ("曉雨", "你好，今天天氣真好！"),
        ("雲哲", "是啊，要不要沿著湖走走？"),
        ("曉雨", "好主意。等我一下，我去拿相機，這樣的光一年也沒有幾天。"),
        ("雲哲", "不急。你看，那隻白鷺還在等我們。"),
        ("旁白", "兩人慢慢走遠，只剩下水聲。"),
    ),
    "en": (
        ("Narrator", "A park at dusk. The lilies on the lake have just opened."),
        ("Ava", "Hello! What a beautiful day."),
        ("Ben", "It is. Shall we walk along the water?"),
        ("Ava", "Good idea. Let me fetch my camera; there are only a few days a year with light like this."),
        ("Ben", "No hurry. Look, that heron is still waiting for us."),
        ("Narrator", "They walk on, and only the water is heard."),
    ),
}
LANGUAGE_TAGS = {"zh-TW": "zh-TW", "en": "en-US"}
VOICE_IDS = {"zh-TW": ("cmn+f5", "cmn+f2", "cmn+m3"), "en": ("en-us+f5", "en-us+f2", "en-us+m3")}


def main(arguments: Sequence[str]) -> int:
    """Write the pictures into a directory."""
    if not arguments:
        sys.stderr.write("usage: python -m tests.browser.screenshots DIR [write|submitted|jobs|job ...]\n")
        return 2
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    views = {name: take for name, take in VIEWS.items() if name in arguments[1:] or not arguments[1:]}
    with tempfile.TemporaryDirectory() as files, running_stack(Path(files)) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        jobs = {language: fill(stack, language) for language in SCRIPTS}
        for language in SCRIPTS:
            for size in SIZES:
                for scheme in ("light", "dark"):
                    for name, take in views.items():
                        page = open_page(browser, stack, language, scheme, size)
                        take(page, language, jobs)
                        whole = page.evaluate("document.documentElement.scrollHeight")
                        page.set_viewport_size({"width": SIZES[size][0], "height": max(SIZES[size][1], whole)})
                        page.wait_for_timeout(100)
                        page.screenshot(path=directory / f"{name}-{language}-{size}-{scheme}.png")
                        page.context.close()
            stack.settle()
        browser.close()
    return 0


def fill(stack: Stack, language: str) -> str:
    """Jobs to look at; the id of the one that is shown."""
    lines = SCRIPTS[language]
    assignments = [
        {"speaker": name, "voice_id": voice}
        for name, voice in zip(dict.fromkeys(name for name, _ in lines), VOICE_IDS[language], strict=True)
    ]
    stack.failed()
    stack.cancelled()
    stack.completed(lines[1:4], language=LANGUAGE_TAGS[language], voice_assignments=assignments[1:])
    return stack.completed(lines, language=LANGUAGE_TAGS[language], voice_assignments=assignments)


def open_page(browser: Browser, stack: Stack, language: str, scheme: Scheme, size: str) -> Page:
    """A page of that language, scheme and size, not yet anywhere."""
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=stack.url,
        locale=LANGUAGE_TAGS[language],
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        device_scale_factor=1,
        timezone_id="Asia/Taipei",
    )
    return context.new_page()


def _write(page: Page, language: str, _jobs: Mapping[str, str]) -> None:
    page.goto("/")
    page.wait_for_selector("body[data-ready]")
    page.fill("#script", "\n".join(f"{who}：{what}" for who, what in SCRIPTS[language]))
    page.wait_for_selector("#cast li:nth-child(3)")
    page.wait_for_function("() => document.querySelectorAll('#cast [aria-label*=espeak], #cast bdi').length >= 6")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(300)


def _submitted(page: Page, language: str, jobs: Mapping[str, str]) -> None:
    _write(page, language, jobs)
    page.click("#submit")
    page.wait_for_selector("#submitted .is-completed")


def _jobs(page: Page, _language: str, _jobs_made: Mapping[str, str]) -> None:
    page.goto("/jobs")
    page.wait_for_selector(".job .job-title")
    page.wait_for_load_state("networkidle")


def _job(page: Page, language: str, jobs: Mapping[str, str]) -> None:
    page.goto(f"/jobs/{jobs[language]}")
    page.wait_for_selector("#wave path")
    page.wait_for_load_state("networkidle")
    slider = page.locator("#seek")
    slider.press("ArrowRight")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(300)


VIEWS: Mapping[str, Callable[[Page, str, Mapping[str, str]], None]] = {
    "write": _write,
    "submitted": _submitted,
    "jobs": _jobs,
    "job": _job,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
