"""What a person sees of the script box: where numbers and lines are painted, and whether pixels can be read.

The lines are measured inside the textarea and the numbers in the finished layout, so nothing here depends on how the
page brings the two together.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import av
from playwright.sync_api import CDPSession, Page

#: From the first row to the last of each line of a textarea: called on the element inside it that holds its text.
_LINE_SPANS = """function () {
  const spans = [];
  let rows = [];
  const endLine = () => {
    const [tops, bottoms] = [rows.map((row) => row.top), rows.map((row) => row.bottom)];
    spans.push(rows.length ? [Math.min(...tops), Math.max(...bottoms)] : null);
    rows = [];
  };
  for (const node of this.childNodes) {
    if (node.nodeName === "BR") endLine();
    else {
      let start = 0;
      node.data.split("\\n").forEach((line, place) => {
        if (place > 0) endLine();
        const range = this.ownerDocument.createRange();
        range.setStart(node, start);
        range.setEnd(node, start + line.length);
        if (line) rows.push(...range.getClientRects());
        start += line.length + 1;
      });
    }
  }
  endLine();
  return spans;
}"""


#: Of [line, top, bottom] those lines at whose both ends the script is what a finger would touch.
_IN_SIGHT = """lines => {
  const box = document.querySelector("#script");
  const left = box.getBoundingClientRect().left + parseFloat(getComputedStyle(box).paddingLeft) + 3;
  const isSeen = (y) => document.elementFromPoint(left, y) === box;
  return lines.filter(([, top, bottom]) => isSeen(top) && isSeen(bottom)).map(([line]) => line);
}"""

#: The letters of one row are about so tall; rows are 36 apart.
_ROW_PX = 26
#: So near to the edge of its span a line is looked at.
_EDGE_PX = 3


@dataclass(frozen=True, slots=True)
class Span:
    """From top to bottom, in CSS pixels of the window."""

    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Halfway."""
        return (self.top + self.bottom) / 2

    def holds(self, other: Span) -> bool:
        """Whether all of another span is within this one."""
        return self.top <= other.top and other.bottom <= self.bottom


@dataclass(frozen=True, slots=True)
class Editor:
    """The script box of a page at one moment."""

    #: By line, 1-based; a line without a letter has no place.
    lines: Mapping[int, Span]
    #: By the number that is painted.
    numbers: Mapping[int, Span]
    #: The lines of which all can be seen: in the window, in the box, with nothing over them.
    in_sight: frozenset[int]

    def numbers_elsewhere(self) -> Sequence[str]:
        """The lines that have not their own number beside their first row."""
        return [
            f"line {number} at {line}, its number at {self.numbers.get(number)}"
            for number, line in self.lines.items()
            if number not in self.numbers or not line.top <= self.numbers[number].middle <= line.top + _ROW_PX
        ]


def look_at_editor(page: Page) -> Editor:
    """Where everything is now."""
    session = page.context.new_cdp_session(page)
    try:
        lines = _line_spans(session)
        numbers = _number_spans(session)
    finally:
        session.detach()
    ends = [[number, line.top + _EDGE_PX, line.bottom - _EDGE_PX] for number, line in lines.items()]
    return Editor(lines, numbers, frozenset(page.evaluate(_IN_SIGHT, ends)))


def _line_spans(session: CDPSession) -> Mapping[int, Span]:
    session.send("DOM.enable")
    document = session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    textarea = _find(document)
    assert textarea is not None
    letters = textarea["shadowRoots"][0]["children"][-1]["backendNodeId"]
    element = session.send("DOM.resolveNode", {"backendNodeId": letters})["object"]["objectId"]
    asked = {"objectId": element, "functionDeclaration": _LINE_SPANS, "returnByValue": True}
    spans = session.send("Runtime.callFunctionOn", asked)["result"]["value"]
    return {number: Span(*span) for number, span in enumerate(spans, start=1) if span is not None}


def _find(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if node.get("localName") == "textarea" and "script" in node["attributes"]:
        return node
    return next((found for child in node.get("children", []) if (found := _find(child))), None)


def _number_spans(session: CDPSession) -> Mapping[int, Span]:
    snapshot = session.send("DOMSnapshot.captureSnapshot", {"computedStyles": []})
    strings, document = snapshot["strings"], snapshot["documents"][0]
    layout, names = document["layout"], document["nodes"]["nodeName"]
    scrolled = document["scrollOffsetY"]
    return {
        int(strings[text]): Span(bounds[1] - scrolled, bounds[1] + bounds[3] - scrolled)
        for node, text, bounds in zip(layout["nodeIndex"], layout["text"], layout["bounds"], strict=True)
        if text >= 0 and strings[names[node]] == "::before" and strings[text].isdecimal()
    }


Colour = tuple[int, int, int]


def contrast_in(page: Page, *, left: float, right: float, span: Span) -> float:
    """WCAG's contrast (1 to 21) of the darkest or lightest ink in a part of the window to what it stands on."""
    clip = {"x": left, "y": span.top, "width": right - left, "height": span.bottom - span.top}
    with av.open(io.BytesIO(page.screenshot(clip=clip)), "r") as image:  # pyright: ignore[reportArgumentType]
        frame = next(image.decode(video=0)).reformat(format="rgb24")
    plane = frame.planes[0]
    rows = bytes(plane)
    colours = Counter[Colour]()
    for y in range(frame.height):
        row = rows[y * plane.line_size : y * plane.line_size + 3 * frame.width]
        colours.update(zip(row[0::3], row[1::3], row[2::3], strict=True))
    (ground, _), *_ = colours.most_common(1)
    return max(_contrast(ground, ink) for ink in colours)


def _contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
