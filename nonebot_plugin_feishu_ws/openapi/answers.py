"""From an HTTP answer to Feishu's JSON body, or to the error it stands for."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from .codes import api_error
from .errors import ApiError, Facts

Json = dict[str, object]

_RETRY_HEADERS = ("x-ogw-ratelimit-reset", "Retry-After")
_LONGEST_WAIT = 24 * 3600.0
_LOG_ID = "X-Tt-Logid"
_SUB_CODE = re.compile(r"ErrCode:\s*(\d+)")
_LINK = re.compile(r"https?://[^\s\"'<>，。）)\]]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names ignore case. The body may hold a token and stays out of the repr."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def read(answer: Answer) -> Json | ApiError:
    """Feishu's whole body if its `code` is 0, else the error (returned: the caller may try again)."""
    body = _json_object(answer.body)
    code = _code(body)
    if body is not None and code == 0 and 200 <= answer.status < 300:
        return body
    return api_error(_facts(answer, body, code))


def read_download(answer: Answer) -> ApiError | None:
    """The error a download brought instead of a file, None if the body is the file.

    Feishu's refusals come with HTTP 4xx or 200; a JSON *file* with 200 has a Content-Disposition.
    """
    if answer.status == 200:
        body = None
        if "json" in answer.headers.get("Content-Type", "") and "Content-Disposition" not in answer.headers:
            body = _json_object(answer.body)
        code = _code(body)
        return api_error(_facts(answer, body, code)) if code else None
    body = _json_object(answer.body)
    return api_error(_facts(answer, body, _code(body)))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait: `x-ogw-ratelimit-reset` (seconds), else `Retry-After` (RFC 9110: seconds or a date).

    Nonsense (negative, not a number, over a day) counts as not given.
    """
    for name in _RETRY_HEADERS:
        seconds = _seconds(headers.get(name, "").strip(), now or datetime.now(UTC))
        # False for nan and inf, too
        if seconds is not None and 0 <= seconds <= _LONGEST_WAIT:
            return seconds
    return None


def _seconds(value: str, now: datetime) -> float | None:
    try:
        return float(value)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _json_object(body: bytes) -> Json | None:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def _code(body: Json | None) -> int | None:
    code = None if body is None else body.get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _facts(answer: Answer, body: Json | None, code: int | None) -> Facts:
    if body is None or code is None:
        msg = f"HTTP {answer.status}, and no answer of Feishu's ({len(answer.body)} bytes)"
        return Facts(
            msg=msg,
            status=answer.status,
            log_id=answer.headers.get(_LOG_ID),
            retry_after=retry_after(answer.headers),
        )
    msg = _text(body.get("msg")) or "no message"
    error = _mapping(body.get("error"))
    advice = _text(error.get("troubleshooter")) or _text(error.get("message"))
    links = [url for item in _mappings(error.get("helps")) if (url := _text(item.get("url")))]
    links += _LINK.findall(f"{msg} {advice or ''}")
    sub_code = _SUB_CODE.search(msg)
    return Facts(
        msg=msg,
        status=answer.status,
        code=code,
        sub_code=int(sub_code[1]) if sub_code else None,
        log_id=answer.headers.get(_LOG_ID) or _text(error.get("log_id")),
        retry_after=retry_after(answer.headers),
        troubleshooter=advice,
        help_url=links[0] if links else None,
        scopes=tuple(
            scope
            for item in _mappings(error.get("permission_violations"))
            if (scope := _text(item.get("subject")))
        ),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _mappings(value: object) -> Iterable[Mapping[str, object]]:
    return map(_mapping, cast("list[object]", value)) if isinstance(value, list) else ()
