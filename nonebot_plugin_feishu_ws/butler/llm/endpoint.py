"""The model's server: reaching it, and what its failures mean to people."""

import re
from dataclasses import dataclass

import httpx2
import openai
from openai import AsyncOpenAI
from pydantic_ai import (
    ModelAPIError,
    ModelHTTPError,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
    UserError,
)
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAuthenticationError,
    ModelContextWindowExceededError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
)
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

_CONNECT_WITHIN = 10.0  # seconds
_RETRIES = 2
"""Of a request that has brought nothing yet (429, 5xx, no connection); the client honours Retry-After up to 60 s."""
_WORD = re.compile(r"[a-z_]{1,40}")
_REQUEST_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class NoModel(ValueError):  # noqa: N818 - it says what is the case
    """There is no such model, or its provider is not set up. The message says what to do."""


def model_of(name: str, *, base_url: str | None, token: str | None, seconds: float) -> Model:
    """The model the settings name.

    Args:
        name: On the server at `base_url`; without one, `provider:model` as pydantic-ai has it.
        base_url: Of an OpenAI-compatible server.
        token: For it; many local servers need none.
        seconds: The longest silence of the server that is borne.

    Raises:
        NoModel: See there.
    """
    if base_url is None:
        try:
            return infer_model(name)
        except (UserError, ImportError, ValueError) as error:
            raise NoModel(str(error)) from None
    client = AsyncOpenAI(
        base_url=base_url,
        api_key=token or "none",
        max_retries=_RETRIES,
        timeout=httpx2.Timeout(seconds, connect=_CONNECT_WITHIN),
    )
    return OpenAIChatModel(name, provider=OpenAICompatibleProvider("feishu-ws", openai_client=client))


async def close(model: Model) -> None:
    """Close the connections to a server of ours; those of a provider are shared, and pydantic-ai's."""
    if isinstance(model, OpenAIChatModel) and isinstance(model.provider, OpenAICompatibleProvider):
        await model.client.close()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a model did not answer.

    Attributes:
        kind: For people, see `texts.llm`.
        facts: For the log. The server's own words are not among them: some servers repeat the key they were given.
    """

    kind: str
    facts: str


def trouble_of(error: Exception, *, begun: bool) -> Trouble | None:
    """What an exception means; None: it is not the model's.

    Args:
        error: As raised while the model answered.
        begun: Whether a part of the answer was there.
    """
    kind = _kind(error, begun=begun)
    return None if kind is None else Trouble(kind, _facts(error))


def _kind(error: Exception, *, begun: bool) -> str | None:
    match error:
        case UsageLimitExceeded():
            return "limit"
        case ContentFilterError():
            return "filtered"
        case ModelAPIError():
            return _of_server(error, begun=begun)
        case UnexpectedModelBehavior():
            return "garbled"
        case openai.APIError() | httpx2.HTTPError():
            return "broken_off" if begun else "down"
        case _:
            return None


def _of_server(error: ModelAPIError, *, begun: bool) -> str:
    match error:
        case ModelContextWindowExceededError():
            return "too_long"
        case ModelAuthenticationError():
            return "credentials"
        case ModelNotFoundError():
            return "model"
        case ModelQuotaExceededError():
            return "quota"
        case ModelRateLimitError():
            return "busy"
        case ModelRequestRejectedError():
            return "refused"
        case ModelHTTPError(status_code=status) if status < 500:
            return "refused"
        case ModelHTTPError() if not error.in_stream:
            return "down"
        case _:
            return "broken_off" if begun else "down"


def _facts(error: Exception) -> str:
    facts = [type(error).__name__]
    if isinstance(error, ModelHTTPError):
        facts.append(f"HTTP {error.status_code}")
        request_id = (error.headers or {}).get("x-request-id", "")
        if _REQUEST_ID.fullmatch(request_id):
            facts.append(f"request {request_id}")
    if isinstance(error, ModelAPIError):
        if _WORD.fullmatch(error.provider_error_code or ""):
            facts.append(str(error.provider_error_code))
        if error.retry_after is not None:
            facts.append(f"retry after {error.retry_after:g} s")
    if isinstance(error, UsageLimitExceeded):
        facts.append(str(error))
    return ", ".join(facts)
