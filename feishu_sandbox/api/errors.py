"""What the platform answers when a call fails: code, text, HTTP status.

Sources: Feishu, "服务端错误码说明", "如何解决 230001 错误", the error tables of the im-v1 pages; facts,
"Tokens" and limits table.
"""

from collections.abc import Mapping


class ApiError(Exception):
    """A call that fails with ``{"code", "msg", "error": {"log_id", …}}``."""

    def __init__(
        self,
        code: int,
        msg: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code
        self.msg = msg
        self.status = status
        self.headers = dict(headers or {})
        self.detail = dict(detail or {})


def invalid(what: str) -> ApiError:
    """230001 with the reason in ``ext=``, as Feishu words it."""
    return ApiError(230001, f"Your request contains an invalid request parameter, ext={what}")


def bad_field(field: str, description: str) -> ApiError:
    """99992402: a parameter is missing or of the wrong form."""
    violations = [{"field": field, "description": description}]
    return ApiError(99992402, "field validation failed", detail={"field_violations": violations})


def bad_json() -> ApiError:
    return ApiError(9499, "Bad Request")


def unknown_id(name: str, value: str) -> ApiError:
    """99992354: not an id of that kind (facts, "Card callback": a click's token used as a message id)."""
    msg = f"The request you send is not a valid {{{name}}} or not exists, Invalid ids: [{value}]"
    return ApiError(99992354, msg)


NO_TOKEN = (
    99991661,
    "Missing access token for authorization. Please make a request with token attached.",
)
BAD_TOKEN = (99991663, "Invalid access token for authorization. Please make a request with token attached.")

NO_BOT = (11205, "app do not have bot")
NOT_IN_CHAT = (230002, "Bot can NOT be out of the chat.")
BOT_INACTIVE = (230006, "Bot ability is not activated.")
RECALLED = (230011, "The message was withdrawn.")
NOT_OWNER = (230071, "The operator is not the sender of this message.")
CHAT_FREQUENCY = (230020, "This operation triggers the frequency limit.")
TOO_LONG = (230025, "The length of the message content reaches its limit.")
NO_RECALL_RIGHT = (230026, "No permission to recall this message.")
CARD_TOO_OLD = (230031, "The message exceeds the time limit for updating.")
WRONG_TYPE = (230054, "This operation is not supported for this type of message.")
NO_GROUP_HISTORY = (230027, "Lack of necessary permissions.")
NO_MORE_EDITS = (230072, "The message has reached the number of times it can be edited.")
BAD_CARD = (230099, "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err")
TOO_MANY_ELEMENTS = (
    230099,
    "Failed to create card content, ext=ErrCode: 300305; ErrMsg: element exceeds the limit",
)
TOO_MANY_TABLES = (
    230099,
    "Failed to create card content, ext=ErrCode: 11310; ErrMsg: card table number over limit",
)
NO_SUCH_ENTITY = (
    230099,
    "Failed to create card content, ext=ErrCode: 200740; ErrMsg: card entity does not exist",
)
ENTITY_SENT = (230099, "Failed to create card content, ext=the card entity has been sent already")
NOT_MY_ENTITY = (
    230099,
    "Failed to create card content, ext=ErrCode: 300311; ErrMsg: no permission to use this card",
)
BAD_EMOJI = (231001, "reaction type is invalid.")
MESSAGE_NOT_FOUND = (231003, "The message is not found.")
NOT_REACTION_OWNER = (231007, "The operator is not the one who added the reaction.")
REACTION_ON_RECALLED = (231011, "The message was withdrawn.")
BAD_RESOURCE_REQUEST = (234001, "Invalid request param.")
FILE_NOT_IN_MESSAGE = (234003, "File not in msg.")
RESOURCE_NOT_IN_CHAT = (234004, "App isn't in chat.")
FILE_TOO_LARGE = (234006, "The file size exceed the max value.")
EMPTY_FILE = (234010, "File's size can't be 0.")
CHAT_NOT_FOUND = (232006, "Your request specifies a chat_id which is invalid.")
CHAT_FORBIDDEN = (232011, "Operator can NOT be out of the chat.")
"""(code, msg) pairs, raised as ``ApiError(*PAIR)``."""
