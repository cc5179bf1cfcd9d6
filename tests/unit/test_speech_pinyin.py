"""actors/speech/pinyin.py: syllables as the model knows them."""

from pathlib import Path

import pytest

from actors.speech.pinyin import NotPinyin, phonemes_of_syllable

#: Every syllable that pypinyin knows, in five tones, as misaki 0.9.4 writes it: what the model was trained on.
TRAINED_ON = Path(__file__).parents[1] / "readings" / "syllables.tsv"


def trained_on() -> dict[str, str]:
    rows = [line.split("\t") for line in TRAINED_ON.read_text(encoding="utf-8").splitlines()]
    return {f"{syllable}{tone}": said for syllable, *tones in rows for tone, said in enumerate(tones, 1)}


def test_every_syllable_in_every_tone_is_written_as_the_model_was_trained() -> None:
    expected = {
        syllable: said for syllable, said in trained_on().items() if not syllable.startswith("yo") or len(syllable) > 3
    }
    assert len(expected) > 2100
    assert {syllable: phonemes_of_syllable(syllable) for syllable in expected} == expected


def test_yo_is_said_as_it_sounds() -> None:
    """misaki makes wo of 唷."""
    assert trained_on()["yo1"] == "wo→"
    assert phonemes_of_syllable("yo1") == "jɔ→"


@pytest.mark.parametrize("nothing", ["", "3", "hao", "hao6", "xyz1", "zh1", "hǎo"])
def test_what_is_no_syllable_is_refused(nothing: str) -> None:
    with pytest.raises(NotPinyin):
        phonemes_of_syllable(nothing)
