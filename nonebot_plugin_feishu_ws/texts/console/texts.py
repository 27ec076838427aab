"""The console's texts, in one language."""

from collections.abc import Mapping
from datetime import datetime

from ...connectors import (
    ConnectorError,
    NotEnabled,
    NotVerified,
    VerificationFailed,
)
from ...delivery import Screening
from ..approvals import ApprovalTexts
from ..butler import Texts
from ..connectors import ConnectorTexts
from ..deadletters import DeadLetterTexts
from ..doctor import DoctorTexts, WhyTexts
from ..language import Locale, Spoken
from ..standing import StandingTexts
from .activity import ACTIVITY
from .connectors import CONNECTORS
from .fields import EXPLAINED, LABELS
from .general import GENERAL, SIGN_IN, TROUBLE

_WORDS: Mapping[str, tuple[str, str]] = {**GENERAL, **SIGN_IN, **TROUBLE, **CONNECTORS, **ACTIVITY}


def accepted(header: str) -> Locale:
    """The language of an `Accept-Language` header (RFC 9110, 12.5.4); Chinese unless English comes first."""
    best, most = "zh", 0.0
    for part in header.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if tag[:2].lower() in ("zh", "en") and weight > most:
            best, most = tag[:2].lower(), weight
    if not most and header.strip() not in ("", "*"):
        return "en_US"  # whoever reads neither reads English rather
    return "en_US" if best == "en" else "zh_CN"


