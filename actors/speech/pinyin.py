"""A Mandarin syllable in pinyin as the phonemes that the Kokoro model was trained on.

The alphabet is IPA without its combining marks, and an arrow for the tone behind the vowel: `hao3` is `xau↓`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: The arrows of the four tones; the neutral one has none.
_TONES: Final[Mapping[str, str]] = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

_INITIALS: Final[Mapping[str, str]] = {
    "b": "p",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k",
    "k": "kʰ",
    "h": "x",
    "j": "ʨ",
    "q": "ʨʰ",
    "x": "ɕ",
    "r": "ɻ",
    "zh": "ꭧ",
    "ch": "ꭧʰ",
    "sh": "ʂ",
    "z": "ʦ",
    "c": "ʦʰ",
    "s": "s",
    "": "",
}

#: Finals as they are without their spelling rules (`iou`, not `iu`); `0` is the place of the tone.
_FINALS: Final[Mapping[str, str]] = {
    "a": "a0",
    "ai": "ai0",
    "an": "a0n",
    "ang": "a0ŋ",
    "ao": "au0",
    "e": "ɤ0",
    "ei": "ei0",
    "en": "ə0n",
    "eng": "ə0ŋ",
    "i": "i0",
    "ia": "ja0",
    "ian": "jɛ0n",
    "iang": "ja0ŋ",
    "iao": "jau0",
    "ie": "je0",
    "in": "i0n",
    "ing": "i0ŋ",
    "iong": "jʊ0ŋ",
    "iou": "jou0",
    "o": "wo0",
    "ong": "ʊ0ŋ",
    "ou": "ou0",
    "u": "u0",
    "ua": "wa0",
    "uai": "wai0",
    "uan": "wa0n",
    "uang": "wa0ŋ",
    "uei": "wei0",
    "uen": "wə0n",
    "ueng": "wə0ŋ",
    "uo": "wo0",
    "v": "y0",
    "ve": "ɥe0",
    "van": "ɥɛ0n",
    "vn": "y0n",
}

#: Syllables that are no initial and final: interjections and hums.
_WHOLE: Final[Mapping[str, str]] = {
    "er": "ɚ0",
    "r": "ɚ0",
    "o": "ɔ0",
    "yo": "jɔ0",
    "ê": "ɛ0",
    "m": "m0",
    "n": "n0",
    "ng": "ŋ0",
    "wong": "ʊ0ŋ",
    "hm": "hm0",
    "hng": "hŋ0",
}

#: The i of `zhi` and `zi` is no i.
_BUZZED_AFTER: Final = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
_FRONTED_AFTER: Final = frozenset({"j", "q", "x"})

#: Finals as they are spelled behind an initial.
_SHORTENED: Final[Mapping[str, str]] = {"iu": "iou", "ui": "uei", "un": "uen", "ue": "ve"}

#: What stands for the i, u and ü that begin a syllable: `yu` for v, `yi` for i, `wu` for u.
_UNWRITTEN: Final = (("yu", "v"), ("yi", "i"), ("y", "i"), ("wu", "u"), ("w", "u"))

_SYLLABLE: Final = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)([a-zê]+)")


class NotPinyin(ValueError):
    """It is no syllable of Mandarin."""


def phonemes_of_syllable(syllable: str) -> str:
    """The phonemes of a syllable with its tone, 5 being the neutral one: `nü3` or `nv3` is `ny↓`.

    Raises:
        NotPinyin: there is no such syllable.
    """
    sound, tone = syllable[:-1].replace("ü", "v"), syllable[-1:]
    if tone not in _TONES:
        raise NotPinyin(syllable)
    return _toneless(sound, syllable).replace("0", _TONES[tone])


def _toneless(sound: str, syllable: str) -> str:
    if sound in _WHOLE:
        return _WHOLE[sound]
    found = _SYLLABLE.fullmatch(_with_written_glide(sound))
    if found is None:
        raise NotPinyin(syllable)
    initial, final = found.groups()
    final = _SHORTENED.get(final, final)
    if initial in _FRONTED_AFTER and final.startswith("u"):
        final = {"u": "v", "uan": "van", "uen": "vn"}.get(final, final)
    if initial in _BUZZED_AFTER and final == "i":
        return _INITIALS[initial] + "ɨ0"
    if final not in _FINALS:
        raise NotPinyin(syllable)
    return _INITIALS[initial] + _FINALS[final]


def _with_written_glide(sound: str) -> str:
    """`yue` as `ve`, `wei` as `uei`: y and w only say that a vowel begins the syllable."""
    for written, glide in _UNWRITTEN:
        if sound.startswith(written):
            return glide + sound.removeprefix(written)
    return sound
