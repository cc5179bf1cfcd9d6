"""The script box as it is seen: each line with its own number, colour and mark, at any length, width and zoom."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.painted import Editor, Span, contrast_in, look_at_editor
from tests.browser.stack import wait_until

Ready = Callable[[Page], Page]

#: What WCAG asks of text, and the page of itself.
READABLE = 4.5

#: A wide window, a narrow one, and the wide one at a zoom of 200 %.
WINDOWS: dict[str, dict[str, Any]] = {
    "wide": {"size": "window"},
    "narrow": {"size": "narrow"},
    "zoomed": {"size": "zoomed", "device_scale_factor": 2},
}
every_window = pytest.mark.parametrize("window", WINDOWS)
both_lengths = pytest.mark.parametrize("length", [60, 500])

#: Lines which a browser breaks by rules of their own: full-width marks at the edge, no space, tabs, other writing.
HARD_PARTS = (
    "這一句很長，",
    "「你好！」",
    "（笑）",
    "……",
    "——",
    "hello world ",
    "https://example.org/a/b?c=d&e=f ",
    "\t",
    "   ",
    "W" * 30,
    "العربية ",
    "한국어 ",
    "😀",
)


def script_of(length: int, wrong: int | None = None) -> str:
    """So many lines of four speakers, every seventh long enough to wrap; one of them without a speaker."""
    lines = [
        f"{'ABCD'[number % 4]}：這是第 {number} 句{'，它很長，長到一定會折行' * 8 if number % 7 == 0 else ''}"
        for number in range(1, length + 1)
    ]
    if wrong is not None:
        lines[wrong - 2 : wrong] = ["", "這一行沒有角色"]
    return "\n".join(lines)


def hard_script(length: int) -> str:
    """Lines put together from the hard parts, each another mixture."""
    count = len(HARD_PARTS)
    return "\n".join(
        f"{'AB'[line % 2]}："
        + "".join(HARD_PARTS[(line * (part + 3) + part * part) % count] for part in range(line % 15))
        for line in range(length)
    )


def wait_for_line(page: Page, line: int) -> Editor:
    """The editor, once all of a line can be seen."""
    wait_until(lambda: line in look_at_editor(page).in_sight, f"line {line} is in sight")
    return look_at_editor(page)


def line_left(page: Page) -> float:
    """Where the lines begin, in CSS pixels of the window."""
    return page.evaluate(
        """() => {
          const box = document.querySelector("#script");
          return box.getBoundingClientRect().left + parseFloat(getComputedStyle(box).paddingLeft);
        }"""
    )


def marks(page: Page, selector: str) -> Sequence[Span]:
    """Where marks of the editor are painted."""
    rectangles = page.locator(f"#script-mirror {selector}").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom])"
    )
    return [Span(*rectangle) for rectangle in rectangles]


@both_lengths
@every_window
def test_each_line_has_its_own_number_beside_it_wherever_the_script_is_scrolled(
    visit: Visit, ready: Ready, window: str, length: int
) -> None:
    page = ready(visit(**WINDOWS[window]))
    page.fill("#script", script_of(length))
    expect(page.locator("#cast li")).to_have_count(4)

    page.locator("#script").press("Control+Home")
    at_top = wait_for_line(page, 1)
    assert len(at_top.lines) == len(at_top.numbers) == length
    assert at_top.numbers_elsewhere() == []

    page.locator("#script").press("Control+End")
    at_end = wait_for_line(page, length)
    assert 1 not in at_end.in_sight
    assert at_end.numbers_elsewhere() == []
    left = line_left(page)
    assert contrast_in(page, left=left, right=left + 120, span=at_end.lines[length]) > READABLE
    assert contrast_in(page, left=left - 50, right=left - 18, span=at_end.lines[length]) > READABLE

    page.locator("#script").hover()
    page.mouse.wheel(0, -700)
    wait_until(lambda: look_at_editor(page).lines[1].top > at_end.lines[1].top, "the wheel scrolls the script back")
    assert look_at_editor(page).numbers_elsewhere() == []


@every_window
@pytest.mark.parametrize(("wrong", "length"), [(40, 60), (450, 500)])
def test_a_jump_to_a_mistake_shows_that_line(visit: Visit, ready: Ready, window: str, wrong: int, length: int) -> None:
    page = ready(visit(**WINDOWS[window]))
    page.fill("#script", script_of(length, wrong))
    page.locator("#mistakes button").click()

    editor = wait_for_line(page, wrong)
    assert editor.numbers_elsewhere() == []
    assert contrast_in(page, left=line_left(page), right=line_left(page) + 100, span=editor.lines[wrong]) > READABLE
    chosen = page.locator("#script").evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert chosen == "這一行沒有角色"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_line_that_is_marked_wrong_can_be_read(visit: Visit, ready: Ready, scheme: str) -> None:
    page = ready(visit(scheme=scheme))
    page.fill("#script", "A：一句\n\n這一行沒有角色\n")
    expect(page.locator("#mistakes button")).to_have_count(1)

    line = look_at_editor(page).lines[3]
    left = line_left(page)
    assert contrast_in(page, left=left, right=left + 120, span=line) > READABLE
    assert contrast_in(page, left=left - 50, right=left - 18, span=line) > READABLE
    (band,) = marks(page, ".is-wrong")
    assert band.holds(line)


@pytest.mark.parametrize("width", [360, 640, 853, 1024, 1280])
def test_numbers_colours_and_marks_stay_with_lines_that_wrap(visit: Visit, ready: Ready, width: int) -> None:
    page = ready(visit())
    page.set_viewport_size({"width": width, "height": 800})
    page.fill("#script", hard_script(200))
    expect(page.locator("#cast li")).to_have_count(2)

    editor = look_at_editor(page)
    assert editor.numbers_elsewhere() == []
    rows = marks(page, "> div")
    assert [number for number, line in editor.lines.items() if not rows[number - 1].holds(line)] == []
    assert len(marks(page, "> .cast-1")) > 50

    page.set_viewport_size({"width": width + 137, "height": 800})
    assert look_at_editor(page).numbers_elsewhere() == []


def test_what_is_typed_at_the_end_of_a_long_script_is_in_sight(visit: Visit, ready: Ready) -> None:
    page = ready(visit(size="window"))
    page.fill("#script", script_of(60))
    expect(page.locator("#cast li")).to_have_count(4)
    box = page.locator("#script")
    box.press("Control+End")
    wait_for_line(page, 60)

    for line in (61, 62, 63):
        box.press("Enter")
        page.keyboard.insert_text("B：再一句")
        assert wait_for_line(page, line).numbers_elsewhere() == []

    page.keyboard.insert_text("\n" + "\n".join(f"A：貼上的第 {number} 句" for number in range(64, 101)))
    assert wait_for_line(page, 100).numbers_elsewhere() == []


def test_a_line_that_another_program_has_ended_is_a_line_here_too(visit: Visit, ready: Ready) -> None:
    page = ready(visit(language="en"))
    page.locator("#script").focus()
    page.keyboard.insert_text("A: one\u2028B: two\u2029\u2029nobody")
    expect(page.locator("#mistakes button")).to_have_text("line 4 has no speaker: write `Name: text`")

    editor = look_at_editor(page)
    assert sorted(editor.lines) == [1, 2, 4]
    assert sorted(editor.numbers) == [1, 2, 3, 4]
    assert editor.numbers_elsewhere() == []
    page.keyboard.insert_text("!")
    expect(page.locator("#script")).to_have_value("A: one\nB: two\n\nnobody!")
