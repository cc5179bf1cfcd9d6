"""The four user stories of the specification, as a person lives them in the browser."""

from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.stack import SCRIPT_ZH, Stack, wait_until

Ready = Callable[[Page], Page]


def test_story_1_a_job_is_submitted_the_page_closed_and_the_result_found_later(
    visit: Visit, ready: Ready, stack: Stack
) -> None:
    page = ready(visit())
    page.click("#sample")
    expect(page.locator("#cast li")).to_have_count(2)
    page.get_by_role("button", name="產生語音").click()

    expect(page.get_by_role("heading", name="已提交，可以離開了")).to_be_focused()
    job_id = page.text_content("#submitted-id") or ""
    assert page.get_attribute("#submitted-job", "href") == f"/jobs/{job_id}"
    page.context.close()
    stack.wait_for(job_id, "completed")

    later = visit("/jobs")
    later.locator(f'.job a[href="/jobs/{job_id}"]').click()
    expect(later.locator("#player")).to_be_visible()
    expect(later.locator("#job-title")).to_have_text("你好，今天天氣真好！")


def test_story_1_what_was_submitted_is_no_draft_any_more(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.click("#sample")
    expect(page.locator("#cast li")).to_have_count(2)
    page.click("#submit")
    page.wait_for_selector("#submitted .is-completed")

    page.get_by_role("button", name="再寫一份").click()
    expect(page.locator("#script")).to_have_value("")
    expect(page.locator("#script")).to_be_focused()
    page.reload()
    ready(page)
    expect(page.locator("#script")).to_have_value("")


def test_story_1_the_fourth_active_job_says_why_and_offers_the_list(visit: Visit, ready: Ready, stack: Stack) -> None:
    stack.busy()
    stack.submit()
    stack.submit()
    page = ready(visit())
    page.click("#sample")
    expect(page.locator("#cast li")).to_have_count(2)
    page.click("#submit")

    refused = page.locator("#refused")
    expect(refused).to_contain_text("已達並發上限，請等待現有工作完成")
    expect(refused).to_contain_text("上限 3 個")
    expect(refused).to_be_focused()
    refused.get_by_role("link").click()
    expect(page.locator(".job .is-processing, .job .is-pending")).to_have_count(3)


def test_story_2_the_list_follows_a_job_from_waiting_to_completed(visit: Visit, stack: Stack) -> None:
    busy = stack.busy()
    waiting = stack.submit()
    page = visit("/jobs")
    rows = page.locator(".job")
    newest, older = rows.nth(0), rows.nth(1)
    expect(newest.locator(".chip")).to_have_text("等待中")
    expect(older.locator(".chip")).to_have_text("處理中")
    expect(older.get_by_role("progressbar")).to_be_visible()
    expect(older.locator(".stage")).to_have_text("朗讀中，0／3 句")
    assert newest.get_attribute("data-key") == waiting

    page.evaluate("document.querySelector('.job').dataset.same = 'yes'")
    stack.openai.release()
    stack.wait_for(busy, "completed")
    stack.wait_for(waiting, "completed")
    expect(newest.locator(".chip")).to_have_text("已完成")
    expect(newest.locator(".job-facts")).to_contain_text("長度 0:")
    expect(newest.locator(".job-facts")).to_contain_text("耗時")
    assert newest.get_attribute("data-same") == "yes"
    expect(page.locator("#live")).to_contain_text("已完成")


def test_story_2_a_retry_counts_down_and_a_failure_is_told_in_words(visit: Visit, stack: Stack) -> None:
    stack.openai.fail(40, 503, "the vendor is <i>tired</i>")
    job_id = stack.submit(stack.never_spoken(), provider="openai")
    page = visit(f"/jobs/{job_id}")
    expect(page.locator("#progress .countdown")).to_contain_text("秒後重試")
    expect(page.locator("#times [data-fact=created]")).to_be_visible()

    stack.wait_for(job_id, "failed")
    expect(page.locator("#status")).to_have_text("失敗")
    expect(page.locator("#ended-reason")).to_contain_text("語音服務呼叫失敗")
    expect(page.locator("#ended-reason")).to_contain_text("<i>tired</i>")
    expect(page.locator("#ended-advice")).to_contain_text("重新提交")
    stack.openai.reset()

    page.get_by_role("button", name="重新提交").click()
    page.wait_for_url(lambda url: not url.endswith(job_id))
    expect(page.locator("#player")).to_be_visible()
    expect(page.locator("#job-from a")).to_have_attribute("href", f"/jobs/{job_id}")


def test_story_2_a_completed_job_shows_when_and_how_long(visit: Visit, stack: Stack) -> None:
    page = visit(f"/jobs/{stack.completed()}", language="en")
    expect(page.locator("#times")).to_contain_text("Elapsed")
    for fact in ("created", "started", "completed", "elapsed", "duration", "billed", "cached"):
        expect(page.locator(f"[data-fact={fact}] dd")).not_to_be_empty()


def test_story_3_history_is_filtered_and_paged(visit: Visit, stack: Stack) -> None:
    failed = stack.failed()
    for _ in range(21):
        stack.completed((("A", "短"),))
    page = visit("/jobs")
    expect(page.locator(".job")).to_have_count(20)
    page.get_by_role("button", name="較舊").click()
    expect(page.locator("#range")).to_contain_text("第 21–")
    assert "offset=20" in page.url

    page.get_by_role("link", name="失敗").click()
    expect(page.locator("#filter [aria-current]")).to_have_text("失敗")
    assert set(page.locator(".job .chip").all_text_contents()) == {"失敗"}
    expect(page.locator(f'.job[data-key="{failed}"] .reason')).to_contain_text("語音服務不接受這樣的內容")
    page.go_back()
    expect(page.locator("#range")).to_contain_text("第 21–")


def test_story_3_the_audio_plays_seeks_and_the_transcript_follows(visit: Visit, stack: Stack) -> None:
    job_id = stack.completed()
    timings = stack.job(job_id)["result_metadata"]["turn_timings"]
    page = visit(f"/jobs/{job_id}")
    lines = page.locator("#lines > li")
    expect(page.locator("#wave path.cast-1")).to_have_count(1)
    expect(page.locator("#wave path.cast-2")).to_have_count(1)

    lines.nth(1).get_by_role("button").first.click()
    expect(lines.nth(1)).to_have_attribute("aria-current", "true")
    page.wait_for_function(
        "start => document.querySelector('audio').currentTime > start", arg=timings[1]["start_ms"] / 1000
    )
    page.wait_for_function("() => !document.querySelector('audio').paused")
    expect(page.get_by_role("button", name="暫停")).to_be_visible()

    page.evaluate("start => document.querySelector('audio').currentTime = start", timings[2]["start_ms"] / 1000 + 0.05)
    expect(lines.nth(2)).to_have_attribute("aria-current", "true")
    expect(lines.nth(1)).not_to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="暫停").click()
    page.wait_for_function("() => document.querySelector('audio').paused")

    slider = page.get_by_role("slider", name="播放位置")
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "5")
    box = slider.bounding_box()
    assert box is not None
    slider.click(position={"x": box["width"] * 0.5, "y": 20})
    duration_s = stack.job(job_id)["result_metadata"]["duration_ms"] / 1000
    assert abs(page.evaluate("document.querySelector('audio').currentTime") - duration_s / 2) < 0.2


