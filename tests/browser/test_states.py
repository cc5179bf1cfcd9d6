"""Every state has a face: empty, loading, refused, server away, audio gone, nothing there, markup in the data."""

from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.stack import Stack

Ready = Callable[[Page], Page]

MARKUP = "<img src=x onerror=alert(1)>"

#: Adds up every layout shift that nobody's input has caused.
WATCH_SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push(one.value);
  }).observe({ type: "layout-shift" });
}"""


def test_an_empty_list_says_how_to_begin(visit: Visit) -> None:
    page = visit("about:blank")
    page.route(
        "**/api/v1/jobs?*", lambda route: route.fulfill(json={"items": [], "total": 0, "limit": 20, "offset": 0})
    )
    page.goto("/jobs")
    expect(page.get_by_role("heading", name="還沒有工作")).to_be_visible()
    expect(page.get_by_role("link", name="寫第一份")).to_have_attribute("href", "/")

    page.goto("/jobs?status=failed")
    page.get_by_role("heading", name="沒有這種狀態的工作").wait_for()
    page.locator("#jobs-empty-link").click()
    expect(page.get_by_role("heading", name="還沒有工作")).to_be_visible()


def test_what_loads_has_its_place_already(visit: Visit, stack: Stack) -> None:
    job_id = stack.completed()
    held: list[Route] = []
    page = visit("about:blank")
    page.route("**/api/v1/jobs?*", lambda route: held.append(route))
    page.route(f"**/api/v1/jobs/{job_id}", lambda route: held.append(route))

    page.goto("/jobs")
    expect(page.locator(".skeleton")).to_have_count(3)
    expect(page.locator("#jobs")).to_have_attribute("aria-busy", "true")
    held.pop().continue_()
    expect(page.locator(".skeleton")).to_have_count(0)

    page.goto(f"/jobs/{job_id}")
    expect(page.locator("#job-loading")).to_be_visible()
    expect(page.locator("#job-loading").get_by_role("status")).to_have_text("載入中…")
    for route in held:
        route.continue_()
    expect(page.locator("#job")).to_be_visible()
    expect(page.locator("#job-loading")).to_be_hidden()


def test_a_list_that_refreshes_moves_nothing(visit: Visit, stack: Stack) -> None:
    stack.completed()
    stack.busy()
    page = visit("/jobs")
    expect(page.locator(".job .stage").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.evaluate(WATCH_SHIFTS)
    for _ in range(2):
        page.wait_for_event("requestfinished", lambda asked: "/jobs?" in asked.url)
    assert page.evaluate("window.shifts") == []


def test_a_list_is_one_request(visit: Visit, stack: Stack) -> None:
    stack.completed()
    stack.busy()
    page = visit("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/" in request.url else None)
    page.goto("/jobs")
    expect(page.locator(".job .stage").first).to_be_visible()
    expect(page.locator(".job-title").first).not_to_be_empty()
    page.wait_for_load_state("networkidle")
    refreshed = sum("/jobs?" in url for url in asked)
    assert len(asked) == refreshed
    assert refreshed <= 2


def test_a_list_without_an_active_job_and_a_hidden_tab_ask_nothing(visit: Visit, stack: Stack) -> None:
    stack.completed()
    page = visit("about:blank")
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/jobs?" in request.url else None)
    page.goto("/jobs")
    expect(page.locator(".job").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.clock.run_for(60_000)
    assert len(asked) == 1

    stack.busy()
    page.reload()
    expect(page.locator(".job .is-processing")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    asked.clear()
    hide = """hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.clock.run_for(60_000)
    assert asked == []
    with page.expect_request("**/api/v1/jobs?*"):
        page.evaluate(hide, False)


def test_the_server_away_keeps_the_draft_and_comes_back(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.context.set_offline(True)
    page.fill("#script", "A: 寫在離線的時候")
    expect(page.get_by_role("alert").filter(has_text="伺服器沒有回應")).to_be_visible()
    page.click("#submit")
    expect(page.locator("#refused")).to_contain_text("草稿已保留")
    assert "寫在離線的時候" in page.evaluate("localStorage.getItem('readthrough.draft')")

    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator("#cast li")).to_have_count(1)
    page.click("#submit")
    expect(page.locator("#submitted")).to_be_visible()


