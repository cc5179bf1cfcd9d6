"""A job that has failed: what helps is said for each reason, and what is said is the first thing to press."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.stack import Stack

#: What is said, and the button that does it.
ADVICE = {
    "timeout": ("It took more than ten minutes", "Resubmit"),
    "system_interrupted": ("The system was restarted", "Resubmit"),
    "provider_failed": ("The voice service failed several times", "Resubmit"),
    "provider_rejected": ("Change the words or the voice", "Edit as new"),
    "storage_failed": ("There was no place for the audio", "Resubmit"),
    "orphaned": ("Nobody took it", "Resubmit"),
    "stopped": ("Somebody stopped it", "Resubmit"),
    "internal": ("This is our fault", "Resubmit"),
}


def with_changes(changes: Mapping[str, Any]) -> Callable[[Route], None]:
    """The job as the server tells it, but for these fields."""

    def answer(route: Route) -> None:
        route.fulfill(body=json.dumps({**route.fetch().json(), **changes}), content_type="application/json")

    return answer


def first_button(page: Page) -> str:
    """What the primary button of the job says."""
    button = page.locator("#actions .primary:visible")
    expect(button).to_have_count(1)
    return (button.text_content() or "").strip()


@pytest.fixture
def failed_job(stack: Stack) -> str:
    """A job of three lines that a vendor has refused."""
    return stack.refused(400, {"message": "this voice cannot say that"})


def test_the_advice_for_each_reason_is_the_first_button(visit: Visit, failed_job: str) -> None:
    page = visit("about:blank", language="en")
    for code, (advice, button) in ADVICE.items():
        page.unroute_all()
        page.route(f"**/api/v1/jobs/{failed_job}", with_changes({"error_code": code}))
        page.goto(f"/jobs/{failed_job}")
        expect(page.locator("#ended-advice")).to_contain_text(advice)
        assert first_button(page) == button


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"message": "Incorrect key provided"}),
        (403, {"message": "You are not allowed to do that"}),
        (400, {"message": "Your credit balance is too low", "code": "billing"}),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
    ],
)
def test_a_key_or_a_quota_is_nothing_that_editing_mends(
    visit: Visit, stack: Stack, status: int, error: Mapping[str, str]
) -> None:
    page = visit(f"/jobs/{stack.refused(status, error)}", language="en")
    expect(page.locator("#ended-advice")).to_contain_text("Tell whoever runs this server, then resubmit")
    assert first_button(page) == "Resubmit"


def test_the_line_that_failed_is_named_where_the_server_knows_it(visit: Visit, failed_job: str, stack: Stack) -> None:
    page = visit(f"/jobs/{failed_job}")
    expect(page.locator("#job-ended")).to_be_visible()
    expect(page.locator("#ended-line")).to_be_hidden()

    page.route(f"**/api/v1/jobs/{failed_job}", with_changes({"failed_turn": 1}))
    page.reload()
    said = stack.job(failed_job)["input_params"]["turns"][1]["text"]
    expect(page.locator("#ended-line")).to_have_text(f"問題在第 2 句（曉雨）：「{said}」")
