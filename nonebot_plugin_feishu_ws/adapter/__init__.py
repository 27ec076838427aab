"""What NoneBot sees of a connector: adapter, bot, typed events."""

from .adapter import Adapter, ensure_adapter
from .answering import ANSWER_DEADLINE, CardWriter, Toast
from .bot import Bot
from .card_action import CardActionDetail, CardActionEvent, CardContext, CardOperator, ClickedPart
from .dependencies import ConnectorInfo, CurrentConnector, FeishuClient, LarkClient
from .errors import ActionFailed, ChatNotAllowed, NetworkError
from .events import FeishuEvent, GroupMessageEvent, MessageEvent, NoticeEvent, PrivateMessageEvent
from .handling import Handling, handling
from .lark import BlockingCallError
from .outbound import Outbound, Overseer
from .outgoing import Outgoing, to_outgoing
from .parse import event_of, parse_event
from .plain_rule import PlainRule
from .reading import Reading
from .send import Target, target_of

__all__ = [
    "ANSWER_DEADLINE",
    "ActionFailed",
    "Adapter",
    "BlockingCallError",
    "Bot",
    "CardActionDetail",
    "CardActionEvent",
    "CardContext",
    "CardOperator",
    "CardWriter",
    "ChatNotAllowed",
    "ClickedPart",
    "ConnectorInfo",
    "CurrentConnector",
    "FeishuClient",
    "FeishuEvent",
    "GroupMessageEvent",
    "Handling",
    "LarkClient",
    "MessageEvent",
    "NetworkError",
    "NoticeEvent",
    "Outbound",
    "Outgoing",
    "Overseer",
    "PlainRule",
    "PrivateMessageEvent",
    "Reading",
    "Target",
    "Toast",
    "ensure_adapter",
    "event_of",
    "handling",
    "parse_event",
    "target_of",
    "to_outgoing",
]
