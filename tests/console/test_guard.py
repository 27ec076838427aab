"""What other web sites, and people who write requests by hand, get from the console (faults.md: Console)."""

import asyncio
from typing import Any

import pytest

CSP = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
FOREIGN = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "none"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "{own}"},
    {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": "", "Origin": "null"},
    {"Sec_Fetch_Site": "", "Origin": "{own}.evil.example"},
    {"Sec_Fetch_Site": "", "Origin": ""},
]
"""Headers of requests that no form of ours has sent: the last one of no browser."""


@pytest.mark.parametrize("headers", FOREIGN)
async def test_other_sites_change_nothing(site: Any, headers: dict[str, str]) -> None:
    """Not even with the right token in the form, and the cookie."""
    person = await site.signed_in()
    name, _ = await site.connector()
    sent = {key: value.format(own=site.url) for key, value in headers.items()}
    answer = await person.post(f"/connectors/{name}/remove", **sent)
    assert answer.status == 403
    assert "Request refused" in answer.text
    assert await site.service.get(site.root, name)
    stranger = site.stranger()
    assert (await stranger.send("POST", "/sign-in", {"link": await site.link()}, **sent)).status == 403
    assert not stranger.cookies, "nobody is signed in as somebody else, either"


async def test_an_origin_of_ours_will_do(site: Any) -> None:
    """For browsers that do not say where a request comes from (Sec-Fetch-Site)."""
    person = await site.signed_in()
    assert (await person.post("/sign-out", Sec_Fetch_Site="", Origin=site.url)).status == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "é", None, "other"])
async def test_a_form_needs_the_token_of_its_session(site: Any, token: str | None) -> None:
    person, other = await site.signed_in(), await site.signed_in()
    name, _ = await site.connector()
    data = {} if token is None else {"csrf": await other.csrf() if token == "other" else token}
    answer = await person.send("POST", f"/connectors/{name}/remove", data)
    assert answer.status == 403
    assert "out of date" in answer.text
    assert await site.service.get(site.root, name)


@pytest.mark.parametrize("path", ["/live", "/connectors/{name}/doctor/run"])
async def test_streams_are_for_our_own_pages(site: Any, path: str) -> None:
    person = await site.signed_in()
    name, _ = await site.connector()
    where = path.format(name=name)
    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert (await person.get(where, **headers)).status == 403
    assert (await site.stranger().get(where)).where.startswith("/sign-in") or path == "/live"
    assert (await site.stranger().get("/live")).status == 401


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"csrf": ""}'),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"a=b"),
        ("application/x-www-form-urlencoded", b"\xff"),
        ("application/x-www-form-urlencoded", b"a=%ff"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=b" for _ in range(300))),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 140_000),
    ],
)
async def test_what_is_no_form_of_ours(site: Any, kind: str, body: bytes) -> None:
    person = await site.signed_in()
    headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
    url = f"{site.url}/feishu/console/sign-out"
    async with person.http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 400
        assert "cannot be read" in await answer.text()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/connectors", 200),
        ("/connectors/nobody", 404),
        ("/nowhere", 404),
        ("/sign-in?next=/", 303),
        ("/static/1/console.js", 200),
        ("/static/1/..%2f..%2f__init__.py", 404),
        ("/language?to=en_US", 303),
        ("", 303),
    ],
)
async def test_headers_of_every_answer(site: Any, path: str, status: int) -> None:
    person = await site.signed_in()
    answer = await person.get(path)
    assert answer.status == status
    headers = answer.headers
    assert set(headers["Content-Security-Policy"].split("; ")) == CSP
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    stored = "public, max-age=31536000, immutable" if "/static/1/c" in path else "no-store"
    assert headers["Cache-Control"] == stored


async def test_a_defect_tells_nothing(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person = await site.signed_in()

    async def broken(*_: object) -> None:
        raise RuntimeError("-".join(("canary", "of", "a", "defect")))

    monkeypatch.setattr(site.service, "status", broken)
    answer = await person.get("/connectors")
    assert answer.status == 500
    assert "canary-of-a-defect" not in answer.text + caplog.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    reference = answer.text.split("<code>")[1].split("</code>")[0]
    assert reference in caplog.text


async def test_a_database_that_is_away_is_said(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nonebot_plugin_feishu_ws.storage import DatabaseUnavailable

    person = await site.signed_in()

    async def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(site.service, "status", away)
    answer = await person.get("/connectors")
    assert answer.status == 503
    assert "The database is away" in answer.text


async def test_a_part_of_a_page_is_not_for_who_was_signed_out(site: Any) -> None:
    answer = await site.stranger().get("/connectors", HX_Request="true")
    assert answer.status == 401
    assert answer.headers["HX-Redirect"] == "/feishu/console/sign-in"


async def test_a_stream_ends_when_its_reader_may_not_be_here_any_more(site: Any) -> None:
    person = await site.signed_in()
    url = f"{site.url}/feishu/console/live"
    async with asyncio.timeout(20), person.http.get(url, headers={"Sec-Fetch-Site": "same-origin"}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        await stream.content.readuntil(b"event: letters\ndata: \n\n")
        await person.post("/sign-out-everywhere")
        rest = await stream.content.read()
        while not rest.endswith(b"event: gone\ndata: \n\n"):
            more = await stream.content.read()
            assert more, "it ended without a word"
            rest += more


async def test_a_server_that_stops_does_not_wait_for_open_pages(serve: Any, site: Any, tmp_path: Any) -> None:
    """Uvicorn waits for every answer under way; a stream would keep it for ever."""
    async with asyncio.timeout(20):
        async with serve({}, tmp_path, site.sandbox) as other:
            person = await other.signed_in()
            stream = await person.http.get(f"{other.url}/feishu/console/live")
            await stream.content.readuntil(b"event: log\ndata: \n\n")
            other.people.clear()
        assert await stream.content.read() is not None
        stream.close()
        await person.http.close()


async def test_a_database_that_is_away_is_said_to_everybody(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the console's own clothes: what it looks like needs no database."""
    from nonebot_plugin_feishu_ws.console.auth.sessions import Sessions
    from nonebot_plugin_feishu_ws.storage import DatabaseUnavailable

    person = await site.signed_in()

    async def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(Sessions, "find", away)
    for path in ("/connectors", "/sign-in", "/live"):
        assert (await person.get(path)).status == 503
    assert (await person.get("/static/1/base.css")).status == 200
    monkeypatch.setattr(Sessions, "redeem", away)
    assert (await site.stranger().send("POST", "/sign-in", {"link": "x"})).status == 503


async def test_only_the_headers_of_a_stream(site: Any) -> None:
    person = await site.signed_in()
    async with asyncio.timeout(20):
        assert (await person.send("HEAD", "/live")).status == 200


async def test_behind_a_proxy(serve: Any, site: Any, tmp_path: Any) -> None:
    """FEISHU_WS__CONSOLE_URL is what people open: over https, whatever the proxy says, and ours for a form."""
    settings = {"console_url": "https://bot.example/"}
    async with serve(settings, tmp_path, site.sandbox) as other:
        assert other.runtime.management.console_url == "https://bot.example"
        person = other.stranger()
        form = {"link": await other.link()}
        for origin, status in (("https://evil.example", 403), ("https://bot.example", 303)):
            answer = await person.send("POST", "/sign-in", form, Sec_Fetch_Site="", Origin=origin)
            assert answer.status == status
        assert answer.headers["Set-Cookie"].startswith("__Host-feishu-ws=")
        assert answer.headers["Strict-Transport-Security"]
