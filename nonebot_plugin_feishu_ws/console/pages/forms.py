"""What a form brings."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import SecretStr

from ...connectors import SECRETS

CSRF = "csrf"
_LARGEST = 128 * 1024  # bytes: the longest text there is, each character written as 12
_MOST_FIELDS = 200
_SECRET = frozenset((*SECRETS, "token", "link"))


class BadFormError(ValueError):
    """It is no form of ours."""


class Form:
    """The fields of a form. Secrets are wrapped at once: no traceback that prints locals shows them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values = {name: value for name, value in pairs if name not in _SECRET}
        self._secrets = {name: SecretStr(value) for name, value in pairs if name in _SECRET}

    @property
    def values(self) -> Mapping[str, str]:
        """What is no secret."""
        return self._values

    def get(self, name: str) -> str:
        """A field that is no secret; empty if it was not sent."""
        return self._values.get(name, "")

    def has(self, name: str) -> bool:
        """Whether a field was sent: of a checkbox, whether it is ticked."""
        return name in self._values

    def secret(self, name: str) -> SecretStr:
        """A secret; empty if it was not sent."""
        return self._secrets.get(name, SecretStr(""))


async def form_of(request: Request) -> Form:
    """The form of a POST.

    Raises:
        BadFormError: It is too large, or something else.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadFormError
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise BadFormError
    try:
        text = body.decode("ascii")
        return Form(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:  # among them UnicodeDecodeError; it would quote what was sent
        raise BadFormError from None
