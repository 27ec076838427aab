"""Every word the chat page shows, in Chinese and English. Nothing else in the page holds a sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["EN", "LANGUAGES", "ZH", "Language", "Texts", "choose_language"]

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """One language. `tag` is the HTML `lang`, `locale` the key of translations inside Feishu's own JSON."""

    tag: str
    locale: str
    other: Language
    other_name: str
    title: str
    subtitle: str
    switch_language: str
    speak_as: str
    speak_as_user: Callable[[str], str]
    add_user: str
    user_name: str
    chats: str
    new_group: str
    new_app: str
    app_name: str
    app_name_hint: str
    app_created: str
    app_hint: str
    group_name: str
    topic_group: str
    topic_group_hint: str
    people: str
    bots: str
    members: str
    member_count: Callable[[int], str]
    add_bot: str
    remove_bot: str
    create: str
    cancel: str
    close: str
    confirm: str
    back: str
    bot: str
    group: str
    topic: str
    unread: Callable[[int], str]
    messages: str
    empty_direct: Callable[[str], str]
    empty_group: str
    empty_topic: str
    try_help: str
    no_chats: str
    write: Callable[[str], str]
    write_topic: str
    write_json: str
    send: str
    message_type: str
    type_text: str
    type_post: str
    type_raw: str
    raw_type: str
    attach_image: str
    attach_file: str
    keys_hint: str
    mention_list: str
    everyone: str
    replying_to: Callable[[str], str]
    stop_replying: str
    reply: str
    reply_in_thread: str
    react: str
    reaction_by: Callable[[str, str], str]
    withdraw: str
    show_json: str
    withdrawn_by: Callable[[str], str]
    withdrawn: str
    generating: str
    edited: str
    replies: Callable[[int], str]
    today: str
    yesterday: str
    image: str
    file: str
    audio: str
    video: str
    sticker: str
    card: str
    post: str
    location: str
    shared_chat: str
    shared_user: str
    forwarded: str
    unknown_message: Callable[[str], str]
    download: str
    missing_file: str
    unsupported: Callable[[str], str]
    choose: str
    more: str
    submit: str
    raw_pane: str
    raw_toggle: str
    raw_empty: str
    raw_filter: str
    raw_events: str
    raw_api: str
    raw_control: str
    raw_pause: str
    to_app: str
    from_app: str
    connections: Callable[[int], str]
    offline: str
    offline_hint: str
    app_id: str
    app_secret: str
    platform_url: str
    verification_token: str
    encrypt_key: str
    request_url: str
    request_url_hint: str
    posted: str
    save: str
    show_secret: str
    lost: str
    not_sent: str
    click_failed: Callable[[int, str], str]
    required: str
    bad_json: str
    json_not_object: str
    nothing_to_say: str
    unknown_thing: str
    too_large: str
    not_a_bots_card: str
    default_group: str
    default_app: Callable[[str], str]
    confirm_title: str
    confirm_question: str
    confirm_code: str
    confirm_as: str
    confirm_scopes: str
    confirm_events: str
    confirm_callbacks: str
    confirm_approve: str
    confirm_deny: str
    confirm_approved: Callable[[str], str]
    confirm_chat: Callable[[str], str]
    confirm_denied: str
    confirm_gone: str


