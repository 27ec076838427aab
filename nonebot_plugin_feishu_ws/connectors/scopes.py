"""Which scopes a connector needs, which its app was granted, and where the rest is granted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from urllib.parse import quote

from yarl import URL

from ..filters import Policy


class Purpose(StrEnum):
    """What a scope is needed for."""

    DIRECT = "direct"
    MENTIONS = "mentions"
    GROUPS = "groups"
    BOTS = "bots"
    SEND = "send"
    QUOTED = "quoted"
    REACTIONS = "reactions"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Need:
    """Something the app must be allowed to do.

    Attributes:
        purpose: What for.
        any_of: Each of these scopes allows it; the first allows the least and is the one to ask for.
        essential: Without it the connector is deaf or dumb.
    """

    purpose: Purpose
    any_of: tuple[str, ...]
    essential: bool = False


# open.feishu.cn/document/server-docs/im-v1/: message/events/receive, message/reply, message/get,
# message-reaction/create, image/create; bots' mentions: feishu-facts.md, Identity.
_ALL_OF_GROUPS = ("im:message.group_msg", "im:message.group_msg:readonly")
_DIRECT = Need(Purpose.DIRECT, ("im:message.p2p_msg:readonly", "im:message.p2p_msg"), essential=True)
_MENTIONS = Need(
    Purpose.MENTIONS,
    ("im:message.group_at_msg:readonly", "im:message.group_at_msg", *_ALL_OF_GROUPS),
    essential=True,
)
_GROUPS = Need(Purpose.GROUPS, _ALL_OF_GROUPS)
_BOTS = Need(Purpose.BOTS, ("im:message.group_at_msg.include_bot:readonly",))
_ALWAYS = (
    Need(Purpose.SEND, ("im:message:send_as_bot", "im:message", "im:message:send"), essential=True),
    Need(Purpose.QUOTED, ("im:message:readonly", "im:message", "im:message.history:readonly")),
    Need(Purpose.REACTIONS, ("im:message.reactions:write_only", "im:message")),
    Need(Purpose.FILES, ("im:resource",)),
)


def needs_of(policy: Policy) -> tuple[Need, ...]:
    """What a connector with this policy must be allowed to do."""
    wanted = (
        (_DIRECT, policy.allow_dm),
        (_MENTIONS, policy.allow_group_mention),
        (_GROUPS, policy.allow_group_mention and not policy.mention_required),
        (_BOTS, policy.allow_group_mention and not policy.ignore_bot_messages),
    )
    return (*(need for need, asked in wanted if asked), *_ALWAYS)


def granted_scopes(answer: Mapping[str, object]) -> frozenset[str] | None:
    """The app's granted scopes in the answer of `GET application/v6/scopes`; None if it names none at all.

    Source: open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/application-v6/scope/list. `scope_type` is not documented
    there, but part of Feishu's own client: `tenant`, or `user` for what the app may do on behalf of people.
    """
    data = answer.get("data")
    listed = cast("Mapping[str, object]", data).get("scopes") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not listed:
        return None
    scopes = [
        cast("Mapping[str, object]", each) for each in cast("list[object]", listed) if isinstance(each, dict)
    ]
    return frozenset(
        str(scope.get("scope_name"))
        for scope in scopes
        if scope.get("grant_status") == 1 and scope.get("scope_type") != "user"
    )


def console_link(base_url: str, app_id: str) -> str:
    """The app's page in the developer console, which is on the open platform's own host."""
    return f"{URL(base_url).origin()}/app/{quote(app_id, safe='')}"


def grant_link(base_url: str, app_id: str, scopes: Iterable[str]) -> str:
    """The console page on which these scopes are granted with one click; in the form Feishu's own errors have."""
    wanted = quote(",".join(scopes), safe=":,.")
    return f"{console_link(base_url, app_id)}/auth?q={wanted}&op_from=openapi&token_type=tenant"
