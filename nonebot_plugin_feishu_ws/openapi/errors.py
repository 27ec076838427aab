"""What can go wrong between us and Feishu's REST.

::

    FeishuError
    ├── TransportError            no answer: refused, reset, TLS, proxy ...   (the outcome is unknown)
    │   └── RequestTimeout        no answer in time                           (the outcome is unknown)
    ├── AnswerTooLarge            an answer above the bound we set for it
    └── ApiError                  Feishu answered, and not with success; itself, where no type below fits
        ├── RateLimited           come back in `retry_after` seconds
        ├── ServerError           5xx, Feishu's own trouble, or no Feishu answer at all (a proxy's 502 page)
        ├── TokenInvalid          the tenant_access_token was refused, and a new one too
        ├── BadCredentials        wrong app_id or app_secret
        ├── AppUnavailable        app disabled, bot ability off, quota used up ...: a person must act
        ├── PermissionDenied      a scope is missing; `scopes`, and `help_url` to grant them
        ├── ChatUnavailable       the bot may not talk there: not a member, dissolved, muted ...
        ├── MessageGone           recalled, deleted, or never there
        ├── MessageLocked         there, but takes no such operation (any more): too old, edited too often ...
        ├── TooLarge              more than Feishu takes; `limits`
        ├── StreamClosed          the streaming card has ended
        ├── OutOfSequence         a later operation on the card has been there before
        ├── Repeated              what this uuid stands for has been done before
        └── InvalidRequest        wrong parameter or content; the same request will fail again

All are final but `TransportError`, `RateLimited` and `ServerError`. No text of these errors carries a token,
a secret or a URL's query.
"""

# ruff: noqa: N818 (an error is named after the fact it states)

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What Feishu said about a refusal.

    Parameters:
        msg: Feishu's own words, or ours where the answer was not Feishu's.
        status: HTTP status.
        code: Feishu's error code, None when the answer had none.
        sub_code: the card engine's code inside 230099 (`ErrCode: 11310`).
        log_id: what Feishu's support asks for (header `X-Tt-Logid` or `error.log_id`).
        retry_after: seconds (`x-ogw-ratelimit-reset`, else `Retry-After`).
        troubleshooter: Feishu's advice, with a link (`error.troubleshooter`, else `error.message`).
        help_url: where a person can put it right (`error.helps[].url`).
        scopes: the scopes of which one is missing (`error.permission_violations[].subject`).
    """

    msg: str
    status: int = 200
    code: int | None = None
    sub_code: int | None = None
    log_id: str | None = None
    retry_after: float | None = None
    troubleshooter: str | None = None
    help_url: str | None = None
    scopes: tuple[str, ...] = ()


class FeishuError(Exception):
    """Base of everything this room raises for the world's sake (misuse is a ValueError).

    Attributes:
        unsent: True if Feishu cannot have seen the request at all: no connection came about, or no token was to be
            had for it.
    """

    unsent: bool = False


class TransportError(FeishuError):
    """The request brought no answer. Feishu may or may not have carried it out."""


class RequestTimeout(TransportError):
    """No answer within the time allowed."""


class AnswerTooLarge(FeishuError):
    """The answer was longer than `limit` bytes and was dropped."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit} bytes")
        self.limit = limit


class ApiError(FeishuError):
    """Feishu answered, and not with success. See `Facts` for the attributes."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.facts = facts
        self.msg = facts.msg
        self.status = facts.status
        self.code = facts.code
        self.sub_code = facts.sub_code
        self.log_id = facts.log_id
        self.retry_after = facts.retry_after
        self.troubleshooter = facts.troubleshooter
        self.help_url = facts.help_url

    @override
    def __str__(self) -> str:
        parts = [f"HTTP {self.status}"]
        if self.code is not None:
            parts.insert(0, f"code {self.code}")
        if self.retry_after is not None:
            parts.append(f"retry after {self.retry_after:g} s")
        if self.log_id:
            parts.append(f"log id {self.log_id}")
        return f"{self.msg} ({', '.join(parts)})"


class RateLimited(ApiError):
    """Too fast: per API, app and tenant, or per chat or user. `retry_after` may be None."""


class ServerError(ApiError):
    """Feishu's own trouble, or an answer that is not Feishu's at all (`code` is None). Worth another try."""


class TokenInvalid(ApiError):
    """The token was refused, and no newer one helped (or Feishu had no newer one to give)."""


class BadCredentials(ApiError):
    """app_id and app_secret do not belong together, or do not exist."""


class AppUnavailable(ApiError):
    """The app itself is refused until a person acts in the developer or admin console."""


class PermissionDenied(ApiError):
    """One of `scopes` is needed (Feishu may name none); `help_url` is the page that grants it."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.scopes = facts.scopes


class ChatUnavailable(ApiError):
    """The bot may not read or write in this chat, or to this user."""


class MessageGone(ApiError):
    """The message was recalled or deleted, or the bot cannot see it."""


class MessageLocked(ApiError):
    """The message is there but takes no such operation (any more)."""


class StreamClosed(ApiError):
    """The card's streaming mode has ended (ten minutes at most)."""


class OutOfSequence(ApiError):
    """The sequence is not higher than that of the card's last operation: another writer, or an earlier try."""


class Repeated(ApiError):
    """An operation with this uuid has been carried out: after a lost answer, success."""


class InvalidRequest(ApiError):
    """A parameter or the content is wrong; the same request will fail again."""


class TooLarge(ApiError):
    """More than Feishu takes. `limits`: bytes by kind of content; empty where it is not bytes (300305: elements)."""

    @property
    def limits(self) -> Mapping[str, int]:
        return LIMITS.get(self.code or 0, {})


LIMITS: Mapping[int, Mapping[str, int]] = {
    # .../im-v1/message/create: the size of the request body, styles counted in
    230025: {"text": 150 * KIB, "post": 30 * KIB, "interactive": 30 * KIB},
    # .../cardkit-v1/card/create and the other operations
    200860: {"card": 30 * KIB},
    # .../im-v1/image/create, .../im-v1/file/create
    234006: {"image": 10 * MIB, "file": 30 * MIB},
    # .../im-v1/message-resource/get
    234037: {"download": 100 * MIB},
}
