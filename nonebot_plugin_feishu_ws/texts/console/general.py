"""The words of every page of the console, of its door, and of what it does not serve: Chinese first, English second."""

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
    "no_scripts": (
        "链接登录需要启用 JavaScript。",
        "To sign in by a link, this page needs JavaScript.",
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
