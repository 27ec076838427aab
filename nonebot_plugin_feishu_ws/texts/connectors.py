"""What is said about connectors, in Chinese and English, side by side. The same in chat and shell."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..connectors import (
    ConnectorError,
    ForeignChat,
    InvalidFields,
    NotAllowed,
    NoTarget,
    NotEnabled,
    NotSent,
    NotVerified,
    ReadOnly,
    RegistrationDenied,
    RegistrationError,
    RegistrationExpired,
    RegistrationUnreachable,
    RegistrationUnsupported,
    SecretsLocked,
    Taken,
    UnknownConnector,
    VerificationFailed,
)
from .butler import Texts
from .language import Spoken

# field: (Chinese, English) - what it takes
_FIELDS: Mapping[str, tuple[str, str]] = {
    "name": ("名称：1–32 个 a-z、0-9、-", "name: 1 to 32 of a-z, 0-9 and -"),
    "app_id": ("开发者后台的 App ID，如 cli_a1b2…", "the App ID from the developer console, like cli_a1b2…"),
    "app_secret": ("开发者后台的 App Secret", "the App Secret from the developer console"),
    "verification_token": ("事件订阅的 Verification Token，可留空", "the Verification Token, may be empty"),
    "encrypt_key": (
        "事件订阅的 Encrypt Key，用 webhook 时建议设置",
        "the Encrypt Key, best set for a webhook",
    ),
    "domain": ("feishu、lark 或网址", "feishu, lark or a URL"),
    "transport": (
        "ws（长连接）或 webhook（须先设置 encrypt_key 或 verification_token）",
        "ws (the long connection) or webhook (set encrypt_key or verification_token first)",
    ),
    "owner": ("负责人的 open_id", "the owner's open_id"),
    "approvers": (
        "审批人的 open_id，逗号分隔；* 表示会话中任何人",
        "open_ids, comma-separated; * = anyone in the chat",
    ),
    "proxy": ("代理地址，如 http://proxy.example:3128", "a proxy URL, like http://proxy.example:3128"),
    "allow_dm": ("true 或 false：是否接受私聊", "true or false: accept direct messages"),
    "allow_group_mention": ("true 或 false：是否接受群消息", "true or false: accept messages from groups"),
    "mention_required": (
        "true 或 false：群里是否必须 @ 机器人",
        "true or false: in groups the bot must be mentioned",
    ),
    "allowed_chat_ids": (
        "允许的 chat_id（oc_…），逗号分隔，留空为全部",
        "chat ids (oc_…), comma-separated; empty = all",
    ),
    "user_whitelist": (
        "允许的用户（open_id、user_id 或 union_id），逗号分隔，留空为全部",
        "users (open_id, user_id or union_id), comma-separated; empty = all",
    ),
    "prefix_command": (
        "对管家说话的前缀，至多 32 字，留空为不需要",
        "the prefix that speaks to the Butler; empty = none",
    ),
    "ignore_bot_messages": ("true 或 false：是否忽略其他机器人", "true or false: ignore other bots"),
    "rate_limit_per_minute": (
        "0–1000：每人每分钟条数，0 为不限",
        "0 to 1000 messages a minute and sender; 0 = no limit",
    ),
}


class ConnectorTexts(Spoken):
    """The texts in one language."""

    # --- words ----------------------------------------------------------------------------------------------

    def field(self, name: str) -> str:
        """What a field takes."""
        zh, en = _FIELDS.get(name, (name, name))
        return self._in(zh, en)

    def state(self, state: str) -> str:
        """A connector's state, with its light."""
        lights = {"connected": "🟢", "connecting": "🟡", "reconnecting": "🟡", "blocked": "🔴"}
        return f"{lights.get(state, '⚪')} {Texts(self.locale).state(state)}"

    def yes_no(self, value: bool) -> str:
        return self._in("是" if value else "否", "yes" if value else "no")

    def is_set(self, value: bool) -> str:
        return self._in("已设置" if value else "未设置", "set" if value else "not set")

    def moment(self, moment: datetime | None) -> str:
        return Texts(self.locale).moment(moment)

    def from_config(self) -> str:
        return self._in("（配置）", " (config)")

    # --- lists and headings ---------------------------------------------------------------------------------

    def no_connectors(self) -> str:
        return self._in(
            "还没有连接器。用 add 添加一个，或用 register 扫码创建。",
            "There is no connector yet. Add one with add, or create one by scanning with register.",
        )

    def columns(self) -> tuple[str, ...]:
        return (
            self._in("名称", "name"),
            self._in("状态", "state"),
            "App ID",
            self._in("已验证", "verified"),
            self._in("负责人", "owner"),
        )

    def status_columns(self) -> tuple[str, ...]:
        return (
            self._in("名称", "name"),
            self._in("状态", "state"),
            self._in("连接于", "connected at"),
            self._in("最近心跳", "last heartbeat"),
            self._in("最近事件", "last event"),
            self._in("重试", "attempts"),
            self._in("错误", "error"),
        )

    def log_columns(self) -> tuple[str, ...]:
        return (
            self._in("时间", "time"),
            self._in("级别", "level"),
            self._in("动作", "action"),
            self._in("详情", "detail"),
        )

    def check_columns(self) -> tuple[str, ...]:
        return (
            self._in("结果", "outcome"),
            self._in("检查", "check"),
            self._in("发现", "found"),
            self._in("建议", "what to do"),
        )

    def no_logs(self) -> str:
        return self._in("还没有日志。", "There is no log yet.")

    # --- what was done --------------------------------------------------------------------------------------

    def added(self, name: str) -> str:
        return self._in(
            f"已添加 {name}。下一步：verify {name} 验证，再 enable {name} 启用。",
            f"Added {name}. Next: verify {name}, then enable {name}.",
        )

    def updated(self, name: str, fields: Sequence[str], reset: bool) -> str:
        if not fields:
            return self._in(f"{name} 没有变化。", f"{name} is as it was.")
        what = self._in("、", ", ").join(fields)
        text = self._in(f"已修改 {name}：{what}。", f"Changed {name}: {what}.")
        if reset:
            text += self._in(
                f"凭证已更改，验证失效并已停用；请重新 verify {name} 和 enable {name}。",
                f" The credentials changed, so it is disabled until you verify {name} and enable {name} again.",
            )
        return text

    def verified(self, name: str, bot: str) -> str:
        return self._in(f"{name} 验证通过，机器人是“{bot}”。", f"{name} is verified; its bot is “{bot}”.")

    def enabled(self, name: str, enabled: bool) -> str:
        if enabled:
            return self._in(f"{name} 已启用，正在连接。", f"{name} is enabled and connecting.")
        return self._in(f"{name} 已停用，连接已断开。", f"{name} is disabled and disconnected.")

    def connected(self, name: str, connected: bool) -> str:
        if connected:
            return self._in(f"正在连接 {name}。", f"Connecting {name}.")
        return self._in(
            f"已断开 {name}；重启后或 connect {name} 会再次连接。",
            f"Disconnected {name}, until connect {name} or a restart.",
        )

    def removed(self, name: str) -> str:
        return self._in(f"已删除 {name} 及其密钥。", f"Removed {name} and its secrets.")

    def registered(self, name: str, bot: str) -> str:
        return self._in(
            f"应用已创建并验证：{name}，机器人是“{bot}”。下一步：enable {name} 启用。",
            f"The app is created and verified: {name}, its bot is “{bot}”. Next: enable {name}.",
        )

    def tested(self, name: str, target: str) -> str:
        return self._in(f"{name} 已向 {target} 发送消息。", f"{name} has sent the message to {target}.")

    # --- what went wrong ------------------------------------------------------------------------------------

    def denied(self) -> str:
        return self._in("你没有权限执行此操作。", "You may not do this.")

    def no_register_here(self) -> str:
        return self._in(
            "这里无法只给你一个人看链接；请私聊机器人再发送 register。",
            "The link must be shown to you alone, and that cannot be done here; send register in a direct chat.",
        )

    def not_registered(self, error: RegistrationError) -> str:
        """Why scan-to-create brought no app."""
        if isinstance(error, RegistrationDenied):
            return self._in("已拒绝创建应用。", "The app was declined.")
        if isinstance(error, RegistrationExpired):
            return self._in(
                "链接已过期，没有人确认；请重新 register。",
                "Nobody confirmed in time; register again for a new link.",
            )
        if isinstance(error, RegistrationUnsupported):
            return self._in(
                f"{error.host} 不支持扫码创建；请在其开发者后台创建应用，再用 add 添加。",
                f"{error.host} has no scan-to-create; make the app in its developer console, then add it.",
            )
        if isinstance(error, RegistrationUnreachable):
            return self._in(
                f"无法连接 {error.host}：{error.reason}", f"{error.host} cannot be reached: {error.reason}"
            )
        return self._in(f"飞书没有创建应用：{error}", f"Feishu did not create the app: {error}")

    def database_away(self) -> str:
        return self._in(
            "数据库暂时不可用，请稍后再试。", "The database is not available now; please try again later."
        )

    def unknown_verb(self, typed: str, similar: Sequence[str], help_line: str) -> str:
        hint = Texts(self.locale).did_you_mean(similar)
        return self._in(
            f"没有 {typed} 这个命令。{hint}发送 {help_line} 查看全部。",
            f"There is no verb {typed}.{hint} {help_line} lists them all.",
        )

    def usage(self, usage: str, example: str) -> str:
        return self._in(f"用法：{usage}\n例如：{example}", f"Usage: {usage}\nExample: {example}")

    def expected_assignment(self, word: str) -> str:
        return self._in(f"“{word}” 不是 字段=值 的形式。", f"“{word}” is not of the form field=value.")

    def secret_in_message(self, fields: Sequence[str]) -> str:
        what = ", ".join(fields)
        return self._in(
            f"不要在消息里写密钥（{what}）。请用 set NAME 不带该字段，会给出安全的填写方式。",
            f"Never write a secret ({what}) in a message. Use set NAME without it; a safe form follows.",
        )

    def error(self, error: ConnectorError) -> str:
        """Why something was not done, and what to do about it."""
        name = error.name
        if isinstance(error, UnknownConnector):
            known = self._in("、", ", ").join(error.known) or self._in("无", "none")
            return self._in(
                f"没有名为 {name} 的连接器。可用：{known}。", f"There is no connector {name}. Yours: {known}."
            )
        if isinstance(error, InvalidFields):
            return self._invalid(error)
        if isinstance(error, Taken):
            return self._in(
                f"{error.field} 已被另一个连接器使用。", f"Another connector has this {error.field} already."
            )
        if isinstance(error, ReadOnly):
            return self._in(
                f"{name} 在配置中声明，只能修改 FEISHU_WS__CONNECTORS。",
                f"{name} is declared in configuration; change FEISHU_WS__CONNECTORS instead.",
            )
        if isinstance(error, NotVerified):
            return self._in(
                f"{name} 尚未验证，请先 verify {name}。", f"{name} is not verified yet; verify {name} first."
            )
        if isinstance(error, NotEnabled):
            return self._in(
                f"{name} 未启用，请先 enable {name}。", f"{name} is not enabled; enable {name} first."
            )
        if isinstance(error, SecretsLocked):
            return self._in(
                f"{name} 的密钥无法解密：{error.error}", f"The secrets of {name} do not open: {error.error}"
            )
        if isinstance(error, VerificationFailed):
            return self._in(
                f"{name} 验证失败：{error.error}。请检查 App ID、App Secret 和域名。",
                f"{name} is not verified: {error.error}. Check App ID, App Secret and domain.",
            )
        if isinstance(error, NoTarget | ForeignChat | NotSent):
            return self._not_sent(error)
        assert isinstance(error, NotAllowed)
        return self.denied()

    def _not_sent(self, error: NoTarget | ForeignChat | NotSent) -> str:
        name = error.name
        if isinstance(error, NoTarget):
            return self._in(
                f"不知道 {name} 该发到哪里：请给出 chat_id，或先让人给机器人发一条消息。",
                f"There is nowhere for {name} to send to: name a chat_id, or let somebody write to the bot first.",
            )
        if isinstance(error, ForeignChat):
            return self._in(
                f"{error.chat} 不在 {name} 的 allowed_chat_ids 中。",
                f"{error.chat} is not among the allowed_chat_ids of {name}.",
            )
        return self._in(f"发送失败：{error.error}", f"Not sent: {error.error}")

    def _invalid(self, error: InvalidFields) -> str:
        lines = [
            self._in(
                f"字段 {field} 无效：应为 {self.field(field)}。",
                f"{field} is not valid. It takes {self.field(field)}.",
            )
            for field in error.problems
        ]
        if error.unknown:
            unknown, valid = ", ".join(error.unknown), ", ".join(_FIELDS)
            lines.append(
                self._in(
                    f"没有字段 {unknown}；可用：{valid}。", f"There is no field {unknown}. Fields: {valid}."
                )
            )
        return "\n".join(lines)
