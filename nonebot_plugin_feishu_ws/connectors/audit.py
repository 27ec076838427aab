"""Who asked for what: every action and every refusal is a row of the log."""

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from ..delivery import LogAction, LogBook, LogLevel
from .errors import ConnectorError, InvalidFields, VerificationFailed
from .record import Actor, Connector

_LONGEST_NAME = 64  # of what somebody typed for a name


@dataclass(slots=True)
class Request:
    """Somebody asks for something.

    Attributes:
        actor: Who.
        verb: What for.
        name: The connector's name as it was given.
        connector: What that turned out to be.
    """

    actor: Actor
    verb: str
    name: str
    connector: Connector | None = None


class Audit:
    """Writes the rows."""

    def __init__(self, logbook: LogBook) -> None:
        self._logbook = logbook

    @contextlib.contextmanager
    def asked(self, actor: Actor, verb: str, name: str) -> Generator[Request]:
        """Whatever is refused inside is noted."""
        request = Request(actor, verb, name)
        try:
            yield request
        except VerificationFailed as error:
            self.note(request, LogAction.VERIFY_CALLBACK, {"error": str(error.error)}, LogLevel.WARNING)
            raise
        except ConnectorError as error:
            detail: dict[str, object] = {"refused": type(error).__name__}
            if isinstance(error, InvalidFields):  # not the unknown ones: a secret may have slipped among them
                detail["fields"] = sorted(error.problems)
            self.denied(request, detail)
            raise

    def denied(self, request: Request, detail: Mapping[str, object]) -> None:
        """Note a refusal."""
        where = {} if request.connector else {"connector": request.name[:_LONGEST_NAME] or None}
        what = {"verb": request.verb, **where, **detail}
        self.note(request, LogAction.COMMAND_DENIED, what, LogLevel.WARNING)

    def note(
        self,
        request: Request,
        action: LogAction,
        detail: Mapping[str, object],
        level: LogLevel = LogLevel.INFO,
    ) -> None:
        """Note that something was done."""
        connector, actor = request.connector, request.actor
        approved = {"approved_by": actor.approved_by} if actor.approved_by else {}
        self._logbook.write(
            action,
            level=level,
            connector=connector.spec.app_id if connector else None,
            name=connector.spec.name if connector else None,
            detail={"by": actor.who, "from": actor.origin, **approved, **detail},
        )
