"""Scan-to-create against the sandbox, and against a server that answers what the sandbox never would."""

import asyncio
import io
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from feishu_sandbox import Rules, Sandbox, User
from feishu_sandbox.registration import read_addons
from nonebot_plugin_feishu_ws.connectors.qr import qr_png, qr_rows
from nonebot_plugin_feishu_ws.connectors.registration import (
    ADDONS,
    Accounts,
    Registered,
    RegistrationProgress,
    Scan,
    Waiting,
    register,
)
from nonebot_plugin_feishu_ws.connectors.registration_errors import (
    RegistrationDenied,
    RegistrationError,
    RegistrationExpired,
    RegistrationRefused,
    RegistrationUnreachable,
    RegistrationUnsupported,
)
from nonebot_plugin_feishu_ws.connectors.registration_wire import Answer

QUICK = Rules(registration_interval=0.02, registration_slow_down=0.02)
SECRET, DEVICE = "s3cret-of-the-app", "device-code-of-the-link"
Heard = Callable[[RegistrationProgress], Awaitable[None]]


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """A sandbox, somebody in it, and a registration's progress as it comes in."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    ada: User
    heard: list[RegistrationProgress] = field(default_factory=list)

    async def register(self, on: Heard | None = None, **how: Any) -> Registered:
        async def note(progress: RegistrationProgress) -> None:
            self.heard.append(progress)
            if on is not None:
                await on(progress)

        running = register(
            base_url=self.sandbox.url, session=self.http, on_progress=note, slow_down=0.02, **how
        )
        return await asyncio.wait_for(running, 20)

    @property
    def user_code(self) -> str:
        scan = self.heard[0]
        assert isinstance(scan, Scan)
        return URL(scan.link).query["user_code"]

    def approve(self, name: str = "Ada's bot") -> None:
        self.sandbox.registrations.approve(self.user_code, self.ada, name)

    def states(self) -> list[str]:
        return [one.state for one in self.heard if isinstance(one, Waiting)]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(http: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    async with Sandbox(rules=QUICK) as sandbox:
        yield Desk(sandbox, http, sandbox.world.add_user("Ada"))


@pytest.fixture
async def frozen(http: aiohttp.ClientSession, clock: Clock) -> AsyncIterator[Desk]:
    """A sandbox whose clock is moved by hand."""
    async with Sandbox(rules=replace(QUICK, clock=clock)) as sandbox:
        yield Desk(sandbox, http, sandbox.world.add_user("Ada"))


# With the sandbox


async def test_somebody_confirms_after_a_while(desk: Desk):
    async def on(progress: RegistrationProgress) -> None:
        if desk.states() == ["pending", "pending"]:
            desk.approve("Helper")

    registered = await desk.register(on)
    app = desk.sandbox.world.apps[registered.app_id]
    assert app.name == "Helper"
    assert registered.app_secret.get_secret_value() == app.app_secret
    assert registered.owner_open_id == desk.ada.open_id(app)
    assert (registered.brand, registered.domain) == ("feishu", desk.sandbox.url)
    assert desk.states() == ["pending", "pending"]


async def test_the_link_names_the_app_and_asks_for_what_the_plugin_lives_on(desk: Desk):
    async def on(progress: RegistrationProgress) -> None:
        desk.approve()

    await desk.register(on, name="小助手 & co")
    scan = desk.heard[0]
    assert isinstance(scan, Scan)
    assert scan.expires_in == 600
    query = URL(scan.link).query
    assert query["name"] == "小助手 & co"
    assert query["createOnly"] == "true"
    assert read_addons(query["addons"]) == ADDONS
    async with desk.http.get(scan.link) as page:
        assert page.status == 200


async def test_somebody_declines(desk: Desk):
    async def on(progress: RegistrationProgress) -> None:
        desk.sandbox.registrations.deny(desk.user_code)

    with pytest.raises(RegistrationDenied):
        await desk.register(on)
    assert not desk.sandbox.world.apps


async def test_nobody_confirms_in_time(frozen: Desk, clock: Clock):
    async def on(progress: RegistrationProgress) -> None:
        clock.now += 601

    with pytest.raises(RegistrationExpired):
        await frozen.register(on)
    assert frozen.states() == []


async def test_the_link_expires_here_when_the_platform_never_says_so(http: aiohttp.ClientSession):
    async with Sandbox(rules=replace(QUICK, registration_ttl=0.1, clock=Clock())) as sandbox:
        desk = Desk(sandbox, http, sandbox.world.add_user("Ada"))
        with pytest.raises(RegistrationExpired):
            await desk.register()
    assert desk.states()


async def test_told_to_slow_down_it_does(frozen: Desk, clock: Clock):
    async def on(
        progress: RegistrationProgress,
    ) -> None:  # on a clock that stands still every poll is too early
        if frozen.states()[-2:] == ["slow_down", "slow_down"]:
            frozen.approve()

    await frozen.register(on)
    pauses = [round(one.pause, 3) for one in frozen.heard if isinstance(one, Waiting)]
    assert frozen.states() == ["pending", "slow_down", "slow_down"]
    assert pauses == [0.02, 0.04, 0.06]


async def test_a_platform_that_goes_away_and_comes_back_is_waited_for(desk: Desk):
    async def on(progress: RegistrationProgress) -> None:
        if not isinstance(progress, Waiting):
            return
        if progress.state == "pending" and "unreachable" not in desk.states():
            await desk.sandbox.stop()
        elif progress.state == "unreachable":
            assert progress.reason
            if desk.states().count("unreachable") == 2:
                desk.approve()
                await desk.sandbox.start()

    registered = await desk.register(on)
    assert registered.app_id in desk.sandbox.world.apps
    assert desk.states().count("unreachable") == 2


async def test_a_platform_that_stays_away_is_unreachable(http: aiohttp.ClientSession):
    async with Sandbox(rules=replace(QUICK, registration_ttl=0.2)) as sandbox:
        desk = Desk(sandbox, http, sandbox.world.add_user("Ada"))

        async def on(progress: RegistrationProgress) -> None:
            if isinstance(progress, Scan):
                await sandbox.stop()

        with pytest.raises(RegistrationUnreachable) as caught:
            await desk.register(on)
    assert caught.value.host == "127.0.0.1"


async def test_a_platform_that_is_not_there_is_unreachable(http: aiohttp.ClientSession):
    desk = Desk(Sandbox(), http, User(name="", user_id="", union_id="", email=""))
    async with desk.sandbox:
        pass
    with pytest.raises(RegistrationUnreachable):
        await desk.register()
    assert desk.heard == []


async def test_cancelled_while_waiting_nothing_is_left(http: aiohttp.ClientSession):
    async with Sandbox() as sandbox:  # Feishu's own five seconds between polls
        desk, shown = Desk(sandbox, http, sandbox.world.add_user("Ada")), asyncio.Event()

        async def on(progress: RegistrationProgress) -> None:
            shown.set()

        before = asyncio.all_tasks()
        running = asyncio.create_task(desk.register(on))
        await asyncio.wait_for(shown.wait(), 5)
        running.cancel()
        await asyncio.wait_for(asyncio.wait([running]), 1)
        assert running.cancelled()
        left = {task for task in asyncio.all_tasks() - before if "register" in repr(task)}
        assert not left
    assert desk.states() == []


async def test_what_the_listener_raises_ends_it(desk: Desk):
    async def on(progress: RegistrationProgress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await desk.register(on)


async def test_the_environments_proxy_does_not_come_between(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def on(progress: RegistrationProgress) -> None:
        desk.approve()

    assert (await desk.register(on)).app_id


# With a server of our own


@dataclass
class Server:
    """Answers what it is told, in turn; the last answer stays."""

    url: str = ""
    polls: list[Any] = field(default_factory=list)
    init: Any = field(default_factory=lambda: {"supported_auth_methods": ["client_secret"]})
    begin: Any = None
    asked: list[str] = field(default_factory=list)
    polled: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        action = str(form["action"])
        self.asked.append(action)
        if action == "poll":
            assert form["device_code"] == DEVICE
            self.polled.set()
            answer = self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]
        else:
            answer = self.init if action == "init" else self.begin
        if answer == "hang":
            await asyncio.Event().wait()
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
        if isinstance(answer, tuple):
            return web.Response(status=answer[0], text=answer[1])
        return web.json_response(answer, status=400 if "error" in answer else 200)


BEGUN = {
    "device_code": DEVICE,
    "verification_uri_complete": "https://open.feishu.cn/page/launcher?user_code=AAAA-BBBB",
    "interval": 0.01,
    "expires_in": 5,
}
PENDING = {"error": "authorization_pending", "error_description": "", "code": 20094}
DONE = {
    "client_id": "cli_1",
    "client_secret": SECRET,
    "user_info": {"open_id": "ou_1", "tenant_brand": "feishu"},
}


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    runners: list[web.AppRunner] = []

    async def start(*polls: Any, **answers: Any) -> Server:
        server = Server(polls=list(polls), **({"begin": BEGUN} | answers))
        app = web.Application()
        app.router.add_post("/oauth/v1/app/registration", server.serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return server

    yield start
    for runner in runners:
        await runner.cleanup()


async def ask(
    http: aiohttp.ClientSession, server: Server, heard: list[RegistrationProgress] | None = None, **how: Any
):
    async def note(progress: RegistrationProgress) -> None:
        if heard is not None:
            heard.append(progress)

    how = {"base_url": server.url, "timeout": 5.0} | how
    return await asyncio.wait_for(register(session=http, on_progress=note, **how), 20)


async def test_a_lark_person_is_asked_for_at_lark(http: aiohttp.ClientSession, serve: Any):
    moved = PENDING | {"user_info": {"tenant_brand": "lark"}}
    done = DONE | {"user_info": {"open_id": "ou_1", "tenant_brand": "lark"}}
    feishu, lark = await serve(PENDING, moved), await serve(moved, done)
    heard: list[RegistrationProgress] = []
    accounts = Accounts(feishu.url, lark.url)
    registered = await ask(http, feishu, heard, base_url="https://open.feishu.cn", accounts=accounts)
    assert (registered.brand, registered.domain) == ("lark", "https://open.larksuite.com")
    assert feishu.asked == ["init", "begin", "poll", "poll"]
    assert lark.asked == ["poll", "poll"]
    states = [(one.state, one.pause) for one in heard if isinstance(one, Waiting)]
    assert states == [("pending", 0.01), ("switched", 0.0), ("pending", 0.01)]


@pytest.mark.parametrize("nonsense", [(502, "<html>"), (200, "<html>"), (200, "[]"), (429, "{}"), "cut"])
async def test_a_poll_answered_with_nonsense_is_made_again(
    http: aiohttp.ClientSession, serve: Any, nonsense: Any
):
    server, heard = await serve(PENDING, nonsense, DONE), []
    assert (await ask(http, server, heard)).app_id == "cli_1"
    assert [one.state for one in heard[1:]] == ["pending", "unreachable"]


async def test_a_poll_without_an_answer_is_made_again(http: aiohttp.ClientSession, serve: Any):
    server, heard = await serve("hang", DONE), []
    assert (await ask(http, server, heard, timeout=0.2)).app_id == "cli_1"
    assert [one.state for one in heard[1:]] == ["unreachable"]


async def test_cancelled_while_the_platform_does_not_answer(http: aiohttp.ClientSession, serve: Any):
    server = await serve("hang")
    running = asyncio.create_task(ask(http, server, timeout=60.0))
    await asyncio.wait_for(server.polled.wait(), 5)
    running.cancel()
    await asyncio.wait_for(asyncio.wait([running]), 1)
    assert running.cancelled()


@pytest.mark.parametrize("nonsense", [(502, "<html>"), (200, "{"), (404, "404 page not found")])
@pytest.mark.parametrize("action", ["init", "begin"])
async def test_a_start_answered_with_nonsense_is_an_end(
    http: aiohttp.ClientSession, serve: Any, action: str, nonsense: Any
):
    server = await serve(PENDING, **{action: nonsense})
    with pytest.raises(RegistrationUnreachable, match=str(nonsense[0])):
        await ask(http, server)


@pytest.mark.parametrize(
    "broken",
    [
        {"device_code": ""},
        {"device_code": None},
        {"verification_uri_complete": ""},
        {"verification_uri_complete": "javascript:alert(1)"},
        {"verification_uri_complete": "http://feishu.example/confirm"},
    ],
)
async def test_a_start_without_a_link_is_an_end(http: aiohttp.ClientSession, serve: Any, broken: Any):
    server = await serve(PENDING, begin=BEGUN | broken)
    with pytest.raises(RegistrationUnreachable, match="without a link"):
        await ask(http, server)


def test_what_is_left_out_has_a_default():
    for left_out in (Answer(), Answer.model_validate({"interval": None, "expires_in": None})):
        assert (left_out.interval, left_out.expires_in) == (5, 600)
    assert Answer.model_validate({"expire_in": 7}).expires_in == 7


async def test_half_an_app_is_none_yet(http: aiohttp.ClientSession, serve: Any):
    server, heard = await serve({"client_id": "cli_1", "client_secret": None}, {}, DONE), []
    assert (await ask(http, server, heard)).app_secret.get_secret_value() == SECRET
    assert [one.state for one in heard[1:]] == ["pending", "pending"]


async def test_other_refusals_say_what_feishu_said(http: aiohttp.ClientSession, serve: Any):
    refusal = {"error": "invalid_request", "error_description": f"no such  device_code {DEVICE}\n"}
    for server in (await serve(refusal), await serve(PENDING, begin=refusal)):
        with pytest.raises(RegistrationRefused) as caught:
            await ask(http, server)
        assert caught.value.code == "invalid_request"
    server = await serve(PENDING, init={"supported_auth_methods": ["private_key_jwt"]})
    with pytest.raises(RegistrationRefused, match="unsupported_auth_method"):
        await ask(http, server)


async def test_larks_link_leads_to_the_page_that_takes_its_codes(http: aiohttp.ClientSession, serve: Any):
    begun = BEGUN | {"verification_uri_complete": "https://open.larksuite.com/page/launcher?user_code=A-B"}
    heard: list[Any] = []
    await ask(http, await serve(DONE, begin=begun), heard)
    link = URL(heard[0].link)
    assert (link.path, link.query["user_code"]) == ("/page/cli", "A-B")


async def test_no_secret_is_told(http: aiohttp.ClientSession, serve: Any, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    told = io.StringIO()
    quoting = {"error": "server_confused", "error_description": f"{DEVICE} is odd", "client_secret": SECRET}
    heard: list[RegistrationProgress] = []
    for polls in ((PENDING, "cut", (502, SECRET), DONE), (quoting,), ({"error": "access_denied"},)):
        try:
            told.write(repr(await ask(http, await serve(*polls), heard)))
        except RegistrationError as error:
            told.write(repr(error) + str(error))
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            ours = [line for line in shown.format() if "test_registration.py" not in line]
            told.write("".join(ours))
    told.write(repr(heard) + caplog.text)
    text = told.getvalue()
    assert "server_confused" in text
    assert "Registered" in text
    for secret in (SECRET, DEVICE, "AAAA-BBBB"):
        assert secret not in text


# Where


@pytest.mark.parametrize(
    ("platform", "url", "lark"),
    [
        ("feishu", "https://accounts.feishu.cn", "https://accounts.larksuite.com"),
        ("https://open.feishu.cn/", "https://accounts.feishu.cn", "https://accounts.larksuite.com"),
        ("lark", "https://accounts.larksuite.com", "https://accounts.larksuite.com"),
        ("http://127.0.0.1:4321", "http://127.0.0.1:4321", "http://127.0.0.1:4321"),
        ("ws://localhost:4321/x", "http://localhost:4321", "http://localhost:4321"),
    ],
)
def test_the_accounts_host_follows_from_the_platform(platform: str, url: str, lark: str):
    assert Accounts.of(platform) == Accounts(url, lark)


def test_other_platforms_are_named_with_what_there_is():
    with pytest.raises(RegistrationUnsupported, match=r"feishu\.example.*open\.feishu\.cn"):
        Accounts.of("https://feishu.example")
    with pytest.raises(ValueError, match="valid are"):
        Accounts.of("http://feishu.example")


# QR codes


def test_without_segno_there_is_no_picture(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "segno", None)
    assert qr_png("https://a.example") is None
    assert qr_rows("https://a.example") is None


def test_the_picture_is_a_code_with_a_light_border():
    png, rows = qr_png("https://a.example", scale=3), qr_rows("https://a.example")
    if find_spec("segno") is None:  # the `qr` extra
        assert png is rows is None
        return
    assert png is not None
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert rows is not None
    side = len(rows[0])
    assert {len(row) for row in rows} == {side}
    assert len(rows) == (side + 1) // 2
    assert set(rows[0]) == {"█"}
    assert rows[1].startswith("██ ▄▄▄▄▄ ")  # the finder in the corner
