"""Credentials, tokens, who the bot is (facts, "Tokens")."""

import aiohttp
import pytest

from feishu_sandbox import ApiFault, InvalidateTokens


@pytest.mark.parametrize(
    ("wrong", "code", "msg"),
    [
        ({"app_secret": "nope"}, 10014, "app secret invalid"),
        ({"app_id": "cli_0123456789abcdef"}, 10014, "app id not exists"),
        ({"app_id": "what"}, 10003, "invalid param"),
        ({"app_secret": ""}, 10003, "invalid param"),
        ({"app_id": None, "app_secret": None}, 10003, "invalid param"),
    ],
)
async def test_wrong_credentials_are_an_http_200(company, wrong, code, msg):
    body = {"app_id": company.app.app_id, "app_secret": company.app.app_secret, **wrong}
    answer = await company.client.call("POST", "/auth/v3/tenant_access_token/internal", body)
    assert (company.client.last.status, answer["code"], answer["msg"]) == (200, code, msg)
    assert "tenant_access_token" not in answer


async def test_a_new_token_only_near_the_end_and_both_are_valid(make_company, clock):
    company = await make_company(clock=clock)
    first = await company.client.login()
    assert first["expire"] == 7200
    clock.now += 5000
    again = await company.client.login()
    assert again["tenant_access_token"] == first["tenant_access_token"]
    assert again["expire"] == 2200
    clock.now += 500
    second = await company.client.login()
    assert second["tenant_access_token"] != first["tenant_access_token"]
    for token in (first, second):
        company.client.token = token["tenant_access_token"]
        assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 0
    clock.now += 1700
    company.client.token = first["tenant_access_token"]
    assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 99991663


@pytest.mark.parametrize("status", [200, 400])
async def test_an_invalidated_token_is_99991663(make_company, status):
    company = await make_company(token_error_status=status)
    await company.client.login()
    company.sandbox.faults.add(InvalidateTokens(app_id=company.app.app_id))
    answer = await company.client.call("GET", "/bot/v3/info")
    assert (company.client.last.status, answer["code"]) == (status, 99991663)
    await company.client.login()
    assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 0


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}])
async def test_no_token(company, header):
    url = company.sandbox.url + "/open-apis/bot/v3/info"
    async with company.client.http.get(url, headers=header) as response:
        assert response.status == 400
        assert (await response.json())["code"] == 99991661


async def test_bot_info(company):
    answer = await company.client.call("GET", "/bot/v3/info")
    assert answer["bot"]["open_id"] == company.app.open_id
    assert answer["bot"]["app_name"] == "Bot"
    assert answer["bot"]["activate_status"] == 2
    async with company.client.http.get(answer["bot"]["avatar_url"]) as picture:
        assert picture.content_type == "image/svg+xml"


async def test_an_app_without_a_bot(company):
    company.app.bot = False
    answer = await company.client.call("GET", "/bot/v3/info")
    assert (answer["code"], answer["msg"]) == (11205, "app do not have bot")


async def test_granted_scopes(company):
    company.app.scopes.remove("im:message")
    company.app.scopes.add("contact:user.employee_id:readonly")
    answer = await company.client.call("GET", "/application/v6/scopes")
    scopes = {each["scope_name"]: each["grant_status"] for each in answer["data"]["scopes"]}
    assert scopes["im:message"] == 2
    assert scopes["im:message:send_as_bot"] == scopes["contact:user.employee_id:readonly"] == 1
    assert company.world.add_app("Other").scopes >= {"im:message"}


async def test_answers_are_dated_by_the_platforms_clock(make_company, clock):
    company = await make_company(clock=clock)
    await company.client.login()
    assert company.client.last.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"


async def test_every_answer_has_a_log_id_and_errors_repeat_it(company):
    await company.client.call("GET", "/bot/v3/info")
    assert company.client.last.headers["X-Tt-Logid"]
    answer = await company.client.send("oc_nobody", {"text": "x"})
    assert answer["error"]["log_id"] == company.client.last.headers["X-Tt-Logid"]


async def test_unknown_endpoints_answer_as_the_gateway_does(company):
    await company.client.login()
    for method, path in (("GET", "/nope"), ("POST", "/bot/v3/info"), ("PUT", "/docx/v1/documents/x")):
        url = f"{company.sandbox.url}/open-apis{path}"
        async with company.client.http.request(method, url) as response:
            assert response.status == 404
            assert response.headers["X-Tt-Logid"]
            assert await response.text() == "404 page not found"


