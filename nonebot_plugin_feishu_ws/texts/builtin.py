"""The Butler's own tools: what they are called upon to do, and what they answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from .language import Spoken

_DOCS: Final[dict[str, tuple[str, str]]] = {
    "connectors": (
        "查看连接器的状态：管理员看到全部，所有者看到自己的，其他人看到本机器人的。",
        "Show how connectors are doing: all of them, your own, or this bot's, whatever you may see.",
    ),
    "now": (
        "查看现在的时间。\n\n参数:\n    zone: 时区，如 Asia/Shanghai；默认为服务器的时区",
        "Tell the time.\n\nArgs:\n    zone: a time zone like Europe/Berlin; by default the server's",
    ),
    "members": (
        "列出本群的成员。",
        "List the people in this group.",
    ),
    "search": (
        "在本会话最近的消息中查找，列出包含所有词的消息。\n\n参数:\n    words: 要查找的词",
        "Find recent messages of this conversation that hold all the words.\n\nArgs:\n    words: what to look for",
    ),
    "enable-connector": (
        "启用一个连接器。\n\n参数:\n    name: 连接器的名称",
        "Enable a connector.\n\nArgs:\n    name: the connector's name",
    ),
    "disable-connector": (
        "停用一个连接器。\n\n参数:\n    name: 连接器的名称",
        "Disable a connector.\n\nArgs:\n    name: the connector's name",
    ),
    "send-to-chat": (
        "向另一个会话发送文字。\n\n参数:\n    chat: 会话的 chat_id（oc_…）\n    text: 要发送的文字",
        "Send a text to another chat.\n\nArgs:\n    chat: the chat's chat_id (oc_…)\n    text: what to send",
    ),
}


class BuiltinTexts(Spoken):
    """The texts in one language."""

    def doc(self, tool: str) -> str:
        """What a tool does, as its docstring."""
        return self._in(*_DOCS[tool])

    # --- connectors -------------------------------------------------------------------------------------------

    def connector(self, name: str, state: str, connections: int, wanted: int) -> str:
        open_ones = f" {connections}/{wanted}" if wanted > 1 else ""
        return f"• {name}: {state}{open_ones}"

    def more(self, count: int) -> str:
        return self._in(f"（还有 {count} 个）", f"({count} more)")

    # --- now --------------------------------------------------------------------------------------------------

    def now(self, moment: datetime) -> str:
        """`moment`: aware."""
        offset = moment.strftime("%z")
        day = self._in("一二三四五六日"[moment.weekday()], moment.strftime("%A"))
        date = f"{moment:%Y-%m-%d %H:%M:%S} UTC{offset[:3]}:{offset[3:5]}"
        return self._in(f"{date} 星期{day}", f"{day}, {date}")

    def unknown_zone(self, zone: str) -> str:
        return self._in(
            f"没有时区 “{zone}”。请使用 Asia/Shanghai、UTC 这样的名称。",
            f"There is no time zone “{zone}”. Use a name like Europe/Berlin, or UTC.",
        )

    # --- members ----------------------------------------------------------------------------------------------

    def members(self, names: Sequence[str], *, more: bool) -> str:
        count = f"{len(names)}{'+' if more else ''}"
        head = self._in(f"本群成员（{count} 人）：", f"People in this group ({count}): ")
        return head + self._in("、", ", ").join(names) + (self._in(" 等", " …") if more else "")

    def only_in_groups(self) -> str:
        return self._in("只能在群聊中使用。", "That is for groups only.")

    # --- search -----------------------------------------------------------------------------------------------

    def found(self, lines: Sequence[str], looked_at: int, *, all_of_it: bool) -> str:
        """`lines`: the latest first. `all_of_it`: there are no older messages."""
        scope = self._scope(looked_at, all_of_it=all_of_it)
        if not lines:
            return self._in(f"在{scope}中没有找到。", f"Nothing is found in {scope}.")
        head = self._in(f"在{scope}中找到 {len(lines)} 条：", f"{len(lines)} found in {scope}:")
        return "\n".join([head, *lines])

    def _scope(self, looked_at: int, *, all_of_it: bool) -> str:
        if all_of_it:
            return self._in(
                f"本会话的全部 {looked_at} 条消息", f"all {looked_at} messages of this conversation"
            )
        return self._in(f"最近 {looked_at} 条消息", f"the last {looked_at} messages")

    def found_line(self, moment: str, who: str, text: str) -> str:
        return f"• {moment} {who}: {text}"

    def you(self) -> str:
        return self._in("你", "you")

    def a_bot(self) -> str:
        return self._in("机器人", "a bot")

    def nothing_to_look_for(self) -> str:
        return self._in("请输入要查找的词。", "Say what to look for.")

    # --- send-to-chat -----------------------------------------------------------------------------------------

    def sent(self, chat: str) -> str:
        return self._in(f"已发送到 {chat}。", f"Sent to {chat}.")

    def chat_not_allowed(self, chat: str) -> str:
        return self._in(
            f"没有发送：不允许向 {chat} 发送消息（allowed_chat_ids）。",
            f"Not sent: this connector may not send to {chat} (allowed_chat_ids).",
        )

    def no_chat_id(self, chat: str) -> str:
        return self._in(
            f"没有发送：“{chat}” 不是 chat_id（oc_…）。", f"Not sent: “{chat}” is no chat_id (oc_…)."
        )

    # --- in common --------------------------------------------------------------------------------------------

    def missing_scope(self, scopes: Sequence[str]) -> str:
        names = self._in(" 或 ", " or ").join(scopes)
        return self._in(
            f"应用缺少权限 {names}，请在飞书开发者后台开通。",
            f"The app lacks the permission {names}. Grant it in the developer console.",
        )

    def feishu_failed(self, error: str) -> str:
        return self._in(f"飞书没有给出结果：{error}", f"Feishu gave no result: {error}")

    def too_slow(self) -> str:
        return self._in("飞书响应太慢，请稍后再试。", "Feishu answers too slowly. Please try again later.")
