"""What the console says about each field of a connector: its label, and what it means."""

from collections.abc import Mapping

LABELS: Mapping[str, tuple[str, str]] = {
    "name": ("名称", "Name"),
    "app_id": ("App ID", "App ID"),
    "app_secret": ("App Secret", "App Secret"),
    "verification_token": ("Verification Token", "Verification Token"),
    "encrypt_key": ("Encrypt Key", "Encrypt Key"),
    "proxy": ("代理", "Proxy"),
    "domain": ("平台", "Platform"),
    "transport": ("接收方式", "Transport"),
    "owner": ("负责人", "Owner"),
    "approvers": ("审批人", "Approvers"),
    "allow_dm": ("接受私聊", "Accept direct messages"),
    "allow_group_mention": ("接受群消息", "Accept messages from groups"),
    "mention_required": ("群里必须 @ 机器人", "In groups, the bot must be mentioned"),
    "allowed_chat_ids": ("允许的会话", "Allowed chats"),
    "user_whitelist": ("允许的用户", "Allowed people"),
    "prefix_command": ("前缀", "Prefix"),
    "ignore_bot_messages": ("忽略其他机器人", "Ignore other bots"),
    "rate_limit_per_minute": ("每人每分钟消息数", "Messages per minute and person"),
}

EXPLAINED: Mapping[str, tuple[str, str]] = {
    "name": (
        "在命令、日志和网址里使用的短名称：1–32 个 a-z、0-9、-。",
        "A short name for commands, logs and addresses: 1 to 32 of a-z, 0-9 and -.",
    ),
    "app_id": (
        "开发者后台“凭证与基础信息”页，cli_ 开头。修改后需要重新验证。",
        "From “Credentials & Basic Info” in the developer console; begins with cli_. Verify anew after a change.",
    ),
    "app_secret": (
        "与 App ID 在同一页。修改后需要重新验证。",
        "On the same page as the App ID. Verify anew after a change.",
    ),
    "verification_token": (
        "“事件与回调”的“加密策略”页，可选。设置后，令牌不一致的事件会被拒绝。",
        "From “Encryption Strategy” under “Events & Callbacks”; optional. Events with another token are refused.",
    ),
    "encrypt_key": (
        "在同一页，可选。webhook 的请求用它签名和加密；长连接不用它。",
        (
            "On the same page; optional. Requests to a webhook are signed and encrypted with it; the long connection "
            "does without."
        ),
    ),
    "proxy": (
        "只用于这个连接器的 HTTP(S) 代理，如 http://proxy.example:3128。",
        "An HTTP(S) proxy for this connector alone, such as http://proxy.example:3128.",
    ),
    "domain": (
        "feishu、lark，或私有部署的网址；留空则使用 FEISHU_WS__URL。",
        "feishu, lark, or the URL of a deployment of your own; empty: that of FEISHU_WS__URL.",
    ),
    "transport": (
        (
            "ws：机器人主动建立长连接，不需要公网地址。webhook：飞书调用机器人的请求地址，"
            "需要 Encrypt Key（推荐）或 Verification Token。"
            "运行时可以切换。"
        ),
        (
            "ws: the bot opens a long connection; no public address is needed. webhook: Feishu calls the bot's request "
            "URL; it needs an Encrypt Key (better) or a Verification Token. It may change while the bot runs."
        ),
    ),
    "owner": (
        "负责人的 open_id（ou_…）：除超级用户外，只有此人能管理这个连接器。",
        "open_id (ou_…) of the person who may manage it, besides superusers.",
    ),
    "approvers": (
        "可以审批工具调用的人的 open_id，每行一个；* 表示会话中的任何其他人；留空则为超级用户和负责人。",
        (
            "open_ids of those who may approve tool calls, one per line; * = anybody else in the chat; empty: "
            "superusers and the owner."
        ),
    ),
    "allow_dm": (
        "关闭后，私聊机器人的消息都会被忽略。",
        "If off, messages written to the bot directly are ignored.",
    ),
    "allow_group_mention": (
        "关闭后，群里的消息都会被忽略，即使 @ 了机器人。",
        "If off, messages from groups are ignored, even those that mention the bot.",
    ),
    "mention_required": (
        "开启后，群里没有 @ 机器人的消息不算对管家说的；其他插件照常收到。",
        (
            "If on, a group's messages that do not mention the bot are not for the Butler; other plugins get them all "
            "the same."
        ),
    ),
    "allowed_chat_ids": (
        "chat_id（oc_…），每行一个；留空为所有会话。机器人也只能向这些会话发消息，没有指明时发到第一个。",
        "Chat ids (oc_…), one per line; empty: all chats. The bot may write to these alone, by default to the first.",
    ),
    "user_whitelist": (
        "open_id、user_id 或 union_id，每行一个；留空为所有人。",
        "open_ids, user_ids or union_ids, one per line; empty: everybody.",
    ),
    "prefix_command": (
        "对管家说话时必须以它开头，例如 !；至多 32 个字，留空为不需要。",
        "What messages to the Butler must begin with, such as !; up to 32 characters, empty: nothing.",
    ),
    "ignore_bot_messages": (
        "开启后，其他机器人的消息会被忽略：两个机器人不会没完没了地互相回答。",
        "If on, messages of other bots are ignored, so that two bots do not answer each other for ever.",
    ),
    "rate_limit_per_minute": (
        "每个人每分钟最多处理多少条，0–1000；超出的会被忽略，0 为不限。",
        "How many messages of one person are let through in a minute, 0 to 1000; 0 = no limit.",
    ),
}
