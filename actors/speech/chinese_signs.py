"""The signs that stand beside figures in Chinese text, and the words that they are said as in Taiwan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNITS: Final[Mapping[str, str]] = {
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
    "KB": " KB",
    "MB": " MB",
    "GB": " GB",
    "TB": " TB",
    "kbps": " kbps",
    "Mbps": " Mbps",
    "Gbps": " Gbps",
    "rpm": "轉",
    "坪": "坪",
}
SCALES: Final[Mapping[str, str]] = {"°C": "攝氏", "℃": "攝氏", "°F": "華氏", "℉": "華氏"}
MONEY: Final[Mapping[str, tuple[str, str]]] = {
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
SIGNS: Final[Mapping[str, str]] = {
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

#: Before these a 2 is 兩. Not before 月 日 號 樓 班 年級, which are counted, not measured.
MEASURES: Final = (
    "個|位|人|天|次|年(?!級|代|次|級)|小時|分鐘|秒|點|倍|種|本|杯|件|張|枝|支|台|輛|隻|條|間|家|週|周|歲|元|塊|萬|億|兆|千|百|"
    "公|美元|歐元|度|公斤|名|份|套|組|部|場|片|包|瓶|盒|碗|顆|層|座|把|雙|對|句|行|頁|篇|首|道|棟|匹|頭|朵|趟|回|成|英|日圓|刻|顆|袋|箱|罐|戶|席|票|項|款|筆|則|堂|代|毫|坪|集|頓|斤|兩|步|折|克|米|打(?![擊者算])"
)

#: Numbers that everybody says digit by digit.
HOTLINES: Final = frozenset(
    {"110", "113", "117", "119", "165", "911", "101", "104", "1999", "1922", "1950", "1955", "1966"}
)
