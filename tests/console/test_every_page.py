"""Every page of the console in a real browser: accessible, in both languages and themes, on a phone; nothing that
somebody has written does anything there (faults.md: Console).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.butler.approvals import Decider
from nonebot_plugin_feishu_ws.delivery import LogAction, LogLevel

Open = Callable[..., Awaitable[Any]]

EVIL = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "[x](javascript:alert(1)) **bold** </style><svg onload=alert(1)>"
)
"""What somebody may have written into a message, a name, an argument."""
PAGES = [
    "/connectors",
    "/connectors/butler",
    "/connectors/butler/edit",
    "/connectors/butler/policy",
    "/connectors/butler/remove",
    "/connectors/butler/doctor",
    "/add",
    "/approvals",
    "/logs",
    "/logs?level=error&action=ws_blocked",
    "/trace?message=om_ev-dead",
    "/trace",
    "/dead-letters",
    "/account",
    "/nowhere",
]


@pytest.fixture(scope="module")
async def furnished(site: Any) -> Any:
    """Something of everything, some of it hostile."""
    _, app = await site.enabled("butler", prefix_command="!", approvers="ou_admin", owner="ou_owner")
    await site.connector("fresh")
    await site.asked(app, arguments='{"service":"web"}')
    decided = await site.asked(app, tool="restart")
    management = site.runtime.management
    await management.deciding.decide(Decider("shell:root", superuser=True), decided, False)
    await site.dead(app, "ev-dead", error=EVIL)
    for level in LogLevel:
        management.logbook.write(
            LogAction.WS_BLOCKED, level=level, connector=app.app_id, name="butler", detail={"error": EVIL}
        )
    message = {"connector": app.app_id, "name": "butler", "message_id": "om_ev-dead", "event_id": "ev-dead"}
    trace = {
        "admitted": False,
        "reason": "user_not_allowed",
        "trace": ["bot_message=pass", "user_not_allowed=fail"],
    }
    management.logbook.write(LogAction.WS_FILTERED, detail=trace, **message)
    taken = {"matchers": [{"plugin": EVIL, "error": "ValueError"}]}
    management.logbook.write(LogAction.WS_ROUTED, detail=taken, **message)
    said = {"sent": None, "type": "text", "error": EVIL}
    management.logbook.write(LogAction.WS_OUTBOUND, detail=said, **message)
    await management.logbook.flush()
    return app


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_every_page_is_accessible(window: Open, furnished: Any, language: str) -> None:
    """Axe finds nothing, contrast in light and dark included; nothing scrolls sideways, on a desk or on a phone."""
    one = await window(locale=language)
    found: list[str] = []
    for path in PAGES:
        await one.go(path)
        found += await one.flaws()
    await one.context.clear_cookies()
    for path in ("/sign-in", "/sign-in#x"):
        await one.go(path)
        found += await one.flaws()
    assert not found


async def test_what_people_write_is_only_text(window: Open, furnished: Any) -> None:
    """Log details, errors, plugins' names, an approval's arguments and reasons: shown as they were written."""
    site = (one := await window()).site
    await site.asked(furnished, tool="say", arguments=EVIL)
    for path, count in (
        ("/logs", 1),
        ("/trace?message=om_ev-dead", 3),
        ("/dead-letters", 1),
        ("/approvals", 1),
    ):
        await one.go(path)
        assert (await one.page.locator("main").inner_text()).count(EVIL) >= count, path
        assert (
            await one.page.locator("main :is(img, script, style, svg[onload], a[href^=javascript])").count()
            == 0
        )
        assert "owned" not in await one.page.title()


async def test_what_people_type_is_only_text(window: Open, furnished: Any) -> None:
    one = await window()
    for path in (
        "/trace?message=",
        "/logs?connector=",
        "/connectors/",
        "/sign-in?next=",
        "/sign-in#",
        "/language?next=",
    ):
        await one.page.goto(f"{one.site.url}/feishu/console{path}{EVIL}")
        assert "owned" not in await one.page.title()
        assert await one.page.locator("main :is(img[onerror], script, svg[onload])").count() == 0