def test_a_database_that_is_away_is_told_and_the_list_comes_by_itself(visit: Visit, stack: Stack) -> None:
    stack.completed()
    away = {"error": "SERVICE_UNAVAILABLE", "message": "服務暫時無法使用", "details": {"unavailable": ["database"]}}
    page = visit("about:blank")
    page.route("**/api/v1/jobs?*", lambda route: route.fulfill(status=503, json=away))
    page.goto("/jobs")
    expect(page.locator("#away")).to_contain_text("服務暫時無法使用")
    page.unroute_all()
    expect(page.locator(".job .chip").first).to_be_visible()
    expect(page.locator("#away")).to_be_hidden()


def test_a_job_that_does_not_exist_is_told_kindly(visit: Visit) -> None:
    for path in (f"/jobs/{uuid4()}", "/jobs/nonsense"):
        page = visit(path, language="en")
        expect(page.get_by_role("heading", name="There is no such job")).to_be_visible()
        expect(page.get_by_role("link", name="See all jobs")).to_be_visible()
        expect(page.locator("#job-loading")).to_be_hidden()


def test_audio_that_is_no_longer_kept_is_told_and_the_script_stays(visit: Visit, stack: Stack) -> None:
    job_id = stack.completed()
    stack.lose_audio(job_id)
    page = visit(f"/jobs/{job_id}")
    expect(page.get_by_role("heading", name="音檔已過保存期限")).to_be_visible()
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("#download")).to_be_hidden()
    expect(page.get_by_role("link", name="編輯成新的")).to_be_visible()
    expect(page.locator("#lines > li")).to_have_count(3)


def test_what_the_server_refuses_is_told_by_line_and_speaker(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.fill("#script", "A: 你好\nB: 。。。")
    expect(page.locator("#cast li")).to_have_count(2)
    page.click("#submit")
    expect(page.locator("#refused li")).to_contain_text("第 2 句（B）")


def test_an_older_server_without_waveform_captions_or_samples_still_works(
    visit: Visit, ready: Ready, stack: Stack
) -> None:
    missing = {"error": "NOT_FOUND", "message": "找不到這個網址", "details": None}
    page = visit("about:blank")
    for path in ("peaks", "captions?*", "revise", "preview?*"):
        page.route(f"**/{path}", lambda route: route.fulfill(status=404, json=missing))
    page.goto(f"/jobs/{stack.completed()}")
    expect(page.locator("#wave path.cast-1")).to_have_count(1)
    page.get_by_role("button", name="字幕 VTT").click()
    expect(page.locator("#toasts")).to_contain_text("還沒有字幕")
    page.get_by_role("button", name="重讀第 1 句").click()
    page.get_by_role("button", name="重讀", exact=True).click()
    expect(page.locator("#line-wrong")).to_contain_text("還不能單句重讀")

    page.goto("/")
    ready(page).click("#sample")
    page.locator("#cast .listen").first.click()
    expect(page.locator("#cast .listen").first).to_be_hidden()


def test_markup_is_text_wherever_it_comes_from(visit: Visit, ready: Ready, stack: Stack) -> None:
    name = "<b>Ann</b>"
    voices = [{"speaker": name, "voice_id": "cmn+f2", "voice_name": MARKUP}]
    job_id = stack.completed(((name, f"{MARKUP} & more"),), voice_assignments=voices)
    dialogs: list[str] = []

    page = visit(f"/jobs/{job_id}")
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    expect(page.locator("#job-title")).to_have_text(f"{MARKUP} & more")
    expect(page.locator("#lines .speaker")).to_have_text(name)
    expect(page.locator("#voices")).to_contain_text(MARKUP)
    page.get_by_role("button", name="重讀第 1 句").click()
    expect(page.locator("#line-speaker")).to_contain_text(name)
    expect(page.locator("#line-voice")).to_have_text(MARKUP)
    page.keyboard.press("Escape")

    page.get_by_role("link", name="編輯成新的").click()
    ready(page)
    expect(page.locator("#cast .speaker")).to_have_text(name)
    expect(page.locator("#cast .voice-button bdi")).to_have_text(MARKUP)
    page.locator("#cast .voice-button").click()
    expect(page.locator("#voice-title")).to_contain_text(name)
    page.keyboard.press("Escape")
    # As a script its tags would be taken away: its lines stand by themselves.
    expect(page.locator("#script")).to_be_hidden()
    page.click("#sample")
    page.fill("#script", f"\\{name}:")
    expect(page.locator("#mistakes")).to_contain_text(name)

    page.goto("/jobs")
    expect(page.locator(f'.job[data-key="{job_id}"] .job-title')).to_have_text(f"{MARKUP} & more")
    failed = stack.failed()
    page.goto(f"/jobs/{failed}")
    expect(page.locator("main")).to_contain_text("<b>used up</b>")
    assert page.locator("main b:not(.provider b), main img").count() == 0
    assert dialogs == []
