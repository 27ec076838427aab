"""Bootstrap and handshake (facts, "Bootstrap", "Handshake refusal headers", "Platform rules")."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from feishu_sandbox import BootstrapFault, ClientConfig, HandshakeFault


async def test_bootstrap_gives_a_url_with_ids_and_the_client_config(make_company):
    company = await make_company(client_config=ClientConfig(ping_interval=7))
    answer = await company.client.bootstrap()
    assert answer["code"] == 0
    query = parse_qs(urlsplit(answer["data"]["URL"]).query)
    assert query["device_id"][0].isdigit()
    assert query["service_id"][0].isdigit()
    assert answer["data"]["ClientConfig"] == {
        "ReconnectCount": -1,
        "ReconnectInterval": 120,
        "ReconnectNonce": 30,
        "PingInterval": 7,
    }


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"AppSecret": "nope"}, 10014),
        ({"AppID": "cli_unknown"}, 1000040346),
        ({"AppSecret": ""}, 1000040344),
        ({"AppID": None}, 1000040344),
    ],
)
async def test_bootstrap_refuses_wrong_credentials(company, wrong, code):
    answer = await company.client.bootstrap(**wrong)
    assert answer["code"] == code
    assert "data" not in answer


async def test_bootstrap_survives_a_body_that_is_no_json(company):
    async with company.client.http.post(
        company.sandbox.url + "/callback/ws/endpoint", data=b"\xff{"
    ) as response:
        assert (await response.json())["code"] == 1000040344


async def test_a_url_works_once(company):
    url = (await company.client.bootstrap())["data"]["URL"]
    async with company.client.http.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await company.client.http.ws_connect(url)
    assert refusal.value.headers is not None
    assert refusal.value.headers["Handshake-Status"] == "514"


async def test_a_url_expires(make_company, clock):
    company = await make_company(clock=clock, endpoint_ttl=60)
    url = (await company.client.bootstrap())["data"]["URL"]
    clock.now += 61
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await company.client.http.ws_connect(url)


async def test_no_more_connections_than_allowed(make_company):
    company = await make_company(max_connections=2)
    first = await company.client.connect()
    await company.client.connect()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await company.client.connect()
    headers = refusal.value.headers
    assert headers is not None
    assert (headers["Handshake-Status"], headers["Handshake-Autherrcode"]) == ("514", "1000040350")
    await first.ws.close()
    await company.sandbox.hub.bell.until(
        lambda: len(company.sandbox.hub.online(company.app)) == 1, 5, "the first to leave"
    )
    await company.client.connect()


async def test_online_count(company):
    await company.client.connect()
    await company.client.connect()
    answer = await company.client.call("GET", "/event/v1/connection")
    assert answer["data"] == {"online_instance_cnt": 2}


@pytest.mark.parametrize(
    ("fault", "status", "answer"),
    [
        (BootstrapFault(how="status", status=503), 503, {"code": 1, "msg": "system busy"}),
        (BootstrapFault(how="code", code=1000040343, msg="oops"), 200, {"code": 1000040343, "msg": "oops"}),
        (BootstrapFault(how="no_data"), 200, {"code": 0, "msg": ""}),
    ],
)
async def test_bootstrap_faults(company, fault, status, answer):
    company.sandbox.faults.add(fault)
    async with company.client.http.post(company.sandbox.url + "/callback/ws/endpoint", json={}) as response:
        assert response.status == status
        assert await response.json() == answer


async def test_bootstrap_answers_what_is_not_json(company):
    company.sandbox.faults.add(BootstrapFault(how="not_json"))
    async with company.client.http.post(company.sandbox.url + "/callback/ws/endpoint", json={}) as response:
        assert response.content_type == "text/html"


async def test_a_counted_fault_strikes_that_often(company):
    company.sandbox.faults.add(BootstrapFault(how="code", code=1, times=2))
    assert [(await company.client.bootstrap())["code"] for _ in range(3)] == [1, 1, 0]


async def test_a_fault_of_another_app_does_not_strike(company):
    other = company.world.add_app("Other")
    company.sandbox.faults.add(BootstrapFault(how="code", code=1, app_id=other.app_id))
    assert (await company.client.bootstrap())["code"] == 0


async def test_bootstrap_and_handshake_can_hang(company):
    url = (await company.client.bootstrap())["data"]["URL"]
    company.sandbox.faults.add(BootstrapFault(how="hang"))
    company.sandbox.faults.add(HandshakeFault(how="hang"))
    for attempt in (company.client.bootstrap(), company.client.http.ws_connect(url)):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(attempt, 0.2)


async def test_handshake_refused_with_headers(company):
    company.sandbox.faults.add(HandshakeFault(status=403, msg="forbidden", times=1))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await company.client.connect()
    assert refusal.value.status == 403
    assert refusal.value.headers is not None
    assert refusal.value.headers["Handshake-Msg"] == "forbidden"
    assert "Handshake-Autherrcode" not in refusal.value.headers
    await company.client.connect()
