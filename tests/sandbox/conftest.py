"""A sandbox with short rules, and the plainest client that can talk to it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from feishu_sandbox import App, Connection, Frame, Rules, Sandbox

QUICK = Rules(ack_timeout=0.3, push_again_after=(0.05, 0.05), callback_timeout=0.3)


class Clock:
    """The platform's wall clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Link:
    """A raw long connection: frames in, frames out, nothing by itself."""

    ws: aiohttp.ClientWebSocketResponse
    connection: Connection

    async def frame(self) -> Frame:
        message = await asyncio.wait_for(self.ws.receive(), 5)
        assert message.type is aiohttp.WSMsgType.BINARY, message
        frame = Frame()
        frame.ParseFromString(message.data)
        return frame

    async def event(self) -> tuple[Frame, dict[str, Any]]:
        frame = await self.frame()
        return frame, json.loads(frame.payload)

    async def ack(self, frame: Frame, code: int = 200, data: Any = None) -> None:
        payload: dict[str, Any] = {"code": code}
        if data is not None:
            payload["data"] = base64.b64encode(json.dumps(data).encode()).decode()
        await self.reply(frame, json.dumps(payload).encode())

    async def reply(self, frame: Frame, payload: bytes) -> None:
        answer = Frame()
        answer.CopyFrom(frame)
        answer.payload = payload
        await self.ws.send_bytes(answer.SerializeToString())

    async def ping(self) -> None:
        frame = Frame(SeqID=0, LogID=0, service=self.connection.service_id, method=0)
        frame.headers.add(key="type", value="ping")
        await self.ws.send_bytes(frame.SerializeToString())


@dataclass
class Client:
    """REST and long connections of one app, without any cleverness."""

    sandbox: Sandbox
    app: App
    http: aiohttp.ClientSession
    token: str = ""
    last: aiohttp.ClientResponse = field(init=False)
    links: list[Link] = field(default_factory=list)
    """Held, so that no connection is closed by garbage collection."""

    async def bootstrap(self, **changes: Any) -> dict[str, Any]:
        body = {"AppID": self.app.app_id, "AppSecret": self.app.app_secret, **changes}
        async with self.http.post(self.sandbox.url + "/callback/ws/endpoint", json=body) as response:
            return await response.json()

    async def connect(self, **options: Any) -> Link:
        url = (await self.bootstrap())["data"]["URL"]
        before = len(self.sandbox.hub.opened(self.app))
        ws = await self.http.ws_connect(url, **options)
        self.links.append(Link(ws, await self.sandbox.hub.wait_opened(self.app, before + 1)))
        return self.links[-1]

    async def login(self) -> dict[str, Any]:
        body = {"app_id": self.app.app_id, "app_secret": self.app.app_secret}
        answer = await self.call("POST", "/auth/v3/tenant_access_token/internal", body)
        self.token = answer["tenant_access_token"]
        return answer

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The JSON answer; the response itself is in ``last``."""
        if not self.token and not path.startswith("/auth/"):
            await self.login()
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.request(
            method, f"{self.sandbox.url}/open-apis{path}", json=body, headers=headers, **more
        ) as response:
            self.last = response
            await response.read()
            return await response.json(content_type=None)

    async def send(
        self, receive_id: str, content: Any, msg_type: str = "text", **more: Any
    ) -> dict[str, Any]:
        kind = "chat_id" if receive_id.startswith("oc_") else "open_id"
        if not isinstance(content, str):
            content = json.dumps(content)
        body = {"receive_id": receive_id, "msg_type": msg_type, "content": content, **more}
        return await self.call("POST", f"/im/v1/messages?receive_id_type={kind}", body)

    async def entity(self, *elements: Any) -> str:
        """The card_id of a new streaming card."""
        card = {"schema": "2.0", "config": {"streaming_mode": True}, "body": {"elements": elements}}
        answer = await self.call("POST", "/cardkit/v1/cards", {"type": "card_json", "data": json.dumps(card)})
        return answer["data"]["card_id"]

    async def sent(self, receive_id: str, content: Any, msg_type: str = "text", **more: Any) -> str:
        answer = await self.send(receive_id, content, msg_type, **more)
        assert answer["code"] == 0, answer
        return answer["data"]["message_id"]


@dataclass
class Company:
    """A running sandbox with one bot, two people, a direct chat and a group."""

    sandbox: Sandbox
    client: Client

    def __post_init__(self) -> None:
        world = self.sandbox.world
        self.world = world
        self.app = self.client.app
        self.ada, self.ben = world.add_user("Ada"), world.add_user("Ben")
        self.direct = world.direct_chat(self.ada, self.app)
        self.group = world.add_group("Team", [self.ada, self.ben, self.app])


@pytest_asyncio.fixture
async def make_company() -> AsyncIterator[Callable[..., Awaitable[Company]]]:
    """A company whose rules differ from the quick ones as told."""
    started: list[Client] = []

    async def make(**changes: Any) -> Company:
        sandbox = Sandbox(rules=replace(QUICK, **changes))
        await sandbox.start()
        client = Client(sandbox, sandbox.world.add_app("Bot"), aiohttp.ClientSession())
        started.append(client)
        return Company(sandbox, client)

    yield make
    for client in started:
        await client.sandbox.stop()
        for link in client.links:
            await link.ws.close()
        await client.http.close()


@pytest_asyncio.fixture
async def company(make_company: Callable[..., Awaitable[Company]]) -> Company:
    return await make_company()


@pytest.fixture
def clock() -> Clock:
    return Clock()


CARD = {
    "config": {"update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Deploy?"}},
    "elements": [{"tag": "action", "actions": [{"tag": "button", "value": {"go": True}}]}],
}


@pytest.fixture
def card() -> dict[str, Any]:
    return json.loads(json.dumps(CARD))


@pytest_asyncio.fixture
async def fuzzed(make_company: Callable[..., Awaitable[Company]], card: dict[str, Any]) -> Any:
    """A company without limits, and ids to aim at."""
    company = await make_company(
        api_per_second=10**9,
        api_per_minute=10**9,
        sends_per_second=10**9,
        card_operations_per_second=10**9,
    )
    places = {
        "chat": company.group.chat_id,
        "user": company.ada.open_id(company.app),
        "message": await company.client.sent(company.direct.chat_id, {"text": "x"}),
        "card": await company.client.sent(company.direct.chat_id, card, "interactive"),
        "entity": await company.client.entity({"tag": "markdown", "element_id": "text", "content": "x"}),
    }
    return company, places
