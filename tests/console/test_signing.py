"""Signing in and out of the console, by hand (faults.md: Console, JWT line on login rate limits)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import update

from nonebot_plugin_feishu_ws.storage import SessionRow, SignInRow, utc_now


async def changed(site: Any, table: Any, **values: Any) -> None:
    """Whatever is in a table, made older."""

    async def work(session: Any) -> None:
        await session.exec(update(table).values(**values))

    await site.runtime.management.database.write(work)


async def test_a_link_signs_in_once(site: Any) -> None:
    link = await site.link()
    person, late = site.stranger(), site.stranger()
    answer = await person.send("POST", "/sign-in", {"link": link})
    assert (answer.status, answer.where) == (303, "/connectors")
    assert "ou_admin" in (await person.get("/connectors")).text
    refused = await late.send("POST", "/sign-in", {"link": link})
    assert refused.status == 403
    assert "used up or too old" in refused.text
    assert (await late.get("/connectors")).where == "/sign-in?next=%2Fconnectors"


async def test_of_many_who_use_a_link_at_once_one_is_signed_in(site: Any) -> None:
    link = await site.link()
    people = [site.stranger() for _ in range(6)]
    answers = await asyncio.gather(*(one.send("POST", "/sign-in", {"link": link}) for one in people))
    assert sorted(answer.status for answer in answers) == [303, *[403] * 5]


async def test_looking_at_a_link_does_not_use_it_up(site: Any) -> None:
    """What a chat's link preview does, and a mail scanner: the code is behind the `#`, and does not even leave them."""
    link, person = await site.link(), site.stranger()
    for method in ("GET", "HEAD", "GET"):
        seen = await person.send(method, "/sign-in")
        assert seen.status == 200
        assert "Set-Cookie" not in seen.headers
    assert (await person.send("POST", "/sign-in", {"link": link})).status == 303


async def test_a_link_is_good_for_five_minutes(site: Any) -> None:
    link, person = await site.link(), site.stranger()
    await changed(site, SignInRow, expires_at=utc_now() - timedelta(seconds=1))
    assert (await person.send("POST", "/sign-in", {"link": link})).status == 403


async def test_the_database_holds_nothing_that_opens_anything(site: Any) -> None:
    link = await site.link()
    person = await site.signed_in()
    (cookie,) = person.cookies.values()
    database = site.runtime.management.database
    for name in (database.path, database.path.with_name(database.path.name + "-wal")):
        content = name.read_bytes()
        assert link.encode() not in content
        assert cookie.encode() not in content
        assert (await person.csrf()).encode() not in content


async def test_the_token_signs_in(site: Any, api_token: str) -> None:
    person = site.stranger()
    assert (
        await person.send("POST", "/sign-in", {"token": api_token, "next": "/logs?level=error"})
    ).where == ("/logs?level=error")
    page = await person.get("/account")
    assert "the API token" in page.text
    assert api_token not in page.text


@pytest.mark.parametrize("wrong", [{"token": ""}, {"token": "x" * 40}, {}, {"link": ""}, {"link": "é\0"}])
async def test_nothing_else_signs_in(site: Any, wrong: dict[str, str]) -> None:
    answer = await site.stranger().send("POST", "/sign-in", wrong)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


async def test_guessing_is_slowed_down(site: Any, api_token: str) -> None:
    person, other = site.stranger(), site.stranger()
    for _ in range(10):
        assert (await person.send("POST", "/sign-in", {"token": "no" * 20})).status == 403
    stopped = await person.send("POST", "/sign-in", {"token": api_token})
    assert stopped.status == 429
    assert int(stopped.headers["Retry-After"]) > 0
    assert (await other.send("POST", "/sign-in", {"token": api_token})).status == 303


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nX: y",
        "/%0d%0aX:y",
    ],
)
async def test_one_goes_on_to_the_console_and_nowhere_else(site: Any, path: str) -> None:
    person = site.stranger()
    answer = await person.send("POST", "/sign-in", {"link": await site.link(), "next": path})
    assert answer.headers["Location"] == "/feishu/console/connectors"
    for where in ("/sign-in", "/language"):
        moved = await person.get(where + "?to=zh_CN&next=" + path.replace("\r\n", "%0d%0a"))
        assert moved.headers["Location"] == "/feishu/console/connectors"


async def test_the_cookie(site: Any) -> None:
    """Over https `__Host-` and Secure; over plain http on this machine or a network of one's own neither works."""
    person = site.stranger()
    plain = await person.send("POST", "/sign-in", {"link": await site.link()})
    assert plain.headers["Set-Cookie"].startswith("feishu-ws=")
    assert "HttpOnly; Max-Age=604800; Path=/; SameSite=lax" in plain.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in plain.headers
    safe = await person.send(
        "POST", "/sign-in", {"link": await site.link()}, X_Forwarded_Proto="https", X_Forwarded_For="8.8.8.8"
    )
    assert safe.headers["Set-Cookie"].startswith("__Host-feishu-ws=")
    assert safe.headers["Set-Cookie"].endswith("; HttpOnly; Max-Age=604800; Path=/; SameSite=lax; Secure")
    assert safe.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_nobody_signs_in_over_plain_http_from_far_away(site: Any) -> None:
    link = await site.link()
    answer = await site.stranger().send("POST", "/sign-in", {"link": link}, X_Forwarded_For="8.8.8.8")
    assert answer.status == 403
    assert "Use https" in answer.text
    assert (await site.stranger().send("POST", "/sign-in", {"link": link})).status == 303


