"""A diagnosis in words."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...connectors import Check, CheckName, CheckOutcome
from ..language import Spoken
from .words import BOT_STATES, EVENT_HINTS, LONG_CONNECTION_HINT, OUTCOMES, PURPOSES, REASONS, TITLES


class Advice(NamedTuple):
    """A check in words: what was found, and what to do about it (empty: nothing)."""

    headline: str
    todo: str


class DoctorTexts(Spoken):
    """The texts of a diagnosis in one language."""

    def title(self, name: CheckName) -> str:
        return self._in(*TITLES[name])

    def outcome(self, outcome: CheckOutcome) -> str:
        return self._in(*OUTCOMES[outcome])

    def check(self, check: Check) -> Advice:
        """One check; the headline without its title and outcome."""
        facts = dict(check.facts)
        reason = facts.get("reason")
        if reason is None:
            return Advice(self._fine(check.name, facts), "")
        special = self._special(check.name, str(reason), facts)
        if special is not None:
            return special
        headline, todo = self.reason(str(reason))
        if check.name is CheckName.CONNECTION:
            return self._connection(headline, todo, facts)
        if reason == "inactive":
            state = BOT_STATES.get(int(str(facts["status"])))
            headline = self._join(headline, self._in(*state) if state else str(facts["status"]))
        if reason == "proxy_refuses":
            headline = self._join(headline, f"HTTP {facts['status']}")
        if "proxy" in facts:
            headline = self._join(headline, self._proxy(facts))
        return Advice(self._join(headline, _evidence(facts)), self._linked(todo, facts))

    def reason(self, reason: str) -> Advice:
        """A reason of a check, or the `gateway.Reason` of a status: what it is and what to do."""
        headline, todo = REASONS.get(reason, ((reason, reason), ("", "")))
        return Advice(self._in(*headline), self._in(*todo))

    def span(self, seconds: float) -> str:
        """A duration, in the unit that suits it."""
        for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
            if seconds >= 2 * size:
                return f"{seconds // size:.0f} {self._in(zh, en)}"
        return f"{seconds:.0f} {self._in('秒', 's')}"

    def _ago(self, seconds: float | None) -> str:
        if seconds is None:
            return self._in("无", "never")
        return self._in(f"{self.span(seconds)}前", f"{self.span(seconds)} ago")

    def _join(self, headline: str, more: str) -> str:
        return headline + self._in(f"（{more}）", f" ({more})") if more else headline

    def _linked(self, todo: str, facts: Mapping[str, Any]) -> str:
        return "\n".join(part for part in (todo, facts.get("link")) if part)

    def _proxy(self, facts: Mapping[str, Any]) -> str:
        if facts["proxy"] is None:
            return self._in("没有使用代理", "none in use")
        if facts["source"] == "connector":
            return facts["proxy"] + self._in("，连接器设置", ", the connector's")
        return facts["proxy"] + self._in("，环境变量", ", the environment's")

    def _fine(self, name: CheckName, facts: Mapping[str, Any]) -> str:
        match name:
            case CheckName.CREDENTIALS:
                return self._in("平台接受", "accepted")
            case CheckName.BOT:
                return self._in(f"{facts['name']}，已启用", f"{facts['name']}, active")
            case CheckName.BOOTSTRAP:
                return self._in(
                    f"已取得（{facts['host']}），没有占用连接",
                    f"given ({facts['host']}); no connection was used up",
                )
            case CheckName.CONNECTION:
                return self._up(facts)
            case CheckName.STRANGERS:
                return self._in(
                    f"没有（平台看到 {facts['online']} 个，都是我们的）",
                    f"none (the platform sees {facts['online']}, all ours)",
                )
            case CheckName.SCOPES:
                return self._in("所需权限都已开通", "all that are needed are granted")
            case CheckName.EVENTS:
                ago = self._ago(facts["last_event_ago"])
                return self._in(f"最近一次：{ago}", f"last one: {ago}")
            case CheckName.CLOCK:
                off = abs(facts["ahead"])
                return self._in(f"与平台相差 {off:.0f} 秒", f"{off:.0f} s from the platform's")
            case CheckName.PROXY:
                return self._proxy(facts)

    def _up(self, facts: Mapping[str, Any]) -> str:
        lasted, last = self.span(facts["connected_for"]), self._ago(facts["heartbeat_ago"])
        if "address" in facts:
            return self._in(
                f"已在 {facts['address']} 等候 {lasted}，最近请求：{last}",
                f"listening at {facts['address']} for {lasted}, last request: {last}",
            )
        return self._in(
            f"已连接 {lasted}，最近心跳：{last}", f"connected for {lasted}, last heartbeat: {last}"
        )

    def _special(self, name: CheckName, reason: str, facts: Mapping[str, Any]) -> Advice | None:
        """Texts made of more than a reason."""
        match name, reason:
            case CheckName.STRANGERS, "strangers":
                return self._strangers(facts["online"], facts["own"])
            case CheckName.STRANGERS, "unseen":
                return self._unseen(facts["online"], facts["own"])
            case CheckName.SCOPES, "missing":
                return self._missing(facts)
            case CheckName.EVENTS, "never" | "old":
                return self._quiet(facts)
            case CheckName.CLOCK, "skew":
                return self._skew(facts["ahead"])
            case _:
                return None

    def _connection(self, headline: str, todo: str, facts: Mapping[str, Any]) -> Advice:
        why = facts["gateway_reason"]
        if facts["reason"] == "partial":
            headline = self._in(
                f"{facts['wanted']} 个连接只建立了 {facts['open']} 个",
                f"{facts['open']} of {facts['wanted']} connections are open",
            )
            cause = self.reason(str(why)) if why else Advice("", "")
            more = "; ".join(part for part in (cause.headline, facts["error"]) if part)
            return Advice(self._join(headline, more), cause.todo)
        if facts["reason"] == "request_refused":
            return Advice(self._join(headline, facts["error"].rpartition(" ")[2]), todo)
        if why is None or facts["reason"] not in ("connecting", "reconnecting", "blocked"):
            return Advice(headline, todo)
        cause = self.reason(str(why))
        tries = self._in(f"第 {facts['attempt']} 次尝试", f"attempt {facts['attempt']}")
        more = "; ".join(part for part in (cause.headline, facts["error"], tries) if part)
        return Advice(self._join(headline, more), cause.todo or todo)

    def _strangers(self, online: int, own: int) -> Advice:
        return Advice(
            self._in(
                f"平台看到 {online} 个连接，我们只有 {own} 个：别的程序在分走事件",
                f"the platform sees {online}, ours are {own}: somebody else's connection takes part of the events",
            ),
            self._in(
                "每个事件只随机发给其中一个连接。停掉使用同一 App ID 的其他程序（旧部署、同事的电脑、别的框架）；"
                "找不到时重置 App Secret。刚断线重连过的话，几分钟后再看。",
                "Each event goes to one connection, at random. Stop other programs with this App ID (an old "
                "deployment, a colleague's laptop, another framework); if you cannot find them, reset the App Secret. "
                "After a reconnect, look again in a few minutes.",
            ),
        )

    def _unseen(self, online: int, own: int) -> Advice:
        return Advice(
            self._in(
                f"平台只看到 {online} 个连接，我们有 {own} 个",
                f"the platform sees {online} connections, ours are {own}",
            ),
            self._in(
                "几分钟后再看；仍然如此时 disconnect 再 connect。",
                "Look again in a few minutes; if it stays, disconnect and connect.",
            ),
        )

    def _missing(self, facts: Mapping[str, Any]) -> Advice:
        purposes = self._in("、", ", ").join(self._in(*PURPOSES[purpose]) for purpose in facts["purposes"])
        names = ", ".join(facts["missing"])
        return Advice(
            self._in(f"缺少 {names}，不能：{purposes}", f"{names} missing; it cannot {purposes}"),
            self._linked(
                self._in(
                    "打开链接开通，然后创建版本并发布。",
                    "Grant them under the link, then create and publish a version.",
                ),
                facts,
            ),
        )

    def _quiet(self, facts: Mapping[str, Any]) -> Advice:
        ago = facts["last_event_ago"]
        headline = (
            self._in("连接以来没有收到事件", "none since it was started")
            if ago is None
            else self._in(f"最近一次在{self._ago(ago)}", f"the last one came {self._ago(ago)}")
        )
        way = self.request_url(facts["address"]) if "address" in facts else self._in(*LONG_CONNECTION_HINT)
        every = [way, *(self._in(*hint) for hint in EVENT_HINTS)]
        hints = [f"{n}. {hint}" for n, hint in enumerate(every, start=1)]
        lead = self._in(
            "给机器人发一条消息；没有反应时依次检查：", "Write to the bot; if nothing comes, check in turn:"
        )
        return Advice(headline, self._linked("\n".join([lead, *hints]), facts))

    def request_url(self, address: str) -> str:
        """Where Feishu is to send to; who can reach this host, and by which name, is known to its operator alone."""
        return self._in(
            f"“事件与回调”里的事件和回调都选择“将…发送至开发者服务器”，请求地址填 https://你的域名{address}",
            "under “Events & Callbacks”, events and callbacks are both sent to the developer's server, request URL "
            f"https://YOUR-HOST{address}",
        )

    def _skew(self, ahead: float) -> Advice:
        off = self.span(abs(ahead))
        zh, en = ("快", "ahead of") if ahead > 0 else ("慢", "behind")
        return Advice(
            self._in(f"本机时钟比平台{zh} {off}", f"this machine is {off} {en} the platform"),
            self._in("用 NTP 校准本机时间。", "Set this machine's time by NTP."),
        )


def _evidence(facts: Mapping[str, Any]) -> str:
    """What the platform said, as it said it."""
    log_id = facts.get("log_id")
    said = " ".join(str(part) for part in (facts.get("code"), facts.get("msg")) if part is not None)
    return f"{said}, log id {log_id}" if log_id else said
