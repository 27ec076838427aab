"""What is said about approvals: on their cards, in the chat, in a shell."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from .language import Spoken

_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "pending": ("等待审批", "waiting"),
    "approved": ("已批准，即将执行", "approved, about to run"),
    "executing": ("已批准，正在执行", "approved, running"),
    "done": ("已执行", "done"),
    "failed": ("执行失败", "failed"),
    "unknown": ("结果未知，需要人工查看", "outcome unknown, a person must look"),
    "rejected": ("已拒绝", "rejected"),
    "expired": ("已过期，没有执行", "expired, nothing was run"),
    "cancelled": ("已撤回", "taken back"),
}
_ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    "interrupted": (
        "执行过程中进程中断了，不知道做到了哪一步。不会自动重新执行，请人工确认后再决定。",
        "The process died while it ran; nobody knows how far it came. It is not run again by itself: look first.",
    ),
    "timeout": (
        "执行超时，已中止，不知道做到了哪一步。",
        "It took too long and was stopped; nobody knows how far it came.",
    ),
    "broken": (
        "与工具服务器的连接中断了，不知道做到了哪一步。不会自动重新执行，请人工确认后再决定。",
        "The connection to the tool's server broke; nobody knows how far it came. Look before you try again.",
    ),
    "away": (
        "工具服务器现在连不上，没有执行。",
        "The tool's server cannot be reached now. Nothing was run.",
    ),
    "said": ("工具报告失败。", "The tool reports that it failed."),
    "hash": (
        "参数与批准时不一致，没有执行。",
        "The arguments are not those that were approved. Nothing was run.",
    ),
    "tool": (
        "这个命令已变更或不存在，没有执行。",
        "The command has changed or is gone since it was asked. Nothing was run.",
    ),
    "arguments": (
        "这个命令不再接受这些参数，没有执行。",
        "The command no longer takes these arguments. Nothing was run.",
    ),
    "approver": (
        "批准者已失去权限，没有执行。",
        "Whoever approved it may no longer do so. Nothing was run.",
    ),
    "asker": (
        "发起者已无权使用这个命令，没有执行。",
        "Whoever asked may no longer use the command. Nothing was run.",
    ),
    "late": (
        "批准后很久才能执行，已作废。",
        "It could not begin in time after it was approved. Nothing was run.",
    ),
    "gone": (
        "发起它的消息已不再保存，没有执行。",
        "The message it came from is no longer kept. Nothing was run.",
    ),
}
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "not_an_approver": ("你没有审批权限。", "You may not decide this."),
    "own_request": ("不能批准自己的请求，需要其他人批准。", "Somebody else must approve what you asked for."),
    "other_chat": ("只能在发起请求的会话里审批。", "This is decided in the chat where it was asked."),
    "other_app": ("只能通过收到请求的机器人审批。", "This is decided with the bot that was asked."),
}


class ApprovalTexts(Spoken):
    """The texts in one language."""

    # --- the card -----------------------------------------------------------------------------------------------

    def title(self, tool: str, state: str) -> str:
        if state == "pending":
            return self._in(f"需要审批：{tool}", f"Approval needed: {tool}")
        return self._in(f"{tool}：{self.state(state)}", f"{tool}: {self.state(state)}")

    def state(self, state: str) -> str:
        return self._in(*_STATES[state])

    def arguments(self, state: str) -> str:
        if state == "pending":
            return self._in("参数（将完全按此执行）", "Arguments (it runs with exactly these)")
        return self._in("参数", "Arguments")

    def cut(self, shown: int, length: int, digest: str) -> str:
        """Below arguments that are not all shown."""
        return self._in(
            f"⚠ 参数过长：这里只显示前 {shown} 个字符，共 {length} 个。全文在下一条消息里。\nSHA-256 {digest}",
            f"⚠ Only the first {shown} of {length} characters are shown. All of them are in the next message."
            f"\nSHA-256 {digest}",
        )

    def whole(self, approval_id: str, part: int, parts: int) -> str:
        """Heads the complete arguments."""
        count = f" ({part}/{parts})" if parts > 1 else ""
        return self._in(
            f"审批 {approval_id} 的完整参数{count}：", f"All arguments of approval {approval_id}{count}:"
        )

    def reason(self, reason: str) -> str:
        return self._in(f"理由（由机器人填写）：{reason}", f"Reason, as the bot puts it: {reason}")

    def asked_by(self, mention: str) -> str:
        return self._in(f"发起者：{mention}", f"Asked by {mention}")

    def until(self, moment: datetime) -> str:
        return self._in(f"有效期至：{self.moment(moment)}", f"Valid until {self.moment(moment)}")

    def fallback(self, approval_id: str) -> str:
        """For whoever cannot click."""
        return self._in(
            f"也可以对机器人说：/feishu approve {approval_id}　或　/feishu reject {approval_id}",
            f"Or tell the bot: /feishu approve {approval_id}  —  /feishu reject {approval_id}",
        )

    def button(self, approved: bool) -> str:
        return self._in("批准", "Approve") if approved else self._in("拒绝", "Reject")

    def take_back(self) -> str:
        """On the button that rejects, for whoever asked."""
        return self._in("撤回", "Take back")

    def decided(self, state: str, mention: str) -> str:
        if state == "rejected":
            return self._in(f"拒绝者：{mention}", f"Rejected by {mention}")
        if state == "cancelled":
            return self._in(f"撤回者：{mention}", f"Taken back by {mention}")
        return self._in(f"批准者：{mention}", f"Approved by {mention}")

    def operator(self, name: str) -> str:
        """Whoever decided in a shell."""
        return self._in(f"{name}（命令行）", f"{name} (shell)")

    def administrator(self, name: str) -> str:
        """Whoever decided by an administrator's token."""
        return self._in(f"{name}（管理员令牌）", f"{name} (administrator's token)")

    def result(self, result: str) -> str:
        return self._in(f"结果：{result}", f"Result: {result}")

    def error(self, error: str) -> str:
        """Why it did not run, or not to the end; what is not known here is the reference of an exception."""
        if error in _ERRORS:
            return self._in(*_ERRORS[error])
        return self._in(
            f"执行时出错了，管理员可以用编号 {error} 在日志中查到原因。",
            f"It failed. An administrator finds the reason in the log under {error}.",
        )

    # --- the chat ------------------------------------------------------------------------------------------------

    def waits(self, tool: str, approval_id: str, who: str, until: datetime) -> str:
        """What whoever asked is told."""
        moment = self.moment(until)
        return self._in(
            f"{tool} 需要{who}批准（编号 {approval_id}，{moment} 前有效）。",
            f"{tool} waits for {who} to agree (id {approval_id}, until {moment}).",
        )

    def jury(self, people: int, *, anyone: bool) -> str:
        """Who may approve, in words."""
        if anyone:
            return self._in("本会话中的其他人", "somebody else in this chat")
        if people:
            return self._in(
                f" {people} 位审批人之一" if people > 1 else "审批人",
                f"one of {people} approvers" if people > 1 else "its approver",
            )
        return self._in("管理员", "an administrator")

    def outcome(self, tool: str, state: str, error: str | None) -> str:
        """Heads the answer that tells what became of it."""
        head = self._in(f"{tool}：{self.state(state)}。", f"{tool}: {self.state(state)}.")
        return f"{head}{self._in('', ' ')}{self.error(error)}" if error else head

    def cut_result(self, length: int) -> str:
        """Behind a result that is too long for a chat."""
        return self._in(
            f"（结果共 {length} 个字符，其余未显示。）",
            f"(The result has {length} characters; the rest is left out.)",
        )

    def not_permitted(self, tool: str) -> str:
        return self._in(f"你无权使用 {tool}。", f"You may not use {tool}.")

    def needs_approval(self) -> str:
        """Marks a tool in the help."""
        return self._in("（需审批）", " (needs approval)")

    # --- not asked -----------------------------------------------------------------------------------------------

    def too_many(self, most: int) -> str:
        return self._in(
            f"你已有 {most} 项请求在等待审批，请先等它们处理完，或用 /feishu reject 编号 撤回。",
            f"{most} requests of yours wait for approval already. Wait for them, or take some back with "
            "/feishu reject ID.",
        )

    def too_long(self, length: int, most: int) -> str:
        return self._in(
            f"参数太长（{length} 个字符），没有人能逐字核对；最多 {most} 个。",
            f"These arguments have {length} characters, more than anybody can check; {most} at most.",
        )

    def not_exact(self, parameter: str) -> str:
        return self._in(
            f"参数 {parameter} 的值无法原样展示，因此不能请求审批。",
            f"The value of {parameter} cannot be shown as it is, so nobody can approve it.",
        )

    def nobody_else(self, tool: str) -> str:
        return self._in(
            f"{tool} 的审批人只有你自己，没有其他人可以批准。",
            f"You are the only approver of {tool}; nobody else could approve it.",
        )

    # --- deciding ------------------------------------------------------------------------------------------------

    def refused(self, reason: str) -> str:
        return self._in(*_REFUSALS.get(reason, ("这张卡片无效。", "This card is not valid.")))

    def unknown(self, approval_id: str) -> str:
        return self._in(f"没有编号为 {approval_id} 的审批。", f"There is no approval {approval_id}.")

    def decision(self, tool: str, state: str) -> str:
        """What whoever decided is told."""
        return self._in(f"{tool}：{self.state(state)}。", f"{tool}: {self.state(state)}.")

    def already(self, tool: str, state: str) -> str:
        """What whoever comes late is told."""
        return self._in(f"来晚了。{tool}：{self.state(state)}。", f"Too late. {tool}: {self.state(state)}.")

    def away(self) -> str:
        return self._in(
            "数据库暂时不可用，请稍后再点一次。", "The database is away. Please click again in a moment."
        )

    # --- the list -------------------------------------------------------------------------------------------------

    def none_waiting(self) -> str:
        return self._in("没有等待审批的请求。", "Nothing waits for approval.")

    def list_title(self, count: int) -> str:
        return self._in(f"等待审批（{count}）", f"Waiting for approval ({count})")

    def columns(self) -> tuple[str, ...]:
        return (
            ("编号", "等待", "发起者", "连接器", "命令", "参数")
            if self.locale == "zh_CN"
            else ("ID", "Age", "Asked by", "Connector", "Tool", "Arguments")
        )

    def age(self, seconds: float) -> str:
        minutes = int(seconds // 60)
        if minutes < 1:
            return self._in("不到 1 分钟", "under a minute")
        if minutes < 120:
            return self._in(f"{minutes} 分钟", f"{minutes} min")
        return self._in(f"{minutes // 60} 小时", f"{minutes // 60} h")

    def open_card(self) -> str:
        """Instead of an Approve button, where not all arguments are shown."""
        return self._in("参数较长，请在原卡片上批准。", "Its arguments are long: approve it on its own card.")

    def more(self, count: int) -> str:
        return self._in(f"还有 {count} 项。", f"{count} more.")

    # --- in common ------------------------------------------------------------------------------------------------

    def moment(self, moment: datetime) -> str:
        """A time as the machine's clock shows it."""
        return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


class DemoTexts(Spoken):
    """Of the tool that newcomers try approvals with."""

    def restart(self) -> str:
        """Its docstring."""
        return self._in(
            "假装重启一个服务\n\n参数：\n    service: 哪个服务",
            "Pretend to restart a service\n\nArgs:\n    service: Which one.",
        )

    def restarted(self, service: str, times: int) -> str:
        return self._in(
            f"{service} 已重启（第 {times} 次）。", f"{service} was restarted (restarts so far: {times})."
        )
