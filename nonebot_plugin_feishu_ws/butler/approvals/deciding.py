"""Deciding: by a click, by a line in a chat, or in a shell. One way for all of them, and every try is a row of the log.

What a card's button says only names things. Who clicked is what Feishu says, where is what Feishu says; the nonce must
be the approval's, the message one of its cards, in the chat that card was sent to.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ...connectors import ConnectorSpec
from ...delivery import LogAction, LogBook, LogLevel
from ...storage import ApprovalCardRow, ApprovalRow, ApprovalState
from ..tools import Tool, ToolRegistry
from .cardrows import CardRows
from .errors import MayNotDecide, UnknownApproval
from .races import Races
from .rules import API, Asked, Decider, Jury, Refusal
from .store import ApprovalStore

SpecOf = Callable[[str], Awaitable[ConnectorSpec | None]]
"""A connector by its app id, as it is now; None: there is none."""

_LOOKS = 8  # for the row of a card that was sent a moment ago
_LOOK_EVERY = 0.15  # seconds
_MOST_LISTED = 200
_REFUSED = (ApprovalState.REJECTED, ApprovalState.CANCELLED, ApprovalState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a button, as it claims to be.

    Attributes:
        action_id, approved, nonce: What the button carries; anything.
        message_id, chat_id: Where it is, as Feishu says.
    """

    action_id: object
    approved: object
    nonce: object
    message_id: str | None
    chat_id: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a decision.

    Attributes:
        row: The approval as it is now.
        won: This decision made it so; somebody else was quicker if not.
    """

    row: ApprovalRow
    won: bool

    def met(self, approved: bool) -> bool:
        """Whether it is as was wanted, whoever made it so."""
        return (self.row.state not in _REFUSED) is approved


@dataclass(frozen=True, slots=True)
class Waiting:
    """An approval, for somebody who may see it.

    Attributes:
        row: The approval.
        connector: The connector's name.
        may_decide: Whether they may approve it.
    """

    row: ApprovalRow
    connector: str
    may_decide: bool


class Deciding:
    """Takes decisions.

    Args:
        store, rows: The approvals and their cards.
        tools: What can be called.
        logbook: Every decision and every refusal is a row in it.
        spec_of: A connector as it is now.
        decided: Told when there is something to be carried out or told.
    """

    def __init__(
        self,
        store: ApprovalStore,
        rows: CardRows,
        tools: ToolRegistry,
        logbook: LogBook,
        spec_of: SpecOf,
        decided: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._rows = rows
        self._tools = tools
        self._logbook = logbook
        self._spec_of = spec_of
        self._decided = decided
        self._races = Races()

    async def decide(self, decider: Decider, approval_id: str, approved: bool) -> Decision:
        """Approve or reject by id. Who rejects what they have asked for themselves takes it back.

        Raises:
            UnknownApproval: There is none of that id.
            MayNotDecide: They may not, and why.
            DatabaseUnavailable: Nothing was decided, as far as can be known.
        """
        row = await self._store.get(approval_id.lower())
        if row is None:
            raise UnknownApproval(approval_id)
        return await self._decide(decider, row, approved)

    async def _decide(
        self, decider: Decider, row: ApprovalRow, approved: bool, *, settled: bool = False
    ) -> Decision:
        await self._tools.ready(row.tool)
        spec = await self._spec_of(row.connector)
        own = decider.app_id == row.connector and decider.who == row.asked_by
        state = ApprovalState.APPROVED if approved else ApprovalState.REJECTED
        if own and not approved:
            state = ApprovalState.CANCELLED
        elif not settled and (refusal := self._refuses(row, spec, decider)) is not None:
            self._refused(row, spec, decider, refusal)
            raise MayNotDecide(refusal)
        now, won = row, False
        if row.state is ApprovalState.PENDING:
            now, won = await self._races.run(row.id, lambda: self._store.decide(row.id, state, decider.who))
            if won or (now is not None and now.state is ApprovalState.EXPIRED):
                self._decided()
        if now is None:  # pruned in between
            raise UnknownApproval(row.id)
        self._log(now, spec, {"by": decider.who, "decision": state, "won": won, "state": now.state})
        return Decision(now, won)

    async def click(self, decider: Decider, click: Click) -> Decision:
        """Decide by a button.

        Raises:
            UnknownApproval, MayNotDecide, DatabaseUnavailable: See `decide`.
        """
        row, cards = None, ()
        if isinstance(click.action_id, str):
            row, cards = await self._rows.with_cards(click.action_id)
        if row is None or not isinstance(click.approved, bool):
            self._logbook.write(
                LogAction.WS_AUTH_CARD_DECISION,
                level=LogLevel.WARNING,
                connector=decider.app_id,
                message_id=click.message_id,
                detail={"by": decider.who, "refused": "unknown_approval"},
            )
            raise UnknownApproval(str(click.action_id)[:32])
        if (refusal := await self._forged(row, cards, decider, click)) is not None:
            self._refused(row, await self._spec_of(row.connector), decider, refusal, click)
            raise MayNotDecide(refusal)
        # Whoever has its card before them may know what became of it.
        settled = row.state is not ApprovalState.PENDING
        return await self._decide(decider, row, click.approved, settled=settled)

    async def waiting(self, decider: Decider) -> list[Waiting]:
        """What waits, oldest first: what they may decide, what they have asked for, and for superusers everything.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        return await self._seen_by(decider, await self._store.pending(_MOST_LISTED))

    async def _seen_by(self, decider: Decider, rows: Sequence[ApprovalRow]) -> list[Waiting]:
        found: list[Waiting] = []
        specs: dict[str, ConnectorSpec | None] = {}
        for row in rows:
            if row.connector not in specs:
                specs[row.connector] = await self._spec_of(row.connector)
            spec = specs[row.connector]
            may = self._refuses(row, spec, decider) is None
            if may or _concerns(row, spec, decider):
                found.append(Waiting(row, row.connector if spec is None else spec.name, may))
        return found

    async def may_see(self, decider: Decider, approval_id: str) -> bool:
        """Whether they may know of an approval they may not decide.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        row = await self._store.get(approval_id.lower())
        return row is not None and _concerns(row, await self._spec_of(row.connector), decider)

    async def decided(self, decider: Decider, limit: int) -> list[Waiting]:
        """What does not wait any more, the latest first: of what `waiting` would have shown them.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        return (await self._seen_by(decider, await self._store.decided(_MOST_LISTED)))[:limit]

    async def still(self, row: ApprovalRow, tool: Tool, superuser: Callable[[str], bool]) -> bool:
        """Whether whoever approved may still do so: asked again right before it is carried out."""
        who = row.decided_by or ""
        jury = Jury.of(tool, await self._spec_of(row.connector))
        if jury is None:
            return False
        # Where they were was looked at when they approved, and the open_id was this app's.
        superior = who.startswith(API) or superuser(who)
        decider = Decider(who, row.connector, row.chat_id, superior)
        return jury.refuses(_asked(row), decider) is None

    def _refuses(self, row: ApprovalRow, spec: ConnectorSpec | None, decider: Decider) -> Refusal | None:
        jury = Jury.of(self._tools.get(row.tool), spec)
        if jury is None:  # the tool or the connector is gone: nobody can tell who may
            return None if decider.operator else Refusal.NOT_AN_APPROVER
        return jury.refuses(_asked(row), decider)

    async def _forged(
        self, row: ApprovalRow, cards: Sequence[ApprovalCardRow], decider: Decider, click: Click
    ) -> Refusal | None:
        if row.connector != decider.app_id:
            return Refusal.OTHER_APP
        nonce = click.nonce if isinstance(click.nonce, str) else ""
        if not hmac.compare_digest(nonce.encode("utf-8", "replace"), row.nonce.encode()):
            return Refusal.BAD_NONCE
        receive_id = await self._place(row, cards, click.message_id)
        if receive_id is None:
            return Refusal.OTHER_CARD
        if receive_id == row.chat_id and click.chat_id != row.chat_id:
            return Refusal.OTHER_CHAT
        return None

    async def _place(
        self, row: ApprovalRow, cards: Sequence[ApprovalCardRow], message_id: str | None
    ) -> str | None:
        """Where the card was sent; None: it is none of this approval's."""
        for _ in range(_LOOKS):
            if found := next((one for one in cards if message_id and one.message_id == message_id), None):
                return found.receive_id
            if all(one.message_id for one in cards):
                return None
            await asyncio.sleep(_LOOK_EVERY)  # Feishu has shown it before we have noted its id
            cards = await self._rows.of(row)
        return None

    def _refused(
        self,
        row: ApprovalRow,
        spec: ConnectorSpec | None,
        decider: Decider,
        refusal: Refusal,
        click: Click | None = None,
    ) -> None:
        where = (
            {} if click is None else {"card": click.message_id, "chat": click.chat_id, "app": decider.app_id}
        )
        detail = {"by": decider.who, "refused": refusal, "state": row.state, **where}
        self._log(row, spec, detail, LogLevel.WARNING)

    def _log(
        self,
        row: ApprovalRow,
        spec: ConnectorSpec | None,
        detail: Mapping[str, object],
        level: LogLevel = LogLevel.INFO,
    ) -> None:
        self._logbook.write(
            LogAction.WS_AUTH_CARD_DECISION,
            level=level,
            connector=row.connector,
            name=None if spec is None else spec.name,
            event_id=row.event_id,
            message_id=row.message_id,
            detail={"approval": row.id, "tool": row.tool, **detail},
        )


def _concerns(row: ApprovalRow, spec: ConnectorSpec | None, decider: Decider) -> bool:
    own = decider.app_id == row.connector and decider.who == row.asked_by
    owned = spec is not None and bool(decider.who) and spec.owner == decider.who
    return own or owned or decider.superuser


def _asked(row: ApprovalRow) -> Asked:
    return Asked(row.connector, row.chat_id, row.asked_by)
