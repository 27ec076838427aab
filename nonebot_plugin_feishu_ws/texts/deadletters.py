"""What is said about events that were given up."""

from .language import Spoken


class DeadLetterTexts(Spoken):
    """The texts in one language."""

    def none(self) -> str:
        return self._in("没有被放弃的事件。", "No event was given up.")

    def columns(self) -> tuple[str, ...]:
        return (
            self._in("事件", "event"),
            self._in("收到于", "received at"),
            self._in("类型", "type"),
            self._in("消息", "message"),
            self._in("原因", "why"),
        )

    def how(self, name: str, root: str) -> str:
        return self._in(
            f"重新处理：{root} replay {name} 事件ID，或 {root} replay {name} all",
            f"To have them handled after all: {root} replay {name} EVENT_ID, or {root} replay {name} all",
        )

    def replayed(self, count: int) -> str:
        if self.locale == "zh_CN":
            return f"{count} 个事件将在几秒内重新处理。" if count else "没有被放弃的事件。"
        if count == 0:
            return self.none()
        return f"{count} event{'s' if count > 1 else ''} will be handled again within seconds."

    def unknown(self, event_id: str) -> str:
        return self._in(f"没有被放弃的事件 {event_id}。", f"There is no dead letter {event_id}.")
