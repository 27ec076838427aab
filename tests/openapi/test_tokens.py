"""The token: fetched once for all, refreshed early, renewed once when refused, never hammered."""

import asyncio

import pytest
from aiohttp import web

from nonebot_plugin_feishu_ws.openapi import (
    BadCredentials,
    InvalidRequest,
    RateLimited,
    ServerError,
    TokenInvalid,
    TransportError,
)
from nonebot_plugin_feishu_ws.openapi.tokens import COOLDOWN, EARLY, TokenSource

HALF_HOUR = 30 * 60


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Feishu:
    """Hands out tokens by Feishu's rule, and can be told to fail or to wait."""

    def __init__(self, clock):
        self.clock = clock
        self.fetches = 0
        self.number = 1
        self.ends = clock.now + 7200
        self.failure = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def __call__(self):
        self.fetches += 1
        self.asked.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if self.ends - self.clock.now < HALF_HOUR:
            self.number += 1
            self.ends = self.clock.now + 7200
        return f"t-{self.number}", self.ends - self.clock.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def feishu(clock):
    return Feishu(clock)


@pytest.fixture
def source(feishu, clock):
    return TokenSource(feishu, clock=clock)


def test_early_is_inside_feishus_half_hour():
    assert EARLY < HALF_HOUR


async def test_cached_until_a_new_one_can_be_had(source, feishu, clock):
    first = await source.get()
    clock.now += 7200 - EARLY - 1
    assert await source.get() is first
    assert feishu.fetches == 1
    clock.now += 2
    assert (await source.get()).value == "t-2"
    assert feishu.fetches == 2


async def test_a_first_token_that_is_already_old(source, feishu, clock):
    feishu.ends = clock.now + HALF_HOUR + 5
    assert (await source.get()).value == "t-1"
    for _ in range(40):
        clock.now += 60
        await source.get()
    assert (feishu.fetches, feishu.number) == (2, 2)


async def test_a_long_life_costs_one_fetch_per_token(source, feishu, clock):
    for _ in range(24 * 60):
        await source.get()
        clock.now += 60
    assert feishu.fetches == feishu.number == 15  # 24 h of tokens that are replaced after 100 minutes


async def test_a_hundred_callers_one_fetch(source, feishu):
    feishu.gate.clear()
    callers = [asyncio.create_task(source.get()) for _ in range(100)]
    await asyncio.wait_for(feishu.asked.wait(), 5)
    feishu.gate.set()
    tokens = await asyncio.gather(*callers)
    assert feishu.fetches == 1
    assert len({id(token) for token in tokens}) == 1


async def test_a_hundred_callers_share_one_failure(source, feishu):
    feishu.gate.clear()
    feishu.failure = TransportError("down")
    callers = [asyncio.create_task(source.get()) for _ in range(100)]
    await asyncio.wait_for(feishu.asked.wait(), 5)
    feishu.gate.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert feishu.fetches == 1
    assert all(isinstance(outcome, TransportError) for outcome in outcomes)
    feishu.failure = None
    assert (await source.get()).value == "t-1"


async def test_a_cancelled_asker_leaves_the_question_to_the_next(source, feishu):
    feishu.gate.clear()
    first = asyncio.create_task(source.get())
    await asyncio.wait_for(feishu.asked.wait(), 5)
    others = [asyncio.create_task(source.get()) for _ in range(3)]
    await asyncio.sleep(0)  # one turn of the loop: now they are waiting
    others[0].cancel()
    first.cancel()
    feishu.asked.clear()
    await asyncio.wait_for(feishu.asked.wait(), 5)
    feishu.gate.set()
    outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "CancelledError",
        "CancelledError",
        "Token",
        "Token",
    ]
    assert feishu.fetches == 2


async def test_an_early_refresh_makes_only_one_caller_wait(source, feishu, clock):
    old = await source.get()
    clock.now += 7200 - EARLY + 1
    feishu.gate.clear()
    feishu.asked.clear()
    payer = asyncio.create_task(source.get())
    await asyncio.wait_for(feishu.asked.wait(), 5)
    assert await source.get() is old
    feishu.gate.set()
    assert (await payer).value == "t-2"
    assert (await source.get()).value == "t-2"


async def test_a_failed_early_refresh_is_nobodys_trouble_and_not_repeated_at_once(source, feishu, clock):
    old = await source.get()
    clock.now += 7200 - EARLY + 1
    feishu.failure = TransportError("down")
    for _ in range(10):
        assert await source.get() is old
    assert feishu.fetches == 2
    clock.now += COOLDOWN + 0.1
    assert await source.get() is old
    assert feishu.fetches == 3
    clock.now = feishu.ends + 1
    with pytest.raises(TransportError):
        await source.get()


async def test_wrong_credentials_are_believed_for_a_while(platform, make_client, answers, clock):
    async def grant(_, __):
        return answers.refusal(10014, "app secret invalid")

    platform.grant = grant
    client = make_client(clock=clock)
    for _ in range(20):
        with pytest.raises(BadCredentials):
            await client.bot_info()
    assert len(platform.grants) == 1
    assert platform.calls == []
    platform.grant = None
    clock.now += COOLDOWN + 0.1
    assert await client.tenant_access_token() == platform.token


