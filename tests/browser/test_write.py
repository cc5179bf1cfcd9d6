"""Write: the script is parsed as one types, everybody gets a voice, nothing that was written is lost."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.stack import Stack

Ready = Callable[[Page], Page]


def speakers(page: Page) -> list[str]:
    """The names in the cast."""
    return page.locator("#cast .speaker").all_text_contents()


def test_a_script_is_parsed_as_one_types_and_each_speaker_gets_a_colour_and_a_voice(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.locator("#script").press_sequentially("A: 你好\n[旁白]：雨停了")

    expect(page.locator("#cast li")).to_have_count(2)
    assert speakers(page) == ["A", "旁白"]
    voices = page.locator("#cast .voice-button bdi").all_text_contents()
    assert len(set(voices)) == 2
    assert all("Mandarin" in voice for voice in voices)
    assert page.locator("#cast li.cast-1, #cast li.cast-2").count() == 2
    expect(page.locator("#count-characters")).to_have_text("5／100,000 字")
    assert page.locator("#script-mirror .cast-1").text_content() == "A: 你好"


def test_a_mistake_is_marked_at_its_line_and_leads_there(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "A: Hello\n\nno speaker here\nB: Hi")

    mistake = page.locator("#mistakes button")
    expect(mistake).to_have_text("line 3 has no speaker: write `Name: text`")
    assert page.locator("#script-mirror .is-wrong").all_text_contents() == ["no speaker here"]
    expect(page.locator("#script")).to_have_attribute("aria-invalid", "true")

    mistake.click()
    assert page.evaluate("document.activeElement.id") == "script"
    chosen = (
        "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert page.evaluate(chosen) == "no speaker here"

    page.click("#submit")
    expect(page.locator("#refused")).to_contain_text("Mend the marked lines first")

    page.fill("#script", "A: Hello\nB: Hi")
    expect(page.locator("#mistakes")).to_be_empty()
    expect(page.locator("#script")).to_have_attribute("aria-invalid", "false")


def test_the_mirror_behind_the_box_has_its_lines_where_the_box_has_them(visit: Visit, ready: Ready) -> None:
    page = ready(visit(size="phone"))
    # More than the box is high when it is empty, in a font of whatever width.
    page.fill("#script", "\n".join(f"角色{n}：{'這一句很長，長到一定會折行。' * (n % 3 + 1)}" for n in range(12)))
    box, mirror = (
        page.evaluate(f"document.querySelector('{name}').scrollHeight") for name in ("#script", "#script-mirror")
    )
    assert box == mirror > page.evaluate("document.documentElement.clientHeight") / 2


def test_the_sample_is_one_click_away_and_what_it_replaces_comes_back(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.fill("#script", "A: 我自己寫的")
    expect(page.locator("#cast li")).to_have_count(1)

    page.click("#sample")
    expect(page.locator("#cast li")).to_have_count(2)

    page.click("#toasts button")
    expect(page.locator("#script")).to_have_value("A: 我自己寫的")


def test_the_draft_survives_a_reload(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.fill("#script", "A: 你好\nB: 再見")
    expect(page.locator("#cast li")).to_have_count(2)
    page.locator("#gap").fill("0")
    page.select_option("#format", "wav")
    page.click("#cast li:first-child .voice-button")
    page.get_by_label("Chinese (Mandarin), grandpa").first.check()
    page.click("#voice-use")
    expect(page.locator("#cast bdi", has_text="grandpa")).to_have_count(1)
    page.reload()

    ready(page)
    expect(page.locator("#script")).to_have_value("A: 你好\nB: 再見")
    expect(page.locator("#cast li")).to_have_count(2)
    expect(page.locator("#cast bdi", has_text="grandpa")).to_have_count(1)
    assert page.input_value("#gap") == "0"
    assert page.input_value("#format") == "wav"
    expect(page.locator("#crossfade-field")).to_be_visible()


def test_a_voice_is_found_by_search_and_by_language_and_can_be_heard(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "A: Hello")
    page.click("#cast .voice-button")
    dialog = page.locator("#voice-dialog")
    expect(dialog.locator("#voice-state")).to_contain_text("voices")

    page.select_option("#voice-language", label="French")
    expect(dialog.locator("#voice-list li").first).to_contain_text("French")
    page.select_option("#voice-language", "")
    expect(dialog.locator("#voice-state")).to_contain_text("the first 60")
    page.fill("#voice-search", "scotland")
    expect(dialog.locator("#voice-state")).to_contain_text("10 voices")

    page.select_option("#voice-language", label="American English")
    page.fill("#voice-search", "Linda")
    with page.expect_response("**/preview?**") as heard:
        dialog.get_by_role("button", name="Listen to").first.click()
    assert heard.value.headers["content-type"].startswith("audio/")

    dialog.get_by_role("radio").first.check()
    dialog.get_by_role("button", name="Use this voice").click()
    expect(page.locator("#cast bdi").last).to_contain_text("Linda")
    expect(page.locator("#cast .voice-button")).to_be_focused()


def test_the_providers_say_what_they_can_and_what_is_missing(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    espeak, azure = (page.locator(".provider", has_text=name) for name in ("espeak", "Azure"))

    expect(espeak).to_contain_text("100,000")
    expect(espeak).to_contain_text("不需網路")
    expect(azure).to_contain_text("AZURE_SPEECH_KEY")
    expect(azure.locator("input")).to_be_disabled()


def test_another_provider_has_other_voices(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.fill("#script", "A: 你好\nB: 你好")
    expect(page.locator("#cast li")).to_have_count(2)
    page.get_by_label("OpenAI").check()

    expect(page.locator("#cast .voice-button bdi").first).to_have_text("alloy")
    expect(page.locator("#cast .voice-button bdi").last).not_to_have_text("alloy")


def test_neighbours_get_voices_that_differ(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.get_by_label("Kokoro").check()
    page.fill("#script", "\n".join(f"{name}: 你好" for name in "甲乙丙丁戊己"))

    voices = page.locator("#cast .voice-button bdi")
    expect(voices).to_have_count(6)
    expect(voices.last).to_contain_text("聲・")
    names = voices.all_text_contents()
    assert [name[:2] for name in names] == ["女聲", "男聲"] * 3
    assert len(set(names)) == 6


def test_beside_a_voice_that_was_chosen_a_new_speaker_gets_another_kind(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.get_by_label("Kokoro").check()
    page.fill("#script", "甲: 你好")
    voices = page.locator("#cast .voice-button bdi")
    expect(voices).to_have_text(re.compile("聲・"))
    voices.click()
    page.locator("#voice-dialog").get_by_role("radio", name="男聲・低沉").check()
    page.click("#voice-use")

    page.fill("#script", "甲: 你好\n乙: 再見\n丙: 好")
    expect(voices).to_have_count(3)
    expect(voices.last).to_contain_text("聲・")
    names = voices.all_text_contents()
    assert names[0].startswith("男聲・低沉")
    assert [name[:2] for name in names] == ["男聲", "女聲", "男聲"]
    assert names[2] != names[0]


def test_kokoro_says_what_it_is_and_what_it_is_not(visit: Visit, ready: Ready) -> None:
    chinese = ready(visit()).locator(".provider", has_text="Kokoro")
    expect(chinese).to_contain_text("免費")
    expect(chinese).to_contain_text("沒有人試聽過")
    expect(chinese).to_contain_text("不是台灣口音")
    english = ready(visit(language="en")).locator(".provider", has_text="Kokoro")
    expect(english).to_contain_text("nobody has listened")


def test_the_same_dialogue_by_hand(visit: Visit, ready: Ready, stack: Stack) -> None:
    page = ready(visit())
    page.fill("#script", "A: 一\nB: 二")
    expect(page.locator("#cast li")).to_have_count(2)
    page.locator(".switch label", has_text="逐句").click()
    rows = page.locator("#rows li")
    expect(rows).to_have_count(2)

    page.click("#add-row")
    expect(page.get_by_label("第 3 句的角色")).to_have_value("A")
    page.get_by_label("第 3 句的台詞").fill("三")
    page.get_by_role("button", name="第 3 句上移").click()
    page.get_by_role("button", name="刪除第 1 句").click()
    page.locator(".switch label", has_text="劇本").click()
    expect(page.locator("#script")).to_have_value("A: 三\nB: 二")

    page.locator(".switch label", has_text="逐句").click()
    page.get_by_label("第 1 句的台詞").fill(" ")
    page.click("#submit")
    expect(page.get_by_label("第 1 句的台詞")).to_be_focused()
    page.get_by_label("第 1 句的台詞").fill("三！")
    page.click("#submit")
    page.wait_for_selector("#submitted:not([hidden])")
    turns = stack.job(page.text_content("#submitted-id") or "")["input_params"]["turns"]
    assert [(turn["speaker"], turn["text"]) for turn in turns] == [("A", "三！"), ("B", "二")]


def test_more_than_the_provider_takes_is_told(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "\n".join(f"S{n}: words" for n in "ABCDEFG"))

    expect(page.locator("#count-speakers")).to_have_class("is-wrong")
    expect(page.locator("#mistakes")).to_contain_text("line 7")


def test_the_language_of_the_script_is_seen_until_somebody_chooses(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.fill("#script", "A: Good evening")
    expect(page.locator("#language-of-script")).to_have_value("en-US")
    expect(page.locator("#cast bdi").last).to_contain_text("English (America)")

    page.select_option("#language-of-script", "zh-TW")
    page.fill("#script", "A: Good evening, all")
    expect(page.locator("#count-characters")).to_contain_text("17")
    expect(page.locator("#language-of-script")).to_have_value("zh-TW")


def test_the_provider_of_last_time_is_chosen_again(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.get_by_label("OpenAI").check()
    page.goto("/jobs")
    page.goto("/")
    ready(page)
    expect(page.get_by_label("OpenAI")).to_be_checked()