async def test_signing_out(site: Any) -> None:
    person = await site.signed_in()
    cookie = dict(person.cookies)
    out = await person.post("/sign-out")
    assert out.where == "/sign-in"
    assert not person.cookies
    person.http.cookie_jar.update_cookies(cookie)  # who has kept a copy has nothing
    assert (await person.get("/connectors")).where.startswith("/sign-in")


async def test_signing_out_everywhere(site: Any) -> None:
    one, two, other = await site.signed_in(), await site.signed_in(), await site.signed_in(origin="shell")
    link = await site.link()
    await one.post("/sign-out-everywhere")
    for person in (one, two):
        assert (await person.get("/connectors")).where.startswith("/sign-in")
    assert (await site.stranger().send("POST", "/sign-in", {"link": link})).status == 403
    assert (await other.get("/connectors")).status == 200


@pytest.mark.parametrize(("field", "hours"), [("seen_at", 12), ("created_at", 7 * 24)])
async def test_a_session_ends(site: Any, field: str, hours: int) -> None:
    """Twelve hours after it was last used, and seven days after it began."""
    person = await site.signed_in()
    await changed(site, SessionRow, **{field: utc_now() - timedelta(hours=hours) + timedelta(minutes=5)})
    assert (await person.get("/connectors")).status == 200
    await changed(site, SessionRow, **{field: utc_now() - timedelta(hours=hours, seconds=1)})
    assert (await person.get("/connectors")).where.startswith("/sign-in")


async def test_using_a_session_keeps_it(site: Any) -> None:
    person = await site.signed_in()
    await changed(site, SessionRow, seen_at=utc_now() - timedelta(hours=11))
    assert (await person.get("/connectors")).status == 200
    await changed(site, SessionRow, created_at=utc_now() - timedelta(hours=24))
    async with site.runtime.management.database.session() as session:
        rows = (await session.exec(SessionRow.__table__.select())).all()  # type: ignore[attr-defined]
    assert max(row.seen_at for row in rows) > utc_now() - timedelta(minutes=1)


async def test_rights_are_looked_up_at_every_request(site: Any, superusers: set[str]) -> None:
    """Who is no superuser any more is nobody, at once; who owns something is an owner from then on."""
    person = await site.signed_in()
    superusers.discard("ou_admin")
    assert (await person.get("/connectors")).where.startswith("/sign-in")
    superusers.add("feishu:ou_admin")
    assert (await person.get("/connectors")).where.startswith("/sign-in"), "it has ended for good"
    person = await site.signed_in()
    name, _ = await site.connector(owner="ou_admin")
    superusers.clear()
    assert (await person.get(f"/connectors/{name}")).status == 200
    assert (await person.get("/add")).status == 403
    await site.service.update(site.root, name, {"owner": ""})
    assert (await person.get("/connectors")).where.startswith("/sign-in")


async def test_who_owns_nothing_is_not_let_in(site: Any) -> None:
    person = await site.signed_in("ou_nobody")
    assert (await person.get("/connectors")).where.startswith("/sign-in")


async def test_another_token_ends_the_sessions_of_the_old_one(site: Any, api_token: str) -> None:
    from nonebot_plugin_feishu_ws.config import Settings
    from nonebot_plugin_feishu_ws.console.auth.sessions import Identity, Session, digest
    from nonebot_plugin_feishu_ws.console.auth.visitors import visitor_of
    from nonebot_plugin_feishu_ws.storage import SessionOrigin

    identity = Identity(SessionOrigin.TOKEN, "api-token", proof=digest(api_token))
    session = Session("id", identity, None)
    for settings, welcome in (
        (Settings.model_validate({"api_token": api_token}), True),
        (Settings.model_validate({"api_token": "another-token-4a8d0f2c6b1e9735-of-ours"}), False),
        (Settings(), False),
    ):
        assert (await visitor_of(session, site.runtime.management, settings) is not None) is welcome


async def test_the_language(site: Any) -> None:
    """The one chosen on a page, else what the browser asks for."""
    person = site.stranger()
    for header, tag in (("en-GB,zh;q=0.5", "en"), ("zh-TW", "zh-CN"), ("", "zh-CN"), ("fr", "en")):
        assert f'lang="{tag}"' in (await person.get("/sign-in", Accept_Language=header or "*")).text
    assert (await person.get("/language?to=zh_CN&next=/sign-in")).where == "/sign-in"
    assert '<html lang="zh-CN">' in (await person.get("/sign-in", Accept_Language="en")).text


async def test_a_setting_wins_over_the_browser(serve: Any, site: Any, tmp_path: Any) -> None:
    async with serve({"locale": "zh_CN"}, tmp_path, site.sandbox) as chinese:
        page = await chinese.stranger().get("/sign-in", Accept_Language="en")
        assert '<html lang="zh-CN">' in page.text
        assert "没有配置 FEISHU_WS__API_TOKEN" in page.text
