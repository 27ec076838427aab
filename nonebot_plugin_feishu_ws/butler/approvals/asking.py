"""Asking: the row and its cards are committed together, before anybody sees anything."""

from collections.abc import Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from ...delivery import LogAction, LogBook, Outbox
from ...storage import ApprovalRow
from ...texts.approvals import ApprovalTexts
from ..tools import Tool
from ..turn import Turn
from .canonical import called_for, canonical
from .deciding import SpecOf
from .errors import AskRefused, NobodyElse, NotExact, TooLong, TooManyWaiting, UnknownApproval
from .face import MOST_ARGUMENTS, drafts_of, reason_of
from .questions import Question, Questions
from .rules import Jury


class Asking:
    """Asks people whether a tool may run.

    Args:
        questions: The rows.
        outbox: The way to Feishu.
        logbook: Every question is a row in it.
        spec_of: A connector as it is now.
    """

    def __init__(self, questions: Questions, outbox: Outbox, logbook: LogBook, spec_of: SpecOf) -> None:
        self._questions = questions
        self._outbox = outbox
        self._logbook = logbook
        self._spec_of = spec_of

    async def ask(
        self, turn: Turn, tool: Tool, values: Mapping[str, object], *, call: str = "0", reason: str = ""
    ) -> tuple[ApprovalRow, Jury]:
        """Have a call approved. It runs by itself once it is.

        Args:
            turn: Who asks, and where. Whether they may use the tool was looked at before.
            tool: To be run.
            values: Its validated arguments.
            call: Which of the turn's calls it is: with the same one nobody is asked a second time.
            reason: In the words of whoever answers; shown as such.

        Returns:
            The approval, perhaps an old one, and who may decide.

        Raises:
            AskRefused: It cannot be asked, and why.
            DatabaseUnavailable: Nothing was asked.
        """
        arguments = canonical(tool, values)
        if len(arguments) > MOST_ARGUMENTS:
            raise TooLong(len(arguments), MOST_ARGUMENTS)
        jury = Jury.of(tool, await self._spec_of(turn.app_id))
        if jury is None:
            raise UnknownApproval(tool.name)
        others = jury.besides(turn.open_id)
        if jury.people and not others:
            raise NobodyElse
        card_ids = (turn.chat_id, *others)
        question = Question(
            app_id=turn.app_id,
            chat_id=turn.chat_id,
            thread_id=turn.thread_id,
            message_id=turn.event.message_id,
            event_id=turn.event.event_id,
            call=call,
            asked_by=turn.open_id,
            tool=tool.name,
            arguments=arguments,
            arguments_hash=called_for(tool, arguments),
            reason=reason_of(reason),
            card_ids=card_ids,
        )
        texts = ApprovalTexts(turn.texts.locale)

        async def send(session: AsyncSession, row: ApprovalRow) -> None:
            await self._outbox.put(
                session, drafts_of(texts, row, card_ids, tool.spoken(texts.locale).summary)
            )

        row, fresh = await self._questions.ask(question, send)
        if fresh:
            self._outbox.wake()
            self._logbook.write(
                LogAction.WS_AUTH_CARD,
                connector=turn.app_id,
                name=turn.connector,
                event_id=row.event_id,
                message_id=row.message_id,
                detail={
                    "approval": row.id,
                    "tool": row.tool,
                    "by": row.asked_by,
                    "hash": row.arguments_hash,
                    "until": row.expires_at.isoformat(),
                    "cards": len(card_ids),
                },
            )
        return row, jury


def refusal(texts: ApprovalTexts, tool: str, error: AskRefused) -> str:
    """Why nothing was asked, in words."""
    match error:
        case TooManyWaiting():
            return texts.too_many(error.most)
        case TooLong():
            return texts.too_long(error.length, error.most)
        case NotExact():
            return texts.not_exact(error.parameter)
        case _:
            return texts.nobody_else(tool)
