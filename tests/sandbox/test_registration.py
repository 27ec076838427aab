"""Scan-to-create: the endpoint as clients see it, the page as a person sees it, and lark_oapi between them."""

import asyncio
import base64
import gzip
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from yarl import URL

from feishu_sandbox import Rules, Sandbox, User
from feishu_sandbox.registration import CONFIRM_PATH, PATH, NotOpenError, read_addons

JUDGE = Path(__file__).parent / "judges" / "lark_register.py"
ATTACK = "<script>alert(1)</script>"


class Office:
    """A sandbox, a client of its endpoint, and somebody with a browser."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox, self.http, self.ada = sandbox, http, sandbox.world.add_user("Ada")
        self.begun: dict[str, Any] = {}

    async def post(self, **form: str) -> dict[str, Any]:
        async with self.http.post(self.sandbox.url + PATH, data=form) as response:
            answer = await response.json()
            assert response.status == (400 if "error" in answer else 200)
            return answer

    async def begin(self) -> str:
        self.begun = await self.post(action="begin", archetype="PersonalAgent", auth_method="client_secret")
        return self.begun["user_code"]

    async def poll(self) -> dict[str, Any]:
        return await self.post(action="poll", device_code=self.begun["device_code"])

    async def refusal(self) -> str:
        return (await self.poll())["error"]

    async def page(self, **query: str) -> tuple[int, str]:
        link = URL(self.begun["verification_uri_complete"]).update_query(query)
        async with self.http.get(link, headers={"Accept-Language": "en"}) as response:
            return response.status, await response.text()

    async def decide(self, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str]:
        form = {"user_code": self.begun["user_code"]} | form
        async with self.http.post(
            self.sandbox.url + CONFIRM_PATH, data=form, headers={"Accept-Language": "en"} | (headers or {})
        ) as response:
            return response.status, await response.text()


@pytest_asyncio.fixture
async def office(clock: Any) -> AsyncIterator[Office]:
    async with Sandbox(rules=Rules(clock=clock)) as sandbox, aiohttp.ClientSession() as http:
        yield Office(sandbox, http)


# The endpoint


async def test_it_begins_as_feishu_does(office: Office):
    assert (await office.post(action="init"))["supported_auth_methods"] == ["client_secret"]
    user_code = await office.begin()
    assert (office.begun["interval"], office.begun["expires_in"]) == (5, 600)
    link = URL(office.begun["verification_uri_complete"])
    assert str(link.origin()) == office.sandbox.url
    assert link.query["user_code"] == user_code
    assert office.begun["device_code"] not in str(link)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "other"},
        {"action": "begin"},
        {"action": "begin", "archetype": "PersonalAgent", "auth_method": "private_key_jwt"},
    ],
)
async def test_what_it_does_not_know_is_invalid(office: Office, form: dict[str, str]):
    assert (await office.post(**form))["error"] == "invalid_request"


async def test_an_app_is_handed_out_once(office: Office, clock: Any):
    user_code = await office.begin()
    assert await office.refusal() == "authorization_pending"
    app = office.sandbox.registrations.approve(user_code, office.ada, "Helper")
    clock.now += 5
    assert await office.poll() == {
        "client_id": app.app_id,
        "client_secret": app.app_secret,
        "user_info": {"open_id": office.ada.open_id(app), "tenant_brand": "feishu"},
    }
    assert office.sandbox.world.apps[app.app_id].name == "Helper"
    assert await office.refusal() == "invalid_grant"


async def test_who_polls_too_fast_must_slow_down_for_good(office: Office, clock: Any):
    await office.begin()
    said: list[str] = []
    for pause in (0, 4.9, 9.9, 14.9, 15, 25):
        clock.now += pause
        said.append(await office.refusal())
    assert said == ["authorization_pending", *["slow_down"] * 4, "authorization_pending"]


async def test_declined_is_denied(office: Office):
    office.sandbox.registrations.deny(await office.begin())
    assert await office.refusal() == "access_denied"
    assert not office.sandbox.world.apps


async def test_a_link_expires(office: Office, clock: Any):
    user_code = await office.begin()
    clock.now += 599
    assert await office.refusal() == "authorization_pending"
    clock.now += 1
    assert await office.refusal() == "expired_token"
    with pytest.raises(NotOpenError):
        office.sandbox.registrations.approve(user_code, office.ada, "Late")
    assert not office.sandbox.world.apps


async def test_long_expired_ones_are_forgotten(office: Office, clock: Any):
    await office.begin()
    old = office.begun
    clock.now += 1200
    await office.begin()
    office.begun = old
    assert await office.refusal() == "invalid_grant"


async def test_one_answer_per_link(office: Office):
    user_code = await office.begin()
    office.sandbox.registrations.approve(user_code, office.ada, "Helper")
    for again in (
        lambda: office.sandbox.registrations.approve(user_code, office.ada, "Second"),
        lambda: office.sandbox.registrations.deny(user_code),
        lambda: office.sandbox.registrations.deny("NONE-SUCH"),
    ):
        with pytest.raises(NotOpenError):
            again()
    assert len(office.sandbox.world.apps) == 1


@pytest.mark.parametrize("packed", ["", "!", "A", "AAAA", "é", gzip.compress(b"[1]", mtime=0).hex()])
def test_addons_that_are_none(packed: str):
    assert read_addons(packed) is None


def test_addons_are_bounded():
    bomb = base64.urlsafe_b64encode(gzip.compress(b'{"a": 1}' + b" " * 2**22)).decode()
    assert read_addons(bomb) is None
    assert read_addons(base64.urlsafe_b64encode(gzip.compress(b'{"a": 1}')).decode().rstrip("=")) == {"a": 1}


# The page


async def test_a_person_approves(office: Office):
    await office.begin()
    ben = office.sandbox.world.add_user("Ben")
    status, html = await office.page(name="Helper")
    assert status == 200
    assert 'value="Helper"' in html
    assert office.begun["user_code"] in html
    assert html.index("Ada") < html.index("Ben")
    status, html = await office.decide(do="approve", user=ben.union_id, name="  My   helper ")
    assert (status, 'data-testid="approved"' in html) == (200, True)
    answer = await office.poll()
    app = office.sandbox.world.apps[answer["client_id"]]
    assert app.name == "My helper"
    assert answer["user_info"]["open_id"] == ben.open_id(app)
    for secret in (app.app_secret, office.begun["device_code"]):
        assert secret not in html
    assert 'data-testid="approved"' in (await office.page())[1]


async def test_an_app_without_a_name_is_named_after_its_owner(office: Office):
    await office.begin()
    await office.decide(do="approve", user=office.ada.union_id)
    assert [app.name for app in office.sandbox.world.apps.values()] == ["Ada's bot"]


async def test_a_person_declines(office: Office):
    await office.begin()
    status, html = await office.decide(do="deny")
    assert (status, 'data-testid="denied"' in html) == (200, True)
    assert await office.refusal() == "access_denied"
    assert 'data-testid="denied"' in (await office.decide(do="approve", user=office.ada.union_id))[1]
    assert not office.sandbox.world.apps


async def test_a_link_that_is_no_more(office: Office, clock: Any):
    await office.begin()
    clock.now += 600
    status, html = await office.page()
    assert (status, 'data-testid="gone"' in html) == (404, True)
    status, html = await office.decide(do="approve", user=office.ada.union_id)
    assert (status, 'data-testid="gone"' in html) == (404, True)


async def test_what_the_page_refuses(office: Office):
    await office.begin()
    assert (await office.decide(do="approve", user="on_none"))[0] == 404
    assert (await office.decide(do="other"))[0] == 400
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await office.decide(foreign, do="approve", user=office.ada.union_id))[0] == 403
    assert not office.sandbox.world.apps
    assert await office.refusal() == "authorization_pending"


async def test_what_the_page_shows_is_text(office: Office):
    await office.begin()
    office.sandbox.world.add_user(ATTACK)
    addons = {
        "scopes": {"tenant": [ATTACK, {"a": 1}]},
        "events": {"items": [3]},
        "callbacks": {"items": ["x"]},
    }
    packed = base64.urlsafe_b64encode(gzip.compress(json.dumps(addons).encode())).decode()
    status, html = await office.page(addons=packed, name=f'"{ATTACK}')
    assert status == 200
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html


async def test_both_languages(office: Office):
    await office.begin()
    link = office.begun["verification_uri_complete"]
    for language, words in (("zh", "创建应用"), ("en", "Create the app")):
        async with office.http.get(link, headers={"Accept-Language": language}) as response:
            html = await response.text()
            assert f'lang="{language}' in html
            assert words in html
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_a_company_without_people_gets_one():
    async with Sandbox() as sandbox, aiohttp.ClientSession() as http:
        office = Office(sandbox, http)
        sandbox.world.users.clear()
        await office.begin()
        assert (await office.page())[0] == 200
        assert len(sandbox.world.users) == 1


async def test_in_a_real_browser(office: Office, chromium: Browser):
    await office.begin()
    ben = office.sandbox.world.add_user("Ben")
    context = await chromium.new_context(locale="en-US")
    try:
        page, problems = await context.new_page(), list[str]()
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await page.goto(office.begun["verification_uri_complete"])
        await page.get_by_text("Ben", exact=True).click()
        await page.get_by_test_id("name").fill("Clicked")
        await page.get_by_test_id("approve").click()
        await expect(page.get_by_test_id("approved")).to_be_visible()
        await page.get_by_role("link", name="Clicked").click()
        await expect(page.get_by_test_id("composer")).to_be_visible()
        assert problems == []
    finally:
        await context.close()
    assert (await office.poll())["user_info"]["open_id"] == ben.open_id(*office.sandbox.world.apps.values())


# A client nobody here wrote


class Judge:
    """lark_oapi registering an app; each of its lines is a JSON object."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        raw = await asyncio.wait_for(self._process.stdout.readline(), 60)
        assert raw, (await self._process.stderr.read()).decode()
        return json.loads(raw)


