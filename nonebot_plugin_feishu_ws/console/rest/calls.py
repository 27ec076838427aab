"""A call: who makes it, and in which language they read."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from ...butler.approvals import API, Decider
from ...connectors import Actor
from ...runtime import Management
from ...texts.language import Locale
from .problems import Code, Problem

_KEY = "feishu_ws_call"  # in a request's state, which belongs to all who serve
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}")  # every id, name and app id there can be


@dataclass(frozen=True, slots=True)
class Call:
    """Attributes:
    management: The connectors.
    actor: Who calls.
    locale: The language of answers.
    """

    management: Management
    actor: Actor
    locale: Locale

    @property
    def decider(self) -> Decider:
        """Whoever calls, as somebody who decides about approvals: of no app, in no chat."""
        who, superuser = self.actor.who, self.actor.superuser
        return Decider(f"{API}{who}" if superuser else who, superuser=superuser)

    def attach(self, request: Request) -> None:
        """Give it to the route."""
        setattr(request.state, _KEY, self)


def _call(request: Request) -> Call:
    return getattr(request.state, _KEY)


def _reference(id_: Annotated[str, Path(alias="id", description="its id, name or app id")]) -> str:
    if not _REFERENCE.fullmatch(id_):
        raise Problem(Code.NOT_FOUND)
    return id_


def _approval_id(action_id: Annotated[str, Path(description="as the list has it")]) -> str:
    if not _REFERENCE.fullmatch(action_id):
        raise Problem(Code.NOT_FOUND)
    return action_id


ThisCall = Annotated[Call, Depends(_call)]
ConnectorId = Annotated[str, Depends(_reference)]
ApprovalId = Annotated[str, Depends(_approval_id)]
