"""Messages one person sends in quick succession become one turn: who waits, and who goes along with whom."""

import asyncio
from collections.abc import Awaitable, Callable

from ..adapter import handling
from ..delivery import Fenced
from .conversations import Conversations, Place
from .sign import Sign
from .turn import Merging, Turn

MOST = 20
"""Messages of one turn."""
_PATIENCE = 5  # windows a turn waits at most: somebody may never stop writing

Answer = Callable[[Turn, Sign], Awaitable[None]]


class Member:
    """A message that can be merged, on its way to its turn.

    Args:
        brain: Who answers.
        turn: Of the message alone.
        place: In its conversation, and not left.
        sign: Its reaction.
    """

    def __init__(self, brain: Merging, turn: Turn, place: Place, sign: Sign) -> None:
        self.brain = brain
        self.turn = turn
        self.place = place
        self.sign = sign
        self.handling = handling.get()
        self.arrived = asyncio.get_running_loop().time()
        self.leader: Member | None = None
        """In whose place it is answered, if not in its own."""
        self.ended = asyncio.Event()

    def stop(self) -> bool:
        """Stop the turn it is part of; False if there is nothing to stop."""
        return (self.leader or self).place.stop()


class Merger:
    """Brings messages of one person together that wait in one conversation.

    The first of them waits in line. When its turn comes, and no more have come for a moment, all that wait without
    anything else between them are answered there: what others said meanwhile is no obstacle, a `new` is. The answer is
    the last one's; a message that comes once it has begun waits for the next turn.

    Args:
        conversations: The lines.
    """

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations
        self._waiting: dict[Place, Member] = {}

    async def serve(self, member: Member, answer: Answer) -> None:
        """Have a message answered, alone or with others. Returns when it is, or was stopped.

        Args:
            member: The message.
            answer: Answers a turn, on a reaction.
        """
        self._waiting[member.place] = member
        try:
            await member.place.run(lambda: self._begin(member, answer))
            if member.leader is not None:
                await member.leader.ended.wait()
        finally:
            self._waiting.pop(member.place, None)
            member.ended.set()

    async def _begin(self, first: Member, answer: Answer) -> None:
        if first.leader is not None:
            return
        clock = asyncio.get_running_loop().time
        window = first.brain.window
        latest = clock() + _PATIENCE * window
        while True:
            left = min(latest, self._company(first)[-1].arrived + window) - clock()
            if left <= 0:
                break
            await asyncio.sleep(left)
        company = await self._merged(first)
        for member in company[:-1]:
            member.sign.show("")
        last = company[-1]
        handling.set(last.handling)
        await answer(last.turn, last.sign)

    async def _merged(self, first: Member) -> list[Member]:
        """Those that are answered now; the last one's turn is that of all."""
        company = self._company(first)
        last, others = company[-1], company[1:]
        for member in company:
            self._waiting.pop(member.place, None)
        for member in others:
            member.leader = first
        if others:
            try:
                last.turn = await first.brain.merge([member.turn for member in company])
            except Fenced:  # one of them is another process's by now, the others must not be lost
                for member in others:
                    member.leader = None
                return [first]
        for member in others:
            member.place.pass_on()
        return company

    def _company(self, first: Member) -> list[Member]:
        """Those that would be answered now, in order of arrival."""
        company = [first]
        for place in self._conversations.behind(first.place):
            member = self._waiting.get(place)
            if member is None or member.brain is not first.brain or len(company) == MOST:
                break
            if member.turn.open_id == first.turn.open_id:
                company.append(member)
        return company
