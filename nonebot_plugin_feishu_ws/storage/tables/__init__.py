"""The tables.

Events, messages and log rows name a connector by its `app_id`, not by the connector's row: connectors declared in
configuration have no row, `app_id` is unique among all connectors (contract.md), Feishu itself sends it with every
event, and they all outlive a connector that is removed. For the same reasons there is no foreign key.
"""

from .approvals import ApprovalCardRow, ApprovalRow, ApprovalState
from .connectors import ConnectorRow, LinkRow, StatusRow
from .conversations import ConversationRow, MergedRow, RunRow, RunState, SpendingRow, TurnRow
from .delivery import EventRow, EventState, NonceRow, OutboxRow, OutboxState, WorkerRow
from .log import LogRow
from .sessions import SessionOrigin, SessionRow, SignInRow

__all__ = [
    "ApprovalCardRow",
    "ApprovalRow",
    "ApprovalState",
    "ConnectorRow",
    "ConversationRow",
    "EventRow",
    "EventState",
    "LinkRow",
    "LogRow",
    "MergedRow",
    "NonceRow",
    "OutboxRow",
    "OutboxState",
    "RunRow",
    "RunState",
    "SessionOrigin",
    "SessionRow",
    "SignInRow",
    "SpendingRow",
    "StatusRow",
    "TurnRow",
    "WorkerRow",
]
