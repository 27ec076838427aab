"""Feishu's REST: tokens, errors, messages, cards, media. Knows neither NoneBot nor the rest of the plugin."""

from .client import FeishuClient
from .errors import (
    AnswerTooLarge,
    ApiError,
    AppUnavailable,
    BadCredentials,
    ChatUnavailable,
    Facts,
    FeishuError,
    InvalidRequest,
    MessageGone,
    MessageLocked,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    ServerError,
    StreamClosed,
    TokenInvalid,
    TooLarge,
    TransportError,
)
from .media import FileType
from .messages import Content, ReceiveIdType, receive_id_type_of
from .models import BotInfo, Chat, Download, Member, Mention, Message, Sender, SentMessage
from .transport import Form, Params

__all__ = [
    "AnswerTooLarge",
    "ApiError",
    "AppUnavailable",
    "BadCredentials",
    "BotInfo",
    "Chat",
    "ChatUnavailable",
    "Content",
    "Download",
    "Facts",
    "FeishuClient",
    "FeishuError",
    "FileType",
    "Form",
    "InvalidRequest",
    "Member",
    "Mention",
    "Message",
    "MessageGone",
    "MessageLocked",
    "Params",
    "PermissionDenied",
    "RateLimited",
    "ReceiveIdType",
    "RequestTimeout",
    "Sender",
    "SentMessage",
    "ServerError",
    "StreamClosed",
    "TokenInvalid",
    "TooLarge",
    "TransportError",
    "receive_id_type_of",
]
