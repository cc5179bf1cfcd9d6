"""The page as it is served: its budget, its policy, its languages. And with a key, where one is asked for."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from embedded.object_store import ObjectStore
from service.page.assets import STATIC_FILES, VERSION, WORDS
from service.page.page import CONTENT_SECURITY_POLICY, takes_gzip
from service.settings import ServiceSettings
from tests.browser.conftest import TIMEOUT_MS, Audit, Visit
from tests.browser.stack import Stack
from tests.service_api import running_api, settings_of

Ready = Callable[[Page], Page]

#: What a view may cost on the wire: its document, modules, style, words and icons.
BUDGET_BYTES = 50_000

ASSETS = """() => {
  const own = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter((entry) => !new URL(entry.name).pathname.startsWith("/api/"));
  return own.reduce((sum, entry) => sum + entry.encodedBodySize, 0);
}"""


def test_each_view_is_light(visit: Visit, stack: Stack) -> None:
    job_id = stack.completed()
    for path, seen in (("/", "#providers input"), ("/jobs", ".job .job-title"), (f"/jobs/{job_id}", "#wave path")):
        page = visit(path)
        page.locator(seen).first.wait_for(state="attached")
        assert 15_000 < page.evaluate(ASSETS) < BUDGET_BYTES, path


def test_both_languages_have_the_same_words_with_the_same_blanks() -> None:
    zh, en = WORDS["zh-TW"], WORDS["en"]
    assert list(zh) == list(en)
    assert all(zh.values())
    assert all(en.values())
    blanks = {key: {part.split("}")[0].split("|")[0] for part in en[key].split("{")[1:]} for key in en}
    assert {key: {part.split("}")[0].split("|")[0] for part in zh[key].split("{")[1:]} for key in zh} == blanks


def test_every_word_that_is_asked_for_is_there(stack: Stack) -> None:
    modules = b"".join(file.content for name, file in STATIC_FILES.items() if name.endswith(".js")).decode()
    templates = "".join(path.read_text("utf-8") for path in Path("service/page/templates").iterdir())
    unused = [
        key
        for key in WORDS["en"]
        if f'"{key}"' not in modules + templates
        and f"'{key}'" not in templates
        # Those whose end is put together: `status.${status}`.
        and f"`{key.rsplit('.', 1)[0]}.${{" not in modules
        and not key.endswith((".title", ".note"))
        and f'"{key.rsplit(".", 1)[0]}." ~' not in templates
    ]
    assert unused == []


def test_a_page_is_served_under_a_policy_without_anything_inline(stack: Stack) -> None:
    for path in ("/", "/jobs", f"/jobs/{uuid4()}", "/jobs/no-id"):
        answer = stack.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert "unsafe" not in CONTENT_SECURITY_POLICY
        assert "style=" not in answer.text
        assert " onclick" not in answer.text
        assert answer.text.count("<script") == 1


def test_everything_is_compressed_for_whoever_takes_it(stack: Stack) -> None:
    paths = ("/", "/jobs", f"/jobs/{uuid4()}", *(f"/static/{VERSION}/{name}" for name in STATIC_FILES))
    for path in paths:
        squeezed = stack.client.get(path, headers={"Accept-Encoding": "br, gzip"})
        plain = stack.client.get(path, headers={"Accept-Encoding": "identity"})
        assert squeezed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert squeezed.content == plain.content
        assert "Accept-Encoding" in squeezed.headers["vary"] == plain.headers["vary"]
        assert int(squeezed.headers["content-length"]) < int(plain.headers["content-length"])


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0, br", False),
        ("gzip; q=0.000", False),
        ("x-gzipped", False),
        ("," * 100_000 + "gzip", False),
    ],
)
def test_a_client_gets_gzip_if_it_says_so(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


@pytest.mark.parametrize(
    ("language", "heading", "home"),
    [("zh-TW", "這個網址沒有東西", "寫劇本"), ("en", "There is nothing at this address", "Write a script")],
)
def test_an_address_without_a_page_is_a_page_with_a_way_home(
    visit: Visit, ready: Ready, audit: Audit, language: str, heading: str, home: str
) -> None:
    page = visit("/job/typo", language=language)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    audit(page)
    page.locator("main").get_by_role("link", name=home).click()
    expect(ready(page).locator("#script")).to_be_visible()


def test_only_a_person_gets_that_page(stack: Stack) -> None:
    person = stack.client.get("/job/typo", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (person.status_code, person.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert person.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    for method, path, accept in (
        ("GET", "/job/typo", "*/*"),
        ("GET", "/api/v1/typo", ""),
        ("POST", "/typo", "text/html"),
    ):
        program = stack.client.request(method, path, headers={"Accept": accept})
        assert (program.status_code, program.json()["error"]) == (404, "NOT_FOUND")


def test_a_visit_asks_for_nothing_that_is_refused(visit: Visit, ready: Ready, stack: Stack) -> None:
    page = visit("about:blank")
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    page.goto("/")
    ready(page).click("#sample")
    expect(page.locator("#cast li")).to_have_count(2)
    page.goto("/jobs")
    page.wait_for_load_state("networkidle")
    assert refused == []


def test_static_files_are_kept_for_ever_under_their_version_only(stack: Stack) -> None:
    now = stack.client.get(f"/static/{VERSION}/page.css")
    assert (now.headers["content-type"], now.headers["x-content-type-options"]) == (
        "text/css; charset=utf-8",
        "nosniff",
    )
    assert "immutable" in now.headers["cache-control"]
    older = stack.client.get("/static/000000000000/page.css")
    assert (older.status_code, older.headers["cache-control"]) == (200, "no-cache")
    for path in ("nothing.css", "../page.py", "..%2f..%2fpyproject.toml", "words"):
        assert stack.client.get(f"/static/{VERSION}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("header", "cookie", "language"),
    [
        ("", None, "zh-TW"),
        ("en-GB,en;q=0.9", None, "en"),
        ("ja,zh;q=0.5", None, "zh-TW"),
        ("en", "zh-TW", "zh-TW"),
        ("zh-TW", "en", "en"),
        ("zh-TW", "<script>", "zh-TW"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(
    stack: Stack, header: str, cookie: str | None, language: str
) -> None:
    headers = {"Accept-Language": header} | ({"Cookie": f"readthrough-language={cookie}"} if cookie else {})
    answer = httpx.get(f"{stack.url}/", headers=headers, trust_env=False)
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language


def test_the_language_is_switched_and_stays(visit: Visit, ready: Ready) -> None:
    page = ready(visit())
    page.fill("#script", "A: 你好")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="What shall we read today?")).to_be_visible()
    ready(page)
    expect(page.locator("#script")).to_have_value("A: 你好")
    page.goto("/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="工作")).to_be_visible()


def test_a_person_signs_in_with_a_key_for_every_tab_and_out_again(
    visit: Visit, stack: Stack, database_url: str, object_store: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    audio = stack.client.get(f"/api/v1/jobs/{stack.completed()}/download").content
    settings = ServiceSettings(auth="api-key")
    with running_api(database_url, settings_of(object_store, bucket), settings=settings, behind_socket=True) as api:
        key = api.stores.keys.create("ann")
        user = api.stores.keys.user_of(key)
        assert user is not None
        job_id = api.completed(audio, user)
        url = str(api.client.base_url).rstrip("/")

        page = visit(f"/jobs/{job_id}", url=url)
        field = page.get_by_label("API 金鑰", exact=True)
        expect(field).to_be_focused()
        field.fill("rt_wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#key-wrong")).to_have_text("這把金鑰不能用")
        field.fill(key)
        page.keyboard.press("Enter")
        expect(page.locator("#player")).to_be_visible()

        page.locator("#play").click()
        page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1", timeout=TIMEOUT_MS)
        with page.expect_download() as download:
            page.locator("#download").click()
        download.value.save_as(tmp_path / "audio.mp3")
        assert (tmp_path / "audio.mp3").read_bytes() == audio

        kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
        assert key not in kept, "no script can read it"
        (cookie,) = [one for one in page.context.cookies() if one.get("value") == key]
        assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")

        other = page.context.new_page()
        other.goto(f"/jobs/{job_id}")
        expect(other.locator("#player")).to_be_visible()
        other.get_by_role("button", name="登出").click()
        expect(other.get_by_label("API 金鑰", exact=True)).to_be_focused()
        page.reload()
        expect(page.get_by_label("API 金鑰", exact=True)).to_be_focused()

        page.get_by_label("API 金鑰", exact=True).fill(key)
        page.keyboard.press("Enter")
        expect(page.locator("#player")).to_be_visible()
        assert api.stores.keys.revoke(api.stores.keys.list()[0].id)
        page.reload()
        expect(page.locator("#key-wrong")).to_have_text("這把金鑰不能用")
