"""Connectors managed in a real browser: every button, every form, with a mouse and without one."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect

Open = Callable[..., Awaitable[Any]]
SOON = 20_000  # milliseconds


async def test_from_nothing_to_a_connected_bot(window: Open, site: Any) -> None:
    """Added with a mistake first, verified, enabled, and connected without the page being loaded again."""
    app = site.sandbox.world.add_app("Butler")
    one = await window()
    await one.go("/connectors")
    await one.shows("No connector yet", "Create a self-built app")
    await one.page.get_by_role("link", name="Add a connector").first.click()
    await one.field("Name").fill("Butler!")
    await one.field("App ID").fill(app.app_id)
    await one.field("App Secret").fill("canary-that-is-not-the-secret")
    await one.field("Approvers").fill("ou_1\nou 2")
    await one.press("Add a connector", "Not saved: please correct the fields that are marked.")
    await expect(one.field("Name")).to_be_focused()
    await expect(one.field("Name")).to_have_value("Butler!")
    await expect(one.field("Name")).to_have_accessible_description(
        "A short name for commands, logs and addresses: 1 to 32 of a-z, 0-9 and -. "
        "Use 1 to 32 of the characters a-z, 0-9 and -."
    )
    await expect(one.field("Approvers")).to_have_attribute("aria-invalid", "true")
    await expect(one.field("App ID")).to_have_value(app.app_id)
    await expect(one.field("App Secret")).to_have_value("")  # what was typed is kept, but for this
    await one.field("Name").fill("butler")
    await one.field("Approvers").fill("ou_1\nou_2")
    await one.field("App Secret").fill("canary-that-is-not-the-secret")
    await one.press("Add a connector", "butler is added. Next: verify it.")
    assert one.page.url.endswith("/connectors/butler")
    await one.press("Verify: butler", "butler is not verified")
    await one.page.get_by_role("link", name="Edit", exact=True).click()
    await expect(one.field("Owner")).to_have_value("ou_admin")  # as when it is added in a chat
    await one.field("App Secret").fill(app.app_secret)
    await one.press("Save", "butler is saved: App Secret.")
    await one.press("Verify: butler", "butler is verified; its bot is “Butler”.")
    await one.press("Enable: butler", "butler is enabled and connecting.")
    await expect(one.page.locator("h1 + span .state")).to_have_text("connected", timeout=SOON)
    await one.shows("ws_connected")
    await one.press("Disconnect: butler", "butler is disconnected, until you connect it or the bot restarts.")
    await expect(one.page.locator("h1 + span .state")).to_have_text("disconnected", timeout=SOON)
    await one.press("Connect: butler", "Connecting butler.")
    await expect(one.page.locator("h1 + span .state")).to_have_text("connected", timeout=SOON)
    await one.press("Disable: butler", "butler is disabled and disconnected.")
    await expect(one.page.locator("h1 + span .state")).to_have_text("disabled", timeout=SOON)
    rows = (await site.service.logs(site.root, "butler", limit=100)).entries
    done = [row.action for row in reversed(rows) if row.detail.get("from") == "console"]
    assert done == [
        *("create_connector", "verify_callback", "update_connector", "verify_callback", "set_enabled"),
        *("ws_disconnected", "ws_connecting", "set_enabled"),
    ]
    assert {row.detail["by"] for row in rows if "by" in row.detail} == {"ou_admin"}


async def test_the_policy(window: Open, site: Any) -> None:
    """Every field, with what it means."""
    name, _ = await site.connector("policy")
    one = await window()
    await one.go(f"/connectors/{name}")
    await one.page.get_by_role("link", name="Edit the policy").click()
    await one.shows("If off, messages written to the bot directly are ignored.")
    await one.field("Accept direct messages").uncheck()
    await one.field("Allowed chats").fill("oc_1,oc_2\noc_1")
    await one.field("Allowed people").fill("ou_1 \n\n on_2")
    await one.field("Prefix").fill("!")
    await one.field("Messages per minute and person").fill("a few")
    await one.press("Save", "Not saved")
    await expect(one.field("Accept direct messages")).not_to_be_checked()
    await expect(one.field("Allowed chats")).to_have_value("oc_1,oc_2\noc_1")
    await expect(one.field("Messages per minute and person")).to_be_focused()
    await one.field("Messages per minute and person").fill("20")
    changed = "Accept direct messages, Allowed chats, Allowed people, Prefix, Messages per minute and person"
    await one.press("Save", f"policy is saved: {changed}.")
    spec = (await site.service.get(site.root, name)).spec
    assert (spec.allow_dm, spec.mention_required, spec.rate_limit_per_minute) == (False, True, 20)
    assert (spec.allowed_chat_ids, spec.user_whitelist, spec.prefix_command) == (
        ("oc_1", "oc_2"),
        ("ou_1", "on_2"),
        "!",
    )
    await one.page.get_by_role("link", name="Edit the policy").click()
    await one.press("Save", "policy is as it was.")


async def test_secrets_are_written_and_never_read(window: Open, site: Any) -> None:
    name, app = await site.connector("secrets", verified=True, encrypt_key="canary-encrypt-key")
    one = await window()
    await one.go(f"/connectors/{name}/edit")
    for label, state in (("App Secret", "set"), ("Encrypt Key", "set"), ("Verification Token", "not set")):
        await expect(one.page.locator("label", has_text=label).first).to_contain_text(state)
        await expect(one.field(label).first).to_have_value("")
    await one.field("Verification Token").fill("canary-verification-token")
    await one.field("Remove the Encrypt Key that is set").check()
    await one.press("Save", "secrets is saved: Verification Token, Encrypt Key.")
    connector = await site.service.get(site.root, name)
    assert connector.spec.app_secret.get_secret_value() == app.app_secret, "left empty it stays"
    assert connector.spec.verification_token.get_secret_value() == "canary-verification-token"
    assert connector.spec.encrypt_key is None
    await one.page.get_by_role("link", name="Edit", exact=True).click()
    await one.field("App Secret").fill("canary-another-secret")
    await one.press(
        "Save", "The credentials have changed, so it is disabled until you verify and enable it again."
    )


async def test_from_the_long_connection_to_a_webhook(window: Open, site: Any) -> None:
    """Not without a key; then its address is shown."""
    name, app = await site.connector("hook")
    one = await window()
    await one.go(f"/connectors/{name}/edit")
    await one.field("Transport").select_option("webhook")
    await one.press("Save", "Not saved")
    await expect(one.field("Transport")).to_be_focused()
    await expect(one.field("Transport")).to_have_value("webhook")
    await one.shows("Webhook needs encrypt_key (better) or verification_token")
    await one.field("Encrypt Key").fill("canary-encrypt-key")
    await one.press("Save", "hook is saved: Transport, Encrypt Key.")
    await one.shows(f"/feishu/{app.app_id}")


async def test_removing_asks_first(window: Open, site: Any) -> None:
    name, _ = await site.connector("unwanted")
    one = await window()
    await one.go(f"/connectors/{name}")
    await one.page.get_by_role("link", name="Remove").click()
    await one.shows("Remove unwanted?", "This cannot be undone")
    await one.page.get_by_role("link", name="Cancel").click()
    await one.page.get_by_role("link", name="Remove").click()
    await one.press("Remove unwanted", "unwanted and its secrets are removed.")
    await expect(one.page.locator("#card-unwanted")).to_have_count(0)
    assert name not in [each.spec.name for each in await site.service.everything()]


async def test_without_a_mouse(window: Open, site: Any) -> None:
    """From the door to a saved policy by keyboard alone: everything is reached in order, and what has focus is seen."""
    await site.connector("keys")
    one = await window(None)
    keys = one.page.keyboard
    await one.page.goto(f"{site.url}/feishu/console/sign-in?next=/connectors/keys#{await site.link()}")

    async def until(name: str) -> None:
        for _ in range(60):
            await keys.press("Tab")
            focused = await one.page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
                " || document.activeElement.name"
            )
            assert await one.page.evaluate("document.activeElement === document.body") is False
            assert await one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            if focused == name:
                return
        pytest.fail(f"{name} is not reached")

    await until("Sign in")
    await keys.press("Enter")
    await one.ready()
    await until("Skip to content")
    await keys.press("Enter")
    await until("Edit the policy")
    await keys.press("Enter")
    await one.ready()
    await until("ignore_bot_messages")
    await keys.press("Space")
    await until("Save")
    await keys.press("Enter")
    await one.told("keys is saved: Ignore other bots.")
    assert not (await site.service.get(site.root, "keys")).spec.ignore_bot_messages


async def test_an_owner_sees_their_own(window: Open, site: Any) -> None:
    await site.connector("theirs", owner="ou_owner")
    one = await window("ou_owner")
    await one.go("/connectors")
    await expect(one.page.locator(".card")).to_have_count(1)
    await expect(one.page.get_by_role("link", name="Add a connector")).to_have_count(0)
    await one.go("/connectors/theirs/edit")
    await expect(one.field("Owner")).to_have_count(0)
    await expect(one.field("Platform")).to_have_count(0)
    await one.field("Approvers").fill("ou_1")
    await one.press("Save", "theirs is saved: Approvers.")


async def test_in_chinese(window: Open, site: Any) -> None:
    """The language is switched on the page, and stays."""
    name, _ = await site.connector("zh")
    one = await window()
    await one.go(f"/connectors/{name}/policy")
    await one.page.get_by_role("link", name="中文").click()
    await expect(one.page.get_by_role("heading", name="zh 的策略")).to_be_visible()
    await one.field("每人每分钟消息数").fill("很多")
    await one.press("保存", "没有保存：请修改标出的字段。")
    await one.shows("应为：0–1000：每人每分钟条数，0 为不限。")
    await one.go("/approvals")
    await one.shows("没有等待审批的请求")
