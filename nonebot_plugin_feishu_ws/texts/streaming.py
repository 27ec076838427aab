"""What is said on a card while an answer is written into it. Chinese and English side by side."""

from .language import Spoken


class StreamTexts(Spoken):
    """The texts in one language."""

    def steps(self) -> str:
        return self._in("执行过程", "Steps")

    def stop(self) -> str:
        return self._in("停止", "Stop")

    def continued(self, title: str, number: int) -> str:
        """The title of a further card."""
        return self._in(f"{title}（{number}）", f"{title} ({number})")

    def whole_below(self) -> str:
        return self._in(
            "飞书结束了这张卡片的实时更新，完整回答见后续消息。",
            "Feishu ended the live updates of this card. The whole answer follows as a message.",
        )
