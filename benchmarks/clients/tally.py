"""What a client has handled."""

from collections.abc import Callable

from ..children import answer


class Tally:
    """Called with the id of every event that is handled; tells how many those were, when it is asked.

    Args:
        stop: called when the command wants the client to end.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self._seen: list[str] = []
        answer(lambda _: {"handled": len(self._seen), "different": len(set(self._seen))}, stop)

    def __call__(self, event_id: str | None) -> None:
        self._seen.append(event_id or "")
