"""The console's plain words: always Chinese first, English second."""

from collections.abc import Mapping

GENERAL: Mapping[str, tuple[str, str]] = {
    "title": ("飞书控制台", "Feishu console"),
    "skip": ("跳到正文", "Skip to content"),
    "menu": ("主菜单", "Main menu"),
    "language": ("English", "中文"),
    "language_label": ("Switch to English", "切换到中文"),
    "language_tag": ("en", "zh-CN"),
    "sign_out": ("退出", "Sign out"),
    "account": ("账号", "Account"),
    "connectors": ("连接器", "Connectors"),
    "approvals": ("审批", "Approvals"),
    "logs": ("日志", "Logs"),
    "why": ("消息追踪", "Message trace"),
    "letters": ("死信", "Dead letters"),
    "back": ("返回", "Back"),
    "save": ("保存", "Save"),
    "cancel": ("取消", "Cancel"),
    "all": ("全部", "All"),
    "none": ("无", "none"),
    "set": ("已设置", "set"),
    "not_set": ("未设置", "not set"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "never": ("从未", "never"),
    "live": ("实时更新", "Live"),
    "lost": ("连接已断开，正在重连…", "Connection lost, trying again…"),
    "working": ("请稍候…", "Please wait…"),
}

SIGN_IN: Mapping[str, tuple[str, str]] = {
    "sign_in": ("登录", "Sign in"),
    "sign_in_title": ("登录飞书控制台", "Sign in to the Feishu console"),
    "by_link": ("链接有效，点击即可登录。", "Your link is here. One click signs you in."),
    "by_link_note": (
        "链接只能使用一次，5 分钟内有效。",
        "A link works once, within five minutes of being sent.",
    ),
    "by_chat": ("通过聊天登录", "Sign in from a chat"),
    "by_chat_how": (
        "给机器人发送下面的命令，它会私聊发给你一个一次性链接：",
        "Send this to your bot. It answers with a one-time link, in your direct chat:",
    ),
    "by_shell_how": ("在机器人所在的机器上也可以：", "Or in a shell of the bot's machine:"),
    "by_token": ("使用 API 令牌", "Use the API token"),
    "token": ("API 令牌", "API token"),
    "token_how": (
        "即配置项 FEISHU_WS__API_TOKEN 的值。",
        "The value of the setting FEISHU_WS__API_TOKEN.",
    ),
    "no_token": (
        "没有配置 FEISHU_WS__API_TOKEN，无法用令牌登录。",
        "FEISHU_WS__API_TOKEN is not set, so there is no token to sign in with.",
    ),
    "refused": (
        "登录失败：链接已用过、已过期，或令牌不正确。",
        "That did not work: the link is used up or too old, or the token is not right.",
    ),
    "too_often": (
        "尝试次数过多，请几分钟后再试。",
        "Too many attempts. Please try again in a few minutes.",
    ),
    "plain_http": (
        "不能通过公网上的 http 登录：令牌和会话会被别人看到。请使用 https。",
        "You cannot sign in over plain http from a public network: others could read along. Use https.",
    ),
    "account_note": (
        "会话闲置 12 小时或满 7 天后失效。",
        "A session ends after 12 hours without use, and after 7 days in any case.",
    ),
    "signed_in_as": ("登录身份", "Signed in as"),
    "signed_in_by": ("登录方式", "Signed in by"),
    "rights": ("权限", "Rights"),
    "superuser": ("超级用户：全部连接器", "Superuser: all connectors"),
    "owner": ("负责人：自己的连接器", "Owner: connectors of their own"),
    "origin_chat": ("聊天中的链接", "a link in a chat"),
    "origin_shell": ("命令行中的链接", "a link from a shell"),
    "origin_token": ("API 令牌", "the API token"),
    "sign_out_here": ("退出此浏览器", "Sign out here"),
    "sign_out_everywhere": ("退出所有浏览器", "Sign out everywhere"),
    "sign_out_everywhere_note": (
        "所有以此身份登录的浏览器都会退出，未使用的链接也会作废。",
        "Every browser that is signed in as you is signed out, and links you have not used stop working.",
    ),
}

TROUBLE: Mapping[str, tuple[str, str]] = {
    "not_found": ("没有找到", "Not found"),
    "not_found_note": (
        "没有这个页面或连接器，或者你无权查看。",
        "There is no such page or connector, or it is not yours to see.",
    ),
    "forbidden": ("没有权限", "Not allowed"),
    "forbidden_note": ("这需要超级用户的权限。", "Only superusers may do this."),
    "database_away": ("数据库暂时不可用", "The database is away"),
    "database_away_note": (
        "什么都没有改变。稍后刷新此页。",
        "Nothing was changed. Reload this page in a moment.",
    ),
    "defect": ("出错了", "Something went wrong"),
    "defect_note": (
        "什么都没有显示给你的原因在日志里，编号：",
        "The reason is in the log of the bot, under the reference ",
    ),
    "foreign": ("请求被拒绝", "Request refused"),
    "foreign_note": (
        "请求来自别的网站。若使用反向代理，请让它保留 Host 头，或设置 FEISHU_WS__CONSOLE_URL。",
        "It came from another web site. Behind a reverse proxy, keep the Host header, or set FEISHU_WS__CONSOLE_URL.",
    ),
    "bad_form": ("请求被拒绝", "Request refused"),
    "bad_form_note": ("无法读取提交的内容。", "What was sent cannot be read."),
    "stale_form": ("页面已过期", "This page is out of date"),
    "stale_form_note": (
        "登录状态在打开页面之后变了，没有执行任何操作。请返回并刷新。",
        "You have signed in anew since it was opened; nothing was done. Go back and reload it.",
    ),
}

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
    "everyone": ("所有人", "everybody"),
    "all_chats": ("所有会话", "all chats"),
    "no_prefix": ("不需要", "none"),
    "no_limit": ("不限", "no limit"),
}

