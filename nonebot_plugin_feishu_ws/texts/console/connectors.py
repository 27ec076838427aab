"""The words of the console's pages about connectors: Chinese first, English second."""

from collections.abc import Mapping

CONNECTORS: Mapping[str, tuple[str, str]] = {
    "no_connectors": ("还没有连接器", "No connector yet"),
    "no_connectors_note": (
        (
            "连接器就是一个飞书应用。在飞书开发者后台创建企业自建应用，把它的 App ID 和 App Secret 填到这里；"
            "也可以在命令行执行 nb feishu-ws register 扫码创建。"
        ),
        (
            "A connector is one Feishu app. Create a self-built app in Feishu's developer console and enter its App ID "
            "and App Secret here, or run nb feishu-ws register in a shell to have one created by scanning a code."
        ),
    ),
    "no_connectors_owner": ("没有由你负责的连接器。", "No connector is yours."),
    "add": ("添加连接器", "Add a connector"),
    "add_note": (
        "添加后先验证，再启用。密钥加密保存，不会再次显示。",
        "Once it is added, verify it, then enable it. Secrets are stored encrypted and never shown again.",
    ),
    "from_config": ("配置", "configuration"),
    "from_config_note": (
        "在 FEISHU_WS__CONNECTORS 中声明：只能在那里修改。",
        "Declared in FEISHU_WS__CONNECTORS, which is where it can be changed.",
    ),
    "verify": ("验证", "Verify"),
    "enable": ("启用", "Enable"),
    "disable": ("停用", "Disable"),
    "connect": ("连接", "Connect"),
    "disconnect": ("断开", "Disconnect"),
    "remove": ("删除", "Remove"),
    "edit": ("修改", "Edit"),
    "doctor": ("诊断", "Check-up"),
    "policy": ("策略", "Policy"),
    "edit_policy": ("修改策略", "Edit the policy"),
    "policy_note": (
        "机器人听谁的、在哪里听。每条消息依次经过这些检查；消息追踪页会显示每一步的结果。",
        (
            "Whom the bot listens to, and where. Every message passes these checks in turn; the message trace shows "
            "how each of them turned out."
        ),
    ),
    "state": ("状态", "State"),
    "connection": ("连接", "Connection"),
    "connections": ("长连接数", "Connections"),
    "connected_at": ("连接于", "Connected since"),
    "last_heartbeat": ("最近心跳", "Last heartbeat"),
    "last_event_at": ("最近事件", "Last event"),
    "attempt": ("重试次数", "Attempts"),
    "processes": ("进程", "Processes"),
    "process": ("进程", "Process"),
    "error": ("错误", "Error"),
    "application": ("应用", "App"),
    "request_url": ("请求地址", "Request URL"),
    "verified_at": ("验证于", "Verified"),
    "not_verified": ("未验证", "not verified"),
    "enabled": ("启用", "Enabled"),
    "held": ("已手动断开", "disconnected by hand"),
    "latest": ("最近日志", "Latest log lines"),
    "all_logs": ("全部日志", "All of the log"),
    "next_verify": (
        "下一步：验证。会用 App ID 和 App Secret 向飞书确认。",
        "Next: verify it. Feishu is asked whether App ID and App Secret are right.",
    ),
    "next_enable": ("下一步：启用，机器人就会连接。", "Next: enable it, and the bot connects."),
    "remove_title": ("删除连接器", "Remove a connector"),
    "remove_note": (
        "连接会断开，它和它的密钥会被删除，无法撤销；日志会保留。",
        "It is disconnected and forgotten together with its secrets. This cannot be undone; its log stays.",
    ),
    "keep": ("留空表示不变", "left empty it stays as it is"),
    "remove_secret": ("清除", "Remove"),
    "required": ("必填", "required"),
    "secrets": ("密钥", "Secrets"),
    "people": ("人员", "People"),
    "network": ("网络", "Network"),
    "secrets_note": (
        "只能写入，不会显示。没有保存成功时需要重新填写。",
        "They can be written and never read. If saving fails, enter them again.",
    ),
    "has_changed": (
        "打开表单之后，这些设置被其他人改过。请核对后再保存一次。",
        "Somebody has changed these settings since you opened the form. Look at them once more, then save again.",
    ),
    "look_at_fields": (
        "没有保存：请修改标出的字段。",
        "Not saved: please correct the fields that are marked.",
    ),
    "test": ("测试消息", "Test message"),
    "test_text": ("内容", "Text"),
    "test_text_hint": (
        "纯文本。谁发的、发到哪里会记入日志。",
        "Plain text. The log says who sent it, and where to.",
    ),
    "test_chat": ("会话", "Chat"),
    "test_chat_hint": (
        "会话（oc_…），或一个人（ou_…、on_…）。留空：第一个允许的会话，否则机器人最近被搭话的会话。",
        (
            "A chat (oc_…), or a person (ou_… or on_…). Empty: the first allowed chat, else the one where the bot was "
            "last spoken to."
        ),
    ),
    "test_chat_empty": ("第一个允许的，否则最近的会话", "First allowed chat, else latest"),
    "test_chat_problem": (
        "应为 oc_、ou_ 或 on_ 开头的 ID，或留空。",
        "Takes an id that begins with oc_, ou_ or on_, or nothing.",
    ),
    "test_look_at_fields": (
        "没有发送：请修改标出的字段。",
        "Not sent: please correct the fields that are marked.",
    ),
    "test_send": ("发送", "Send"),
    "everyone": ("所有人", "everybody"),
    "all_chats": ("所有会话", "all chats"),
    "no_prefix": ("不需要", "none"),
    "no_limit": ("不限", "no limit"),
}
