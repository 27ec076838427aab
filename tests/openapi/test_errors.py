"""Every answer that is not success becomes the right type, with Feishu's facts on it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from nonebot_plugin_feishu_ws.openapi import (
    ApiError,
    AppUnavailable,
    BadCredentials,
    ChatUnavailable,
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
from nonebot_plugin_feishu_ws.openapi.answers import retry_after
from nonebot_plugin_feishu_ws.openapi.codes import TYPES

# Written down a second time, by what each code says in Feishu's documents: the table is judged, not repeated.
EXPECTED = {
    RateLimited: "99991400 230020 11232 232019",
    ServerError: "200810 300120 230049 232096 234019 234042",
    TokenInvalid: "99991661 99991663 99991664 99991665 99991668 99991671 99991677 234002",
    BadCredentials: "10014 10015 20002 99991543",
    AppUnavailable: "10005 99991401 99991403 99991662 99991673 230006 232025 232034 234007",
    PermissionDenied: "99991672 99991676 99991679 230027 232033 234009",
    ChatUnavailable: "230002 230013 230018 230019 230029 230035 230038 230045 230053 231002 231004 232009 "
    "232010 232011 234004",
    MessageGone: "200740 230011 230050 230110 231003 231005 231008 231011 231018 234040 99992354",
    MessageLocked: "200750 300311 230017 230026 230031 230054 230071 230072 230073 230074 230075 230111 231007 231017 "
    "234008 234038 234043",
    TooLarge: "200860 230025 234006 234037 300305",
    StreamClosed: "200850 300309",
    OutOfSequence: "300317",
    Repeated: "200770",
    InvalidRequest: "9499 10002 10003 200220 300121 300122 300301 300302 300303 300307 300310 300312 300313 300314 "
    "300315 230001 230015 230022 230028 230034 230055 230099 231001 232001 232006 234001 "
    "234003 234005 234010 99992351 99992352 99992353 99992355 99992356 99992359 99992360 99992361 99992363 "
    "99992364 99992381 99992402",
}
CASES = [(int(code), kind) for kind, codes in EXPECTED.items() for code in codes.split()]


def test_every_code_of_the_table_is_tested():
    assert {code for code, _ in CASES} == set(TYPES)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("code", "kind"), CASES)
async def test_code(platform, client, answers, code, kind, status):
    platform.always(lambda: answers.refusal(code, f"about {code}", status=status))
    with pytest.raises(ApiError) as caught:
        await client.request("GET", "im/v1/messages/om_1")
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.msg, error.status) == (code, f"about {code}", status)
    assert str(code) in str(error)
    assert f"about {code}" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, ApiError), (400, ApiError), (404, ApiError), (429, RateLimited), (503, ServerError)],
)
async def test_an_unknown_code_is_judged_by_the_status(platform, client, answers, status, kind):
    platform.always(lambda: answers.refusal(12345, status=status))
    with pytest.raises(ApiError) as caught:
        await client.bot_info()
    assert type(caught.value) is kind
    assert caught.value.code == 12345


async def test_429_is_a_rate_limit_whatever_the_code(platform, client, answers):
    platform.always(lambda: answers.refusal(230001, status=429))
    with pytest.raises(RateLimited):
        await client.bot_info()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html><h1>502 Bad Gateway</h1></html>", "text/html"),
        ("", "application/json"),
        ('{"code": 0', "application/json"),
        ("[1, 2]", "application/json"),
        ("null", "application/json"),
        ('{"code": "0"}', "application/json"),
        ('{"code": true}', "application/json"),
        ('{"message": "no code"}', "application/json"),
        ("[" * 100_000, "application/json"),
        ("\ud83d".encode("utf-16", "surrogatepass").decode("latin1"), "application/json"),
    ],
)
@pytest.mark.parametrize(
    ("status", "kind"), [(200, ServerError), (502, ServerError), (404, ApiError), (429, RateLimited)]
)
async def test_an_answer_that_is_not_feishus(platform, client, status, kind, body, content_type):
    platform.always(lambda: web.Response(text=body, status=status, content_type=content_type))
    with pytest.raises(ApiError) as caught:
        await client.bot_info()
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.code is None


async def test_code_0_with_an_error_status_is_no_success(platform, client, answers):
    platform.always(lambda: answers.refusal(0, status=500))
    with pytest.raises(ServerError) as caught:
        await client.request("GET", "bot/v3/info")
    assert caught.value.status == 500


async def test_the_whole_body_comes_back(platform, client, answers):
    platform.always(lambda: answers.ok({"a": 1}, bot={"open_id": "ou_b"}))
    assert await client.request("GET", "bot/v3/info") == {
        "code": 0, "msg": "success", "data": {"a": 1}, "bot": {"open_id": "ou_b"},
    }  # fmt: skip


async def test_a_missing_scope_names_itself_and_where_to_grant_it(platform, client, answers):
    # how-to-fix-the-99991672-error.md
    grant = "https://open.feishu.cn/app/cli_a41bc75349bcxxxx/auth?q=contact:user.id:readonly&op_from=openapi"
    platform.always(
        lambda: answers.refusal(
            99991672,
            "Access denied. One of the following scopes is required: [contact:user.id:readonly]",
            error={
                "message": "Refer to the documentation to fix the error: https://open.feishu.cn/document/x",
                "log_id": "202307211618216F3E9EB64DC7E1234",
                "permission_violations": [
                    {"type": "action_scope_required", "subject": "contact:user.id:readonly"},
                    {"type": "action_scope_required", "subject": "contact:contact"},
                ],
                "helps": [{"url": grant, "description": "Learn more"}],
            },
        )
    )
    with pytest.raises(PermissionDenied) as caught:
        await client.bot_info()
    error = caught.value
    assert error.scopes == ("contact:user.id:readonly", "contact:contact")
    assert error.help_url == grant
    assert error.log_id == "202307211618216F3E9EB64DC7E1234"
    assert error.troubleshooter is not None
    assert error.troubleshooter.startswith("Refer to the documentation")


async def test_help_and_log_id_from_the_older_places(platform, client, answers):
    # how-to-resolve-error-99991679.md has only a troubleshooter; older answers name the URL in msg.
    advice = (
        "排查建议查看(Troubleshooting suggestions): https://open.feishu.cn/search?log_id=2024&code=99991679"
    )
    platform.always(
        lambda: answers.refusal(
            99991679,
            error={"troubleshooter": advice, "log_id": "in-the-body"},
            headers={"X-Tt-Logid": "in-the-header"},
        )
    )
    with pytest.raises(PermissionDenied) as caught:
        await client.bot_info()
    assert caught.value.troubleshooter == advice
    assert caught.value.help_url == "https://open.feishu.cn/search?log_id=2024&code=99991679"
    assert caught.value.log_id == "in-the-header"
    assert caught.value.scopes == ()

    platform.always(
        lambda: answers.refusal(
            99991672, "点击链接申请：https://open.feishu.cn/app/cli_x/auth?q=im:message，谢谢"
        )
    )
    with pytest.raises(PermissionDenied) as caught:
        await client.bot_info()
    assert caught.value.help_url == "https://open.feishu.cn/app/cli_x/auth?q=im:message"


@pytest.mark.parametrize(
    "error", [None, "text", 7, [], {"helps": "x", "permission_violations": [1, {"subject": 2}]}]
)
async def test_help_of_another_shape_is_no_second_error(platform, client, answers, error):
    platform.always(lambda: answers.refusal(99991672, error=error))
    with pytest.raises(PermissionDenied) as caught:
        await client.bot_info()
    assert caught.value.scopes == ()


async def test_the_card_engines_code_inside_230099(platform, client, answers):
    platform.always(
        lambda: answers.refusal(
            230099,
            "Failed to create card content, ext=ErrCode: 11310; ErrMsg: card table number over limit; ",
        )
    )
    with pytest.raises(InvalidRequest) as caught:
        await client.send_message("oc_1", "interactive", {})
    assert caught.value.sub_code == 11310


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        (230025, {"text": 153600, "post": 30720, "interactive": 30720}),
        (234006, {"image": 10485760, "file": 31457280}),
        (234037, {"download": 104857600}),
        (200860, {"card": 30720}),
        (300305, {}),
    ],
)
async def test_too_large_knows_how_large_is_allowed(platform, client, answers, code, limits):
    platform.always(lambda: answers.refusal(code))
    with pytest.raises(TooLarge) as caught:
        await client.bot_info()
    assert caught.value.limits == limits


@pytest.mark.parametrize(("status", "code"), [(429, 99991400), (400, 99991400), (400, 230020)])
async def test_a_rate_limit_says_when_to_come_back(platform, client, answers, status, code):
    headers = {"x-ogw-ratelimit-limit": "100", "x-ogw-ratelimit-reset": "52"}
    platform.always(lambda: answers.refusal(code, status=status, headers=headers))
    with pytest.raises(RateLimited) as caught:
        await client.bot_info()
    assert caught.value.retry_after == 52
    assert "retry after 52 s" in str(caught.value)


NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ogw-ratelimit-reset": "52", "Retry-After": "9"}, 52),
        ({"x-ogw-ratelimit-reset": " 1.5 "}, 1.5),
        ({"x-ogw-ratelimit-reset": "0"}, 0),
        ({"x-ogw-ratelimit-reset": "soon", "Retry-After": "9"}, 9),
        ({"x-ogw-ratelimit-reset": "-1", "Retry-After": "9"}, 9),
        ({"x-ogw-ratelimit-reset": "1795165200"}, None),
        ({"x-ogw-ratelimit-reset": "nan"}, None),
        ({"x-ogw-ratelimit-reset": "inf"}, None),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=90), usegmt=True)}, 0),
        ({"Retry-After": "yesterday"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_forms_of_the_waiting_time(headers, seconds):
    assert retry_after(headers, NOW) == seconds
