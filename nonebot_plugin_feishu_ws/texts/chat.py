"""What is said around connector management in a chat: cards, forms, questions. Chinese and English side by side."""

from collections.abc import Mapping

from .language import Spoken

_BUTTONS: Mapping[str, tuple[str, str]] = {
    "enable": ("启用", "Enable"),
    "disable": ("停用", "Disable"),
    "connect": ("连接", "Connect"),
    "disconnect": ("断开", "Disconnect"),
    "verify": ("验证", "Verify"),
    "logs": ("日志", "Logs"),
    "status": ("状态", "Status"),
    "doctor": ("诊断", "Check-up"),
    "set": ("修改凭证", "Credentials"),
    "remove": ("删除", "Remove"),
    "add": ("添加连接器", "Add a connector"),
    "open": ("打开确认页面", "Open the page"),
    "list": ("返回列表", "All connectors"),
    "cancel": ("取消", "Cancel"),
    "submit": ("提交", "Submit"),
    "next": ("下一页", "Next page"),
    "previous": ("上一页", "Previous page"),
}

_LABELS: Mapping[str, tuple[str, str]] = {
    "name": ("名称", "Name"),
    "app_id": ("App ID", "App ID"),
    "app_secret": ("App Secret", "App Secret"),
    "verification_token": ("Verification Token", "Verification Token"),
    "encrypt_key": ("Encrypt Key", "Encrypt Key"),
    "proxy": ("代理", "Proxy"),
    "domain": ("平台", "Platform"),
}


class ChatTexts(Spoken):
    """The texts in one language."""

    # --- cards ----------------------------------------------------------------------------------------------

    def button(self, name: str) -> str:
        return self._in(*_BUTTONS[name])

    def label(self, field: str) -> str:
        return self._in(*_LABELS[field])

    def list_title(self, page: int, pages: int) -> str:
        title = self._in("飞书连接器", "Feishu connectors")
        return f"{title} ({page}/{pages})" if pages > 1 else title

    def connector_title(self, name: str) -> str:
        return self._in(f"连接器 {name}", f"Connector {name}")

    def confirm_title(self) -> str:
        return self._in("请确认", "Are you sure?")

    def confirm(self, verb: str, name: str) -> str:
        if verb == "remove":
            return self._in(
                f"删除 {name} 及其密钥？无法撤销。", f"Remove {name} and its secrets? This cannot be undone."
            )
        return self._in(
            f"停用 {name}？机器人会立即断开，直到再次启用。",
            f"Disable {name}? Its bot disconnects at once, until it is enabled again.",
        )

    def repeat(self, question: str, line: str) -> str:
        return self._in(f"{question}\n确认请发送：{line}", f"{question}\nIf so, send: {line}")

    def not_yours(self) -> str:
        return self._in("这是给别人的。", "This was for somebody else.")

    def out_of_date(self) -> str:
        return self._in("已失效，请重新发起。", "This is no longer valid; please start again.")

    # --- forms ----------------------------------------------------------------------------------------------

    def form_title(self, verb: str, name: str) -> str:
        if verb == "add":
            return self._in("添加连接器", "Add a connector")
        return self._in(f"修改 {name} 的凭证", f"Change the credentials of {name}")

    def form_note(self, verb: str) -> str:
        if verb == "add":
            return self._in(
                "密钥加密保存，不会再次显示。表单 10 分钟内有效。",
                "Secrets are stored encrypted and never shown again. The form is good for 10 minutes.",
            )
        return self._in(
            "密钥留空表示不变，填 - 表示清除。表单 10 分钟内有效。",
            "A secret left empty stays as it is; - removes it. The form is good for 10 minutes.",
        )

    def retype(self) -> str:
        return self._in("密钥没有保留，请重新填写。", "Secrets were not kept; please enter them again.")

    def form_sent(self) -> str:
        return self._in(
            "表单已私聊发给你，请在那里填写。",
            "I have sent you the form in our direct chat; fill it in there.",
        )

    def form_not_sent(self) -> str:
        return self._in(
            "无法给你发私聊消息。请打开与机器人的私聊，在那里重试。",
            "I cannot write to you directly. Open the direct chat with this bot and try again there.",
        )

    def cancelled(self) -> str:
        return self._in("已取消。", "Cancelled.")

    # --- scan-to-create -------------------------------------------------------------------------------------

    def scan_title(self) -> str:
        return self._in("扫码创建飞书应用", "Create a Feishu app by scanning")

    def scan(self, link: str, minutes: int) -> str:
        return self._in(
            f"用飞书扫描二维码或打开链接，然后确认；{minutes} 分钟内有效。谁先确认，应用就归谁，请勿转发。\n{link}",
            f"Scan the code with Feishu or open the link, and confirm, within {minutes} minutes. The app belongs to "
            f"whoever confirms first, so do not pass this on.\n{link}",
        )

    def scan_code(self) -> str:
        return self._in("二维码", "QR code")

    def scan_state(self, state: str, reason: str) -> str:
        if state == "unreachable":
            return self._in(
                f"⏳ 暂时连接不上，会继续重试：{reason}", f"⏳ No answer for now, trying on: {reason}"
            )
        if state == "switched":
            return self._in(
                "⏳ 你的账号属于 Lark，正在那里等待。", "⏳ Your account is Lark's; waiting there."
            )
        return self._in("⏳ 等待你确认…", "⏳ Waiting for you to confirm…")

    def scan_sent(self) -> str:
        return self._in("链接已私聊发给你。", "I have sent you the link in our direct chat.")

    # --- step by step, where there are no forms ---------------------------------------------------------------

    def only_in_private(self) -> str:
        return self._in(
            "密钥只在私聊中询问，请私聊我再试一次。",
            "Secrets are only asked for in private; write to me there.",
        )

    def question(self, field: str, hint: str, *, secret: bool, optional: bool) -> str:
        text = self._in(f"请发送 {field}：{hint}", f"Send {field}: {hint}")
        if optional:
            text += self._in("（- 表示跳过）", " (- to skip)")
        if secret:
            text += self._in(
                "\n注意：NoneBot 会把收到的消息写进自己的日志。介意的话请改用 nb feishu-ws。",
                "\nNote: NoneBot writes messages it receives to its own log. If that matters, use nb feishu-ws.",
            )
        return text + self._in("\n发送 cancel 取消。", "\nSend cancel to stop.")

    def recall_it(self) -> str:
        return self._in(
            "请删除你刚才发送的密钥消息，我无法替你撤回。",
            "Please delete the message with the secret; I cannot recall it for you.",
        )
