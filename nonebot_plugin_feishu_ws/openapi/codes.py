"""Feishu's error codes, each with the type it becomes.

Sources: feishu-facts.md (wire, limits), Feishu's generic error codes
(open.feishu.cn/document/server-docs/api-call-guide/generic-error-code) and the code table of each endpoint
that `FeishuClient` calls. A code that is not here is judged by its HTTP status.
"""

from collections.abc import Mapping

from .errors import (
    ApiError,
    AppUnavailable,
    BadCredentials,
    ChatUnavailable,
    Facts,
    InvalidRequest,
    MessageGone,
    MessageLocked,
    OutOfSequence,
    PermissionDenied,
    RateLimited,
    Repeated,
    ServerError,
    StreamClosed,
    TokenInvalid,
    TooLarge,
)

_GROUPS: Mapping[type[ApiError], tuple[int, ...]] = {
    RateLimited: (
        99991400,  # request trigger frequency limit (HTTP 429, older APIs 400)
        230020,  # per chat, user or message
        11232,  # system pressure on the full and half hour
        232019,  # chats
    ),
    ServerError: (
        200810,  # card: a click on it is being answered
        300120,  # card: server internal error
        230049,  # the message is being sent: an earlier request with this uuid is under way
        232096,  # meta writing has stopped
        234019,  # CheckAppTenant fail, "please retry"
        234042,  # tenant storage error
    ),
    TokenInvalid: (
        99991661,  # need a token
        99991663,  # invalid tenant_access_token, or an API that takes none
        99991664,  # invalid app_access_token
        99991665,  # invalid tenant code
        99991668,  # invalid user_access_token; also seen for tenant tokens
        99991671,  # must start with t- or u-
        99991677,  # token expired
        234002,  # media: unauthorized
    ),
    BadCredentials: (
        10014,  # app secret invalid
        10015,  # wrong app secret
        20002,  # client secret invalid
        99991543,  # app_id or app_secret does not exist
    ),
    AppUnavailable: (
        10005,  # app id unauthorized
        99991401,  # ip denied by app setting
        99991403,  # this month's API quota is used up
        99991662,  # app not in use
        99991673,  # unauthorized app
        230006,  # bot ability is not activated
        232025,
        232034,  # unavailable or inactivated by the tenant
        234007,
    ),
    PermissionDenied: (
        99991672,  # one of the following scopes is required
        99991676,  # token no permission
        99991679,  # the user has not granted the scope
        230027,  # lack of necessary permissions
        232033,  # no authority over external chats
        234009,
    ),
    ChatUnavailable: (
        230002,  # the bot is not in the group
        230013,  # no availability to this user
        230018,  # forbidden by the group's settings
        230019,  # the topic does not exist
        230029,  # user has resigned
        230035,  # send message permission denied
        230038,  # cross tenant p2p
        230045,  # the chat does not exist
        230053,  # the user has stopped the bot from sending messages
        231002,  # may not react: not in the chat
        231004,  # the chat of the message is gone
        232009,  # dissolved
        232010,  # other tenant
        232011,  # operator out of the chat
        234004,  # app not in chat
    ),
    MessageGone: (
        230011,  # recalled
        230050,  # invisible to the operator
        230110,  # deleted
        231003,  # not found
        231005,  # thread removed without a trace
        231008,
        231011,  # recalled
        231018,  # invisible to the operator
        234040,
        200740,  # card entity does not exist
        99992354,  # message ids not existed (a card token taken for a message id, too)
    ),
    MessageLocked: (
        200750,  # card entity older than 14 days
        300311,  # card entity of another app
        230017,  # the bot is not the owner of the resource
        230026,  # no permission to recall it
        230031,  # older than 14 days
        230054,  # not for this type of message
        230071,  # edit: not the sender; reply: the group has no threads
        230072,  # edit: 20 times already; reply: aggregated messages have no threads
        230073,
        230074,
        230075,  # edit: time is up; send: encrypted chat
        230111,  # will self-destruct soon
        231007,  # not the bot's own reaction
        231017,  # system messages take no reaction
        234008,  # not the sender of the resource
        234038,  # restricted mode
        234043,  # type without resources
    ),
    TooLarge: (
        200860,  # card over 30 KB
        230025,
        234006,
        234037,
        300305,  # more than 200 components and texts in a card
    ),
    StreamClosed: (
        200850,  # streaming mode has timed out
        300309,  # streaming mode is off
    ),
    OutOfSequence: (300317,),
    Repeated: (200770,),
    InvalidRequest: (
        9499,  # bad request
        10002,  # invalid parameter (cards)
        10003,  # invalid parameter
        200220,  # card JSON is wrong
        300121,  # element cannot be replaced
        300122,  # settings
        300301,  # element_id twice in a card
        300302,  # update_multi false
        300303,  # not JSON 2.0
        300307,  # empty card
        300310,  # not a text element
        300312,  # the tag of an element cannot be changed
        300313,  # no such element, or its fields are wrong
        300314,  # element cannot be deleted
        300315,  # element cannot be added
        230001,
        230015,  # p2p chats cannot be shared
        230022,  # sensitive information
        230028,  # did not pass the audit
        230034,  # receive_id is invalid
        230055,  # file type and message type differ
        230099,  # card content; see sub_code
        231001,  # reaction type
        232001,
        232006,  # chat_id is invalid
        234001,
        234003,  # file not in message
        234005,  # image has been deleted
        234010,  # empty file
        99992351,  # open ids not existed
        99992352,
        99992353,
        99992355,
        99992356,
        99992359,
        99992360,
        99992361,  # open_id cross app
        99992363,
        99992364,
        99992381,  # union_id cross tenant
        99992402,  # field validation failed
    ),
}

TYPES: Mapping[int, type[ApiError]] = {code: kind for kind, codes in _GROUPS.items() for code in codes}
"""Type by code."""


def api_error(facts: Facts) -> ApiError:
    """The error these facts amount to."""
    # 429 says "too fast" whatever the code beside it says.
    if facts.status == 429:
        return RateLimited(facts)
    kind = TYPES.get(facts.code) if facts.code is not None else None
    if kind is None:
        not_feishu = facts.code is None and not 400 <= facts.status < 500
        kind = ServerError if facts.status >= 500 or not_feishu else ApiError
    return kind(facts)
