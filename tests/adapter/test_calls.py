"""`call_api`: arguments as the stock adapter takes them, errors with all the facts."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import nonebot
import pytest
from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import feishu as stock
from nonebot.drivers import Response
from nonebot.exception import ActionFailed as BaseActionFailed
from nonebot.exception import MockApiException
from nonebot.exception import NetworkError as BaseNetworkError
from nonebug import App

from nonebot_plugin_feishu_ws.adapter import ActionFailed, Adapter, Bot, NetworkError
from nonebot_plugin_feishu_ws.openapi import (
    ApiError,
    FeishuClient,
    PermissionDenied,
    RateLimited,
    TransportError,
)

Build = Callable[..., Any]


@pytest.mark.parametrize(
    "arguments", [{"params": {"a": "1"}, "json": {"b": 2}}, {"query": {"a": "1"}, "body": {"b": 2}}]
)
async def test_both_names_of_arguments(arguments: dict[str, Any], bot: Bot, platform: Any) -> None:
    platform.answer("im/v1/chats", {"code": 0, "data": {"items": [1]}, "msg": "ok"})
    result = await bot.call_api("im/v1/chats", method="POST", **arguments)
    assert result == {"code": 0, "data": {"items": [1]}, "msg": "ok"}
    [call] = platform.calls
    assert (call.method, call.path, call.query, call.body) == ("POST", "im/v1/chats", {"a": "1"}, {"b": 2})


async def test_the_answer_is_a_dict_that_looks_into_its_data(bot: Bot, platform: Any) -> None:
    platform.answer("x/y", {"code": 0, "data": {"items": [1], "code": 5}})
    result = await bot.call_api("x/y")
    assert (result["items"], result.get("items"), result["code"], result.get("none", 3)) == ([1], [1], 0, 3)
    assert "items" not in result
    with pytest.raises(KeyError):
        result["none"]
    platform.answer("x/y", {"code": 0})
    assert (await bot.call_api("/open-apis/x/y")).get("items") is None


async def test_a_form_without_files_is_json(bot: Bot, platform: Any) -> None:
    await bot.call_api("x/y", method="POST", data={"reaction_type": {"emoji_type": "OK"}})
    assert platform.calls[0].body == {"reaction_type": {"emoji_type": "OK"}}


@pytest.mark.parametrize(
    "file",
    [b"bytes", ("n.txt", b"bytes"), ("n.txt", BytesIO(b"bytes"), "text/plain"), BytesIO(b"bytes"), "bytes"],
)
@pytest.mark.parametrize("as_list", [False, True])
async def test_files(file: Any, as_list: bool, bot: Bot, platform: Any) -> None:
    if isinstance(file, BytesIO):
        file.seek(0)
    files: Any = [("file", file)] if as_list else {"file": file}
    if isinstance(file, tuple) and isinstance(file[1], BytesIO):
        file[1].seek(0)
    await bot.call_api("im/v1/files", method="POST", data={"file_type": "stream", "duration": 5}, files=files)
    assert platform.calls[0].body == {"file_type": "stream", "duration": "5", "file": b"bytes"}


@pytest.mark.parametrize("arguments", [{"headers": {"a": "b"}}, {"cookies": {"a": "b"}}, {"content": b"x"}])
async def test_what_cannot_be_sent_is_said(arguments: dict[str, Any], bot: Bot, platform: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        await bot.call_api("x/y", **arguments)
    assert not platform.calls


@pytest.mark.parametrize("api", ["../x", "https://evil.example/x", "x//y", "x?y=1", "x/%2e%2e/y"])
async def test_a_path_is_a_path(api: str, bot: Bot, platform: Any) -> None:
    with pytest.raises(ValueError, match="not an API path"):
        await bot.call_api(api)
    assert not platform.calls


# --- the stock bot's helpers ---


async def test_messages(bot: Bot, platform: Any) -> None:
    await bot.send_msg("chat_id", "oc_1", '{"text":"a"}', "text")
    await bot.reply_msg("om_1", '{"text":"a"}', "text", uuid="u")
    await bot.edit_msg("om_1", '{"text":"b"}', "text")
    await bot.delete_msg("om_1")
    await bot.get_msg("om_1")
    await bot.get_msgs("chat", "oc_1", page_size=5)
    await bot.forward_msg("om_1", "oc_2", "chat_id")
    await bot.merge_forward_msg("chat_id", "oc_2", ["om_1"])
    await bot.get_msg_read_users("om_1", "open_id", page_size=10)
    assert platform.paths == [
        "POST im/v1/messages",
        "POST im/v1/messages/om_1/reply",
        "PUT im/v1/messages/om_1",
        "DELETE im/v1/messages/om_1",
        "GET im/v1/messages/om_1",
        "GET im/v1/messages",
        "POST im/v1/messages/om_1/forward",
        "POST im/v1/messages/merge_forward",
        "GET im/v1/messages/om_1/read_users",
    ]
    assert platform.calls[0].body.pop("uuid")
    assert platform.calls[0].body == {"receive_id": "oc_1", "content": '{"text":"a"}', "msg_type": "text"}
    assert platform.calls[1].body == {"content": '{"text":"a"}', "msg_type": "text", "uuid": "u"}
    assert platform.calls[2].body == {"content": '{"text":"b"}', "msg_type": "text"}
    assert platform.calls[5].query == {"container_id_type": "chat", "container_id": "oc_1", "page_size": "5"}


async def test_post_file(bot: Bot, platform: Any, tmp_path: Path) -> None:
    platform.answer("im/v1/files", {"code": 0, "data": {"file_key": "file_1"}})
    (tmp_path / "a.txt").write_bytes(b"abc")
    result = await bot.post_file("stream", "名.txt", tmp_path / "a.txt", duration=3)
    assert result["data"]["file_key"] == "file_1"
    assert platform.calls[0].body == {
        "file_type": "stream",
        "file_name": "名.txt",
        "duration": "3",
        "file": b"abc",
    }


async def test_downloads(bot: Bot, platform: Any) -> None:
    path = "im/v1/messages/om_1/resources/img_1"
    platform.answer(path, b"\x89PNG")
    platform.answer(path, b"%PDF")
    assert await bot.get_msg_resource("om_1", "img_1", "image") == b"\x89PNG"
    response = await bot.call_api(f"/open-apis/{path}", params={"type": "file"}, _return_response=True)
    assert response.content == b"%PDF"
    assert [call.query for call in platform.calls] == [{"type": "image"}, {"type": "file"}]
    platform.refuse(path, 234003, "no file")
    with pytest.raises(ActionFailed, match="no file"):
        await bot.get_msg_resource("om_1", "img_1", "image")
    platform.answer("im/v1/files/file_1", b"PK")
    assert await bot.get_file("file_1") == b"PK"


async def test_return_response(bot: Bot, platform: Any) -> None:
    platform.answer("x/y", {"code": 0, "data": {"名": 1}})
    response = await bot.call_api("x/y", _return_response=True)
    assert isinstance(response, Response)
    assert response.status_code == 200
    assert isinstance(response.content, bytes)
    assert "名" in response.content.decode()


# --- errors ---


async def test_a_refusal_carries_its_facts(bot: Bot, platform: Any) -> None:
    body = {
        "code": 99991672,
        "msg": "Access denied",
        "error": {
            "log_id": "log-1",
            "troubleshooter": "see https://open.feishu.cn/search?code=99991672",
            "helps": [{"url": "https://open.feishu.cn/app/cli_x/auth", "description": "grant"}],
            "permission_violations": [
                {"type": "action_scope_required", "subject": "contact:user.base:readonly"}
            ],
        },
    }
    platform.answer("contact/v3/users/ou_1", body, 400)
    with pytest.raises(ActionFailed) as caught:
        await bot.call_api("contact/v3/users/ou_1", method="GET")
    error = caught.value
    assert isinstance(error, stock.ActionFailed)
    assert isinstance(error, BaseActionFailed)
    assert (error.code, error.msg, error.status, error.log_id) == (99991672, "Access denied", 400, "log-1")
    assert error.help_url == "https://open.feishu.cn/app/cli_x/auth"
    assert error.troubleshooter
    assert error.retry_after is None
    assert error.info["code"] == 99991672
    assert not error.message_gone
    assert isinstance(error.error, PermissionDenied)
    assert error.error.scopes == ("contact:user.base:readonly",)
    assert error.__cause__ is error.error
    assert "99991672" in str(error)
    assert "99991672" in repr(error)


@pytest.mark.parametrize("status", [200, 400])
async def test_a_code_is_an_error_whatever_the_status(status: int, bot: Bot, platform: Any) -> None:
    platform.refuse("x/y", 230001, status=status)
    with pytest.raises(ActionFailed) as caught:
        await bot.call_api("x/y")
    assert caught.value.code == 230001


async def test_a_rate_limit_says_when_to_come_back(bot: Bot, platform: Any) -> None:
    platform.refuse("x/y", 99991400, status=429)
    with pytest.raises(ActionFailed) as caught:
        await bot.call_api("x/y")
    assert isinstance(caught.value.error, RateLimited)


async def test_no_answer_is_a_network_error() -> None:
    async with aiohttp.ClientSession() as session:
        client = FeishuClient("cli_y", "secret-y", base_url="http://127.0.0.1:9", session=session)
        adapter: Any = nonebot.get_adapters()["Feishu"]
        from nonebot_plugin_feishu_ws.openapi import BotInfo

        bot = Bot(adapter, "cli_y", client=client, identity=BotInfo(open_id="ou_y"), connector="y")
        with pytest.raises(NetworkError) as caught:
            await bot.call_api("x/y")
    error = caught.value
    assert isinstance(error, stock.NetworkError)
    assert isinstance(error, BaseNetworkError)
    assert isinstance(error.__cause__, TransportError)
    assert error.msg
    assert "secret-y" not in repr(error) + str(error)
    assert not isinstance(error.__cause__, ApiError)


# --- NoneBot around it ---


@pytest.fixture
def hooks() -> Iterator[None]:
    calling, called = set(BaseBot._calling_api_hook), set(BaseBot._called_api_hook)
    yield
    BaseBot._calling_api_hook.clear()
    BaseBot._calling_api_hook.update(calling)
    BaseBot._called_api_hook.clear()
    BaseBot._called_api_hook.update(called)


@pytest.mark.usefixtures("hooks")
async def test_hooks_see_sends_and_may_replace_them(message_event: Build, bot: Bot, platform: Any) -> None:
    seen: list[Any] = []

    @Bot.on_calling_api
    async def calling(bot: BaseBot, api: str, data: dict[str, Any]) -> None:
        seen.append((api, data["json"]["msg_type"]))

    @Bot.on_called_api
    async def called(
        bot: BaseBot, exception: Exception | None, api: str, data: dict[str, Any], result: Any
    ) -> None:
        seen.append((type(exception), result))
        if exception:
            raise MockApiException({"code": 0, "data": {"message_id": "om_mock"}})

    event = message_event()
    platform.refuse(f"im/v1/messages/{event.message_id}/reply", 230001)
    result = await bot.send(event, "x")
    assert result["data"]["message_id"] == "om_mock"
    assert seen == [(f"im/v1/messages/{event.message_id}/reply", "text"), (ActionFailed, None)]


async def test_nonebug_can_stand_in_for_feishu(
    app: App, bot: Bot, message_event: Build, platform: Any
) -> None:
    matcher = nonebot.on_message()

    @matcher.handle()
    async def _(bot: Bot) -> None:
        await matcher.finish((await bot.get_msg("om_1"))["data"])

    event = message_event()
    try:
        async with app.test_matcher(matcher) as ctx:
            ctx.receive_event(bot, event)
            ctx.should_call_api("im/v1/messages/om_1", {"method": "GET"}, result={"data": "answer"})
            ctx.should_call_send(event, "answer")
            ctx.should_finished(matcher)
    finally:
        matcher.destroy()
    assert not platform.calls


async def test_nonebug_makes_bots_of_our_classes(app: App, client: FeishuClient) -> None:
    from nonebot_plugin_feishu_ws.openapi import BotInfo

    async with app.test_api() as ctx:
        adapter = ctx.create_adapter(base=Adapter)
        bot = ctx.create_bot(
            base=Bot,
            adapter=adapter,
            self_id="cli_z",
            client=client,
            identity=BotInfo(open_id="ou_z"),
            connector="z",
        )
        ctx.should_call_api("im/v1/messages/om_1", {"method": "DELETE"}, result={"code": 0})
        assert await bot.delete_msg("om_1") == {"code": 0}


async def test_the_stock_attributes_are_there_without_a_secret(bot: Bot) -> None:
    assert isinstance(bot, stock.Bot)
    assert (bot.type, bot.self_id, bot.connector) == ("Feishu", "cli_x", "test")
    assert (bot.bot_config.app_id, bot.bot_config.app_secret) == ("cli_x", "")
    assert (bot.bot_info.open_id, bot.bot_info.app_name) == ("ou_bot", "助手")
    assert str(bot.bot_config.api_base).startswith("http://127.0.0.1")
    assert bot.platform == "feishu"
    assert nonebot.get_bot("cli_x") is bot
