"""Connectors: which Feishu apps there are, who may manage them, and the links that run them."""

from .checks import Check, CheckName, CheckOutcome
from .doctor import diagnose
from .errors import (
    ConnectorError,
    InvalidFields,
    NotAllowed,
    NotEnabled,
    NotVerified,
    ReadOnly,
    SecretsLocked,
    Taken,
    UnknownConnector,
    VerificationFailed,
)
from .fields import SETTABLE
from .link import Link, LinkStopped, Surroundings
from .record import CREDENTIALS, SECRETS, Actor, Connector, Source
from .rotation import Progress, rotate
from .service import Changed, ConnectorService
from .spec import ConnectorSpec
from .statuses import Reported, Statuses
from .store import ConnectorStore
from .supervisor import Supervisor

__all__ = [
    "CREDENTIALS",
    "SECRETS",
    "SETTABLE",
    "Actor",
    "Changed",
    "Check",
    "CheckName",
    "CheckOutcome",
    "Connector",
    "ConnectorError",
    "ConnectorService",
    "ConnectorSpec",
    "ConnectorStore",
    "InvalidFields",
    "Link",
    "LinkStopped",
    "NotAllowed",
    "NotEnabled",
    "NotVerified",
    "Progress",
    "ReadOnly",
    "Reported",
    "SecretsLocked",
    "Source",
    "Statuses",
    "Supervisor",
    "Surroundings",
    "Taken",
    "UnknownConnector",
    "VerificationFailed",
    "diagnose",
    "rotate",
]
