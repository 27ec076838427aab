"""What a message brings besides its text, in words, where it cannot be given as it is."""

from .language import Spoken


class InputTexts(Spoken):
    """The texts in one language."""

    # --- what it is called ------------------------------------------------------------------------------------

    def quoted(self, who: str) -> str:
        return self._in(f"被引用的消息（{who}）", f"quoted message ({who})")

    def forwarded(self) -> str:
        return self._in("合并转发的聊天记录", "forwarded chat history")

    def image(self) -> str:
        return self._in("图片", "image")

    def unnamed(self) -> str:
        return self._in("未命名文件", "unnamed file")

    def note(self) -> str:
        return self._in("说明", "note")

    # --- who said it ------------------------------------------------------------------------------------------

    def asker(self) -> str:
        return self._in("提问者", "whoever asks")

    def this_bot(self) -> str:
        return self._in("本机器人", "this bot")

    def somebody(self) -> str:
        return self._in("未知发送者", "somebody")

    # --- what is not there ------------------------------------------------------------------------------------

    def recalled(self) -> str:
        return self._in("（该消息已撤回或不存在）", "(This message was recalled, or is not there.)")

    def unreadable(self, what: str) -> str:
        return self._in(f"（{what}：无法读取）", f"({what}: it cannot be read.)")

    def forbidden(self, what: str) -> str:
        return self._in(f"（{what}：应用没有读取权限）", f"({what}: the app may not read it.)")

    def late(self, what: str) -> str:
        return self._in(f"（{what}：读取超时）", f"({what}: reading it took too long.)")

    def too_large(self, what: str, most: int) -> str:
        """`most`: bytes."""
        mib = most // 2**20
        return self._in(f"（{what}：超过 {mib} MB，未读取）", f"({what}: larger than {mib} MB, not read.)")

    def no_picture(self, what: str) -> str:
        return self._in(f"（{what}：不是可识别的图片格式）", f"({what}: of no known picture format.)")

    def too_many(self, count: int) -> str:
        return self._in(f"（另有 {count} 个附件未读取）", f"({count} more attachments were not read.)")

    def too_many_messages(self, count: int) -> str:
        return self._in(f"（另有 {count} 条消息未显示）", f"({count} more messages are left out.)")

    def cut(self, count: int) -> str:
        return self._in(f"（后面还有 {count} 个字符未显示）", f"({count} more characters are left out.)")

    def not_text(self, size: int) -> str:
        """`size`: bytes."""
        return self._in(f"{size} 字节，不是文本", f"{size} bytes, not text")
