"""What somebody who is signed in may do: looked up anew at every request, for rights can be taken away."""

import hmac
from dataclasses import dataclass

import nonebot

from ...butler.approvals import API, SHELL, Decider
from ...config import Settings
from ...connectors import Actor
from ...runtime import Management
from ...storage import SessionOrigin
from .sessions import Identity, Session, digest


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, with the rights of this moment.

    Attributes:
        actor: As somebody who manages connectors.
        decider: As somebody who decides about approvals.
    """

    session: Session
    actor: Actor
    decider: Decider


async def visitor_of(session: Session, management: Management, settings: Settings) -> Visitor | None:
    """Who a session belongs to; None: they may not be here any more.

    Superusers may, whoever owns a connector, and whoever knows the API token as it is set now.

    Raises:
        DatabaseUnavailable: Nobody knows now.
    """
    identity = session.identity
    superuser = _everything(identity, settings)
    actor = Actor(identity.who, "console", superuser=superuser)
    if not superuser:
        if identity.origin is not SessionOrigin.CHAT or not await management.service.visible(actor):
            return None
        return Visitor(session, actor, Decider(identity.who, identity.app_id))
    if identity.origin is SessionOrigin.CHAT:
        return Visitor(session, actor, Decider(identity.who, identity.app_id, superuser=True))
    known_by = SHELL if identity.origin is SessionOrigin.SHELL else API
    return Visitor(session, actor, Decider(f"{known_by}{identity.who}", superuser=True))


def proof_of(token: str, settings: Settings) -> str | None:
    """What a session is bound to that is opened with the API token; None: this is not it."""
    ours = settings.api_token
    if ours is None or not hmac.compare_digest(digest(token), digest(ours.get_secret_value())):
        return None
    return digest(token)


def _everything(identity: Identity, settings: Settings) -> bool:
    match identity.origin:
        case SessionOrigin.SHELL:  # whoever can run a shell there can read the database and its key
            return True
        case SessionOrigin.TOKEN:
            token = settings.api_token
            ours = digest(token.get_secret_value()) if token else ""
            return bool(ours) and hmac.compare_digest(identity.proof, ours)
        case SessionOrigin.CHAT:
            return _is_superuser(identity.who)


def _is_superuser(who: str) -> bool:
    """As NoneBot's SUPERUSER compares: an id alone, or behind its platform."""
    superusers = nonebot.get_driver().config.superusers
    platform, colon, user = who.partition(":")
    if not colon:
        return who in superusers or f"feishu:{who}" in superusers
    return f"{platform}:{user}" in superusers or user in superusers