async def test_calls_are_shown_without_secrets(company):
    with company.world.subscribe() as changes:
        await company.client.login()
        await company.client.send("oc_nobody", {"text": "x"})
        calls = [await anext(changes), await anext(changes)]
    assert [call.data["path"].split("?")[0] for call in calls] == [
        "/open-apis/auth/v3/tenant_access_token/internal",
        "/open-apis/im/v1/messages",
    ]
    assert [call.data["code"] for call in calls] == [0, 230001]
    assert calls[1].data["app_id"] == company.app.app_id
    with company.world.subscribe() as changes:
        url = (await company.client.bootstrap())["data"]["URL"]
        calls.append(await anext(changes))
    assert calls[2].data["app_id"] == calls[0].data["app_id"] == company.app.app_id
    shown = repr(calls)
    assert url.partition("?")[0] in shown
    assert url.partition("ticket=")[2] not in shown
    assert company.app.app_secret not in shown
    assert company.client.token not in shown
    assert company.app.app_secret not in repr(company.app)


async def test_api_faults(company):
    await company.client.login()
    faults = company.sandbox.faults
    faults.add(ApiFault(path="/bot/", code=99991663, status=200, times=1))
    answer = await company.client.call("GET", "/bot/v3/info")
    assert (company.client.last.status, answer["code"]) == (200, 99991663)

    limited = {"x-ogw-ratelimit-limit": "100", "x-ogw-ratelimit-reset": "7"}
    faults.add(ApiFault(method="post", path="messages$", code=99991400, status=429, headers=limited, times=1))
    assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 0
    answer = await company.client.send(company.direct.chat_id, {"text": "x"})
    assert (company.client.last.status, answer["code"]) == (429, 99991400)
    assert company.client.last.headers["x-ogw-ratelimit-reset"] == "7"

    faults.add(ApiFault(status=502, body="<html>", headers={"Content-Type": "text/html"}, times=1))
    async with company.client.http.get(company.sandbox.url + "/open-apis/bot/v3/info") as response:
        assert (response.status, await response.text()) == (502, "<html>")
    faults.add(ApiFault(status=200, body='{"code":', times=1))
    async with company.client.http.get(company.sandbox.url + "/open-apis/bot/v3/info") as response:
        assert (response.status, await response.text()) == (200, '{"code":')


async def test_an_api_fault_of_one_app_strikes_its_token_call_too(company):
    other = company.world.add_app("Other")
    company.sandbox.faults.add(ApiFault(path="tenant_access_token", code=10014, app_id=company.app.app_id))
    stranger = type(company.client)(company.sandbox, other, company.client.http)
    assert (await stranger.login())["code"] == 0
    body = {"app_id": company.app.app_id, "app_secret": company.app.app_secret}
    answer = await company.client.call("POST", "/auth/v3/tenant_access_token/internal", body)
    assert answer["code"] == 10014


async def test_a_call_can_be_carried_out_and_its_answer_lost(company):
    await company.client.login()
    company.sandbox.faults.add(ApiFault(path="messages", drop=True, after=True, times=1))
    with pytest.raises(aiohttp.ClientConnectionError):
        await company.client.send(company.direct.chat_id, {"text": "once"}, uuid="u1")
    sent = await company.world.wait_for(lambda m: m.text == "once")
    assert await company.client.sent(company.direct.chat_id, {"text": "once"}, uuid="u1") == sent.message_id
    assert len(company.world.messages_in(company.direct)) == 1


async def test_a_dropped_call_is_not_carried_out(company):
    await company.client.login()
    company.sandbox.faults.add(ApiFault(path="messages", drop=True, times=1))
    with pytest.raises(aiohttp.ClientConnectionError):
        await company.client.send(company.direct.chat_id, {"text": "never"})
    assert company.world.messages_in(company.direct) == []


async def test_a_pure_delay_only_delays(company):
    await company.client.login()
    company.sandbox.faults.add(ApiFault(path="info", delay=0.05, times=1))
    assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 0
    assert company.world.feed.history[-1].data["duration_ms"] >= 50
