"""Two windows, a log that comes in, a trace, dead letters, approvals and check-ups, in a real browser."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import expect

from nonebot_plugin_feishu_ws.delivery import LogAction, LogLevel

Open = Callable[..., Awaitable[Any]]
SOON = 20_000  # milliseconds


async def test_two_windows(window: Open, site: Any) -> None:
    """What one does the other sees, without loading anything again; what has focus keeps it."""
    name, _ = await site.connector("shared", verified=True)
    one, other = await window(), await window("root", origin="shell")
    await other.go("/connectors")
    await other.page.locator(f"#open-{name}").focus()
    await one.go(f"/connectors/{name}")
    await one.press("Enable: shared", "enabled and connecting")
    await expect(other.page.locator(f"#card-{name} .state")).to_have_text("connected", timeout=SOON)
    await expect(other.page.locator(f"#open-{name}")).to_be_focused()
    await other.press("Disable: shared", "disabled and disconnected")
    await expect(one.page.locator("h1 + span .state")).to_have_text("disabled", timeout=SOON)
    await site.service.create(
        site.root, {"name": "by-shell", "app_id": "cli_9", "app_secret": "canary-by-shell"}
    )
    await expect(other.page.locator("#card-by-shell")).to_be_visible(timeout=SOON)
    await site.service.remove(site.root, "by-shell")
    await expect(other.page.locator("#card-by-shell")).to_have_count(0, timeout=SOON)


async def test_two_who_edit_the_same(window: Open, site: Any) -> None:
    """Whoever saves second is told, and loses nothing of what they typed."""
    name, _ = await site.connector("both")
    one, other = await window(), await window()
    for each in (one, other):
        await each.go(f"/connectors/{name}/policy")
    await one.field("Prefix").fill("one")
    await one.press("Save", "both is saved: Prefix.")
    await other.field("Prefix").fill("other")
    await other.press("Save", "Somebody has changed these settings")
    assert (await site.service.get(site.root, name)).spec.prefix_command == "one"
    await expect(other.field("Prefix")).to_have_value("other")
    await other.press("Save", "both is saved: Prefix.")
    assert (await site.service.get(site.root, name)).spec.prefix_command == "other"


async def test_who_is_signed_out_elsewhere_does_not_look_on(window: Open, site: Any) -> None:
    await site.connector("left", owner="ou_leaver")
    one, other = await window("ou_leaver"), await window("ou_leaver")
    await one.go("/connectors")
    await other.go("/account")
    await other.page.get_by_role("button", name="Sign out everywhere").click()
    await expect(one.page.get_by_role("heading", name="Sign in to the Feishu console")).to_be_visible(
        timeout=SOON
    )
    one.problems.clear()  # htmx logs the end of a stream as an error


async def test_the_log(window: Open, site: Any) -> None:
    """Lines come in by themselves; filters are addresses; older pages go back to the first line."""
    name, app = await site.connector("logged")
    book = site.runtime.management.logbook

    def note(number: int, level: LogLevel = LogLevel.INFO) -> None:
        book.write(
            LogAction.WS_FILTERED,
            level=level,
            connector=app.app_id,
            name=name,
            message_id=f"om_{number:03}",
            detail={"number": number},
        )

    for number in range(120):
        note(number)
    await book.flush()
    one = await window()
    await one.go("/logs")
    await one.field("Connector").select_option(name)
    await expect(one.page).to_have_url(f"{site.url}/feishu/console/logs?connector={name}&level=&action=")
    await one.ready()
    lines = one.page.locator(".line")
    await expect(lines).to_have_count(50)
    await expect(lines.first).to_contain_text("om_119")
    note(120, LogLevel.ERROR)
    await expect(lines.first).to_contain_text("om_120", timeout=SOON)
    await one.page.get_by_role("link", name="Older").click()
    await expect(lines.first).to_contain_text("om_070")
    note(121)
    await one.page.get_by_role("link", name="Older").click()
    await expect(lines.last).to_contain_text("create_connector")
    await expect(one.page.get_by_role("link", name="Older")).to_have_count(0)
    await one.page.get_by_role("link", name="Newest").click()
    await expect(lines.first).to_contain_text("om_121")
    await one.field("Level").select_option("error")
    await expect(lines).to_have_count(1)
    await one.field("Action").select_option("ws_blocked")
    await one.shows("No line matches")


async def test_a_trace(window: Open, site: Any) -> None:
    """From a line of the log to why: filters, who took it, what was answered."""
    _, app = await site.enabled("traced", prefix_command="!")
    world = site.sandbox.world
    alice = world.add_user("Alice")
    message = await world.say(alice, world.direct_chat(alice, app), "hello")
    one = await window()
    await one.go("/logs?connector=traced")
    await one.page.get_by_role("link", name=message.message_id).first.click()
    await one.shows(
        "Screened", "Not for the Butler: it does not begin with prefix_command [prefix_not_matched]"
    )
    await one.shows("own_message", "No plugin's matcher took it.")
    await one.field("Message ID").fill("om_unknown")
    await one.page.get_by_role("button", name="Trace").click()
    await one.shows("Nothing is known of message om_unknown.")


async def test_dead_letters(window: Open, site: Any) -> None:
    name, app = await site.connector("dropped")
    one = await window()
    await one.go("/dead-letters")
    await one.shows("No dead letters")
    for event in ("ev-1", "ev-2", "ev-3"):
        await site.dead(app, event)
    await expect(one.page.locator(".letter")).to_have_count(3, timeout=SOON)
    await one.press("Replay: ev-2", "1 event will be handled again within seconds.")
    await expect(one.page.locator(".letter")).to_have_count(2)
    await one.press(f"Replay all: {name}", "2 events will be handled again within seconds.")
    await one.shows("No dead letters")


async def test_approvals(window: Open, site: Any) -> None:
    """Approved and rejected with a click each; who may not is told so, and has no button."""
    _, app = await site.connector("asking")
    one, other = await window("root", origin="shell"), await window()
    await one.go("/approvals")
    await other.go("/approvals")
    await one.shows("Nothing waits for approval")
    wanted, unwanted = await site.asked(app), await site.asked(app, tool="drop", arguments='{"table":"all"}')
    await expect(one.page.locator(f"#approval-{wanted}")).to_contain_text('{"service":"web"}', timeout=SOON)
    await expect(other.page.locator(f"#approval-{wanted}")).to_contain_text(
        "This one is not yours to decide."
    )
    await expect(other.page.get_by_role("button", name="Approve")).to_have_count(0)
    await one.press(f"Approve: deploy {wanted}", "deploy: approved, about to run.")
    await one.press(f"Reject: drop {unwanted}", "drop: rejected.")
    await expect(one.page.locator(f".history #approval-{unwanted}")).to_contain_text("shell:root")
    await expect(other.page.locator(f".history #approval-{wanted}")).to_be_visible(timeout=SOON)
    assert (await site.runtime.management.approvals.get(wanted)).decided_by == "shell:root"
    assert (await site.runtime.management.approvals.get(unwanted)).state == "rejected"


async def test_a_check_up(window: Open, site: Any) -> None:
    name, _ = await site.enabled("checked")
    one = await window()
    await one.go(f"/connectors/{name}")
    await one.page.get_by_role("link", name="Check-up").click()
    await expect(one.page.get_by_text("not checked yet")).to_have_count(9)
    await one.page.get_by_role("link", name="Run the check-up").click()
    await expect(one.page.locator("#check-credentials")).to_contain_text("✅ ok accepted", timeout=SOON)
    await expect(one.page.locator("#finished")).to_have_text("The check-up is finished.", timeout=SOON)
    await expect(one.page.get_by_text("checking…")).to_have_count(0)
    await expect(one.page.locator("#check-events")).to_contain_text("Write to the bot")
