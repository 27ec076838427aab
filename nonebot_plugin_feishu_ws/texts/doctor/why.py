"""A message's story in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ...delivery import Arrival, Handling, Said, Screening, Story, Together
from ...filters import Outcome, Reason
from ..language import Spoken

_REASONS: Mapping[str, tuple[str, str]] = {
    Reason.CONNECTOR_DISABLED: ("连接器未启用", "the connector is not enabled"),
    Reason.TOKEN_MISMATCH: (
        "Verification Token 与保存的不一致",
        "its verification token is not the stored one",
    ),
    Reason.DUPLICATE: ("飞书重复推送，已处理过", "Feishu pushed it again; it was taken in before"),
    Reason.STALE: ("消息太旧", "it is too old"),
    Reason.OWN_MESSAGE: ("是机器人自己发的", "the bot wrote it itself"),
    Reason.BOT_MESSAGE: (
        "是其他机器人发的（ignore_bot_messages）",
        "another bot wrote it (ignore_bot_messages)",
    ),
    Reason.DM_NOT_ALLOWED: ("不接受私聊（allow_dm）", "direct messages are not accepted (allow_dm)"),
    Reason.GROUP_NOT_ALLOWED: (
        "不接受群消息（allow_group_mention）",
        "messages from groups are not accepted (allow_group_mention)",
    ),
    Reason.CHAT_NOT_ALLOWED: (
        "会话不在 allowed_chat_ids 中",
        "the chat is not among allowed_chat_ids",
    ),
    Reason.USER_NOT_ALLOWED: (
        "发送者不在 user_whitelist 中",
        "the sender is not in user_whitelist",
    ),
    Reason.RATE_LIMITED: (
        "发送者超过 rate_limit_per_minute",
        "the sender was faster than rate_limit_per_minute",
    ),
    Reason.MENTION_REQUIRED: (
        "没有 @ 机器人（mention_required）",
        "the bot was not mentioned (mention_required)",
    ),
    Reason.PREFIX_NOT_MATCHED: (
        "没有以 prefix_command 开头",
        "it does not begin with prefix_command",
    ),
    Reason.EMPTY_TEXT: ("没有文字", "there is no text in it"),
}
_MARKS: Mapping[str, str] = {Outcome.PASS: "✓", Outcome.SKIP: "–", Outcome.FAIL: "✗", Outcome.ERROR: "✗!"}
_STATES: Mapping[str, tuple[str, str]] = {
    "received": ("还没有处理完", "not finished yet"),
    "done": ("处理完毕", "finished"),
    "dead": ("已放弃", "given up"),
}


class WhyTexts(Spoken):
    """The texts of a message's story in one language."""

    def unknown(self, message_id: str) -> str:
        """Nobody knows the message, or not to this reader."""
        return self._in(
            f"没有关于消息 {message_id} 的记录。请使用机器人收到的消息的 ID（om_ 开头，不是它的回复）；"
            "若机器人应当收到它，用 doctor 检查事件订阅和权限。",
            f"Nothing is known of message {message_id}. Give the id of a message the bot received (om_…, not of its "
            "answer); if it should have received it, doctor checks subscription and scopes.",
        )

    def story(self, story: Story) -> list[str]:
        """One connector's story, line by line."""
        lines = [f"{story.connector or story.app_id} · {story.message_id}"]
        if story.arrival is not None:
            lines.append(self.arrival(story.arrival))
        if story.together is not None:
            lines.append(self._together(story.together))
        for chapter in story.chapters:
            match chapter:
                case Screening():
                    lines += self._screening(chapter)
                case Handling():
                    lines.append(self._handling(chapter))
                case Said():
                    lines.append(self._said(chapter))
        if self.left_alone(story):
            lines.append(self.nobody())
        return lines

    def reason(self, reason: str) -> str:
        """Why a filter stopped an event; of a filter of one's own its name."""
        known = _REASONS.get(reason)
        return reason if known is None else f"{self._in(*known)} [{reason}]"

    def _at(self, moment: datetime) -> str:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")

    def arrival(self, arrival: Arrival) -> str:
        """When its event came, and how far it has come."""
        state = self._in(*_STATES[arrival.state])
        if arrival.error:
            state += self._in(f"：{arrival.error}", f": {arrival.error}")
        tries = ""
        if arrival.attempts > 1:
            tries = self._in(f"，第 {arrival.attempts} 次尝试", f", attempt {arrival.attempts}")
        at = self._at(arrival.received_at)
        return self._in(f"收到于 {at}，{state}{tries}", f"Received at {at}, {state}{tries}")

    def _together(self, together: Together) -> str:
        if together.earlier:
            earlier = ", ".join(together.earlier)
            return self._in(f"与它一起回答的：{earlier}", f"Answered together with it: {earlier}")
        if together.later is None or together.state is None:
            return self._in("与后来的一条消息一起回答", "Answered together with a later message")
        state = self._in(*_STATES[together.state])
        return self._in(
            f"与后来的消息 {together.later} 一起回答（{state}）",
            f"Answered together with {together.later}, a later message ({state})",
        )

    def _screening(self, screening: Screening) -> Sequence[str]:
        at = self._at(screening.at)
        lines: list[str] = []
        if screening.verdicts:
            verdicts = " ".join(f"{_MARKS.get(said, '?')} {name}" for name, said in screening.verdicts)
            lines.append(self._in(f"{at} 过滤：{verdicts}", f"{at} Filters: {verdicts}"))
        reason = None if screening.reason is None else self.reason(screening.reason)
        if not screening.admitted:
            lines.append(self._in(f"{at} 被拦下：{reason}", f"{at} Stopped: {reason}"))
        elif reason is not None:
            lines.append(
                self._in(
                    f"{at} 不算对管家说的：{reason}；其他插件照常收到",
                    f"{at} Not for the Butler: {reason}; other plugins get it all the same",
                )
            )
        return lines

    def _handling(self, handling: Handling) -> str:
        takers = ", ".join(
            taker.plugin
            if taker.error is None
            else self._in(f"{taker.plugin}（出错：{taker.error}）", f"{taker.plugin} (failed: {taker.error})")
            for taker in handling.takers
        )
        at = self._at(handling.at)
        return self._in(f"{at} 处理它的插件：{takers}", f"{at} Handled by: {takers}")

    def _said(self, said: Said) -> str:
        at = self._at(said.at)
        if said.error is not None:
            return self._in(
                f"{at} 回复失败（{said.msg_type}）：{said.error}",
                f"{at} Answer failed ({said.msg_type}): {said.error}",
            )
        return self._in(
            f"{at} 已回复 {said.message_id}（{said.msg_type}）",
            f"{at} Answered: {said.message_id} ({said.msg_type})",
        )

    def nobody(self) -> str:
        return self._in("没有插件的响应器接手它。", "No plugin's matcher took it.")

    @staticmethod
    def left_alone(story: Story) -> bool:
        """It was let through and is finished, and yet no matcher ran."""
        done = story.arrival is not None and story.arrival.state == "done"
        admitted = any(isinstance(chapter, Screening) and chapter.admitted for chapter in story.chapters)
        return done and admitted and not any(isinstance(chapter, Handling) for chapter in story.chapters)
