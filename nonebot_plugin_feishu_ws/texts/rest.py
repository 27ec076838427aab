"""What is said over REST where something is not done, in Chinese and English."""

from collections.abc import Collection, Mapping
from typing import Final

from .connectors import ConnectorTexts
from .language import Spoken

_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "invalid": ("请求无效", "The request is not valid"),
    "not_verified": ("尚未验证", "Not verified yet"),
    "not_enabled": ("未启用", "Not enabled"),
    "no_target": ("不知道发到哪里", "Nowhere to send to"),
    "chat_not_allowed": ("不允许发到这个会话", "This chat is not allowed"),
    "feishu_refused": ("飞书拒绝了", "Feishu refused"),
    "unauthorized": ("需要有效的令牌", "A valid token is needed"),
    "closed": ("接口没有开放", "The interface is closed"),
    "forbidden": ("没有权限", "Not allowed"),
    "may_not_decide": ("无权审批", "Not an approver"),
    "not_found": ("不存在", "Not found"),
    "method_not_allowed": ("不支持这个方法", "This method is not supported"),
    "taken": ("已被使用", "Taken"),
    "read_only": ("只能在配置中修改", "Declared in configuration"),
    "secrets_locked": ("密钥无法解密", "The secrets do not open"),
    "already_decided": ("已经有了别的决定", "Decided otherwise already"),
    "too_large": ("请求太大", "The request is too large"),
    "unsupported_media_type": ("不支持这种内容类型", "This content type is not supported"),
    "too_many_failures": ("失败次数太多", "Too many failures"),
    "internal": ("内部错误", "Internal error"),
    "feishu_unavailable": ("飞书暂时不可用", "Feishu is not available now"),
    "database_unavailable": ("数据库暂时不可用", "The database is not available now"),
}

_DETAILS: Final[Mapping[str, tuple[str, str]]] = {
    "invalid": ("请求体不是有效的 JSON。", "The body is not valid JSON."),
    "unauthorized": (
        "请求头 Authorization: Bearer 里要有一个有效的令牌。",
        "Send a valid token in the header Authorization: Bearer.",
    ),
    "closed": (
        "还没有设置密钥：请设置 FEISHU_WS__API_TOKEN 或 FEISHU_WS__JWT_SECRET，然后重新启动。",
        "There is no key yet: set FEISHU_WS__API_TOKEN or FEISHU_WS__JWT_SECRET, and start again.",
    ),
    "forbidden": (
        "只有管理员可以添加连接器，或修改 owner、domain 和 proxy。",
        "Only administrators add connectors, or change owner, domain or proxy.",
    ),
    "not_found": (
        "没有这个地址、连接器或审批，或者它不属于你。",
        "There is no such address, connector or approval, or it is not yours.",
    ),
    "method_not_allowed": ("这个地址支持的方法见 Allow。", "Allow names the methods of this address."),
    "too_large": ("请求体太大。", "The body is too large."),
    "unsupported_media_type": (
        "请求体应为 Content-Type: application/json。",
        "A body is sent with Content-Type: application/json.",
    ),
    "too_many_failures": (
        "这个地址用错令牌的次数太多，请稍后再试。",
        "Too many tokens from your address opened nothing; try again later.",
    ),
    "internal": ("这是我们的缺陷，日志里有详情。", "This is a defect of ours; the log says more."),
}

_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "enabled": ("true 或 false", "true or false"),
    "approved": ("true 或 false", "true or false"),
    "text": ("1 到 10000 个字符的文本", "a text of 1 to 10000 characters"),
    "chat_id": ("会话或用户的 id：oc_…、ou_… 或 on_…", "the id of a chat or a person: oc_…, ou_… or on_…"),
    "limit": ("1 到 500 的整数", "a whole number from 1 to 500"),
    "cursor": ("上一页给出的 next_cursor", "next_cursor of the page before"),
    "body": ("一个 JSON 对象", "a JSON object"),
}


class RestTexts(Spoken):
    """The texts in one language."""

    def title(self, code: str) -> str:
        """A kind of problem, in a few words."""
        return self._in(*_TITLES[code])

    def detail(self, code: str) -> str:
        """What is the matter, and what to do."""
        zh, en = _DETAILS[code]
        return self._in(zh, en)

    def takes(self, field: str) -> str:
        """What a field takes."""
        if field in _FIELDS:
            return self._in(*_FIELDS[field])
        return ConnectorTexts(self.locale).field(field)

    def unknown_field(self, valid: Collection[str]) -> str:
        names = ", ".join(sorted(valid)) or self._in("无", "none")
        return self._in(f"没有这个字段；可用：{names}。", f"There is no such field. There are: {names}.")

    def fields_invalid(self) -> str:
        return self._in(
            "有的字段不能用，errors 里说明各自应为什么。",
            "Some fields cannot be used; errors says what they take.",
        )