class ConsoleTexts(Spoken):
    """The texts in one language."""

    # --- words ----------------------------------------------------------------------------------------------

    def word(self, name: str) -> str:
        return self._in(*_WORDS[name])

    @property
    def tag(self) -> str:
        """For `lang` (BCP 47)."""
        return self._in("zh-CN", "en")

    @property
    def other(self) -> Locale:
        return "en_US" if self.locale == "zh_CN" else "zh_CN"

    def label(self, field: str) -> str:
        return self._in(*LABELS[field])

    def explained(self, field: str) -> str:
        return self._in(*EXPLAINED[field])

    def state(self, state: str) -> str:
        return Texts(self.locale).state(state)

    def moment(self, moment: datetime | None) -> str:
        return Texts(self.locale).moment(moment)

    def ago(self, seconds: float) -> str:
        span = DoctorTexts(self.locale).span(max(0.0, seconds))
        return self._in(f"{span}前", f"{span} ago")

    @property
    def approval(self) -> ApprovalTexts:
        return ApprovalTexts(self.locale)

    @property
    def checkup(self) -> DoctorTexts:
        return DoctorTexts(self.locale)

    @property
    def story(self) -> WhyTexts:
        return WhyTexts(self.locale)

    @property
    def standing(self) -> StandingTexts:
        return StandingTexts(self.locale)

    @property
    def letters(self) -> DeadLetterTexts:
        return DeadLetterTexts(self.locale)

    # --- connectors -----------------------------------------------------------------------------------------

    def summary(self, connected: int, all_told: int) -> str:
        """How they are doing, in a line."""
        return self._in(
            f"共 {all_told} 个连接器，{connected} 个已连接",
            f"{connected} of {all_told} connectors are connected",
        )

    def edit_title(self, name: str) -> str:
        return self._in(f"修改 {name}", f"Edit {name}")

    def policy_title(self, name: str) -> str:
        return self._in(f"{name} 的策略", f"Policy of {name}")

    def remove_question(self, name: str) -> str:
        return self._in(f"删除 {name}？", f"Remove {name}?")

    def doctor_title(self, name: str) -> str:
        return self._in(f"诊断 {name}", f"Check-up of {name}")

    def done(self, verb: str, name: str, bot: str = "") -> str:
        """What a button has done."""
        match verb:
            case "add":
                return self._in(f"已添加 {name}。下一步：验证。", f"{name} is added. Next: verify it.")
            case "verify":
                return self._in(
                    f"{name} 验证通过，机器人是“{bot}”。", f"{name} is verified; its bot is “{bot}”."
                )
            case "enable":
                return self._in(f"{name} 已启用，正在连接。", f"{name} is enabled and connecting.")
            case "disable":
                return self._in(f"{name} 已停用，连接已断开。", f"{name} is disabled and disconnected.")
            case "connect":
                return self._in(f"正在连接 {name}。", f"Connecting {name}.")
            case "disconnect":
                return self._in(
                    f"已断开 {name}，直到再次连接或重启。",
                    f"{name} is disconnected, until you connect it or the bot restarts.",
                )
            case _:
                return self._in(f"已删除 {name} 及其密钥。", f"{name} and its secrets are removed.")

    def sent(self, message_id: str, chat: str) -> str:
        """Of a test message."""
        return self._in(
            f"已发送到 {chat}，消息 ID：{message_id}。", f"Sent to {chat} as message {message_id}."
        )

    def text_length(self, longest: int) -> str:
        """What is wrong with a text that is empty or too long."""
        return self._in(f"应为 1–{longest} 个字。", f"Takes 1 to {longest:,} characters.")

    def saved(self, name: str, fields: tuple[str, ...], *, reset: bool) -> str:
        """What a form has changed."""
        if not fields:
            return self._in(f"{name} 没有变化。", f"{name} is as it was.")
        what = self._in("、", ", ").join(self.label(field) for field in fields)
        text = self._in(f"已保存 {name}：{what}。", f"{name} is saved: {what}.")
        if reset:
            text += self._in(
                "凭证变了，已停用；请重新验证并启用。",
                " The credentials have changed, so it is disabled until you verify and enable it again.",
            )
        return text

    def error(self, error: ConnectorError) -> str:
        """Why something was not done."""
        name = error.name
        if isinstance(error, NotVerified):
            return self._in(f"{name} 尚未验证，请先验证。", f"{name} is not verified yet. Verify it first.")
        if isinstance(error, NotEnabled):
            return self._in(f"{name} 未启用，请先启用。", f"{name} is not enabled. Enable it first.")
        if isinstance(error, VerificationFailed):
            return self._in(
                f"{name} 验证失败：{error.error}。请检查 App ID、App Secret 和平台。",
                f"{name} is not verified: {error.error}. Check App ID, App Secret and platform.",
            )
        return ConnectorTexts(self.locale).error(error)

    def problem(self, field: str, problem: str) -> str:
        """What is wrong with what was typed into a field; `problem` is English."""
        return self._in(
            f"应为：{ConnectorTexts(self.locale).field(field)}。", f"{problem[:1].upper()}{problem[1:]}."
        )

    def taken(self) -> str:
        return self._in("已被另一个连接器使用。", "Another connector has this already.")

    def removable(self, field: str) -> str:
        """At the box that removes a secret."""
        return self._in(f"清除已设置的 {self.label(field)}", f"Remove the {self.label(field)} that is set")

    # --- a message's trace ----------------------------------------------------------------------------------

    def verdict(self, said: str) -> str:
        """What a filter said, for whoever does not see its mark."""
        return self.word(f"verdict_{said}")

    def screened(self, screening: Screening) -> str:
        """What all filters together came to."""
        reason = None if screening.reason is None else self.story.reason(screening.reason)
        if not screening.admitted:
            return self._in(f"被拦下：{reason}", f"Stopped: {reason}")
        if reason is not None:
            return self._in(
                f"不算对管家说的：{reason}；其他插件照常收到",
                f"Not for the Butler: {reason}; other plugins get it all the same",
            )
        return self.word("let_through")

    # --- the link in a chat ---------------------------------------------------------------------------------

    def link(self, url: str) -> str:
        """The link, for whoever asked for it and nobody else."""
        return self._in(
            f"打开此链接登录控制台，5 分钟内有效，只能使用一次，请勿转发：\n{url}",
            f"This link signs you in to the console: once, within five minutes. Do not pass it on.\n{url}",
        )

    def link_sent(self) -> str:
        return self._in("链接已私聊发给你。", "I have sent you the link in our direct chat.")

    def only_here(self) -> str:
        """Below a link that begins with an address of this machine."""
        return self._in(
            "（只能在机器人所在的机器上打开；要从别处打开，请设置 FEISHU_WS__CONSOLE_URL。）",
            "(It opens on the bot's machine alone. For other machines set FEISHU_WS__CONSOLE_URL.)",
        )

    def link_in_private(self) -> str:
        return self._in(
            "链接只能给你一个人看；请私聊机器人再发送 console。",
            "The link is for your eyes only; send console in a direct chat.",
        )

    def no_console(self) -> str:
        return self._in(
            "没有控制台：需要 NoneBot 的 FastAPI 驱动器（DRIVER=~fastapi），且 FEISHU_WS__CONSOLE 没有关闭。",
            "There is no console: it needs NoneBot's FastAPI driver (DRIVER=~fastapi), and FEISHU_WS__CONSOLE not "
            "set to false.",
        )
