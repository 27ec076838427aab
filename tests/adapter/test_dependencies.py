"""What handlers can ask for: the connector, our REST client, lark_oapi's typed one."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any

import nonebot
import pytest
from nonebot.params import Depends

from nonebot_plugin_feishu_ws import openapi
from nonebot_plugin_feishu_ws.adapter import (
    BlockingCallError,
    Bot,
    ConnectorInfo,
    CurrentConnector,
    FeishuClient,
    LarkClient,
)

Build = Callable[..., Any]


@pytest.fixture
def asked(bot: Bot, matchers: Build, message_event: Build) -> Callable[[Build], Any]:
    """Runs a handler on a message and gives what it returned, or raises what it raised."""

    async def run(handler: Build) -> Any:
        matcher, found = matchers(nonebot.on_message()), []

        @matcher.handle()
        async def _(result: Annotated[Any, Depends(handler)]) -> None:
            found.append(result)

        await bot.handle_event(message_event())
        return found[0]

    return run


async def test_the_connector(asked: Any, bot: Bot) -> None:
    async def handler(connector: Annotated[ConnectorInfo, CurrentConnector()]) -> ConnectorInfo:
        return connector

    connector = await asked(handler)
    assert (connector.name, connector.app_id) == ("test", "cli_x")
    assert connector.domain == bot.client.base_url
    assert connector.policy.allow_dm is True
    assert "secret" not in repr(connector)


async def test_our_client(asked: Any, bot: Bot) -> None:
    async def handler(client: Annotated[openapi.FeishuClient, FeishuClient()]) -> openapi.FeishuClient:
        return client

    assert await asked(handler) is bot.client


def test_nothing_but_the_lark_client_imports_lark_oapi() -> None:
    program = """
import sys, nonebot
nonebot.init(driver="~none", log_level="ERROR")
nonebot.load_plugin("nonebot_plugin_feishu_ws")
import nonebot_plugin_feishu_ws as plugin
from nonebot_plugin_feishu_ws.adapter import CurrentConnector, FeishuClient, LarkClient
CurrentConnector(), FeishuClient(), LarkClient()
print("lark_oapi" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "False"


@pytest.fixture
async def lark(asked: Any) -> Any:
    from lark_oapi import Client

    async def handler(client: Annotated[Client, LarkClient()]) -> Client:
        return client

    return await asked(handler)


def message() -> Any:
    from lark_oapi.api.im.v1 import CreateMessageRequest, CreateMessageRequestBody

    body = CreateMessageRequestBody.builder().receive_id("oc_1").msg_type("text").content('{"text": "hi"}')
    return CreateMessageRequest.builder().receive_id_type("chat_id").request_body(body.build()).build()


async def test_a_typed_call_goes_our_way(lark: Any, platform: Any) -> None:
    platform.answer("im/v1/messages", {"code": 0, "msg": "", "data": {"message_id": "om_1"}})
    response = await lark.im.v1.message.acreate(message())
    assert response.success()
    assert response.data.message_id == "om_1"
    (call,) = platform.calls
    assert (call.method, call.path, call.query) == ("POST", "im/v1/messages", {"receive_id_type": "chat_id"})
    assert call.body == {"receive_id": "oc_1", "msg_type": "text", "content": '{"text": "hi"}'}


async def test_paths_and_queries(lark: Any, platform: Any) -> None:
    from lark_oapi.api.im.v1 import GetChatMembersRequest

    platform.answer("im/v1/chats/oc_1/members", {"code": 0, "data": {"items": [{"name": "Ada"}]}})
    request = GetChatMembersRequest.builder().chat_id("oc_1").page_size(5).build()
    response = await lark.im.v1.chat_members.aget(request)
    assert response.data.items[0].name == "Ada"
    assert platform.calls[0].query["page_size"] == "5"


async def test_any_call(lark: Any, platform: Any) -> None:
    from lark_oapi import AccessTokenType, BaseRequest, HttpMethod

    request = BaseRequest.builder().http_method(HttpMethod.PUT).uri("/open-apis/any/v1/thing")
    request = request.token_types({AccessTokenType.TENANT}).body({"a": 1}).build()
    assert (await lark.arequest(request)).code == 0
    assert (platform.calls[0].method, platform.calls[0].body) == ("PUT", {"a": 1})


async def test_files_go_up_and_come_down(lark: Any, platform: Any) -> None:
    from io import BytesIO

    from lark_oapi.api.im.v1 import (
        CreateImageRequest,
        CreateImageRequestBody,
        GetMessageResourceRequest,
    )

    platform.answer("im/v1/images", {"code": 0, "data": {"image_key": "img_1"}})
    body = CreateImageRequestBody.builder().image_type("message").image(BytesIO(b"\x89PNG")).build()
    response = await lark.im.v1.image.acreate(CreateImageRequest.builder().request_body(body).build())
    assert response.data.image_key == "img_1"
    assert platform.calls[0].body == {"image_type": "message", "image": b"\x89PNG"}

    platform.answer("im/v1/messages/om_1/resources/img_1", b"\x89PNG")
    request = GetMessageResourceRequest.builder().message_id("om_1").file_key("img_1").type("image").build()
    assert (await lark.im.v1.message_resource.aget(request)).file.read() == b"\x89PNG"


async def test_what_feishu_refuses_raises_our_errors(lark: Any, platform: Any) -> None:
    platform.refuse("im/v1/messages", 230002, "not in the chat")
    with pytest.raises(openapi.ChatUnavailable, match="not in the chat") as raised:
        await lark.im.v1.message.acreate(message())
    assert (raised.value.code, raised.value.log_id) == (230002, "log-1")
    platform.answer("im/v1/messages", b"<html>bad gateway</html>", 502)
    with pytest.raises(openapi.ServerError):
        await lark.im.v1.message.acreate(message())


async def test_a_call_that_would_block_is_refused(lark: Any, platform: Any) -> None:
    for call in (lark.im.v1.message.create, lark.request):
        with pytest.raises(BlockingCallError, match=r"await ….a(create|request)"):
            call(message())
    assert not platform.calls


async def test_another_token_is_refused(lark: Any, platform: Any) -> None:
    from lark_oapi import RequestOption

    option = RequestOption.builder().user_access_token("u-1").build()
    with pytest.raises(ValueError, match="of your own"):
        await lark.im.v1.message.acreate(message(), option)


async def test_many_at_once_do_not_block_each_other(lark: Any, platform: Any) -> None:
    platform.gate = asyncio.Event()
    calls = [asyncio.create_task(lark.im.v1.message.acreate(message())) for _ in range(5)]
    async with asyncio.timeout(20):
        while len(platform.calls) < 5:
            await platform.arrived.wait()
            platform.arrived.clear()
    platform.gate.set()
    assert all(response.success() for response in await asyncio.gather(*calls))


async def test_lark_oapi_itself_stays_as_it_is(lark: Any) -> None:
    from lark_oapi.api.im.v1.resource import message as module
    from lark_oapi.core.http import Transport
    from lark_oapi.core.token import verify

    assert module.Transport is Transport
    assert module.verify is verify
