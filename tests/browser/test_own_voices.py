"""A line with a voice of its own keeps it: in the job that is edited as a new one, while its script is edited, in the
draft. And each provider keeps the voices that were chosen for it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.stack import SCRIPT_ZH, Stack

Ready = Callable[[Page], Page]

GRANDPA = "cmn+grandpa"


@pytest.fixture
def job_id(stack: Stack) -> str:
    """A job whose second line has a voice of its own."""
    turns = [{"speaker": who, "text": what, "index": index} for index, (who, what) in enumerate(SCRIPT_ZH)]
    turns[1]["voice_id"] = GRANDPA
    return stack.completed(turns=turns)


def submitted_voices(page: Page, stack: Stack) -> list[str | None]:
    """Hand in what is on the page; the own voice of each line of the job."""
    page.click("#submit")
    page.wait_for_selector("#submitted:not([hidden])")
    turns = stack.job(page.text_content("#submitted-id") or "")["input_params"]["turns"]
    return [turn.get("voice_id") for turn in turns]


def test_edited_as_new_a_line_keeps_its_own_voice(visit: Visit, ready: Ready, stack: Stack, job_id: str) -> None:
    page = visit(f"/jobs/{job_id}")
    page.get_by_role("link", name="編輯成新的").click()
    ready(page)

    own = page.locator("#own-voices li")
    expect(own).to_have_count(1)
    expect(own).to_contain_text("第 2 句")
    expect(own.locator("bdi")).to_contain_text("grandpa")
    expect(own).to_have_class("cast-2")
    assert submitted_voices(page, stack) == [None, GRANDPA, None]


def test_the_voice_of_a_line_can_be_changed_and_given_up(visit: Visit, ready: Ready, stack: Stack, job_id: str) -> None:
    page = ready(visit(f"/?from={job_id}", language="en"))
    page.get_by_role("button", name="Voice of line 2").click()
    dialog = page.locator("#voice-dialog")
    expect(dialog.get_by_role("heading")).to_have_text("A voice for line 2 (雲哲)")
    dialog.get_by_role("radio", name="Annie").check()
    page.click("#voice-use")
    expect(page.locator("#own-voices bdi")).to_contain_text("Annie")
    assert submitted_voices(page, stack) == [None, "cmn+Annie", None]

    page.goto(f"/?from={job_id}")
    ready(page)
    page.get_by_role("button", name="Give line 2 its speaker's voice").click()
    expect(page.locator("#own-voices")).to_be_hidden()
    expect(page.locator("#cast button").first).to_be_focused()
    assert submitted_voices(page, stack) == [None, None, None]


def test_it_stays_with_its_line_while_the_script_is_edited(
    visit: Visit, ready: Ready, stack: Stack, job_id: str
) -> None:
    page = ready(visit(f"/?from={job_id}"))
    script, own = page.locator("#script"), page.locator("#own-voices li")
    before, line, after = script.input_value().split("\n")

    page.fill("#script", "\n".join((f"旁白: {before[4:]}", before, line, after)))
    expect(own).to_contain_text("第 3 句")
    page.fill("#script", "\n".join((before, f"{line}好嗎？", after)))
    expect(own).to_contain_text("第 2 句")
    # Taken out, and put elsewhere.
    page.fill("#script", "\n".join((before, after)))
    expect(own).to_have_count(0)
    page.fill("#script", "\n".join((before, after, f"{line}好嗎？")))
    expect(own).to_contain_text("第 3 句")

    page.locator(".switch label", has_text="逐句").click()
    page.get_by_role("button", name="第 3 句上移").click()
    expect(own).to_contain_text("第 2 句")
    page.reload()
    ready(page)
    expect(own).to_contain_text("第 2 句")
    expect(own.locator("bdi")).to_contain_text("grandpa")
    assert submitted_voices(page, stack) == [None, GRANDPA, None]


def test_each_provider_keeps_the_voices_that_were_chosen_for_it(
    visit: Visit, ready: Ready, stack: Stack, job_id: str
) -> None:
    page = ready(visit(f"/?from={job_id}"))
    cast = page.locator("#cast .voice-button bdi")
    cast.first.click()
    page.locator("#voice-dialog").get_by_role("radio", name="Annie").check()
    page.click("#voice-use")
    expect(cast.first).to_contain_text("Annie")

    page.get_by_label("OpenAI").check()
    expect(cast.first).to_have_text("alloy")
    expect(page.locator("#own-voices")).to_be_hidden()
    cast.last.click()
    page.locator("#voice-dialog").get_by_role("radio", name="nova").check()
    page.click("#voice-use")

    page.get_by_label("espeak").check()
    expect(cast.first).to_contain_text("Annie")
    expect(page.locator("#own-voices bdi")).to_contain_text("grandpa")
    page.reload()
    ready(page)
    expect(cast.first).to_contain_text("Annie")
    page.get_by_label("OpenAI").check()
    expect(cast.last).to_have_text("nova")
    expect(page.locator("#own-voices")).to_be_hidden()