@pytest_asyncio.fixture
async def judged() -> AsyncIterator[tuple[Sandbox, User, Judge]]:
    quick = replace(Rules(), registration_interval=0.05)
    async with Sandbox(rules=quick) as sandbox:
        ada = sandbox.world.add_user("Ada")
        environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, JUDGE, sandbox.url, stdout=-1, stderr=-1, env=environment
        )
        try:
            yield sandbox, ada, Judge(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


@pytest.mark.timeout(120)
async def test_lark_oapi_gets_an_app(judged: tuple[Sandbox, User, Judge]):
    sandbox, ada, judge = judged
    scan = await judge.line()
    assert scan["expire_in"] == 600
    query = URL(scan["link"]).query
    assert read_addons(query["addons"]) == {"callbacks": {"items": ["card.action.trigger"]}}
    assert query["name"] == "Judged"
    assert await judge.line() == {"status": "polling"}
    app = sandbox.registrations.approve(query["user_code"], ada, query["name"])
    while "result" not in (told := await judge.line()):
        assert told == {"status": "polling"}
    assert told["result"] == {
        "client_id": app.app_id,
        "client_secret": app.app_secret,
        "user_info": {"open_id": ada.open_id(app), "tenant_brand": "feishu"},
    }


@pytest.mark.timeout(120)
async def test_lark_oapi_is_denied(judged: tuple[Sandbox, User, Judge]):
    sandbox, _, judge = judged
    sandbox.registrations.deny(URL((await judge.line())["link"]).query["user_code"])
    while "error" not in (told := await judge.line()):
        assert told == {"status": "polling"}
    assert told == {"error": "access_denied"}
