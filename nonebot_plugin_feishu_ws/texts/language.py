"""The language of a text."""

from dataclasses import dataclass
from typing import Literal

Locale = Literal["zh_CN", "en_US"]


def locale_for(setting: Literal["auto", "zh_CN", "en_US"], base_url: str) -> Locale:
    """The language to speak on one platform: `auto` is English on Lark and Chinese on Feishu."""
    if setting != "auto":
        return setting
    return "en_US" if "lark" in base_url else "zh_CN"


@dataclass(frozen=True, slots=True)
class Spoken:
    """Texts in one language: one method per text, its parameters the facts it speaks of."""

    locale: Locale

    def _in(self, zh: str, en: str) -> str:
        return zh if self.locale == "zh_CN" else en
