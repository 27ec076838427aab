"""Signing in and out of the console, without a browser (faults.md: Console)."""

from typing import Any

import pytest


async def test_a_link_signs_in_once(site: Any) -> None:
    link = await site.link()
    person, late = site.stranger(), site.stranger()
    answer = await person.send("POST", "/sign-in", {"link": link})
    assert (answer.status, answer.where) == (303, "/connectors")
    page = await person.get("/connectors")
    assert page.status == 200
    assert "ou_admin" in page.text
    assert (await late.send("POST", "/sign-in", {"link": link})).status == 403
    assert (await late.get("/connectors")).where == "/sign-in?next=%2Fconnectors"


@pytest.mark.parametrize(
    "path", ["/connectors", "/approvals", "/logs", "/trace", "/dead-letters", "/account", "/add"]
)
async def test_every_page_is_there(site: Any, path: str) -> None:
    person = await site.signed_in()
    for language in ("en", "zh-CN"):
        page = await person.get(path, Accept_Language=language)
        assert page.status == 200, page.text
        assert f'<html lang="{language}">' in page.text


async def test_pages_of_a_connector(site: Any) -> None:
    person = await site.signed_in()
    name, app = await site.enabled()
    await site.asked(app)
    await site.dead(app, "ev-dead")
    for path in ("", "/edit", "/policy", "/remove", "/doctor", "/doctor?run=1"):
        page = await person.get(f"/connectors/{name}{path}")
        assert page.status == 200, page.text
    for path in ("/connectors", "/approvals", "/logs", "/dead-letters", "/trace?message=om_ev-dead"):
        page = await person.get(path)
        assert page.status == 200, page.text
        assert name in page.text or app.app_id in page.text
