"""Feishu's REST: tokens, errors, messages, cards, media. Knows neither NoneBot nor the rest of the plugin."""

from .cardkit import CardKit, entity_content
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
    OutOfSequence,
    PermissionDenied,
    RateLimited,
    Repeated,
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
from .pace import ApiCall, Pace
from .transport import Form, Params

__all__ = [
    "AnswerTooLarge",
    "ApiCall",
    "ApiError",
    "AppUnavailable",
    "BadCredentials",
    "BotInfo",
    "CardKit",
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
    "OutOfSequence",
    "Pace",
    "Params",
    "PermissionDenied",
    "RateLimited",
    "ReceiveIdType",
    "Repeated",
    "RequestTimeout",
    "Sender",
    "SentMessage",
    "ServerError",
    "StreamClosed",
    "TokenInvalid",
    "TooLarge",
    "TransportError",
    "entity_content",
    "receive_id_type_of",
]
