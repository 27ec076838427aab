"""What is said on and around cards in general. Chinese and English side by side."""

from .language import Spoken


class CardTexts(Spoken):
    """The texts in one language."""

    # --- cards that are too large ---------------------------------------------------------------------------

    def cut(self, characters: int) -> str:
        return self._in(f"…（省略 {characters:,} 个字符）", f"… ({characters:,} characters left out)")

    def left_out(self, parts: int) -> str:
        return self._in(f"…（省略 {parts:,} 个部分）", f"… ({parts:,} parts left out)")

    def part(self, title: str, number: int, of: int) -> str:
        return self._in(f"{title}（{number}/{of}）", f"{title} ({number}/{of})")

    # --- clicks ---------------------------------------------------------------------------------------------

    def failed(self) -> str:
        return self._in("操作失败，请稍后再试。", "That failed; please try again later.")

    def unusable(self, fields: str) -> str:
        return self._in(f"填写有误：{fields}", f"Cannot be used as it is: {fields}")

    def unusable_button(self, fields: str) -> str:
        said = self._in("这个按钮已不可用", "This button no longer works")
        return f"{said} ({fields})" if fields else said
