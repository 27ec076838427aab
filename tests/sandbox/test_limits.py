"""How much is allowed (facts, limits table)."""

import pytest


async def test_five_a_second_into_a_chat_shared_by_all_bots(make_company, clock):
    company = await make_company(clock=clock)
    other = company.world.add_app("Other")
    company.world.add_bot(company.ada, company.group, other)
    second = type(company.client)(company.sandbox, other, company.client.http)
    for n in range(5):
        sender = second if n % 2 else company.client
        await sender.sent(company.group.chat_id, {"text": str(n)})
    answer = await second.send(company.group.chat_id, {"text": "too much"})
    assert answer["code"] == 230020
    await company.client.sent(company.direct.chat_id, {"text": "another chat"})
    clock.now += 1
    await second.sent(company.group.chat_id, {"text": "later"})


@pytest.mark.parametrize("status", [429, 400])
@pytest.mark.parametrize(
    ("rules", "limit", "reset"), [({"api_per_second": 3}, "3", "1"), ({"api_per_minute": 3}, "3", "60")]
)
async def test_calls_per_api_and_app(make_company, clock, status, rules, limit, reset):
    company = await make_company(clock=clock, rate_limit_status=status, **rules)
    for _ in range(3):
        assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 0
    answer = await company.client.call("GET", "/bot/v3/info")
    response = company.client.last
    assert (response.status, answer["code"]) == (status, 99991400)
    assert answer["error"]["log_id"]
    assert response.headers["x-ogw-ratelimit-limit"] == limit
    assert response.headers["x-ogw-ratelimit-reset"] == reset
    assert (await company.client.call("GET", "/im/v1/chats"))["code"] == 0
    clock.now += float(reset)
    assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 0


async def test_the_minute_is_counted_across_seconds(make_company, clock):
    company = await make_company(clock=clock, api_per_minute=3)
    codes = []
    for _ in range(4):
        codes.append((await company.client.call("GET", "/bot/v3/info"))["code"])
        clock.now += 10
    assert codes == [0, 0, 0, 99991400]
    assert company.client.last.headers["x-ogw-ratelimit-reset"] == "30"


async def test_the_online_count_has_ten_a_second(make_company, clock):
    company = await make_company(clock=clock)
    codes = [(await company.client.call("GET", "/event/v1/connection"))["code"] for _ in range(11)]
    assert codes == [0] * 10 + [99991400]
