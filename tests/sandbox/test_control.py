"""Faults over HTTP, the command line, the pytest fixture."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import aiohttp
import pytest

from feishu_sandbox import BootstrapFault, FaultError, Rules, Sandbox
from feishu_sandbox.faults import read_fault


async def faults(company, method, body=None, query=""):
    url = f"{company.sandbox.url}/sandbox/faults{query}"
    async with company.client.http.request(method, url, json=body) as response:
        return response.status, await response.json()


async def test_faults_can_be_added_seen_and_cleared(company):
    fault = {"kind": "bootstrap", "how": "code", "code": 1, "times": 2, "app_id": company.app.app_id}
    status, shown = await faults(company, "POST", fault)
    assert status == 200
    assert shown["active"][0].items() >= {**fault, "left": 2, "struck": 0}.items()
    assert {"bootstrap", "api", "drop", "fragments"} <= shown["kinds"].keys()
    assert (await company.client.bootstrap())["code"] == 1
    _, shown = await faults(company, "GET")
    assert (shown["active"][0]["left"], shown["active"][0]["struck"]) == (1, 1)
    await faults(company, "POST", {"kind": "pong"})
    _, shown = await faults(company, "DELETE", query="?kind=bootstrap")
    assert [active["kind"] for active in shown["active"]] == ["pong"]
    _, shown = await faults(company, "DELETE")
    assert shown["active"] == []
    assert (await company.client.bootstrap())["code"] == 0


async def test_actions_over_http(company):
    link = await company.client.connect()
    assert (await faults(company, "POST", {"kind": "send_raw", "data": "AAE="}))[0] == 200
    assert (await link.ws.receive()).data == b"\x00\x01"
    await faults(company, "POST", {"kind": "drop", "how": "rst", "app_id": company.app.app_id})
    await company.sandbox.hub.wait_disconnected(company.app)
    await company.client.login()
    await faults(company, "POST", {"kind": "invalidate_tokens"})
    assert (await company.client.call("GET", "/bot/v3/info"))["code"] == 99991663


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "flood"}, "unknown fault kind 'flood', one of: bootstrap, handshake"),
        ([], "unknown fault kind None"),
        ({"kind": "drop", "how": "melt"}, "'fin', 'rst' or 'close'"),
        ({"kind": "api", "path": "("}, "not a regular expression"),
        ({"kind": "pong", "paylod": "x"}, "fields of pong: app_id, times, kind, payload"),
        ({"kind": "pong", "times": 0}, "greater than or equal to 1"),
        ({"kind": "pong", "app_id": "cli_x"}, "unknown app_id 'cli_x', one of: cli_"),
        ({"kind": "send_raw", "data": "%"}, "data"),
    ],
)
async def test_errors_name_what_is_valid(company, body, says):
    status, answer = await faults(company, "POST", body)
    assert status == 400
    assert says in answer["error"]
    assert company.sandbox.faults.active == ()


async def test_a_foreign_page_cannot_switch_faults(company):
    url = company.sandbox.url + "/sandbox/faults"
    async with company.client.http.post(url, data='{"kind":"pong"}') as response:
        assert response.status == 415
    async with company.client.http.post(
        url, data="x", headers={"Content-Type": "application/json"}
    ) as response:
        assert response.status == 400
    assert (await faults(company, "DELETE", query="?kind=x"))[0] == 400


def test_reading_a_fault_in_python_raises_fault_errors():
    assert read_fault({"kind": "bootstrap", "how": "hang"}) == BootstrapFault(how="hang")
    with pytest.raises(FaultError):
        read_fault("x")


def test_one_standing_fault_can_be_taken_back():
    sandbox = Sandbox()
    kept = sandbox.faults.add(BootstrapFault())
    gone = sandbox.faults.add(BootstrapFault(code=2))
    assert gone is not None
    sandbox.faults.remove(gone)
    sandbox.faults.remove(gone)
    assert sandbox.faults.active == (kept,)


async def test_a_sandbox_starts_once_and_can_start_again(company):
    with pytest.raises(RuntimeError):
        await company.sandbox.start()
    taken = int(company.sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(OSError):  # noqa: PT011 - the number differs by system
        await Sandbox(port=taken).start()
    again = Sandbox()
    for _ in range(2):
        async with again, company.client.http.get(again.url + "/open-apis/x") as response:
            assert response.status == 404
    await again.stop()


async def test_stopping_ends_subscriptions_and_hanging_requests(make_company):
    company = await make_company()
    company.sandbox.faults.add(BootstrapFault(how="hang"))
    changes = company.world.subscribe()
    hanging = asyncio.create_task(company.client.bootstrap())
    await asyncio.sleep(0)
    await company.sandbox.stop()
    assert await asyncio.wait_for(anext(changes, None), 5) is None
    with pytest.raises(aiohttp.ClientError):
        await asyncio.wait_for(hanging, 5)


@contextlib.asynccontextmanager
async def running(*arguments, **environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "feishu_sandbox",
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def printed(process):
    """URL and connectors, from what it prints for .env."""
    lines = {}
    while "FEISHU_WS__CONNECTORS" not in lines:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        assert line, (await process.stderr.read()).decode()
        if match := re.match(r"(FEISHU_WS__\w+)=(.*)", line):
            lines[match[1]] = match[2]
    return lines["FEISHU_WS__URL"], json.loads(lines["FEISHU_WS__CONNECTORS"])


async def test_the_command_line_prints_settings_that_work_and_ends_on_a_signal(company):
    async with running("--app", "cli_a:s1", "--app", "cli_b:s2", "--locale", "en_US") as process:
        url, connectors = await printed(process)
        assert [(c["app_id"], c["app_secret"]) for c in connectors] == [("cli_a", "s1"), ("cli_b", "s2")]
        for connector in connectors:
            body = {"AppID": connector["app_id"], "AppSecret": connector["app_secret"]}
            async with company.client.http.post(url + "/callback/ws/endpoint", json=body) as response:
                assert (await response.json())["code"] == 0
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_apps_from_the_environment(company):
    async with running(FEISHU_SANDBOX_APPS="cli_e:s") as process:
        assert (await printed(process))[1][0]["app_id"] == "cli_e"


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (("--app", "nosecret"), {}, "ID:SECRET"),
        (("--port", "{taken}"), {}, "in use"),
        ((), {"FEISHU_SANDBOX_APPS": "x"}, "FEISHU_SANDBOX_APPS"),
    ],
)
async def test_the_command_line_says_what_is_wrong(company, arguments, environment, says):
    taken = company.sandbox.url.rsplit(":", 1)[1]
    arguments = [argument.format(taken=taken) for argument in arguments]
    async with running(*arguments, **environment) as process:
        _, errors = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode != 0
        assert says in errors.decode()
        assert "Traceback" not in errors.decode()


@pytest.fixture
def feishu_sandbox_rules():
    return Rules(max_edits=3)


async def test_the_pytest_fixture_and_its_rules(feishu_sandbox):
    assert feishu_sandbox.rules.max_edits == 3
    app = feishu_sandbox.world.add_app("Bot")
    assert feishu_sandbox.url.startswith("http://127.0.0.1:")
    assert app.app_id in feishu_sandbox.world.apps


def test_without_the_extra_the_platform_runs_and_the_page_says_what_is_missing():
    code = """
import asyncio, sys, urllib.request
sys.modules["jinja2"] = None
from feishu_sandbox import Sandbox
async def main():
    async with Sandbox() as sandbox:
        opened = await asyncio.to_thread(urllib.request.urlopen, sandbox.url)
        print(opened.read().decode())
asyncio.run(main())
"""
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert "nonebot-plugin-feishu-ws[sandbox]" in done.stdout


def test_everything_announced_is_there():
    import feishu_sandbox as package

    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        package.nonsense  # noqa: B018


def test_the_fixture_costs_other_runs_nothing():
    code = "import sys, feishu_sandbox.pytest_plugin; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
