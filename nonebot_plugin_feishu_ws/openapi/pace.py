"""Who may call when: the client asks, if it is given somebody to ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from .transport import Params

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call that is to be made.

    Attributes:
        app_id: Who makes it.
        path: Absolute, `/open-apis/im/v1/messages`.
        params: The query.
        body: The JSON body, before it is encoded.
    """

    app_id: str
    method: str
    path: str
    params: Params | None = field(default=None, repr=False)
    body: object = field(default=None, repr=False)


class Pace(Protocol):
    """Orders the calls of any number of clients."""

    async def run(self, call: ApiCall, perform: Callable[[], Awaitable[_T]]) -> _T:
        """Carry out a call when it is its turn: once, or again where Feishu says that it was too soon."""
        ...

    def learn(self, message_id: str, chat_id: str) -> None:
        """Hear which chat a message is in: replies to it count there."""
        ...
