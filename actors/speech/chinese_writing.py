"""What Chinese text writes in figures and signs, in the characters that are said: dates, times, money, units.

`2026/11/24` becomes 二零二六年十一月二十四日. Each rule is a pattern and what is said for it; they are
tried in order, and what one has made no other touches, as it holds no figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from actors.speech.chinese_numbers import cardinal, decimal, spelled
from actors.speech.chinese_signs import HOTLINES, MEASURES, MONEY, SCALES, SIGNS, UNITS

Match = re.Match[str]

#: A number as it is written: thousands may have commas.
_NUMBER: Final = r"\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,20})?(?!\d)|\d{1,40}(?:\.\d{1,20})?"
#: Neither inside a number nor a word of Latin letters.
_ALONE: Final = r"(?<![\dA-Za-z.,])"
_END: Final = r"(?![\dA-Za-z])"
_DASH: Final = r"\s?[-–—~～至]\s?"

#: How what the rules make begins and ends.
_SAID: Final = "零一二三四五六七八九十百千萬億兩"

_TWO: Final = re.compile(rf"(?:{MEASURES})")

_PARTS_OF_DAY: Final = ("凌晨", "早上", "上午", "中午", "下午", "傍晚", "晚上")

#: What names a code behind it.
_CODES: Final = "密碼|代碼|號碼|編號|學號|區號|帳號|證碼|統編|代號|車號|車牌"


def said_in_chinese(text: str) -> str:
    """`text` with every figure, and every sign that is said, in Chinese characters."""
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return text


def _plain(number: str) -> str:
    return number.replace(",", "")


def _number(match: Match, group: str = "n") -> str:
    """A number, before a measure word or not; long ones and those with leading zeros are codes."""
    return _said(match[group], match.string[match.end(group) :])


def _said(number: str, after: str) -> str:
    digits = _plain(number)
    is_code = "," not in number and "." not in number
    if is_code and (digits[0] == "0" and len(digits) > 1):
        return spelled(digits)
    if (
        is_code
        and len(digits) >= 8
        and not digits.endswith("000")
        and not after.lstrip().startswith(("元", "人", "個"))
    ):
        return spelled(digits)
    return decimal(digits, before_measure=bool(_TWO.match(after.lstrip())))


def _date(match: Match) -> str:
    year, month, day = match["y"], int(match["m"]), int(match["d"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{spelled(year)}年{cardinal(str(month))}月{cardinal(str(day))}日"


def _short_date(match: Match) -> str:
    """11/24 is a day; 1/2 is a half."""
    first, second = int(match["m"]), int(match["d"])
    if 1 <= first <= 12 and 12 < second <= 31:
        return f"{cardinal(str(first))}月{cardinal(str(second))}日"
    return f"{cardinal(str(second))}分之{cardinal(str(first))}"


def _year(match: Match) -> str:
    """2026年 is spelled, as is 95年 of a decade; 民國115年 and 3000年 are counted."""
    return spelled(match["n"]) + "年"


def _minguo(match: Match) -> str:
    return f"民國{cardinal(match['n'])}年"


def _time(match: Match) -> str:
    hours, minutes, seconds = int(match["h"]), int(match["m"]), match["s"]
    if hours > 24 or minutes > 59 or (seconds and int(seconds) > 59):
        return match[0]
    half = (match["ap"] or match["ap2"] or "").lower()[:1]
    day_part = _part_of_day(match, hours, half)
    said = f"{day_part}{cardinal(str(hours), before_measure=True)}點"
    if minutes or seconds:
        said += ("零" if 0 < minutes < 10 else "") + f"{cardinal(str(minutes))}分"
    return said + (f"{cardinal(seconds)}秒" if seconds else "")


def _part_of_day(match: Match, hours: int, half: str) -> str:
    """What a or p says, unless the text has said it: `下午3pm`."""
    if not half or match.string[: match.start()].rstrip().endswith(_PARTS_OF_DAY):
        return ""
    if half == "a":
        return "凌晨" if hours in {12, 1, 2, 3, 4} else "上午"
    return "中午" if hours == 12 else "下午" if hours < 6 else "晚上"


def _hour(match: Match) -> str:
    """`3pm`: 下午三點."""
    hours = int(match["h"])
    if not 1 <= hours <= 12:
        return match[0]
    return f"{_part_of_day(match, hours, match['ap'].lower())}{cardinal(str(hours), before_measure=True)}點"


def _weekday(match: Match) -> str:
    return f"星期{match['day']}"


def _percent(match: Match) -> str:
    of = "千分之" if match["sign"] == "‰" else "百分之"
    return f"{'負' if match['minus'] else ''}{of}{decimal(_plain(match['n']))}"


def _percent_range(match: Match) -> str:
    return f"百分之{decimal(_plain(match['a']))}到百分之{decimal(_plain(match['b']))}"


def _money(match: Match) -> str:
    name, unit = MONEY[match["money"]]
    amount = decimal(_plain(match["n"]), before_measure=True)
    return f"{name}{amount}{match['scale'] or ''}{unit}"


def _measure(match: Match) -> str:
    unit = match["unit"]
    minus = "零下" if match["minus"] and unit in SCALES else "負" if match["minus"] else ""
    return f"{SCALES.get(unit, '')}{minus}{decimal(_plain(match['n']), before_measure=True)}{UNITS[unit]}"


def _phone(match: Match) -> str:
    """Group by group, digit by digit."""
    plus = "加" if match[0].startswith("+") else ""
    return plus + "，".join(spelled(group) for group in re.findall(r"\d+", match[0]))


def _extension(match: Match) -> str:
    return f"分機{spelled(match['n'])}"


def _digits(match: Match) -> str:
    return spelled(match["n"])


def _code(match: Match) -> str:
    """`密碼是8888`: 八八八八."""
    return f"{match['what']}{spelled(match['n'])}"


def _plate(match: Match) -> str:
    """`5678-AB`: 五六七八 A B."""
    return f"{spelled(match['n'])} {'.'.join(match['letters'])}."


def _bus(match: Match) -> str:
    """`307公車`, `公車307號`: 三零七."""
    return spelled(match["n"] or match["m"])


def _discount(match: Match) -> str:
    """`85折` is 八五折."""
    return f"{spelled(match['n'])}折"


def _mixed(match: Match) -> str:
    """`1 1/2`: 一又二分之一."""
    return f"{cardinal(match['n'])}又{cardinal(match['b'])}分之{cardinal(match['a'])}"


def _power(match: Match) -> str:
    return "的平方" if match[0] == "²" else "的三次方"


def _range(match: Match) -> str:
    after = match.string[match.end() :]
    return f"{_said(match['a'], after)}到{_said(match['b'], after)}"


def _ratio(match: Match) -> str:
    return f"{cardinal(match['a'])}比{cardinal(match['b'])}"


def _sum(match: Match) -> str:
    return SIGNS[match[1]]


def _negative(match: Match) -> str:
    return "負" + _number(match)


def _ordinal(match: Match) -> str:
    return "第" + cardinal(match["n"])


def _version(match: Match) -> str:
    return "點".join(cardinal(part) for part in match[0].split("."))


def _hotline_or_number(match: Match) -> str:
    digits = match[0].strip()
    return spelled(digits) if digits in HOTLINES else match[0]


def _with_letters(match: Match) -> str:
    """Figures that touch Latin letters: `5G` 五 G, `A380` A 三八零, `iPhone15` iPhone 十五."""
    digits = match[0]
    return f" {decimal(digits) if len(digits.split('.')[0]) < 3 else spelled(digits.replace('.', ''))} "


_Rule = tuple[re.Pattern[str], Callable[[Match], str]]


def _rule(pattern: str, say: Callable[[Match], str]) -> _Rule:
    return re.compile(pattern), say


def _either(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_RULES: Final[tuple[_Rule, ...]] = (
    _rule(rf"{_ALONE}(?P<y>\d{{4}})(?P<_>[-/.])(?P<m>\d{{1,2}})(?P=_)(?P<d>\d{{1,2}}){_END}", _date),
    _rule(r"民國\s?(?P<n>\d{1,3})\s?年", _minguo),
    _rule(rf"{_ALONE}(?P<a>(?:19|20)\d\d){_DASH}(?P<n>(?:19|20)\d\d)\s?年", lambda m: f"{spelled(m['a'])}到{_year(m)}"),
    _rule(rf"{_ALONE}(?P<n>1[1-9]\d\d|20\d\d|21\d\d)\s?年", _year),
    _rule(
        r"(?:(?P<ap>AM|PM|am|pm)\s?)?(?<![\d.:])(?P<h>\d{1,2})[:：](?P<m>[0-5]\d)(?:[:：](?P<s>[0-5]\d))?(?![\d:：])"
        r"(?:\s?(?P<ap2>[AaPp]\.?[Mm]\.?)(?![A-Za-z]))?",
        _time,
    ),
    _rule(rf"{_ALONE}(?P<h>\d{{1,2}})\s?(?P<ap>[AaPp])\.?[Mm]\.?(?![A-Za-z])", _hour),
    _rule(r"(?<!\d)(?P<a>\d{1,4})\s?[:：]\s?(?P<b>\d{1,4})(?![\d:：])", _ratio),
    _rule(r"(?<=\d)\s?#(?P<n>\d{1,6})(?!\d)", _extension),
    _rule(r"(?<=分機)\s?(?P<n>\d{3,6})(?!\d)", _digits),
    _rule(r"\+\d{1,3}[- ]\d{1,4}(?:[- ]\d{2,4}){1,4}(?!\d)", _phone),
    _rule(
        r"\(0\d{1,3}\)\s?\d{3,4}[- ]?\d{3,4}(?!\d)|(?<!\d)0\d{1,3}(?:[- ]\d{3,4}){1,2}(?:[- ]\d{1,4})?(?!\d)", _phone
    ),
    _rule(r"(?<!\d)0\d{8,9}(?!\d)", _phone),
    _rule(rf"(?P<what>(?:{_CODES})(?:\s?[:：]|是|為)?\s?)(?P<n>\d{{2,40}})(?![\d,.:/%年月日個組位次])", _code),
    _rule(r"(?<=公車)\s?(?P<n>\d{3,4})(?!\d)|(?<![\d.,])(?P<m>\d{3,4})(?=\s?(?:路|號)?公車)", _bus),
    _rule(r"(?<![\d.,])(?P<n>\d{3,4})(?=\s?(?:號房|教室|室(?!內|溫|外)|病房))", _digits),
    _rule(r"(?<![\d.,])(?P<n>[1-9][1-9])\s?折(?![疊合成])", _discount),
    _rule(r"(?<![\d.\-])7-(?:11|ELEVEN|Eleven|eleven)(?![\d%月日號點歲個人天折:：])", lambda _: " Seven Eleven "),
    _rule(rf"(?P<a>{_NUMBER})\s?[%％]?{_DASH}(?P<b>{_NUMBER})\s?[%％]", _percent_range),
    _rule(rf"(?<![\d%])(?P<minus>[-−])?(?P<n>{_NUMBER})\s?(?P<sign>[%％‰])", _percent),
    _rule(rf"(?P<money>{_either(MONEY)})\s?(?P<n>{_NUMBER})\s?(?P<scale>[百千]?[萬億兆]|[百千])?元?", _money),
    _rule(rf"{_ALONE}(?P<minus>[-−])?(?P<n>{_NUMBER})\s?(?P<unit>{_either(UNITS)})(?![A-Za-z²³])", _measure),
    _rule(rf"{_ALONE}(?P<a>{_NUMBER}){_DASH}(?P<b>{_NUMBER})(?![\d\-–~～])", _range),
    _rule(r"(?<![\d/.])(?P<n>\d{1,3}) (?P<a>\d{1,2})/(?P<b>\d{1,2})(?![\d/])", _mixed),
    _rule(r"(?<![\d/])(?P<m>\d{1,2})/(?P<d>\d{1,2})(?![\d/])", _short_date),
    _rule(r"第\s?(?P<n>\d{1,20})", _ordinal),
    _rule(r"(?<![\d.])\d{1,4}(?:\.\d{1,4}){2,4}(?![\d.])", _version),
    _rule(r"(?<=[\d)])\s?([+×x*÷=><≥≤≠≈±])\s?(?=[\d(])", _sum),
    # A number plate, a code: ABC-1234.
    _rule(r"(?<=[A-Za-z])\s?-(?P<n>\d{3,20})(?![\d.,])", lambda m: f" {_digits(m)}"),
    _rule(r"(?<![\dA-Za-z.,])(?P<n>\d{3,4})-(?P<letters>[A-Z]{1,3})(?![A-Za-z])", _plate),
    _rule(rf"(?<=[A-Za-z])\d{{1,40}}(?:\.\d{{1,9}})?|{_ALONE}\d{{1,40}}(?:\.\d{{1,9}})?(?=[A-Za-z])", _with_letters),
    _rule(rf"(?<![\d\w])[-−](?P<n>{_NUMBER})", _negative),
    _rule(r"(?<!\d)\d{3,4}(?=專線|熱線|報案|$)|(?<=[撥打])\s?\d{3,4}(?!\d)", _hotline_or_number),
    _rule(rf"(?P<n>{_NUMBER})", _number),
    _rule(r"(?<=[\d\w])[²³]", _power),
    _rule(r"(?<=[日號])\s?[(（](?:週|星期)?(?P<day>[一二三四五六日])[)）]", _weekday),
    # What the rules above have made: 九點-十點, COVID-十九.
    _rule(rf"(?<=[{_SAID}元度分秒年月日點])\s?[-–—~～]\s?(?=[{_SAID}])", lambda _: "到"),
    _rule(rf"(?<=[A-Za-z])[-–](?=[{_SAID}])", lambda _: " "),
)