async def test_a_limited_token_endpoint_is_left_alone_for_as_long_as_it_says(
    platform, make_client, answers, clock
):
    async def grant(_, __):
        return answers.refusal(99991400, status=429, headers={"x-ogw-ratelimit-reset": "30"})

    platform.grant = grant
    client = make_client(clock=clock)
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            await client.bot_info()
        assert caught.value.retry_after == 30
        clock.now += 14
    assert len(platform.grants) == 1
    clock.now += 14
    with pytest.raises(RateLimited):
        await client.bot_info()
    assert len(platform.grants) == 2


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (10003, 400, BadCredentials),
        (10014, 200, BadCredentials),
        (10015, 400, BadCredentials),
        (99, 500, ServerError),
    ],
)
async def test_a_refused_grant(platform, client, answers, code, status, kind):
    async def grant(_, __):
        return answers.refusal(code, status=status)

    platform.grant = grant
    with pytest.raises(kind) as caught:
        await client.bot_info()
    assert caught.value.code == code


async def test_10003_elsewhere_is_an_invalid_parameter(platform, client, answers):
    platform.always(lambda: answers.refusal(10003))
    with pytest.raises(InvalidRequest):
        await client.bot_info()


@pytest.mark.parametrize(
    "grant",
    [
        {},
        {"tenant_access_token": "", "expire": 7200},
        {"tenant_access_token": 7, "expire": 7200},
        {"tenant_access_token": "t-1\r\nX: y", "expire": 7200},
        {"tenant_access_token": "t-é", "expire": 7200},
        {"tenant_access_token": "t-1"},
        {"tenant_access_token": "t-1", "expire": 0},
        {"tenant_access_token": "t-1", "expire": "7200"},
    ],
)
async def test_a_grant_without_a_usable_token(platform, client, grant):
    async def reply(_, __):
        return web.json_response({"code": 0, **grant})

    platform.grant = reply
    with pytest.raises(ServerError):
        await client.bot_info()
    assert platform.calls == []


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", [99991661, 99991663, 99991664, 99991668, 99991671])
async def test_a_refused_token_is_replaced_and_the_call_repeated_once(
    platform, client, answers, code, status
):
    platform.always(lambda: answers.ok({"message_id": "om_1"}))
    await client.send_message("oc_1", "text", {"text": "hi"})
    platform.revoked = {platform.token}
    platform.refuse_with = (code, status)
    platform.token = "t-canary-token-2"
    await client.send_message("oc_1", "text", {"text": "again"})
    assert [call.token for call in platform.calls] == ["t-canary-token-1"] * 2 + ["t-canary-token-2"]
    assert len(platform.grants) == 2
    refused, repeated = platform.calls[1:]
    assert refused.json == repeated.json  # the uuid too
    assert refused.json["uuid"]


async def test_no_second_repetition(platform, client):
    platform.revoked = {"t-canary-token-1", "t-canary-token-2"}
    await client.tenant_access_token()
    platform.token = "t-canary-token-2"
    with pytest.raises(TokenInvalid):
        await client.bot_info()
    assert [call.token for call in platform.calls] == ["t-canary-token-1", "t-canary-token-2"]
    assert len(platform.grants) == 2


async def test_the_same_token_again_is_not_worth_a_repetition(platform, client):
    # Also what an API answers that takes no tenant_access_token at all.
    platform.revoked = {platform.token}
    with pytest.raises(TokenInvalid):
        await client.bot_info()
    assert len(platform.calls) == 1
    assert len(platform.grants) == 2


async def test_a_repetition_that_fails_otherwise_says_so(platform, client, answers):
    await client.tenant_access_token()
    platform.revoked = {platform.token}
    platform.token = "t-canary-token-2"
    platform.always(lambda: answers.refusal(230001))
    with pytest.raises(InvalidRequest):
        await client.bot_info()


async def test_a_hundred_refused_calls_one_renewal(platform, client, answers):
    await client.tenant_access_token()
    platform.revoked = {platform.token}
    platform.token = "t-canary-token-2"
    all_refused = asyncio.Event()
    arrived = 0

    async def grant(_, __):
        # All hundred hold the old token before a new one is there.
        await asyncio.wait_for(all_refused.wait(), 10)
        return web.json_response({"code": 0, "tenant_access_token": platform.token, "expire": 7200})

    platform.grant = grant

    platform.always(lambda: answers.ok(bot={"open_id": "ou_b"}))

    async def call():
        nonlocal arrived
        arrived += 1
        if arrived == 100:
            all_refused.set()
        return await client.bot_info()

    bots = await asyncio.gather(*(call() for _ in range(100)))
    assert len(bots) == 100
    assert len(platform.grants) == 2
    assert sum(call.token == "t-canary-token-2" for call in platform.calls) == 100


async def test_latecomers_with_the_old_token_take_the_new_one(source, feishu):
    old = await source.get()
    feishu.ends = 0
    fresh = await source.renew(old)
    assert fresh is not None
    assert await source.renew(old) is fresh
    assert feishu.fetches == 2


async def test_eviction_asks_anew(platform, client):
    assert await client.tenant_access_token() == "t-canary-token-1"
    platform.token = "t-canary-token-2"
    assert await client.tenant_access_token() == "t-canary-token-1"
    client.evict_token()
    assert await client.tenant_access_token() == "t-canary-token-2"


async def test_the_grant_carries_the_credentials_and_no_token(platform, client, answers):
    await client.tenant_access_token()
    (grant,) = platform.grants
    assert grant.method == "POST"
    assert grant.json == {"app_id": answers.app_id, "app_secret": answers.secret}
    assert "Authorization" not in grant.headers
