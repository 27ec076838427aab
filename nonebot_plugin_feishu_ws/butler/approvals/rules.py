"""Who may decide.

- The tool's `approvers`, else the connector's: those people, or with `*` anyone in the chat of the question. Never
  whoever asks: somebody else must look.
- Where neither names anybody: superusers and the connector's owner. They might as well do it themselves, so they may
  approve what they have asked for.
- The user of the machine, in a shell: may do everything.
- Whoever has shown an administrator's token over HTTP: is a superuser, of no app and in no chat.

Rejecting needs the same rights, except that whoever asks may always take it back.
"""

from dataclasses import dataclass
from enum import StrEnum

from ...connectors import ConnectorSpec
from ..tools import ANYONE, Tool

SHELL = "shell:"
"""What the name of a user of the machine begins with, among those who decide."""

API = "api:"
"""What the name of an administrator begins with who is known by a token."""


class Refusal(StrEnum):
    """Why somebody may not decide. Stored in the log, so renaming one is a breaking change."""

    NOT_AN_APPROVER = "not_an_approver"
    OWN_REQUEST = "own_request"
    OTHER_APP = "other_app"
    OTHER_CHAT = "other_chat"
    BAD_NONCE = "bad_nonce"
    OTHER_CARD = "other_card"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Decider:
    """Who wants to decide, as the platform vouches for them.

    Attributes:
        who: open_id; on other platforms `platform:id`, in a shell `shell:name`, by a token `api:name`.
        app_id: The Feishu app that told the open_id.
        chat_id: Where they are.
        superuser: By NoneBot's settings.
    """

    who: str
    app_id: str | None = None
    chat_id: str | None = None
    superuser: bool = False

    @property
    def operator(self) -> bool:
        """A user of the machine."""
        return self.who.startswith(SHELL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What rights hang on, of an approval."""

    app_id: str
    chat_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Jury:
    """Who may decide about one tool's calls on one connector.

    Attributes:
        people: open_ids; nobody is named: superusers and the owner.
        anyone: Anyone in the chat.
        owner: The connector's.
    """

    people: tuple[str, ...]
    anyone: bool
    owner: str | None

    @classmethod
    def of(cls, tool: Tool | None, spec: ConnectorSpec | None) -> "Jury | None":
        """As things stand now; None where nobody can tell: the tool or the connector is gone."""
        if tool is None or spec is None:
            return None
        named = tool.terms.approvers or spec.approvers
        anyone = ANYONE in named
        return cls(() if anyone else named, anyone, spec.owner)

    def besides(self, asker: str) -> tuple[str, ...]:
        """The people named, without whoever asks."""
        return tuple(person for person in self.people if person != asker)

    def refuses(self, asked: Asked, decider: Decider) -> Refusal | None:
        """Why somebody may not approve, None if they may."""
        if decider.operator:
            return None
        if not decider.who:
            return Refusal.NOBODY
        if not (self.people or self.anyone):
            allowed = decider.superuser or decider.who == self.owner
            return None if allowed else Refusal.NOT_AN_APPROVER
        if decider.app_id != asked.app_id:  # an open_id means somebody only together with its app
            return Refusal.OTHER_APP
        if decider.who == asked.by:
            return Refusal.OWN_REQUEST
        if self.anyone:
            return None if decider.chat_id == asked.chat_id else Refusal.OTHER_CHAT
        return None if decider.who in self.people else Refusal.NOT_AN_APPROVER