ZH = Texts(
    tag="zh-CN",
    locale="zh_cn",
    other="en",
    other_name="English",
    title="本地飞书",
    subtitle="飞书沙盒",
    switch_language="切换到英文",
    speak_as="发言身份",
    speak_as_user=lambda name: f"以 {name} 的身份发言",
    add_user="添加用户",
    user_name="姓名",
    chats="会话",
    new_group="新建群聊",
    new_app="新建应用",
    app_name="应用名称",
    app_name_hint="机器人会以这个名字出现在会话里",
    app_created="应用已创建，用下面的凭证连接",
    app_hint="在机器人的配置里填入这三项即可连上本地飞书。",
    group_name="群名称",
    topic_group="话题群",
    topic_group_hint="每条消息是一个话题，回复都在话题里",
    people="成员",
    bots="机器人",
    members="群成员",
    member_count=lambda n: f"{n} 位成员",
    add_bot="添加",
    remove_bot="移除",
    create="创建",
    cancel="取消",
    close="关闭",
    confirm="确定",
    back="返回会话列表",
    bot="机器人",
    group="群",
    topic="话题",
    unread=lambda n: f"{n} 条未读",
    messages="消息",
    empty_direct=lambda name: f"和 {name} 打个招呼吧",
    empty_group="群里还没有消息，用 @ 叫一下机器人",
    empty_topic="还没有话题，发一条消息就是一个新话题",
    try_help="试试发送 help",
    no_chats="还没有会话。先新建一个应用，或者新建群聊。",
    write=lambda name: f"发送给 {name}",
    write_topic="发布一个新话题",
    write_json="消息内容（JSON 对象）",
    send="发送",
    message_type="消息类型",
    type_text="文本",
    type_post="富文本",
    type_raw="原始 JSON",
    raw_type="msg_type",
    attach_image="发送图片",
    attach_file="发送文件",
    keys_hint="Enter 发送，Shift+Enter 换行，@ 提及",
    mention_list="提及成员",
    everyone="所有人",
    replying_to=lambda name: f"回复 {name}",
    stop_replying="取消回复",
    reply="回复",
    reply_in_thread="回复话题",
    react="表情回复",
    reaction_by=lambda emoji, names: f"{emoji}：{names}",
    withdraw="撤回",
    show_json="查看 JSON",
    withdrawn_by=lambda name: f"{name} 撤回了一条消息",
    withdrawn="消息已撤回",
    generating="生成中…",
    edited="已编辑",
    replies=lambda n: f"{n} 条回复",
    today="今天",
    yesterday="昨天",
    image="[图片]",
    file="[文件]",
    audio="[语音]",
    video="[视频]",
    sticker="[表情]",
    card="[卡片]",
    post="[富文本]",
    location="[位置]",
    shared_chat="[群名片]",
    shared_user="[个人名片]",
    forwarded="[合并转发]",
    unknown_message=lambda kind: f"[{kind}]",
    download="下载",
    missing_file="文件不在本地飞书里",
    unsupported=lambda tag: f"不支持的元素 <{tag}>",
    choose="请选择",
    more="更多",
    submit="提交",
    raw_pane="数据帧与接口调用",
    raw_toggle="显示或隐藏数据帧",
    raw_empty="还没有数据帧。发一条消息，就能看到推送给机器人的事件和它的回应。",
    raw_filter="筛选：类型、应用、路径、内容",
    raw_events="事件",
    raw_api="接口",
    raw_control="心跳",
    raw_pause="清空",
    to_app="推送",
    from_app="应答",
    connections=lambda n: f"{n} 个长连接在线",
    offline="未连接",
    offline_hint="这个机器人还没有连上来：消息会保留在这里，但没有人会回答。",
    app_id="App ID",
    app_secret="App Secret",  # noqa: S106 - a label
    platform_url="平台地址",
    verification_token="Verification Token",  # noqa: S106 - a label
    encrypt_key="Encrypt Key",
    request_url="请求地址",
    request_url_hint="填写后事件和回调都发送到这里（webhook），留空则使用长连接；保存时会校验这个地址。",
    posted="使用请求地址",
    save="保存",
    show_secret="查看凭证",  # noqa: S106 - a label
    lost="与本地飞书的连接断开，正在重连…",
    not_sent="没有发出去",
    click_failed=lambda code, _: f"出错了，请稍后重试（code: {code}）",
    required="有必填项未填写",
    bad_json="不是合法的 JSON",
    json_not_object="消息内容必须是一个 JSON 对象",
    nothing_to_say="写点什么再发送",
    unknown_thing="找不到这个用户、会话或消息，请刷新页面",
    too_large="文件太大",
    not_a_bots_card="只有机器人的卡片可以回传",
    default_group="新的群聊",
    default_app=lambda name: f"{name}的机器人",
    confirm_title="扫码创建应用",
    confirm_question="有程序想为你创建一个飞书应用，并获得它的凭证。请只确认你自己发起的请求。",
    confirm_code="确认码",
    confirm_as="创建者",
    confirm_scopes="权限",
    confirm_events="事件",
    confirm_callbacks="回调",
    confirm_approve="创建应用",
    confirm_deny="拒绝",
    confirm_approved=lambda name: f"应用“{name}”已创建，凭证会交给发起请求的程序。可以关闭此页面。",
    confirm_chat=lambda name: f"和“{name}”聊天",
    confirm_denied="已拒绝，没有创建应用。可以关闭此页面。",
    confirm_gone="链接不存在或已失效，请重新发起。",
)

