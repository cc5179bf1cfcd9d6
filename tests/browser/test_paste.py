"""What people paste: read as they mean it, each change told and undone by one press, one person under one name."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Audit, Visit

Ready = Callable[[Page], Page]

FOUR = ["小美", "阿明", "Dr. Lin", "旁白"]
SCENE = """
## 第{n}場：河邊

*（水聲，遠處有人笑）*

**旁白：** 第 {n} 天，雨停了。
**小美**（開心）：你看，水退了！
- **阿明：**真的，*整整*退了一尺。
> **Dr. Lin:** Let me measure it. One moment.
**阿明（小聲）**：她又來了。
（停頓）
{host}：我聽到了喔。
**Dr. Lin:** Thirty centimetres, **exactly**.
**小美：** 那我們明天再來。

**旁白：** 天色暗了。

---
"""


def pasted() -> str:
    """A Markdown script of sixty lines, in which four people speak, one of them under two names."""
    head = "# 河邊三日\n\n**編劇：** 佚名\n**時間：** 傍晚\n"
    scenes = [SCENE.format(n=n, host="**主持人小美**" if n == 2 else "**小美**") for n in (1, 2, 3)]
    return head + "".join(scenes) + "\n全劇終。\n"


def speakers(page: Page) -> list[str]:
    return page.locator("#cast .speaker").all_text_contents()


def open_changes(page: Page) -> None:
    page.locator("#changes summary").click()


def test_a_pasted_markdown_script_of_four_people_has_four_speakers_and_no_red_line(visit: Visit, ready: Ready) -> None:
    page = ready(visit(size="window"))
    assert pasted().count("\n") >= 60
    page.locator("#script").focus()
    page.keyboard.insert_text(pasted())

    question = page.locator("#alike li")
    expect(question).to_have_text("「主持人小美」和「小美」是同一個人嗎？都寫成「小美」")
    question.get_by_role("button").click()

    expect(page.locator("#cast li")).to_have_count(4)
    assert sorted(speakers(page)) == sorted(FOUR)
    expect(page.locator("#alike")).to_be_hidden()
    expect(page.locator("#mistakes li")).to_have_count(0)
    expect(page.locator("#script-mirror .is-wrong")).to_have_count(0)
    expect(page.locator("#script")).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#count-lines")).to_have_text("27 句")


def test_each_change_is_told_with_its_line_and_what_was_left_out_is_seen_in_the_script(
    visit: Visit, ready: Ready
) -> None:
    page = ready(visit(language="en", size="window"))
    page.fill("#script", "# Act one\n**Ava**: Hello\n(She sits.)\nBen (shy): Hi")

    expect(page.locator("#changes-count")).to_have_text("4 changes made in reading")
    open_changes(page)
    told = page.locator("#changes .change").all_inner_texts()
    assert [" ".join(one.split()) for one in told] == [
        "Line 1 # Act one not read aloud Undo",
        "Line 2 **Ava**: Hello Ava: Hello Undo",
        "Line 3 (She sits.) not read aloud Undo",
        "Line 4 Ben (shy): Hi Ben: Hi Undo",
    ]
    assert page.locator("#script-mirror .is-left-out").all_text_contents() == ["# Act one", "(She sits.)"]
    assert page.locator("#script-mirror .cast-1").all_text_contents() == ["**Ava**: Hello"]

    page.locator("#changes .change", has_text="She sits").get_by_role("button", name="Line 3", exact=True).click()
    box = "(box => box.value.slice(box.selectionStart, box.selectionEnd))(document.activeElement)"
    assert page.evaluate(box) == "(She sits.)"


def test_a_change_is_undone_by_one_press_and_done_again_by_another(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "**Ava**: Hello\nBen: Hi\n(He sits.)")
    expect(page.locator("#count-characters")).to_contain_text("7 of")
    open_changes(page)

    page.get_by_role("button", name="Undo line 3").click()
    expect(page.locator("#script")).to_have_value("**Ava**: Hello\nBen: Hi\n\\(He sits.)")
    expect(page.locator("#count-characters")).to_contain_text("20 of")
    expect(page.locator("#script-mirror .is-left-out")).to_have_count(0)

    page.get_by_role("button", name="Undo line 3 (Read as it stands)").click()
    expect(page.locator("#script")).to_have_value("**Ava**: Hello\nBen: Hi\n(He sits.)")
    expect(page.locator("#script-mirror .is-left-out")).to_have_count(1)


def test_all_changes_of_a_kind_are_undone_by_one_press_and_come_back_by_another(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    text = "1. Ava: One\n2. Ben: Two\n3. Ava: Three"
    page.fill("#script", text)
    open_changes(page)
    page.get_by_role("button", name="Undo all").click()
    expect(page.locator("#script")).to_have_value("\\1. Ava: One\n\\2. Ben: Two\n\\3. Ava: Three")
    expect(page.locator("#cast li")).to_have_count(3)

    page.locator(".toast button").click()
    expect(page.locator("#script")).to_have_value(text)
    expect(page.locator("#cast li")).to_have_count(2)


def test_subtitles_are_taken_for_what_they_are_until_somebody_says_otherwise(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "1\n00:00:01,000 --> 00:00:02,000\nAva: Hello\n\n2\n00:00:03,000 --> 00:00:04,000\nBen: Hi")
    expect(page.locator("#cast li")).to_have_count(2)
    open_changes(page)
    expect(page.locator("#changes .change", has_text="SRT subtitles")).to_have_count(1)

    page.get_by_role("button", name="Undo line 1 (Taken for)").click()
    expect(page.locator("#read-as")).to_have_value("script")
    expect(page.locator("#mistakes li")).not_to_have_count(0)
    expect(page.locator("#changes")).to_be_hidden()
    page.reload()
    ready(page)
    expect(page.locator("#read-as")).to_have_value("script")

    page.select_option("#read-as", "auto")
    expect(page.locator("#mistakes li")).to_have_count(0)


def test_what_may_not_be_meant_is_told_and_the_limit_that_is_near(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", f"Ava: Look at https://example.org/a\nBen: {'ha ' * 27_000}")
    expect(page.locator("#warnings li").first).to_have_text(
        "line 1 has a web address, which is read aloud letter by letter"
    )
    expect(page.locator("#count-characters")).to_contain_text("of 100,000 characters: near the limit")
    expect(page.locator("#mistakes li")).to_have_count(0)
    page.locator("#warnings button").first.click()
    assert page.evaluate("document.activeElement.id") == "script"

    page.fill("#script", "Ava: Hello\nBen: Hi")
    expect(page.locator("#warnings li")).to_have_count(0)


def test_a_line_without_words_is_offered_as_a_pause(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.fill("#script", "Ava: Hello\n**Ben**: 🙂🙂\nAva: Well?")
    page.get_by_role("button", name="Make it a pause").click()
    expect(page.locator("#script")).to_have_value("Ava: Hello\n**Ben**: [pause 1s]\nAva: Well?")
    expect(page.locator("#warnings li")).to_have_count(0)


def test_the_changes_can_be_used_by_everybody(visit: Visit, ready: Ready, audit: Audit) -> None:
    page = ready(visit(size="phone"))
    page.fill("#script", pasted())
    expect(page.locator("#alike li")).to_have_count(1)
    open_changes(page)
    audit(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
