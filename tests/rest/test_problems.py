"""Everything that is not done is a problem (RFC 9457), on our addresses and on no others; and nothing leaks."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import HTTPException

from feishu_sandbox import ApiFault
from nonebot_plugin_feishu_ws.connectors import SECRETS
from nonebot_plugin_feishu_ws.console.rest import Code


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "", 405, "GET, POST"),
        ("HEAD", "", 405, "GET, POST"),
        ("OPTIONS", "", 405, "GET, POST"),
        ("PUT", "/butler", 405, "DELETE, GET, PATCH"),
        ("GET", "/butler/enable", 405, "PATCH"),
        ("DELETE", "/ws/status", 405, "GET"),
        ("GET", "/butler/nothing", 404, None),
        ("GET", "/", 404, None),
        ("GET", "/../../etc/passwd", 404, None),
        ("POST", "/a/b/c/d/e", 404, None),
    ],
)
async def test_addresses_nobody_serves(api, method: str, path: str, status: int, allow: str | None) -> None:
    from yarl import URL

    url = URL(f"{api.url}/api/integrations/feishu{path}", encoded=True)
    for headers, expected in (({}, 401), ({"Authorization": f"Bearer {TOKEN(api)}"}, status)):
        async with api.http.request(method, url, headers=headers) as response:
            assert response.status == expected
            assert response.headers["Content-Type"] == "application/problem+json"
            assert response.headers.get("Allow") == (allow if expected == 405 else None)
            assert "Access-Control-Allow-Origin" not in response.headers


def TOKEN(api: Any) -> str:  # noqa: N802
    return api.runtime._settings.api_token.get_secret_value()


async def test_bodies_that_are_not_read(api) -> None:
    name, _ = await api.connector()
    json_type = {"Content-Type": "application/json"}

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 8192

    for data, headers, status, code in (
        (b"[" * 70_000, json_type, 413, "too_large"),
        (pieces(), json_type, 413, "too_large"),
        (
            b"name=butler",
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "unsupported_media_type",
        ),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"<a/>", {"Content-Type": "application/xml"}, 415, "unsupported_media_type"),
        (b"{", json_type, 400, "invalid"),
        (b"\xff\xfe", json_type, 400, "invalid"),
        (b"[" * 60_000, json_type, 400, "invalid"),
        (b"[]", json_type, 400, "invalid"),
        (b"null", json_type, 400, "invalid"),
        (b'"x"', json_type, 400, "invalid"),
        (b"", json_type, 400, "invalid"),
        (b'{"enabled": true}', {"Content-Type": "application/json; charset=utf-8"}, 400, "not_verified"),
    ):
        answer = await api.call("PATCH", f"{name}/enable", data=data, headers=headers)
        assert (answer.status, answer.code) == (status, code), data
    unknown = await api.call("POST", f"{name}/verify-callback", data=b" " * 70_000, headers=json_type)
    assert unknown.code == "too_large", "where no body is expected, too"


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        ("POST", "", {}, {"name", "app_id", "app_secret"}),
        ("POST", "", {"name": "Über", "app_id": "a b", "app_secret": ""}, {"name", "app_id", "app_secret"}),
        ("POST", "", {"name": "x", "app_id": "cli_1", "app_secret": "s", "enabled": True}, {"enabled"}),
        ("PATCH", "{name}", {"nmae": "canary-value"}, {"nmae"}),
        ("PATCH", "{name}", {"allow_dm": "canary-value"}, {"allow_dm"}),
        ("PATCH", "{name}", {"allow_dm": 1}, {"allow_dm"}),
        (
            "PATCH",
            "{name}",
            {"name": None, "app_id": None, "app_secret": None},
            {"name", "app_id", "app_secret"},
        ),
        ("PATCH", "{name}", {"allowed_chat_ids": ["canary-value"]}, {"allowed_chat_ids"}),
        ("PATCH", "{name}", {"allowed_chat_ids": "oc_1"}, {"allowed_chat_ids"}),
        ("PATCH", "{name}", {"domain": "canary-value://x"}, {"domain"}),
        ("PATCH", "{name}", {"proxy": "canary-value"}, {"proxy"}),
        ("PATCH", "{name}", {"transport": "canary-value"}, {"transport"}),
        ("PATCH", "{name}", {"rate_limit_per_minute": 5000}, {"rate_limit_per_minute"}),
        ("PATCH", "{name}", {"encrypt_key": ["canary-value"]}, {"encrypt_key"}),
        ("PATCH", "{name}", {"app_secret": "canary-value\ud800"}, {"app_secret"}),
        ("PATCH", "{name}", {"owner": "canary-value \ud800"}, {"owner"}),
        ("PATCH", "{name}", {"prefix_command": "\ud800"}, {"prefix_command"}),
        ("PATCH", "{name}", {"approvers": ["\ud800"]}, {"approvers"}),
        ("PATCH", "{name}", {"domain": "https://\ud800"}, {"domain"}),
        ("PATCH", "{name}/enable", {"enabled": "yes"}, {"enabled"}),
        ("PATCH", "{name}/enable", {"enabled": None}, {"enabled"}),
        ("POST", "{name}/test-message", {"text": ""}, {"text"}),
        ("POST", "{name}/test-message", {"text": "x" * 10_001}, {"text"}),
        ("POST", "{name}/test-message", {"text": "canary-value \ud800"}, {"text"}),
        ("POST", "{name}/test-message", {"text": "x", "chat_id": "canary-value"}, {"chat_id"}),
        ("POST", "approvals/22222222", {"approved": "canary-value"}, {"approved"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:40],
)
async def test_fields_that_are_wrong(api, method: str, path: str, body: Any, fields: set[str]) -> None:
    """The field and what it takes are named, what was given is not."""
    name, _ = await api.connector()
    raw = json.dumps(body).encode()
    json_type = {"Content-Type": "application/json"}
    answer = await api.call(method, path.format(name=name), data=raw, headers=json_type)
    assert (answer.status, answer.code) == (400, "invalid"), answer.text
    assert set(answer.json["errors"]) == fields
    assert all(len(takes) > 8 for takes in answer.json["errors"].values())
    assert "canary-value" not in answer.text


async def test_languages(api) -> None:
    for wanted, title, language in (
        ("zh-CN,zh;q=0.9,en;q=0.8", "不存在", "zh-CN"),
        ("en-GB", "Not found", "en-US"),
        ("de, en;q=0.5", "Not found", "en-US"),
        ("de", "不存在", "zh-CN"),
        ("", "不存在", "zh-CN"),
    ):
        answer = await api.call("GET", "there-is-none", headers={"Accept-Language": wanted})
        assert (answer.json["title"], answer.headers["Content-Language"]) == (title, language)


@pytest.mark.parametrize(
    "reference", ["%00", "a%00b", "%ff", "x" * 65, "ou_%F0%9F%98%80", "..", "a%20b", "%2e%2e%2f"]
)
async def test_references_that_are_none(api, reference: str) -> None:
    from yarl import URL

    for path in (reference, f"{reference}/logs", f"{reference}/ws/status"):
        url = URL(f"{api.url}/api/integrations/feishu/{path}", encoded=True)
        async with api.http.get(url, headers={"Authorization": f"Bearer {TOKEN(api)}"}) as response:
            assert response.status == 404
            assert response.headers["Content-Type"] == "application/problem+json"
    for row in await api.log("command_denied"):
        assert str(row.detail.get("connector", "")).isprintable(), "the log is read by people"


async def test_a_body_that_never_comes(api) -> None:
    """Whoever hangs up in the middle of a body leaves nothing behind, and nobody is logged as a defect."""
    host, port = api.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/integrations/feishu HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + TOKEN(api).encode() + b'\r\nContent-Length: 100\r\n\r\n{"name":'
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await api.call("GET", "")).status == 200


async def test_too_many_wrong_tokens(api) -> None:
    """faults.md, login rate limit; over HTTP, by the address a proxy on this machine names."""
    here = {"X-Forwarded-For": "203.0.113.7"}
    statuses = [(await api.call("GET", "", f"wrong{n}", headers=here)).status for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    refused = await api.call("GET", "", "wrong", headers=here)
    assert refused.code == "too_many_failures"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert (await api.call("GET", "", "wrong", headers={"X-Forwarded-For": "203.0.113.8"})).status == 401


async def test_one_answer_to_every_wrong_token(api, jwt_of) -> None:
    tokens = ["wrong", jwt_of(exp=1), jwt_of(aud="another"), jwt_of(role="root"), jwt_of(secret="x" * 40)]
    answers = [await api.call("GET", "butler", token) for token in tokens]
    assert len({(answer.text, answer.headers["WWW-Authenticate"]) for answer in answers}) == 1
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="feishu-ws", error="invalid_token"'
    nothing = await api.call("GET", "butler", None)
    assert nothing.headers["WWW-Authenticate"] == 'Bearer realm="feishu-ws"'
    for scheme in ("Basic dXNlcjpwYXNz", "Bearer", "", f"Token {TOKEN(api)}"):
        answer = await api.call("GET", "butler", None, headers={"Authorization": scheme})
        assert answer.code == "unauthorized"
    misspelt = await api.call("GET", "butler/logs?limti=5&canary=1")
    assert (misspelt.status, set(misspelt.json["errors"])) == (400, {"limti", "canary"})
    assert "limit" in misspelt.json["errors"]["limti"]
    in_the_address = await api.call("GET", f"butler?access_token={TOKEN(api)}&token={TOKEN(api)}", None)
    assert in_the_address.status == 401


async def test_closed_without_a_key(serve, tmp_path, feishu_sandbox, keys, jwt_of) -> None:
    async with serve({}, tmp_path, feishu_sandbox) as closed:
        for token in (None, "wrong", keys["api_token"], jwt_of(role="admin")):
            answer = await closed.call("GET", "", token)
            assert (answer.status, answer.code) == (403, "closed")
            for setting in ("FEISHU_WS__API_TOKEN", "FEISHU_WS__JWT_SECRET"):
                assert setting in answer.json["detail"]


async def test_feishu_away_and_busy(api) -> None:
    name, _ = await api.connector()
    for fault, after in (
        (ApiFault(path=".*tenant_access_token.*", drop=True, times=3), "5"),
        (ApiFault(path=".*tenant_access_token.*", status=502, code=1, msg="bad", times=3), "5"),
    ):
        api.sandbox.faults.add(fault)
        answer = await api.call("POST", f"{name}/verify-callback")
        api.sandbox.faults.clear()
        assert (answer.status, answer.code) == (502, "feishu_unavailable"), answer.text
        assert answer.headers["Retry-After"] == after
    assert (await api.call("GET", name)).json["verified_at"] is None


def test_feishu_says_when_to_come_back() -> None:
    from nonebot_plugin_feishu_ws.connectors import NotSent, VerificationFailed
    from nonebot_plugin_feishu_ws.console.rest import problem_of
    from nonebot_plugin_feishu_ws.openapi import Facts, RateLimited

    for after, said in ((2.4, "3"), (None, "5")):
        busy = RateLimited(Facts(msg="slow down", retry_after=after))
        for error in (NotSent("butler", busy), VerificationFailed("butler", busy)):
            problem = problem_of(error, "en_US")
            assert (problem.code, problem.headers) == (Code.FEISHU_UNAVAILABLE, {"Retry-After": said})


async def test_the_database_away(serve, keys, tmp_path, feishu_sandbox, postgres) -> None:
    settings = {**keys, "database_url": postgres.create_database(), "enabled": False}
    async with serve(settings, tmp_path, feishu_sandbox) as api:
        name, _ = await api.connector()
        await asyncio.to_thread(postgres.stop)
        try:
            for method, path, body in (
                ("GET", "", None),
                ("GET", f"{name}/logs", None),
                ("PATCH", name, {"prefix_command": "/x"}),
                ("GET", "approvals", None),
                ("POST", "approvals/22222222", {"approved": True}),
            ):
                answer = await api.call(method, path, json=body)
                assert (answer.status, answer.code) == (503, "database_unavailable"), (method, path)
                assert answer.headers["Retry-After"] == "5"
            assert (await api.call("GET", "", "wrong")).status == 401, "who calls is known without it"
        finally:
            await asyncio.to_thread(postgres.start)
        assert (await api.call("GET", name)).status == 200


async def test_a_defect_of_ours_tells_nothing(api, monkeypatch, caplog) -> None:
    async def defect(*_: Any) -> None:
        raise RuntimeError("yranac"[::-1])

    monkeypatch.setattr(type(api.runtime.management.service), "status", defect)
    answer = await api.call("GET", "")
    assert (answer.status, answer.code) == (500, "internal")
    assert "a REST call fails: RuntimeError" in caplog.text
    assert "canary" not in answer.text + caplog.text


async def test_what_others_serve_stays_as_it_is(api) -> None:
    app = api.app

    @app.get("/theirs/{number}")
    async def theirs(number: int) -> None:
        raise HTTPException(418, detail="theirs")

    for path, status, body in (
        ("/theirs/7", 418, {"detail": "theirs"}),
        ("/nowhere", 404, {"detail": "Not Found"}),
    ):
        answer = await api.call("GET", path, None)
        assert (answer.status, answer.json) == (status, body)
        assert "Cache-Control" not in answer.headers
    invalid = await api.call("GET", "/theirs/x", None)
    assert (invalid.status, invalid.kind) == (422, "application/json")


def test_every_code_has_a_status_and_words() -> None:
    from nonebot_plugin_feishu_ws.console.rest import Problem

    for code in Code:
        for locale in ("zh_CN", "en_US"):
            body = json.loads(Problem(code, "x").response(locale).body)
            assert body["status"] == code.status
            assert body["title"]


async def test_no_secret_leaves(api, caplog, keys, jwt_of, capfd) -> None:
    """What is planted is in no answer, no log, no error: secrets, tokens and all (faults.md, write-only secrets)."""
    caplog.set_level(0, logger="nonebot_plugin_feishu_ws")
    logging.getLogger("nonebot_plugin_feishu_ws").addHandler(caplog.handler)
    planted = {name: f"canary-{name.replace('_', '-')}-31d9" for name in SECRETS}
    needles = [*planted.values(), *keys["jwt_secret"].split(","), keys["api_token"]]
    planted["proxy"] = f"http://user:{planted['proxy']}@127.0.0.1:9"
    app = api.sandbox.world.add_app("Planted", app_secret=planted["app_secret"])
    token = jwt_of(role="admin", sub="ou_boss")
    needles.append(token)
    api.seen.clear()
    body = {"name": "planted", "app_id": app.app_id, **planted}
    assert (await api.call("POST", "", token, json=body)).status == 201
    for wrong in (
        {"name": "NO"},
        {"proxy": planted["encrypt_key"]},
        {"app_secret": planted["app_secret"] * 99},
    ):
        assert (await api.call("POST", "", token, json={**body, **wrong})).status == 400
    assert (await api.call("POST", "", token, json=body)).status == 409
    assert (await api.call("POST", "planted/verify-callback", token)).status == 502
    await api.call("PATCH", "planted", token, json={"proxy": None})
    quoting = {"code": 10014, "msg": f"bad secret {planted['app_secret']}"}
    api.sandbox.faults.add(ApiFault(path=".*tenant_access_token.*", times=1, **quoting))
    assert (await api.call("POST", "planted/verify-callback", token)).status == 400
    api.sandbox.faults.clear()
    assert (await api.call("POST", "planted/verify-callback", token)).status == 200
    for method, path in (
        ("GET", ""),
        ("GET", "planted"),
        ("GET", "planted/logs"),
        ("GET", "planted/ws/status"),
    ):
        assert (await api.call(method, path, token)).status == 200
    for wrong_token in (token[:-3] + "AAA", f"{token}.{token}", jwt_of(exp=1)):
        assert (await api.call("GET", "", wrong_token)).status == 401
        needles.append(wrong_token)
    assert (await api.call("GET", f"planted?token={token}", None)).status == 401
    await api.call("DELETE", "planted", token)
    await api.runtime.management.logbook.flush()
    out = capfd.readouterr()
    everything = "\n".join([*api.seen, caplog.text, out.out, out.err])
    everything += repr([vars(row) for row in caplog.records])
    everything += repr(api.runtime.management.logbook) + repr(api.runtime._settings)
    page = await api.runtime.management.logbook.read(limit=500)
    everything += repr(page)
    for needle in needles:
        assert needle not in everything, needle
