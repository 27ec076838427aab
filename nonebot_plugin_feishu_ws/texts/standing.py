"""What is said of connections that are missing, and of those that are not ours."""

from ..connectors import Connector, Reported, error_of
from .doctor import DoctorTexts
from .language import Spoken


class StandingTexts(Spoken):
    """The texts in one language."""

    def trouble(self, connector: Connector, reported: Reported) -> list[str]:
        """What keeps it from being connected, or from all its events, and what to do; one sentence or two each."""
        error = error_of(connector, reported)
        found = [error] if error else []
        if 0 < reported.connections < reported.wanted:
            todo = DoctorTexts(self.locale).reason(reported.reason).todo if reported.reason else ""
            found.append(self.partial(reported.connections, reported.wanted, todo))
        if reported.strangers:
            found.append(self.strangers(reported.strangers))
        return found

    def partial(self, count: int, wanted: int, todo: str) -> str:
        """Fewer connections than there should be, and what to do."""
        text = self._in(
            f"{wanted} 个连接只建立了 {count} 个，会继续重试。",
            f"{count} of {wanted} connections are open; the others are tried again.",
        )
        return f"{text}{self._in('', ' ')}{todo}" if todo else text

    def strangers(self, count: int) -> str:
        """Somebody else's connections of the same app, and what to do."""
        return self._in(
            f"该应用有 {count} 个连接不是我们的，会分走事件：停掉使用同一 App ID 的其他程序；"
            "找不到时重置 App Secret。",
            f"{count} connection(s) of this app are not ours: they take events away. Stop other programs with this "
            "App ID; if you cannot find them, reset the App Secret.",
        )

    def strangers_in_short(self, count: int) -> str:
        """The same in a word."""
        return self._in(f"⚠️ {count} 个外来连接（见 status）", f"⚠️ {count} not ours (see status)")
