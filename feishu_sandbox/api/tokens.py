"""tenant_access_tokens (facts, "Tokens")."""

import secrets
from dataclasses import dataclass

from ..rules import Rules
from ..world import App


@dataclass(frozen=True, slots=True)
class _Issued:
    token: str
    app: App
    expires_at: float


class Tokens:
    """The tokens of all apps. A new one is issued when the current one is near its end; both are valid."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._issued: dict[str, _Issued] = {}
        self._current: dict[str, _Issued] = {}

    def issue(self, app: App) -> tuple[str, int]:
        """The app's token and the seconds it still lives."""
        now = self._rules.clock()
        current = self._current.get(app.app_id)
        if current is None or current.expires_at - now < self._rules.token_renew_below:
            current = _Issued("t-g1" + secrets.token_hex(19), app, now + self._rules.token_ttl)
            self._issued[current.token] = self._current[app.app_id] = current
        return current.token, int(current.expires_at - now)

    def owner(self, token: str) -> App | None:
        """The app a token belongs to; None if it is unknown, expired or invalidated."""
        issued = self._issued.get(token)
        return issued.app if issued is not None and issued.expires_at > self._rules.clock() else None

    def invalidate(self, app_id: str | None = None) -> None:
        """Forget the tokens of an app, or all."""
        for issued in tuple(self._issued.values()):
            if app_id in (None, issued.app.app_id):
                del self._issued[issued.token]
                self._current.pop(issued.app.app_id, None)
