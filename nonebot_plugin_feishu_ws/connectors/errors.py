"""What can go wrong when connectors are managed. Facts, not sentences: `texts` has the words.

ConnectorError
├── UnknownConnector     there is none of that name, or it is not the caller's to see
├── NotAllowed           the caller may not do this at all
├── InvalidFields        values that cannot be used, each with the field it was given for
├── Taken                another connector has this name or app id
├── ReadOnly             it is declared in configuration
├── NotVerified          it must be verified before it may be enabled
├── NotEnabled           it must be enabled before it may be connected
├── SecretsLocked        its stored secrets cannot be opened
├── VerificationFailed   Feishu did not accept the credentials, or cannot be reached
├── NoTarget             there is nowhere to send to
├── ForeignChat          it may not send there
└── NotSent              Feishu did not take a message, or cannot be reached
"""

from collections.abc import Mapping, Sequence

from ..openapi import FeishuError
from ..storage import VaultError


class ConnectorError(Exception):
    """Base of this room's errors; nothing was changed.

    Attributes:
        name: the connector's name as it was given.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"{type(self).__name__}: {name}")
        self.name = name


class UnknownConnector(ConnectorError):
    """Attributes:
    known: the names the caller may see.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        self.known = tuple(known)


class NotAllowed(ConnectorError):
    """Attributes:
    verb: what was to be done.
    """

    def __init__(self, name: str, verb: str) -> None:
        super().__init__(name)
        self.verb = verb


class InvalidFields(ConnectorError):
    """Attributes:
    problems: for each field what is wrong with it, in English.
    unknown: fields that do not exist.
    """

    def __init__(self, name: str, problems: Mapping[str, str], unknown: Sequence[str] = ()) -> None:
        super().__init__(name)
        self.problems = dict(problems)
        self.unknown = tuple(unknown)


class Taken(ConnectorError):
    """Attributes:
    field: `name` or `app_id`.
    """

    def __init__(self, name: str, field: str) -> None:
        super().__init__(name)
        self.field = field


class ReadOnly(ConnectorError):
    pass


class NotVerified(ConnectorError):
    pass


class NotEnabled(ConnectorError):
    pass


class SecretsLocked(ConnectorError):
    """Attributes:
    error: why they do not open.
    """

    def __init__(self, name: str, error: VaultError) -> None:
        super().__init__(name)
        self.error = error


class VerificationFailed(ConnectorError):
    """Attributes:
    error: what Feishu, or the network, said.
    """

    def __init__(self, name: str, error: FeishuError) -> None:
        super().__init__(name)
        self.error = error


class NoTarget(ConnectorError):
    pass


class ForeignChat(ConnectorError):
    """Attributes:
    chat: where it was to send to.
    """

    def __init__(self, name: str, chat: str) -> None:
        super().__init__(name)
        self.chat = chat


class NotSent(ConnectorError):
    """Attributes:
    error: what Feishu, or the network, said.
    """

    def __init__(self, name: str, error: FeishuError) -> None:
        super().__init__(name)
        self.error = error
