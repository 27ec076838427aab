"""What the Butler says."""

from collections.abc import Sequence
from datetime import datetime

from .language import Spoken


class Texts(Spoken):
    """The texts in one language."""

    # --- the Butler: help -------------------------------------------------------------------------------------

    def help(self, bot: str, commands: Sequence[tuple[str, str]]) -> str:
        """What the bot can do: pairs of usage and one-line summary."""
        head = self._in(f"我是 {bot}。你可以对我说：", f"I am {bot}. You can say:")
        rows = [f"• {usage} — {summary}" if summary else f"• {usage}" for usage, summary in commands]
        tail = self._in(
            "参数含空格时请加引号，也可以写成 名称=值。“help 命令” 查看单个命令。",
            "Quote arguments that contain spaces, or write name=value. “help COMMAND” explains one command.",
        )
        return "\n".join([head, *rows, tail])

    def help_on(self, usage: str, description: str, parameters: Sequence[tuple[str, str, str]]) -> str:
        """One command: usage, description, and its parameters as (name, type, description)."""
        lines = [self._in(f"用法：{usage}", f"Usage: {usage}")]
        if description:
            lines.append(description)
        lines += [f"• {name} ({kind}){': ' + about if about else ''}" for name, kind, about in parameters]
        return "\n".join(lines)

    def summary_help(self) -> str:
        return self._in("查看可用的命令", "show what I can do")

    def summary_status(self) -> str:
        return self._in("查看连接状态", "show the state of the connection")

    def summary_whoami(self) -> str:
        return self._in("查看你和本会话的标识", "show your ids and this chat's")

    def summary_stop(self) -> str:
        return self._in("停止正在执行的命令", "stop what is running here")

    # --- the Butler: answers ----------------------------------------------------------------------------------

    def did_you_mean(self, similar: Sequence[str]) -> str:
        """A sentence to go behind another one; empty if nothing is similar."""
        names = self._in("、", ", ").join(similar)
        return self._in(f"你是想说 {names} 吗？", f" Did you mean {names}?") if names else ""

    def unknown_command(self, word: str, similar: Sequence[str]) -> str:
        hint = self.did_you_mean(similar)
        return self._in(
            f"没有 “{word}” 这个命令。{hint}发送 help 查看可用的命令。",
            f"There is no command “{word}”.{hint} Send help to see what I can do.",
        )

    def only_text(self) -> str:
        """To a picture, a file, or forwarded messages."""
        return self._in(
            "我只能读懂文字。发送 help 查看可用的命令。",
            "I can only read text. Send help to see what I can do.",
        )

    def unbalanced_quotes(self) -> str:
        return self._in(
            "引号没有成对出现，请检查后重新发送。", "A quote is never closed. Please check and send it again."
        )

    def bad_arguments(self, problems: Sequence[str], usage: str) -> str:
        return "\n".join([*problems, self._in(f"用法：{usage}", f"Usage: {usage}")])

    def missing_argument(self, name: str) -> str:
        return self._in(f"缺少参数 {name}。", f"The argument {name} is missing.")

    def unknown_argument(self, name: str, valid: Sequence[str]) -> str:
        names = ", ".join(valid) or self._in("（无）", "(none)")
        return self._in(
            f"没有参数 {name}，可用的参数：{names}。", f"There is no argument {name}; valid names: {names}."
        )

    def surplus_argument(self, value: str) -> str:
        return self._in(f"多出了参数 “{value}”。", f"“{value}” is one argument too many.")

    def repeated_argument(self, name: str) -> str:
        return self._in(f"参数 {name} 给了两次。", f"The argument {name} is given twice.")

    def invalid_argument(self, name: str, value: str, expected: str) -> str:
        return self._in(
            f"参数 {name} 的值 “{value}” 无效：{expected}。",
            f"“{value}” is not valid for {name}: {expected}.",
        )

    def failed(self, reference: str) -> str:
        return self._in(
            f"执行时出错了，管理员可以用编号 {reference} 在日志中查到原因。",
            f"That failed. An administrator finds the reason in the log under {reference}.",
        )

    def rest_missing(self) -> str:
        """Behind the beginning of an answer that is too long for messages."""
        return self._in(
            "（后面的内容太长，作为文件上传失败，没有显示。）",
            "(The rest is too long, and could not be uploaded as a file. It is not shown.)",
        )

    def done(self) -> str:
        return self._in("完成。", "Done.")

    def stopped(self, count: int) -> str:
        return self._in(f"已停止（{count} 项）。", f"Stopped ({count}).")

    def nothing_to_stop(self) -> str:
        return self._in("当前没有正在执行的命令。", "Nothing is running here.")

    def status(
        self, bot: str, connector: str, state: str, since: str, heartbeat: str, error: str | None
    ) -> str:
        lines = [
            f"{bot} ({connector})",
            self._in(f"状态：{self.state(state)}", f"State: {self.state(state)}"),
            self._in(f"连接于：{since}", f"Connected at: {since}"),
            self._in(f"最近心跳：{heartbeat}", f"Last heartbeat: {heartbeat}"),
        ]
        if error:
            lines.append(self._in(f"最近错误：{error}", f"Last error: {error}"))
        return "\n".join(lines)

    def state(self, state: str) -> str:
        zh = {
            "disconnected": "未连接",
            "connecting": "连接中",
            "connected": "已连接",
            "reconnecting": "重新连接中",
            "blocked": "已阻塞，需要人工处理",
            "disabled": "已停用",
        }
        return self._in(zh.get(state, state), state)

    def moment(self, moment: datetime | None) -> str:
        """A time as the machine's clock shows it."""
        return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else self._in("无", "never")

    def whoami(self, ids: Sequence[tuple[str, str]]) -> str:
        return "\n".join(f"{name}: {value}" for name, value in ids)
