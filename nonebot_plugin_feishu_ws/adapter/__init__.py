"""What NoneBot sees of a connector: adapter, bot, typed events."""

from .adapter import Adapter, ensure_adapter
from .bot import Bot
from .card_action import (
    ANSWER_DEADLINE,
    CardAction,
    CardActionDetail,
    CardActionEvent,
    CardContext,
    CardOperator,
    Toast,
)
from .errors import ActionFailed, ChatNotAllowed, NetworkError
from .events import FeishuEvent, GroupMessageEvent, MessageEvent, NoticeEvent, PrivateMessageEvent
from .handling import Handling, handling
from .outbound import Outbound, Overseer
from .parse import parse_event

__all__ = [
    "ANSWER_DEADLINE",
    "ActionFailed",
    "Adapter",
    "Bot",
    "CardAction",
    "CardActionDetail",
    "CardActionEvent",
    "CardContext",
    "CardOperator",
    "ChatNotAllowed",
    "FeishuEvent",
    "GroupMessageEvent",
    "Handling",
    "MessageEvent",
    "NetworkError",
    "NoticeEvent",
    "Outbound",
    "Overseer",
    "PrivateMessageEvent",
    "Toast",
    "ensure_adapter",
    "handling",
    "parse_event",
]
