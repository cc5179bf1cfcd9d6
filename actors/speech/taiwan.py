"""How Taiwan reads what the dictionaries, made in Beijing, read otherwise. Keys are traditional characters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: A character's reading in Beijing and its reading in Taiwan (the Ministry of Education's list of 1999, or usage).
CHARACTERS: Final[Mapping[str, Mapping[str, str]]] = {
    "企": {"qi3": "qi4"},
    "期": {"qi1": "qi2"},
    "質": {"zhi4": "zhi2"},
    "擊": {"ji1": "ji2"},
    "夕": {"xi1": "xi4"},
    "微": {"wei1": "wei2"},
    "薇": {"wei1": "wei2"},
    "危": {"wei1": "wei2"},
    "巍": {"wei1": "wei2"},
    "息": {"xi1": "xi2"},
    "熄": {"xi1": "xi2"},
    "媳": {"xi1": "xi2"},
    "惜": {"xi1": "xi2"},
    "昔": {"xi1": "xi2"},
    "錫": {"xi1": "xi2"},
    "突": {"tu1": "tu2"},
    "凸": {"tu1": "tu2"},
    "叔": {"shu1": "shu2"},
    "淑": {"shu1": "shu2"},
    "識": {"shi2": "shi4"},
    "跡": {"ji4": "ji1"},
    "蹟": {"ji4": "ji1"},
    "績": {"ji4": "ji1"},
    "寂": {"ji4": "ji2"},
    "髮": {"fa4": "fa3"},
    "擁": {"yong1": "yong3"},
    "播": {"bo1": "bo4"},
    "帆": {"fan1": "fan2"},
    "菌": {"jun1": "jun4"},
    "綜": {"zong1": "zong4"},
    "暫": {"zan4": "zhan4"},
    "儲": {"chu3": "chu2"},
    "穴": {"xue2": "xue4"},
    "血": {"xue4": "xie3"},
    "究": {"jiu1": "jiu4"},
    "檔": {"dang4": "dang3"},
    "夾": {"jia1": "jia2"},
    "誼": {"yi2": "yi4"},
    "攜": {"xie2": "xi1"},
    "築": {"zhu4": "zhu2"},
    "偽": {"wei3": "wei4"},
    "頗": {"po1": "po3"},
    "脊": {"ji3": "ji2"},
    "框": {"kuang4": "kuang1"},
    "眶": {"kuang4": "kuang1"},
    "括": {"kuo4": "gua1"},
    "肋": {"lei4": "le4"},
    "酪": {"lao4": "luo4"},
    "緝": {"ji1": "qi4"},
    "淆": {"xiao2": "yao2"},
    "哮": {"xiao1": "xiao4"},
    "挾": {"xie2": "xia2"},
    "馴": {"xun4": "xun2"},
    "酵": {"jiao4": "xiao4"},
    "拙": {"zhuo1": "zhuo2"},
    "癌": {"yan2": "ai2"},
    "骰": {"tou2": "shai3"},
    "妮": {"ni1": "ni2"},
    "姆": {"mu3": "mu3"},
}

#: Words that are read as a whole in another way.
WORDS: Final[Mapping[str, str]] = {
    "垃圾": "le4 se4",
    "主角": "zhu3 jiao3",
    "配角": "pei4 jiao3",
    "角色": "jiao3 se4",
    "法國": "fa4 guo2",
    "曝光": "pu4 guang1",
    "曝露": "pu4 lu4",
    "液體": "yi4 ti3",
    "血液": "xie3 yi4",
    "液": "yi4",
    "熟": "shou2",
    "露": "lu4",
    "和": "han4",
    "連累": "lian2 lei4",
    "給予": "ji3 yu3",
    "口吃": "kou3 ji2",
    "從容": "cong1 rong2",
    "復興": "fu4 xing1",
    "提供": "ti2 gong1",
    "關係": "guan1 xi4",
    "便利": "bian4 li4",
    "捷運": "jie2 yun4",
    "滷味": "lu3 wei4",
    "部署": "bu4 shu4",
    "公車": "gong1 che1",
    "混淆": "hun4 yao2",
    "亞洲": "ya3 zhou1",
    "東南亞": "dong1 nan2 ya3",
    "殼": "ke2",
    "貝殼": "bei4 ke2",
    "包括": "bao1 gua1",
    "括號": "gua1 hao4",
}

#: What keeps its neutral tone in Taiwan. Other syllables that Beijing reads without a tone have theirs there.
NEUTRAL: Final = frozenset("的地得了著子頭們麼嗎呢吧啊呀啦喔囉嘛個欸耶呵")


def taiwan_reading(character: str, syllable: str) -> str:
    """The reading of a character in Taiwan, where the dictionary says `syllable`."""
    return CHARACTERS.get(character, {}).get(syllable, syllable)
