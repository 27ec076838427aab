"""The words of a diagnosis: always Chinese first, English second."""

from collections.abc import Mapping

from ...connectors import CheckName, CheckOutcome

TITLES: Mapping[CheckName, tuple[str, str]] = {
    CheckName.CREDENTIALS: ("凭证", "Credentials"),
    CheckName.BOT: ("机器人", "Bot"),
    CheckName.BOOTSTRAP: ("接入地址", "Endpoint"),
    CheckName.CONNECTION: ("长连接", "Connection"),
    CheckName.STRANGERS: ("其他连接", "Other connections"),
    CheckName.SCOPES: ("权限", "Scopes"),
    CheckName.EVENTS: ("事件", "Events"),
    CheckName.CLOCK: ("时钟", "Clock"),
    CheckName.PROXY: ("代理", "Proxy"),
}
OUTCOMES: Mapping[CheckOutcome, tuple[str, str]] = {
    CheckOutcome.OK: ("✅ 正常", "✅ ok"),
    CheckOutcome.WARNING: ("⚠️ 注意", "⚠️ warning"),
    CheckOutcome.PROBLEM: ("❌ 有问题", "❌ problem"),
    CheckOutcome.SKIPPED: ("➖ 未检查", "➖ not checked"),
}
PURPOSES: Mapping[str, tuple[str, str]] = {
    "direct": ("接收私聊消息", "receive direct messages"),
    "mentions": ("接收群里 @ 机器人的消息", "receive mentions in groups"),
    "groups": ("接收群里的所有消息", "receive all messages of groups"),
    "bots": ("接收其他机器人的 @", "receive mentions by other bots"),
    "send": ("发送消息", "send messages"),
    "quoted": ("读取被引用的消息", "read quoted messages"),
    "reactions": ("添加表情回复", "add reactions"),
    "files": ("收发图片和文件", "send and fetch pictures and files"),
}
# bot/v3/info, activate_status
BOT_STATES: Mapping[int, tuple[str, str]] = {
    0: ("待安装", "not installed yet"),
    1: ("被企业停用", "disabled by the company"),
    3: ("已安装，待启用", "installed, but not enabled"),
    4: ("升级后待启用", "not enabled since its upgrade"),
    5: ("许可证过期", "licence expired"),
    6: ("套餐到期或降级", "plan expired or downgraded"),
}
# reason of a check, or gateway.Reason: what it is, and what to do about it
REASONS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "timeout": (
        ("没有及时应答", "no answer in time"),
        ("检查网络和代理，稍后再试。", "Check network and proxy, then try again."),
    ),
    "unreachable": (
        ("无法连接开放平台", "the open platform cannot be reached"),
        (
            "检查本机能否访问该域名（DNS、防火墙、代理），以及 domain 是否正确。",
            "Check that this machine reaches the host (DNS, firewall, proxy) and that domain is right.",
        ),
    ),
    "bad_credentials": (
        ("App ID 或 App Secret 不正确", "the App ID or App Secret is wrong"),
        (
            "从开发者后台“凭证与基础信息”复制，用 set 修改后重新 verify；国际版应用用 domain=lark。",
            "Copy both from “Credentials & Basic Info” in the developer console, set and verify; Lark: domain=lark.",
        ),
    ),
    "app_unavailable": (
        (
            "应用已停用、未发布、限制了 IP 或用尽额度",
            "the app is disabled, unpublished, IP-restricted or out of quota",
        ),
        (
            "在开发者后台和管理后台检查应用状态、IP 白名单与额度。",
            "Look at its state, IP allowlist and quota in the developer and admin consoles.",
        ),
    ),
    "permission": (
        ("应用没有查询它的权限", "the app lacks the scope to ask for it"),
        (
            "需要这项检查时，开通该权限并发布新版本。",
            "To have it checked, grant that scope and publish a new version.",
        ),
    ),
    "rate_limited": (("请求过于频繁", "asked too often"), ("稍等片刻再试。", "Wait a moment and try again.")),
    "platform": (
        ("开放平台自身出错", "the open platform has trouble of its own"),
        (
            "稍后再试；一直如此时，检查 domain 与代理。",
            "Try again later; if it stays, check domain and the proxy.",
        ),
    ),
    "refused": (
        ("开放平台拒绝了请求", "the open platform refused the request"),
        (
            "按错误码和消息处理；联系飞书支持时附上 log id。",
            "See its code and message; Feishu's support asks for the log id.",
        ),
    ),
    "locked": (
        ("保存的密钥无法解密", "its stored secrets cannot be opened"),
        (
            "恢复原来的 FEISHU_WS__SECRET_KEY 或密钥文件，否则删除后重新添加。",
            "Bring the former FEISHU_WS__SECRET_KEY or key file back, else remove it and add it again.",
        ),
    ),
    "proxy": (("代理设置无效，发不出请求", "the proxy setting is not valid, nothing can be sent"), ("", "")),
    "credentials": (("凭证可用之后才能检查", "can be checked once the credentials work"), ("", "")),
    "unsupported": (("平台不提供这项查询", "the platform does not tell"), ("", "")),
    "internal": (("检查本身出错了", "the check itself failed"), ("原因在日志里。", "The log says why.")),
    "connection_limit": (
        ("长连接数已达上限（50 个）", "the app has its 50 long connections already"),
        (
            "停掉使用同一应用的其他程序，或减小 FEISHU_WS__CONNECTIONS（按每个进程计）。",
            "Stop other programs that use the same app, or lower FEISHU_WS__CONNECTIONS (it counts per process).",
        ),
    ),
    "forbidden": (
        ("平台不允许该应用建立长连接", "the platform forbids the app a long connection"),
        (
            "只有企业自建应用可以；在“事件与回调”中选择“使用长连接接收”。",
            "Only self-built apps may have one; choose the persistent connection under “Events & Callbacks”.",
        ),
    ),
    "wrong_domain": (
        ("应用不属于这个平台", "the app is not of this platform"),
        (
            "飞书应用用 domain=feishu，国际版用 domain=lark。",
            "Use domain=feishu for Feishu's apps, domain=lark for Lark's.",
        ),
    ),
    "rejected": (
        ("平台拒绝建立长连接", "the platform refuses the long connection"),
        ("按错误码和消息处理，然后 connect。", "See its code and message, then connect."),
    ),
    "gave_up": (
        ("重连次数已用尽", "the allowed attempts are used up"),
        (
            "解决原因后 connect；次数由 FEISHU_WS__RECONNECT_MAX_ATTEMPTS 决定。",
            "Mend the cause, then connect; FEISHU_WS__RECONNECT_MAX_ATTEMPTS is the limit.",
        ),
    ),
    "no_server": (
        (
            "NoneBot 的驱动器不提供 HTTP 服务，收不到 webhook",
            "NoneBot's driver serves no HTTP; nothing can call",
        ),
        (
            "设置 DRIVER=~fastapi 后重启，或用 set 改回 transport=ws。",
            "Set DRIVER=~fastapi and start again, or set transport=ws.",
        ),
    ),
    "request_refused": (
        ("上一个请求被拒绝", "the last request was refused"),
        (
            "若是飞书的请求：核对 Encrypt Key 和 Verification Token，wrong_time 则校准时钟；陌生人的请求可以忽略。",
            "Was it Feishu's? Compare Encrypt Key and Verification Token; wrong_time: set the clock. Else never mind.",
        ),
    ),
    "webhook": (("使用 webhook，不需要", "a webhook needs none"), ("", "")),
    "busy": (("平台繁忙", "the platform is busy"), ("会自动重试。", "It is tried again by itself.")),
    "unavailable": (
        ("平台暂时不可用", "the platform is unavailable"),
        (
            "会自动重试；一直如此时，检查 domain 与代理。",
            "It is tried again by itself; if it stays, check domain and the proxy.",
        ),
    ),
    "network": (
        ("无法连接平台", "the platform cannot be reached"),
        ("检查网络、防火墙和代理。", "Check network, firewall and proxy."),
    ),
    "protocol": (
        ("应答不符合长连接协议", "the answer is not what the protocol asks for"),
        (
            "检查 domain，以及是否有网关或代理改写了应答。",
            "Check domain, and whether a gateway or proxy rewrites answers.",
        ),
    ),
    "closed": (("连接被关闭", "the connection was closed"), ("会自动重连。", "It reconnects by itself.")),
    "silent": (
        ("连接失去响应", "the connection fell silent"),
        (
            "会自动重连；频繁出现时，检查网络设备是否丢弃空闲连接。",
            "It reconnects by itself; if often, look for network gear that drops idle connections.",
        ),
    ),
    "disabled": (("未启用", "not enabled"), ("需要时 enable。", "Enable it if it should run.")),
    "not_verified": (
        ("尚未验证", "not verified yet"),
        ("先 verify，再 enable。", "Verify it, then enable it."),
    ),
    "held": (
        ("已被手动断开", "disconnected by hand"),
        ("用 connect 恢复。", "Use connect to bring it back."),
    ),
    "not_running": (
        ("没有进程在运行它", "no process runs it"),
        (
            "启动机器人；确认它使用同一个数据库，且 FEISHU_WS__ENABLED 没有关闭。",
            "Start the bot; make sure it uses the same database and FEISHU_WS__ENABLED is not false.",
        ),
    ),
    "disconnected": (("未连接", "not connected"), ("用 connect 连接。", "Use connect.")),
    "connecting": (("正在连接", "connecting"), ("稍后再看。", "Look again in a moment.")),
    "reconnecting": (("正在重新连接", "reconnecting"), ("会自动重试。", "It is tried again by itself.")),
    "blocked": (
        ("需要人工处理", "needs a person"),
        ("解决原因后 connect。", "Mend the cause, then connect."),
    ),
    "not_connected": (("没有连接，收不到事件", "not connected, so no events come"), ("", "")),
    "no_date": (("平台没有告知时间", "the platform did not tell its time"), ("", "")),
    "invalid": (
        ("代理地址无效", "the proxy's URL is not valid"),
        (
            "使用 http://主机:端口 形式的 HTTP 代理；不支持 SOCKS。",
            "Use an HTTP proxy like http://HOST:PORT; SOCKS is not supported.",
        ),
    ),
    "proxy_unreachable": (
        ("无法连接代理", "the proxy cannot be reached"),
        ("检查代理是否在运行，主机和端口是否正确。", "Check that it runs, and its host and port."),
    ),
    "proxy_refuses": (
        ("代理拒绝了请求", "the proxy refuses"),
        (
            "检查代理的用户名和密码，以及它是否允许访问开放平台。",
            "Check its user and password, and that it allows the open platform's host.",
        ),
    ),
    "platform_unreachable": (
        ("经代理访问不到开放平台", "the open platform is not reached through the proxy"),
        ("检查代理能否访问开放平台。", "Check that the proxy itself reaches the open platform."),
    ),
    "no_bot": (
        ("应用没有机器人能力，或含它的版本未发布", "the app has no bot, or no published version with one"),
        (
            "在开发者后台“添加应用能力”中添加机器人，然后创建版本并发布。",
            "Add the bot ability in the developer console, then create a version and publish it.",
        ),
    ),
    "inactive": (
        ("机器人未启用", "the bot is not active"),
        (
            "由管理员在管理后台启用应用；未发布时先创建版本并发布。",
            "An admin enables the app in the admin console; if it was never published, publish a version first.",
        ),
    ),
    "not_installed": (
        ("应用未安装到企业", "the app is not installed in the company"),
        (
            "在开发者后台创建版本并发布，由管理员审核通过。",
            "Create a version in the developer console, publish it and have an admin approve it.",
        ),
    ),
}
LONG_CONNECTION_HINT = (
    "“事件与回调”里的事件和回调都选择“使用长连接接收”",
    "under “Events & Callbacks”, events and callbacks are both received through a persistent connection",
)
EVENT_HINTS = (
    (
        "已添加事件 im.message.receive_v1；要用卡片按钮，还要添加回调 card.action.trigger",
        "the event im.message.receive_v1 is added; for card buttons the callback card.action.trigger, too",
    ),
    (
        "改动之后已创建版本并发布，发消息的人在应用可用范围内",
        "a version was published since the last change, and whoever writes is in the app's availability range",
    ),
    (
        "在群里：机器人已入群并被 @（没有 im:message.group_msg 权限时只收到 @ 它的消息）",
        "in a group: the bot is a member and is mentioned (without the scope im:message.group_msg only mentions come)",
    ),
)