EN = Texts(
    tag="en",
    locale="en_us",
    other="zh",
    other_name="中文",
    title="Local Feishu",
    subtitle="Feishu sandbox",
    switch_language="Switch to Chinese",
    speak_as="Speak as",
    speak_as_user=lambda name: f"Speak as {name}",
    add_user="Add a user",
    user_name="Name",
    chats="Chats",
    new_group="New group",
    new_app="New app",
    app_name="App name",
    app_name_hint="The bot appears in chats under this name",
    app_created="App created. Connect with these credentials",
    app_hint="Put these three into your bot's settings and it connects to this local Feishu.",
    group_name="Group name",
    topic_group="Topic group",
    topic_group_hint="Every message opens a topic; replies stay inside it",
    people="People",
    bots="Bots",
    members="Members",
    member_count=lambda n: f"{n} member" if n == 1 else f"{n} members",
    add_bot="Add",
    remove_bot="Remove",
    create="Create",
    cancel="Cancel",
    close="Close",
    confirm="OK",
    back="Back to the chats",
    bot="Bot",
    group="Group",
    topic="Topics",
    unread=lambda n: f"{n} unread",
    messages="Messages",
    empty_direct=lambda name: f"Say hello to {name}",
    empty_group="No messages yet. Call a bot with @",
    empty_topic="No topics yet. Your first message opens one",
    try_help="Try sending help",
    no_chats="No chats yet. Create an app first, or a group.",
    write=lambda name: f"Message {name}",
    write_topic="Start a new topic",
    write_json="Message content (a JSON object)",
    send="Send",
    message_type="Message type",
    type_text="Text",
    type_post="Rich text",
    type_raw="Raw JSON",
    raw_type="msg_type",
    attach_image="Send an image",
    attach_file="Send a file",
    keys_hint="Enter sends, Shift+Enter breaks the line, @ mentions",
    mention_list="Mention a member",
    everyone="Everyone",
    replying_to=lambda name: f"Reply to {name}",
    stop_replying="Stop replying",
    reply="Reply",
    reply_in_thread="Reply in thread",
    react="Add reaction",
    reaction_by=lambda emoji, names: f"{emoji}: {names}",
    withdraw="Withdraw",
    show_json="Show JSON",
    withdrawn_by=lambda name: f"{name} withdrew a message",
    withdrawn="Message withdrawn",
    generating="Generating…",
    edited="edited",
    replies=lambda n: f"{n} reply" if n == 1 else f"{n} replies",
    today="Today",
    yesterday="Yesterday",
    image="[Image]",
    file="[File]",
    audio="[Audio]",
    video="[Video]",
    sticker="[Sticker]",
    card="[Card]",
    post="[Rich text]",
    location="[Location]",
    shared_chat="[Shared group]",
    shared_user="[Shared contact]",
    forwarded="[Forwarded messages]",
    unknown_message=lambda kind: f"[{kind}]",
    download="Download",
    missing_file="Not in this local Feishu",
    unsupported=lambda tag: f"unsupported element <{tag}>",
    choose="Choose",
    more="More",
    submit="Submit",
    raw_pane="Frames and API calls",
    raw_toggle="Show or hide frames",
    raw_empty="Nothing yet. Send a message to see the events pushed to the bot and what it answers.",
    raw_filter="Filter by type, app, path, content",
    raw_events="Events",
    raw_api="API",
    raw_control="Heartbeat",
    raw_pause="Clear",
    to_app="push",
    from_app="answer",
    connections=lambda n: f"{n} connection online" if n == 1 else f"{n} connections online",
    offline="not connected",
    offline_hint="This bot has not connected yet: messages stay here, but nobody answers.",
    app_id="App ID",
    app_secret="App Secret",  # noqa: S106 - a label
    platform_url="Platform URL",
    verification_token="Verification Token",  # noqa: S106 - a label
    encrypt_key="Encrypt Key",
    request_url="Request URL",
    request_url_hint="Events and callbacks are posted here (a webhook); empty: long connections. Checked when saved.",
    posted="request URL",
    save="Save",
    show_secret="Show credentials",  # noqa: S106 - a label
    lost="Lost the local Feishu, reconnecting…",
    not_sent="Not sent",
    click_failed=lambda code, _: f"Something went wrong, try again later (code: {code})",
    required="Please fill in what is required",
    bad_json="Not valid JSON",
    json_not_object="The content must be a JSON object",
    nothing_to_say="Write something first",
    unknown_thing="No such user, chat or message; reload the page",
    too_large="The file is too large",
    not_a_bots_card="Only a bot's card calls back",
    default_group="New group",
    default_app=lambda name: f"{name}'s bot",
    confirm_title="Create an app by scanning",
    confirm_question="A program asks to create a Feishu app for you and to be given its credentials. "
    "Confirm only what you started yourself.",
    confirm_code="Code",
    confirm_as="Created by",
    confirm_scopes="Scopes",
    confirm_events="Events",
    confirm_callbacks="Callbacks",
    confirm_approve="Create the app",
    confirm_deny="Decline",
    confirm_approved=lambda name: (
        f"“{name}” was created; its credentials go to the program that asked. You can close this page."
    ),
    confirm_chat=lambda name: f"Chat with “{name}”",
    confirm_denied="Declined, no app was created. You can close this page.",
    confirm_gone="This link does not exist or has expired. Start again.",
)

LANGUAGES: Mapping[Language, Texts] = MappingProxyType({"zh": ZH, "en": EN})


def choose_language(chosen: str | None, accept_language: str, default_locale: str) -> Texts:
    """The language chosen, else the browser's first that exists here, else the default."""
    if chosen == "zh" or chosen == "en":
        return LANGUAGES[chosen]
    for part in accept_language.split(","):
        tag = part.partition(";")[0].strip().lower()[:2]
        if tag == "zh" or tag == "en":
            return LANGUAGES[tag]
    return EN if default_locale.lower().startswith("en") else ZH
