"""Failed calls, as NoneBot's plugins expect them.

::

    nonebot.adapters.feishu.ActionFailed
    ├── ActionFailed        Feishu refused; the facts are attributes
    └── ChatNotAllowed      the connector may not send there; Feishu was not asked
    nonebot.adapters.feishu.NetworkError
    └── NetworkError        no answer, or none that could be read

The first and the last are chained from the error of `openapi` they stand for.
"""

from collections.abc import Generator
from contextlib import contextmanager

from nonebot.adapters import feishu as stock
from typing_extensions import override

from ..openapi import ApiError, FeishuError, MessageGone


class ActionFailed(stock.ActionFailed):
    """Feishu answered a call with an error.

    Attributes:
        code: Feishu's error code, None when the answer had none.
        msg: Feishu's words.
        status: HTTP status.
        log_id: what Feishu's support asks for.
        retry_after: seconds to wait, if Feishu said so.
        troubleshooter: Feishu's advice.
        help_url: where a person can put it right.
        error: the typed error (`RateLimited`, `PermissionDenied` …).
    """

    def __init__(self, error: ApiError) -> None:
        self.error = error
        self.code = error.code
        self.msg = error.msg
        self.status = error.status
        self.log_id = error.log_id
        self.retry_after = error.retry_after
        self.troubleshooter = error.troubleshooter
        self.help_url = error.help_url
        facts = {name: value for name, value in vars(self).items() if value is not None and name != "error"}
        super().__init__(**facts)  # pyright: ignore[reportUnknownMemberType] (the stock class is not annotated)

    @property
    def message_gone(self) -> bool:
        """The message the call was about was recalled or deleted."""
        return isinstance(self.error, MessageGone)

    @override
    def __str__(self) -> str:
        return str(self.error)


class ChatNotAllowed(stock.ActionFailed):
    """The chat is not among the connector's `allowed_chat_ids`; nothing was sent.

    Attributes:
        connector: the connector's name.
        chat_id: where the message was to go.
    """

    def __init__(self, connector: str, chat_id: str) -> None:
        super().__init__(connector=connector, chat_id=chat_id)  # pyright: ignore[reportUnknownMemberType] (see above)
        self.connector = connector
        self.chat_id = chat_id

    @override
    def __str__(self) -> str:
        return f"{self.chat_id} is not among the allowed_chat_ids of {self.connector}"


class NetworkError(stock.NetworkError):
    """The call brought no usable answer; Feishu may or may not have carried it out.

    Attributes:
        error: the typed error (`RequestTimeout`, `AnswerTooLarge` …).
    """

    def __init__(self, error: FeishuError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def translated() -> Generator[None]:
    """Raise what the block's REST calls raise as NoneBot's errors."""
    try:
        yield
    except ApiError as error:
        raise ActionFailed(error) from error
    except FeishuError as error:
        raise NetworkError(error) from error
