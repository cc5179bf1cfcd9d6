"""What Chinese text writes in figures and signs, in the characters that are said: dates, times, money, units.

`2026/11/24` becomes 二零二六年十一月二十四日. Each rule is a pattern and what is said for it; they are
tried in order, and what one has made no other touches, as it holds no figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from actors.speech.chinese_numbers import cardinal, decimal, spelled

Match = re.Match[str]

#: A number as it is written: thousands may have commas.
_NUMBER: Final = r"\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,20})?(?!\d)|\d{1,40}(?:\.\d{1,20})?"
#: Neither inside a number nor a word of Latin letters.
_ALONE: Final = r"(?<![\dA-Za-z.,])"
_END: Final = r"(?![\dA-Za-z])"
_DASH: Final = r"\s?[-–—~～至]\s?"

_UNITS: Final[Mapping[str, str]] = {
    "km/h": "公里每小時",
    "m/s": "公尺每秒",
    "km": "公里",
    "cm": "公分",
    "mm": "公釐",
    "nm": "奈米",
    "μm": "微米",
    "kg": "公斤",
    "mg": "毫克",
    "g": "公克",
    "ml": "毫升",
    "mL": "毫升",
    "cc": "西西",
    "L": "公升",
    "m": "公尺",
    "km²": "平方公里",
    "m²": "平方公尺",
    "㎡": "平方公尺",
    "m³": "立方公尺",
    "㎞": "公里",
    "㎝": "公分",
    "㎜": "公釐",
    "㎏": "公斤",
    "°C": "度",
    "℃": "度",
    "°F": "度",
    "℉": "度",
    "°": "度",
    "kWh": "度",
    "kW": "千瓦",
    "W": "瓦",
    "Hz": "赫茲",
    "kHz": "千赫",
    "MHz": "百萬赫茲",
    "GHz": "吉赫",
    "dB": "分貝",
    "V": "伏特",
    "mAh": "毫安時",
    "hr": "小時",
    "min": "分鐘",
    "ms": "毫秒",
    "sec": "秒",
    "kcal": "大卡",
    "ppm": "P P M",
    "rpm": "轉",
    "坪": "坪",
}
_SCALES: Final[Mapping[str, str]] = {"°C": "攝氏", "℃": "攝氏", "°F": "華氏", "℉": "華氏"}
_MONEY: Final[Mapping[str, tuple[str, str]]] = {
    "NT$": ("新台幣", "元"),
    "NTD": ("新台幣", "元"),
    "TWD": ("新台幣", "元"),
    "US$": ("", "美元"),
    "USD": ("", "美元"),
    "HK$": ("", "港幣"),
    "$": ("", "元"),
    "€": ("", "歐元"),
    "£": ("", "英鎊"),
    "¥": ("", "日圓"),
    "￥": ("", "日圓"),
    "₩": ("", "韓元"),
    "RMB": ("人民幣", "元"),
    "JPY": ("", "日圓"),
    "EUR": ("", "歐元"),
}
_SIGNS: Final[Mapping[str, str]] = {
    "+": "加",
    "×": "乘",
    "x": "乘",
    "*": "乘",
    "÷": "除以",
    "=": "等於",
    ">": "大於",
    "<": "小於",
    "≥": "大於等於",
    "≤": "小於等於",
    "≠": "不等於",
    "≈": "約等於",
    "±": "正負",
    "-": "減",
    "−": "減",
}

#: How what the rules make begins and ends.
_SAID: Final = "零一二三四五六七八九十百千萬億兩"

#: Before these a 2 is 兩. Not before 月 日 號 樓 班 年級, which are counted, not measured.
_MEASURES: Final = (
    "個|位|人|天|次|年(?!級|代|次|級)|小時|分鐘|秒|點|倍|種|本|杯|件|張|枝|支|台|輛|隻|條|間|家|週|周|歲|元|塊|萬|億|兆|千|百|"
    "公|美元|歐元|度|公斤|名|份|套|組|部|場|片|包|瓶|盒|碗|顆|層|座|把|雙|對|句|行|頁|篇|首|道|棟|匹|頭|朵|趟|回|成|英|日圓|刻|顆|袋|箱|罐|戶|席|票|項|款|筆|則|堂|代|毫|坪|集|頓|斤|兩|步|折|克|米"
)
_TWO: Final = re.compile(rf"(?:{_MEASURES})")

#: Numbers that everybody says digit by digit.
_HOTLINES: Final = frozenset(
    {"110", "113", "117", "119", "165", "911", "101", "104", "1999", "1922", "1950", "1955", "1966"}
)


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
    day_part = _part_of_day(hours, half) if half else ""
    said = f"{day_part}{cardinal(str(hours), before_measure=True)}點"
    if minutes or seconds:
        said += ("零" if 0 < minutes < 10 else "") + f"{cardinal(str(minutes))}分"
    return said + (f"{cardinal(seconds)}秒" if seconds else "")


def _part_of_day(hours: int, half: str) -> str:
    if half == "a":
        return "凌晨" if hours in {12, 1, 2, 3, 4} else "上午"
    return "中午" if hours == 12 else "下午" if hours < 6 else "晚上"


def _percent(match: Match) -> str:
    of = "千分之" if match["sign"] == "‰" else "百分之"
    return f"{'負' if match['minus'] else ''}{of}{decimal(_plain(match['n']))}"


def _percent_range(match: Match) -> str:
    return f"百分之{decimal(_plain(match['a']))}到百分之{decimal(_plain(match['b']))}"


def _money(match: Match) -> str:
    name, unit = _MONEY[match["money"]]
    amount = decimal(_plain(match["n"]), before_measure=True)
    return f"{name}{amount}{match['scale'] or ''}{unit}"


def _measure(match: Match) -> str:
    unit = match["unit"]
    minus = "零下" if match["minus"] and unit in _SCALES else "負" if match["minus"] else ""
    return f"{_SCALES.get(unit, '')}{minus}{decimal(_plain(match['n']), before_measure=True)}{_UNITS[unit]}"


def _phone(match: Match) -> str:
    """Group by group, digit by digit."""
    plus = "加" if match[0].startswith("+") else ""
    return plus + "，".join(spelled(group) for group in re.findall(r"\d+", match[0]))


def _range(match: Match) -> str:
    after = match.string[match.end() :]
    return f"{_said(match['a'], after)}到{_said(match['b'], after)}"


def _ratio(match: Match) -> str:
    return f"{cardinal(match['a'])}比{cardinal(match['b'])}"


def _sum(match: Match) -> str:
    return _SIGNS[match[1]]


def _negative(match: Match) -> str:
    return "負" + _number(match)


def _ordinal(match: Match) -> str:
    return "第" + cardinal(match["n"])


def _version(match: Match) -> str:
    return "點".join(cardinal(part) for part in match[0].split("."))


def _hotline_or_number(match: Match) -> str:
    digits = match[0].strip()
    return spelled(digits) if digits in _HOTLINES else match[0]


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
    _rule(r"(?<!\d)(?P<a>\d{1,4})\s?[:：]\s?(?P<b>\d{1,4})(?![\d:：])", _ratio),
    _rule(r"\+\d{1,3}[- ]\d{1,4}(?:[- ]\d{2,4}){1,4}(?!\d)", _phone),
    _rule(
        r"\(0\d{1,3}\)\s?\d{3,4}[- ]?\d{3,4}(?!\d)|(?<!\d)0\d{1,3}(?:[- ]\d{3,4}){1,2}(?:[- ]\d{1,4})?(?!\d)", _phone
    ),
    _rule(r"(?<!\d)0\d{8,9}(?!\d)", _phone),
    _rule(rf"(?P<a>{_NUMBER})\s?[%％]?{_DASH}(?P<b>{_NUMBER})\s?[%％]", _percent_range),
    _rule(rf"(?<![\d%])(?P<minus>[-−])?(?P<n>{_NUMBER})\s?(?P<sign>[%％‰])", _percent),
    _rule(rf"(?P<money>{_either(_MONEY)})\s?(?P<n>{_NUMBER})\s?(?P<scale>[百千]?[萬億兆]|[百千])?元?", _money),
    _rule(rf"{_ALONE}(?P<minus>[-−])?(?P<n>{_NUMBER})\s?(?P<unit>{_either(_UNITS)})(?![A-Za-z²³])", _measure),
    _rule(rf"{_ALONE}(?P<a>{_NUMBER}){_DASH}(?P<b>{_NUMBER})(?![\d\-–~～])", _range),
    _rule(r"(?<![\d/])(?P<m>\d{1,2})/(?P<d>\d{1,2})(?![\d/])", _short_date),
    _rule(r"第\s?(?P<n>\d{1,20})", _ordinal),
    _rule(r"(?<![\d.])\d{1,4}(?:\.\d{1,4}){2,4}(?![\d.])", _version),
    _rule(r"(?<=[\d)])\s?([+×x*÷=><≥≤≠≈±])\s?(?=[\d(])", _sum),
    _rule(rf"(?<=[A-Za-z])\d{{1,40}}(?:\.\d{{1,9}})?|{_ALONE}\d{{1,40}}(?:\.\d{{1,9}})?(?=[A-Za-z])", _with_letters),
    _rule(rf"(?<![\d\w])[-−](?P<n>{_NUMBER})", _negative),
    _rule(r"(?<!\d)\d{3,4}(?=專線|熱線|報案|$)|(?<=[撥打])\s?\d{3,4}(?!\d)", _hotline_or_number),
    _rule(rf"(?P<n>{_NUMBER})", _number),
    # What the rules above have made: 九點-十點, COVID-十九.
    _rule(rf"(?<=[{_SAID}元度分秒年月日點])\s?[-–—~～]\s?(?=[{_SAID}])", lambda _: "到"),
    _rule(rf"(?<=[A-Za-z])[-–](?=[{_SAID}])", lambda _: " "),
)