ACTIVITY: Mapping[str, tuple[str, str]] = {
    "no_logs": ("还没有日志", "No log lines yet"),
    "no_logs_note": (
        "连接器连接、收到消息或被修改时，这里会出现记录。",
        "Lines appear here when a connector connects, receives a message or is changed.",
    ),
    "no_match": ("没有符合条件的日志", "No line matches"),
    "no_match_note": ("放宽上面的条件再看。", "Loosen the filters above."),
    "filter": ("筛选", "Filter"),
    "show": ("显示", "Show"),
    "level": ("级别", "Level"),
    "action": ("动作", "Action"),
    "connector": ("连接器", "Connector"),
    "time": ("时间", "Time"),
    "detail": ("详情", "Detail"),
    "at_least_debug": ("全部级别", "every level"),
    "at_least_info": ("info 及以上", "info and above"),
    "at_least_warning": ("warning 及以上", "warning and above"),
    "at_least_error": ("仅 error", "error only"),
    "older": ("更早", "Older"),
    "newest": ("最新", "Newest"),
    "trace": ("追踪这条消息", "Trace this message"),
    "trace_title": ("消息追踪", "Message trace"),
    "trace_note": (
        "一条消息为什么有或没有回应：每个过滤器的结论、由谁处理、回复了什么。",
        "Why a message was answered, or not: every filter's verdict, who handled it, and what was answered.",
    ),
    "message_id": ("消息 ID", "Message ID"),
    "message_id_hint": (
        "om_ 开头：机器人收到的消息，或被点击的卡片。可以从日志里点进来。",
        "Begins with om_: a message the bot received, or a card that was clicked. Log lines link here.",
    ),
    "find": ("查看", "Trace"),
    "filters": ("过滤器", "Filters"),
    "received": ("收到", "Received"),
    "screened": ("过滤", "Screened"),
    "handled": ("处理", "Handled"),
    "answered": ("回复", "Answered"),
    "stopped": ("被拦下", "Stopped"),
    "let_through": ("通过", "Let through"),
    "pass": ("通过", "passed"),
    "skip": ("不适用", "not asked"),
    "fail": ("不通过", "failed"),
    "error_verdict": ("出错", "broke"),
    "no_letters": ("没有死信", "No dead letters"),
    "no_letters_note": (
        "处理时多次让进程崩溃的事件会放在这里，不再重试。没有就好。",
        (
            "Events that ended the process more than once while they were handled are put here and not tried again. "
            "None is good."
        ),
    ),
    "letters_note": (
        "被放弃的事件：处理它们时进程多次退出。找到原因后可以重新处理。",
        (
            "Events that were given up, because the process ended more than once over them. Once the cause is mended, "
            "have them handled after all."
        ),
    ),
    "replay": ("重新处理", "Replay"),
    "replay_all": ("全部重新处理", "Replay all"),
    "event": ("事件", "Event"),
    "type": ("类型", "Type"),
    "tries": ("尝试次数", "Attempts"),
    "cause": ("原因", "Why"),
    "waiting": ("等待决定", "Waiting"),
    "decided": ("已决定", "Decided"),
    "no_approvals": ("没有等待审批的请求", "Nothing waits for approval"),
    "no_approvals_note": (
        "有人请求执行需要审批的命令时，会出现在这里，也会出现在聊天的卡片上。",
        "When somebody asks for a command that needs approval, it appears here and on a card in the chat.",
    ),
    "nothing_decided": ("还没有决定过的请求。", "Nothing was decided yet."),
    "approve": ("批准", "Approve"),
    "reject": ("拒绝", "Reject"),
    "take_back": ("撤回", "Take back"),
    "asked_by": ("发起者", "Asked by"),
    "decided_by": ("决定者", "Decided by"),
    "arguments": ("参数", "Arguments"),
    "reason": ("理由（由机器人填写）", "Reason, as the bot puts it"),
    "result": ("结果", "Result"),
    "may_not": ("你不能决定这一项。", "This one is not yours to decide."),
    "expires": ("有效期至", "Valid until"),
    "doctor_note": (
        "向飞书、网络和最近的状态逐项询问；不会改变什么，也不会占用连接。",
        "Asks Feishu, the network and the last report, one by one. It changes nothing and uses up no connection.",
    ),
    "run": ("开始诊断", "Run the check-up"),
    "run_again": ("重新诊断", "Run it again"),
    "checking": ("检查中…", "checking…"),
    "not_run": ("尚未检查", "not checked yet"),
    "finished": ("诊断完成。", "The check-up is finished."),
}
