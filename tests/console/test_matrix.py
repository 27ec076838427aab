"""Who gets what: every route of the console, for everybody, on a connector of their own and on a foreign one.

A route without a row here fails; so does a row without a route.
"""

import asyncio
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.console.pages.routes import ROUTES

OPEN, PAGE, DONE, DENIED, MISSING = 200, 200, 303, 403, 404
TO_SIGN_IN = -303
# For each route: nobody, an owner (of theirs), an owner (of somebody else's), a superuser.
MATRIX = {
    "GET ": (TO_SIGN_IN, DONE, DONE, DONE),
    "GET /static/{version}/{name}": (OPEN, OPEN, OPEN, OPEN),
    "GET /language": (DONE, DONE, DONE, DONE),
    "GET /sign-in": (OPEN, DONE, DONE, DONE),
    "POST /sign-in": (DENIED, DENIED, DENIED, DENIED),
    "POST /sign-out": (TO_SIGN_IN, DONE, DONE, DONE),
    "POST /sign-out-everywhere": (TO_SIGN_IN, DONE, DONE, DONE),
    "GET /account": (TO_SIGN_IN, PAGE, PAGE, PAGE),
    "GET /live": (401, PAGE, PAGE, PAGE),
    "GET /connectors": (TO_SIGN_IN, PAGE, PAGE, PAGE),
    "GET /add": (TO_SIGN_IN, DENIED, DENIED, PAGE),
    "POST /add": (TO_SIGN_IN, DENIED, DENIED, 422),
    "GET /connectors/{name}": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "GET /connectors/{name}/edit": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "POST /connectors/{name}/edit": (TO_SIGN_IN, 422, MISSING, 422),
    "GET /connectors/{name}/policy": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "POST /connectors/{name}/policy": (TO_SIGN_IN, 422, MISSING, 422),
    "GET /connectors/{name}/remove": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "POST /connectors/{name}/remove": (TO_SIGN_IN, DONE, MISSING, DONE),
    "GET /connectors/{name}/doctor": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "GET /connectors/{name}/doctor/run": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "POST /connectors/{name}/replay": (TO_SIGN_IN, DONE, MISSING, DONE),
    "GET /connectors/{name}/test": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "POST /connectors/{name}/test": (TO_SIGN_IN, 422, MISSING, 422),
    "POST /connectors/{name}/do/{verb}": (TO_SIGN_IN, DONE, MISSING, DONE),
    "GET /logs": (TO_SIGN_IN, PAGE, MISSING, PAGE),
    "GET /trace": (TO_SIGN_IN, PAGE, PAGE, PAGE),
    "GET /dead-letters": (TO_SIGN_IN, PAGE, PAGE, PAGE),
    "GET /approvals": (TO_SIGN_IN, PAGE, PAGE, PAGE),
    "POST /approvals/{id}": (TO_SIGN_IN, DONE, DONE, DONE),
    "GET /{rest:path}": (TO_SIGN_IN, MISSING, MISSING, MISSING),
    "POST /{rest:path}": (TO_SIGN_IN, MISSING, MISSING, MISSING),
}


def test_every_route_has_a_row(site: Any) -> None:
    root = "/feishu/console"
    table = [f"{route.method} {route.path.removeprefix(root)}" for route in ROUTES]
    assert sorted(table) == sorted(MATRIX)
    served = [
        f"{method} {route.path.removeprefix(root)}"
        for route in site.app.routes
        if getattr(route, "path", "").startswith(root)
        for method in route.methods - {"HEAD"}
    ]
    assert sorted(served) == sorted(table), "what is served is what is in the table"


@pytest.mark.parametrize("row", MATRIX)
@pytest.mark.parametrize("role", range(4))
async def test_who_gets_what(site: Any, row: str, role: int) -> None:
    name, app = await site.connector(owner="ou_other" if role == 2 else "ou_owner")
    if role == 2:
        await site.connector(owner="ou_owner")  # or they would not be let in at all
    person = site.stranger() if role == 0 else await site.signed_in("ou_admin" if role == 3 else "ou_owner")
    method, _, path = row.partition(" ")
    path = path.replace(":path", "").format_map(
        {"name": name, "version": 1, "verb": "verify", "id": "x", "rest": "nowhere"}
    )
    if row.startswith("GET /static"):
        path = "/static/1/console.js"
    if row == "GET /logs":
        path += f"?connector={name}"
    expected = MATRIX[row][role]
    if method == "POST":
        answer = await person.post(path)
    elif row in ("GET /live", "GET /connectors/{name}/doctor/run") and expected == PAGE:
        async with asyncio.timeout(20), person.http.get(f"{site.url}/feishu/console{path}") as stream:
            assert stream.status == PAGE
            return
    else:
        answer = await person.get(path)
    if expected == TO_SIGN_IN:
        assert (answer.status, answer.where.partition("?")[0]) == (303, "/sign-in")
    else:
        assert answer.status == expected, answer.text
    if answer.status in (DENIED, MISSING) and "static" not in path:
        assert app.app_id not in answer.text
    still = [one.spec.name for one in await site.service.everything()]
    assert (name in still) is not (row.endswith("/remove") and method == "POST" and expected == DONE)


@pytest.mark.parametrize("verb", ["remove", "__class__", "Verify", "verify%20", "%00"])
async def test_what_is_no_button_does_nothing(site: Any, verb: str) -> None:
    name, _ = await site.connector()
    person = await site.signed_in()
    assert (await person.post(f"/connectors/{name}/do/{verb}")).status == 404
    assert await site.service.get(site.root, name)


async def test_lists_show_what_is_theirs(site: Any) -> None:
    """Not a word of a foreign connector on any page that lists something."""
    mine, mine_app = await site.connector("mine", owner="ou_owner")
    _, foreign = await site.connector("foreign-one", owner="ou_other")
    for app, event in ((mine_app, "ev-mine"), (foreign, "ev-foreign")):
        await site.dead(app, event)
        await site.asked(app, arguments=f'{{"of":"{event}"}}')
    owner, admin = await site.signed_in("ou_owner", app_id=mine_app.app_id), await site.signed_in()
    for path in ("/connectors", "/logs", "/dead-letters", "/approvals", "/trace?message=om_ev-foreign"):
        page = await owner.get(path)
        assert page.status == 200
        for word in ("foreign-one", foreign.app_id, '"ev-foreign"'):
            assert word not in page.text.replace("om_ev-foreign", ""), path
        assert "foreign-one" in (page := await admin.get(path)).text or foreign.app_id in page.text, path
    assert mine in (await owner.get("/connectors")).text
    assert "ev-mine" in (await owner.get("/dead-letters")).text


async def test_an_owner_cannot_give_it_away(site: Any) -> None:
    """Owner and platform are for superusers: a form that says so all the same is taken without them."""
    name, app = await site.connector(owner="ou_owner")
    person = await site.signed_in("ou_owner")
    form = (await person.get(f"/connectors/{name}/edit")).text
    assert 'name="owner"' not in form
    assert 'name="domain"' not in form
    seen = form.split('name="seen" value="')[1].split('"')[0]
    changes = {"seen": seen, "name": name, "app_id": app.app_id, "transport": "ws"}
    taken = await person.post(
        f"/connectors/{name}/edit", {**changes, "owner": "ou_evil", "domain": "https://evil.example"}
    )
    assert taken.status == 303
    spec = (await site.service.get(site.root, name)).spec
    assert (spec.owner, spec.domain) == ("ou_owner", None)
