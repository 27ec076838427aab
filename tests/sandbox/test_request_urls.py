"""Request URLs: the official client accepts what the sandbox posts; the schedule, the check of the address, faults."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from feishu_sandbox import App, RequestFault, RequestUrlError, Rules, Sandbox

ENCRYPT_KEY = "an encrypt key"


@dataclass
class Server:
    """A developer's server: `judge` answers, as (status, body)."""

    judge: Callable[[dict[str, str], bytes], Awaitable[tuple[int, bytes]]] | None = None
    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers, body = dict(request.headers), await request.read()
        self.requests.append((headers, body))
        assert self.judge is not None
        status, answer = await self.judge(headers, body)
        return web.Response(status=status, body=answer)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    application = web.Application(client_max_size=2**26)
    application.router.add_post("/feishu", made.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/feishu"
    yield made
    await runner.cleanup()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    rules = Rules(ack_timeout=0.5, callback_timeout=0.5, push_again_after=(0.05, 0.05))
    async with Sandbox(rules=rules) as made:
        yield made


def official(app: App, clicks: list[Any], messages: list[Any]) -> Any:
    """lark_oapi's handler of webhooks, which checks signature, token and encryption."""
    import lark_oapi as lark
    from lark_oapi.core.model import RawRequest
    from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

    def click(data: Any) -> Any:
        clicks.append(data)
        return P2CardActionTriggerResponse({"toast": {"type": "info", "content": "seen"}})

    handler = (
        lark.EventDispatcherHandler.builder(app.encrypt_key or "", app.verification_token)
        .register_p2_im_message_receive_v1(messages.append)
        .register_p2_card_action_trigger(click)
        .build()
    )

    async def judge(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        request = RawRequest()
        request.uri, request.headers, request.body = "/feishu", headers, body
        response = handler.do(request)
        return response.status_code, response.content

    return judge


@pytest.mark.parametrize("encrypt_key", [ENCRYPT_KEY, None])
async def test_the_official_client_takes_what_is_posted(sandbox, server, encrypt_key) -> None:
    world = sandbox.world
    app, alice = world.add_app("Butler", encrypt_key=encrypt_key), world.add_user("Alice")
    clicks: list[Any] = []
    messages: list[Any] = []
    server.judge = official(app, clicks, messages)
    await sandbox.posts.save_url(app, server.url)
    chat = world.direct_chat(alice, app)
    await world.say(alice, chat, "hello")
    delivery = await sandbox.hub.wait_delivery(sandbox.hub.deliveries[-1].event_id)
    assert delivery.acks[0].code == 200
    assert json.loads(messages[0].event.message.content) == {"text": "hello"}
    card = world.post(app, chat, "interactive", {"elements": []})
    result = await world.click(alice, card.message_id, {"tag": "button", "value": {"a": "b"}})
    assert result.toast == {"type": "info", "content": "seen"}
    assert clicks[0].event.action.value == {"a": "b"}
    assert (b"hello" in server.requests[1][1]) is (encrypt_key is None)
    nonces = [headers.get("X-Lark-Request-Nonce") for headers, _ in server.requests[1:]]
    assert len(set(nonces)) == 2


@pytest.mark.parametrize("how", ["bad_signature", "no_signature"])
async def test_the_official_client_refuses_what_a_fault_has_spoiled(sandbox, server, how) -> None:
    app = sandbox.world.add_app("Butler", encrypt_key=ENCRYPT_KEY)
    alice, messages = sandbox.world.add_user("Alice"), []
    server.judge = official(app, [], messages)
    await sandbox.posts.save_url(app, server.url)
    sandbox.faults.add(RequestFault(how=how, times=1))
    await sandbox.world.say(alice, sandbox.world.direct_chat(alice, app), "hello")
    delivery = await sandbox.hub.wait_delivery(sandbox.hub.deliveries[-1].event_id)
    assert [ack.code for ack in delivery.acks] == [500, 200]
    assert len(messages) == 1


async def test_events_come_again_until_200_and_clicks_never(sandbox, server) -> None:
    world, codes = sandbox.world, [500, 503, 200, 500]

    async def judge(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if b"url_verification" in body:
            return 200, body
        return codes.pop(0), b"{}"

    server.judge = judge
    app, alice = world.add_app("Butler"), world.add_user("Alice")
    await sandbox.posts.save_url(app, server.url)
    chat = world.direct_chat(alice, app)
    await world.say(alice, chat, "hello")
    delivery = await sandbox.hub.wait_delivery(sandbox.hub.deliveries[-1].event_id)
    assert [ack.code for ack in delivery.acks] == [500, 503, 200]
    card = world.post(app, chat, "interactive", {"elements": []})
    result = await world.click(alice, card.message_id, {"tag": "button"})
    assert result.error is not None
    assert result.error.code == 200671
    assert codes == []
    assert delivery.pushes == ["posted"] * 3


async def test_an_answer_that_takes_too_long_is_none(sandbox, server) -> None:
    async def judge(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        await asyncio.Event().wait()
        raise AssertionError

    server.judge = judge
    app, alice = sandbox.world.add_app("Butler"), sandbox.world.add_user("Alice")
    app.request_url = server.url
    await sandbox.world.say(alice, sandbox.world.direct_chat(alice, app), "hello")
    delivery = await sandbox.hub.wait_delivery(sandbox.hub.deliveries[-1].event_id, "given_up")
    assert delivery.acks == []
    assert len(server.requests) == 3


async def test_an_address_is_saved_if_it_gives_the_challenge_back(sandbox, server) -> None:
    app = sandbox.world.add_app("Butler")

    async def judge(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 200, b'{"challenge": "another"}'

    server.judge = judge
    for url in ("ftp://x", "http://127.0.0.1:9/feishu", server.url):
        with pytest.raises(RequestUrlError):
            await sandbox.posts.save_url(app, url)
    assert app.request_url is None


async def test_over_http(sandbox, server) -> None:
    """The sandbox's own API, for bots in other languages."""
    app = sandbox.world.add_app("Butler")

    async def judge(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 200, body

    server.judge = judge
    where = f"{sandbox.url}/sandbox/apps/{app.app_id}/webhook"
    async with aiohttp.ClientSession() as session:
        async with session.put(where, json={"request_url": server.url}) as response:
            assert (response.status, await response.json()) == (200, {"request_url": server.url})
        async with session.get(f"{sandbox.url}/sandbox/apps") as response:
            (shown,) = await response.json()
        assert (shown["request_url"], shown["verification_token"]) == (server.url, app.verification_token)
        for bad in ({"request_url": "nowhere"}, {"url": "x"}, {"encrypt_key": 1}, {}):
            async with session.put(where, json=bad) as response:
                assert response.status == 400
        async with session.put(where, json={"request_url": None, "encrypt_key": "k"}) as response:
            assert response.status == 200
        async with session.put(where.replace(app.app_id, "cli_x"), json={}) as response:
            assert response.status == 404
    assert (app.request_url, app.encrypt_key) == (None, "k")


async def test_faults(sandbox, server) -> None:
    """Another time, the same request twice, and a body nobody should read."""
    world = sandbox.world
    app, alice = world.add_app("Butler", encrypt_key=ENCRYPT_KEY), world.add_user("Alice")

    async def judge(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 200, b"{}"

    server.judge = judge
    app.request_url = server.url
    sent = []
    for how in ("wrong_time", "replay", "oversized"):
        sandbox.faults.add(RequestFault(how=how, times=1))
        await world.say(alice, world.direct_chat(alice, app), "hello")
        await sandbox.hub.wait_delivery(sandbox.hub.deliveries[-1].event_id)
        sent.append(server.requests[:])
        server.requests.clear()
    ((late, _),), (first, second), ((_, large),) = sent
    assert abs(sandbox.rules.clock() - int(late["X-Lark-Request-Timestamp"])) > 3000
    assert first == second
    assert len(large) > 4 * 2**20