def test_story_3_the_audio_and_the_captions_are_downloaded(visit: Visit, stack: Stack, tmp_path: Path) -> None:
    job_id = stack.completed()
    page = visit(f"/jobs/{job_id}")
    with page.expect_download() as audio:
        page.get_by_role("link", name="下載").click()
    audio.value.save_as(tmp_path / "audio.mp3")
    assert audio.value.suggested_filename.endswith(".mp3")
    assert (tmp_path / "audio.mp3").read_bytes() == stack.client.get(f"/api/v1/jobs/{job_id}/download").content

    for name in ("vtt", "srt"):
        with page.expect_download() as captions:
            page.get_by_role("button", name=f"字幕 {name.upper()}").click()
        captions.value.save_as(tmp_path / name)
        assert SCRIPT_ZH[0][1] in (tmp_path / name).read_text("utf-8")


def test_story_3_a_link_is_given_that_works_without_the_page(visit: Visit, stack: Stack) -> None:
    page = visit(f"/jobs/{stack.completed()}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="取得連結").click()
    expect(page.locator("#link-until")).to_contain_text("15 分鐘")
    link = page.input_value("#link-text")
    assert page.evaluate("navigator.clipboard.readText()") == link
    assert httpx.get(link, trust_env=False).status_code == 200


def test_story_3_the_original_parameters_are_shown_and_edited_as_a_new_job(
    visit: Visit, ready: Ready, stack: Stack
) -> None:
    job_id = stack.completed(SCRIPT_ZH, gap_ms=0, crossfade_ms=120, output_format="wav")
    page = visit(f"/jobs/{job_id}")
    expect(page.locator("#parameters")).to_contain_text("espeak")
    expect(page.locator("#parameters")).to_contain_text("WAV")
    expect(page.locator("#parameters")).to_contain_text("120 毫秒")
    expect(page.locator("#voices")).to_contain_text("Voice 1")

    page.get_by_role("link", name="編輯成新的").click()
    ready(page)
    expect(page.locator("#script")).to_have_value("\n".join(f"{who}: {what}" for who, what in SCRIPT_ZH))
    assert page.input_value("#format") == "wav"
    assert page.input_value("#crossfade") == "120"
    expect(page.locator("#cast bdi", has_text="Voice 1")).to_have_count(1)
    assert page.url.endswith("/")


def test_story_3_one_line_is_read_again(visit: Visit, stack: Stack) -> None:
    job_id = stack.completed()
    page = visit(f"/jobs/{job_id}")
    page.get_by_role("button", name="重讀第 2 句").click()
    dialog = page.locator("#line-dialog")
    dialog.get_by_label("第 2 句，雲哲").fill("好啊，現在就走。")
    dialog.locator("#line-voice").click()
    page.locator("#voice-dialog").get_by_role("radio", name="grandpa").check()
    page.locator("#voice-use").click()
    expect(dialog.locator("#line-voice")).to_contain_text("grandpa")
    dialog.get_by_role("button", name="重讀").click()

    page.wait_for_url(lambda url: not url.endswith(job_id))
    expect(page.locator("#player")).to_be_visible()
    expect(page.locator("#job-from a")).to_have_attribute("href", f"/jobs/{job_id}")
    expect(page.locator("#lines > li").nth(1)).to_contain_text("好啊，現在就走。")
    result = stack.job(page.url.rsplit("/", 1)[1])["result_metadata"]
    assert result["billed_characters"] == len("好啊，現在就走。")


def test_story_4_a_waiting_job_is_cancelled_after_a_question(visit: Visit, stack: Stack) -> None:
    stack.busy()
    waiting = stack.submit()
    page = visit("/jobs")
    row = page.locator(f'.job[data-key="{waiting}"]')
    expect(row.locator(".job-title")).to_have_text(SCRIPT_ZH[0][1])
    row.get_by_role("button", name="取消").click()
    page.locator("#cancel-dialog").get_by_role("button", name="不取消").click()
    assert stack.job(waiting)["status"] == "pending"

    row.get_by_role("button", name="取消").click()
    expect(page.locator("#cancel-what")).to_have_text(SCRIPT_ZH[0][1])
    page.locator("#cancel-dialog").get_by_role("button", name="取消工作").click()
    expect(row.locator(".chip")).to_have_text("已取消")
    assert stack.job(waiting)["status"] == "cancelled"

    row.get_by_role("button", name="重新提交").click()
    expect(page.locator(".job .is-pending")).to_have_count(1)


def test_story_4_a_job_that_is_being_read_cannot_be_cancelled_and_the_page_says_so(visit: Visit, stack: Stack) -> None:
    busy = stack.busy()
    page = visit(f"/jobs/{busy}")
    button = page.get_by_role("button", name="取消")
    expect(button).to_be_disabled()
    button.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("無法取消")
    assert stack.job(busy)["status"] == "processing"


def test_story_4_a_job_that_has_begun_meanwhile_is_told_of(visit: Visit, stack: Stack) -> None:
    busy = stack.busy()
    waiting = stack.submit(stack.never_spoken(), provider="openai")
    page = visit(f"/jobs/{waiting}")
    page.get_by_role("button", name="取消").click()
    stack.openai.release()
    stack.wait_for(busy, "completed")
    wait_until(lambda: stack.job(waiting)["status"] != "pending", "the other job begins")
    page.locator("#cancel-dialog").get_by_role("button", name="取消工作").click()
    expect(page.locator("#toasts")).to_contain_text("無法取消")
