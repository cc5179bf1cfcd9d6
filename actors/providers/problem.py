"""What is wrong with a request, said in both languages: by the rules of the API, or by a provider about a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The languages that a client is answered in: Traditional Chinese and English.
Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str

    def __call__(self, language: Language, **values: object) -> str:
        """The sentence in one language, with its `{blanks}` filled in."""
        sentence = self.zh if language == "zh" else self.en
        return sentence.format(**values) if values else sentence

    def filled(self, **values: object) -> Text:
        """The sentence in both languages, its `{blanks}` filled in. A value may be a Text itself."""
        return Text(self("zh", **_in("zh", values)), self("en", **_in("en", values)))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request. `field` is its path in the request, as `turns[3].text`."""

    field: str
    text: Text


def _in(language: Language, values: dict[str, object]) -> dict[str, object]:
    return {name: value(language) if isinstance(value, Text) else value for name, value in values.items()}
