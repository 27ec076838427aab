"""Connectors: which Feishu apps there are, who may manage them, and the links that run them."""

from .checks import Check, CheckName, CheckOutcome
from .doctor import diagnose
from .errors import (
    ConnectorError,
    ForeignChat,
    InvalidFields,
    NotAllowed,
    NoTarget,
    NotEnabled,
    NotSent,
    NotVerified,
    ReadOnly,
    SecretsLocked,
    Taken,
    UnknownConnector,
    VerificationFailed,
)
from .facts import error_of, standing_of, state_of, values_of
from .fields import SETTABLE
from .link import Link, LinkStopped
from .qr import qr_png, qr_rows
from .record import CREDENTIALS, OF_SUPERUSERS, SECRETS, Actor, Connector, Source
from .registration import Registered, RegistrationProgress, Scan, Waiting, register
from .registration_errors import (
    RegistrationDenied,
    RegistrationError,
    RegistrationExpired,
    RegistrationUnreachable,
    RegistrationUnsupported,
)
from .rest import rest_client
from .rotation import Progress, rotate
from .service import Changed, ConnectorService
from .spec import ConnectorSpec
from .standing import Standing
from .statuses import Part, Reported, Statuses
from .store import ConnectorStore
from .strangers import StrangerWatch
from .supervisor import Supervisor
from .ways import Surroundings

__all__ = [
    "CREDENTIALS",
    "OF_SUPERUSERS",
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
    "ForeignChat",
    "InvalidFields",
    "Link",
    "LinkStopped",
    "NoTarget",
    "NotAllowed",
    "NotEnabled",
    "NotSent",
    "NotVerified",
    "Part",
    "Progress",
    "ReadOnly",
    "Registered",
    "RegistrationDenied",
    "RegistrationError",
    "RegistrationExpired",
    "RegistrationProgress",
    "RegistrationUnreachable",
    "RegistrationUnsupported",
    "Reported",
    "Scan",
    "SecretsLocked",
    "Source",
    "Standing",
    "Statuses",
    "StrangerWatch",
    "Supervisor",
    "Surroundings",
    "Taken",
    "UnknownConnector",
    "VerificationFailed",
    "Waiting",
    "diagnose",
    "error_of",
    "qr_png",
    "qr_rows",
    "register",
    "rest_client",
    "rotate",
    "standing_of",
    "state_of",
    "values_of",
]
