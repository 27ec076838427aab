"""Forms for secrets: where they are sent, whose they are, what is wrong in them, and where nothing of it is found."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nonebot.log import logger

CANARY = "c4nary-S3cret-9f2b7d"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Everything that is logged at any level, by NoneBot's logger and the standard library's."""
    caplog.set_level(1)
    logging.getLogger("nonebot_plugin_feishu_ws").setLevel(1)
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level=0, diagnose=True, backtrace=True)
    yield lines
    logger.remove(sink)
    logging.getLogger("nonebot_plugin_feishu_ws").setLevel(logging.DEBUG)
    lines += [record.getMessage() for record in caplog.records]


def fields(form: Any, town: Any) -> dict[str, dict[str, Any]]:
    """The inputs of a form by name."""
    found: dict[str, dict[str, Any]] = {}

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("tag") == "input":
                found[node["name"]] = node
            for inner in node.values():
                collect(inner)
        elif isinstance(node, list):
            for inner in node:
                collect(inner)

    collect(form.content)
    return found


def dumped(folder: Path) -> tuple[str, set[str]]:
    """All that is on the disk, in tables and in bytes; and the types of the events stored."""
    (file,) = folder.glob("*.sqlite3")
    with closing(sqlite3.connect(file)) as database:
        lines = list(database.iterdump())
        types = {row[0] for row in database.execute("select event_type from feishu_ws_event")}
    raw = [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*lines, *raw]), types


async def names(town: Any) -> list[str]:
    return [one.spec.name for one in await town.service.visible(town.bot.root)]


async def test_a_connector_is_added_by_a_form(town) -> None:
    app = town.world.add_app("New", app_secret=CANARY)
    await town.ask(town.root, f"/feishu add new app_id={app.app_id} mention_required=false")
    form = await town.form(town.root)
    inputs = fields(form, town)
    assert inputs["name"]["default_value"] == "new"
    assert inputs["app_id"]["default_value"] == app.app_id
    hidden = {name for name, one in inputs.items() if one["input_type"] == "password"}
    assert hidden == {"app_secret", "verification_token", "encrypt_key"}
    assert all(not inputs[name]["default_value"] for name in hidden)

    done = await town.click(
        town.root, form, "Submit", name="new", app_id=app.app_id, app_secret=CANARY, domain=""
    )
    assert done.toast["type"] == "success"
    assert fields(form, town) == {}
    added = await town.service.get(town.bot.root, "new")
    assert added.spec.app_secret.get_secret_value() == CANARY
    assert added.spec.owner == town.root.open_id(town.app)
    assert not added.spec.mention_required
    await town.click(town.root, form, "Verify")
    await town.click(town.root, form, "Enable")
    await town.shows(form, "🟢 connected")


async def test_from_a_group_the_form_comes_in_private(town) -> None:
    said = await town.told(town.root, "/feishu add new", town.group)
    assert said == "I have sent you the form in our direct chat; fill it in there."
    form = await town.form(town.root)
    assert form.chat is town.direct(town.root)
    assert not any(fields(message, town) for message in town.world.messages_in(town.group))


async def test_where_a_direct_message_cannot_be_sent_it_is_said(town) -> None:
    from feishu_sandbox import ApiFault

    town.sandbox.faults.add(ApiFault(path="/open-apis/im/v1/messages", code=230013, times=1))
    said = await town.told(town.root, "/feishu add new", town.group)
    assert "I cannot write to you directly" in said


async def test_wrong_values_are_shown_at_their_fields_and_corrected(town) -> None:
    app = town.world.add_app("New", app_secret=CANARY)
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    typed = {"name": "Not Good", "app_id": "no id!", "app_secret": CANARY}
    wrong = await town.click(town.root, form, "Submit", **typed)
    assert wrong.toast["type"] == "error"
    inputs = fields(form, town)
    assert inputs["name"]["label"]["content"] == "❗ Name"
    assert inputs["app_id"]["label"]["content"] == "❗ App ID"
    assert inputs["app_secret"]["label"]["content"] == "App Secret"
    assert (inputs["name"]["default_value"], inputs["app_id"]["default_value"]) == ("Not Good", "no id!")
    assert "1 to 32 of a-z, 0-9 and -" in town.read(form)
    assert CANARY not in str(form.content)
    assert await names(town) == ["desk"]

    wrong = await town.click(town.root, form, "Submit", name="desk", app_id=app.app_id, app_secret=CANARY)
    assert fields(form, town)["name"]["label"]["content"] == "❗ Name"
    assert "Another connector has this name" in town.read(form)

    await town.click(town.root, form, "Submit", name="new", app_id=app.app_id, app_secret=CANARY)
    assert await names(town) == ["desk", "new"]


async def test_an_empty_secret_is_refused(town) -> None:
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    await town.click(town.root, form, "Submit", name="new", app_id="cli_x", app_secret="")
    assert fields(form, town)["app_secret"]["label"]["content"] == "❗ App Secret"
    assert await names(town) == ["desk"]


async def test_secrets_are_changed_by_a_form(town, owned) -> None:
    await owned("theirs", town.owner)
    await town.service.update(town.bot.root, "theirs", {"verification_token": "old", "encrypt_key": "old"})
    await town.service.verify(town.bot.root, "theirs")
    await town.ask(town.owner, "/feishu set theirs")
    form = await town.form(town.owner)
    before = await town.service.get(town.bot.root, "theirs")
    typed = {"app_id": before.spec.app_id, "app_secret": CANARY, "encrypt_key": "-", "domain": ""}
    done = await town.click(town.owner, form, "Submit", **typed)
    assert "disabled until you verify theirs" in done.toast["content"]
    after = await town.service.get(town.bot.root, "theirs")
    assert after.spec.app_secret.get_secret_value() == CANARY
    assert after.spec.verification_token.get_secret_value() == "old"
    assert after.spec.encrypt_key is None
    assert after.verified_at is None


async def test_the_button_of_a_connector_opens_its_form(town, owned) -> None:
    await owned("theirs", town.owner)
    card = await town.answer(await town.ask(town.owner, "/feishu show theirs", town.group))
    result = await town.click(town.owner, card, "Credentials")
    assert "in our direct chat" in result.toast["content"]
    assert "theirs" in town.read(await town.form(town.owner))


async def test_a_secret_in_a_message_is_refused(town) -> None:
    said = await town.told(town.root, "/feishu add new app_secret=abc")
    assert "Never write a secret (app_secret) in a message" in said
    said = await town.told(town.root, "/feishu set desk app_secret=abc")
    assert "Never write a secret (app_secret) in a message" in said
    assert await names(town) == ["desk"]


async def test_there_is_no_form_for_a_foreign_or_unknown_connector(town, owned) -> None:
    await owned("theirs", town.owner)
    for name in ("desk", "dusk"):
        said = await town.told(town.owner, f"/feishu set {name}")
        assert said == f"There is no connector {name}. Yours: theirs."


async def test_a_form_is_for_one_person_one_time(town) -> None:
    app = town.world.add_app("New")
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    submit = next(
        one["behaviors"][0]["value"] for one in town.buttons(form) if one["text"]["content"] == "Submit"
    )
    typed = {"name": "new", "app_id": app.app_id, "app_secret": app.app_secret}
    action = {"tag": "button", "name": "submit", "value": submit, "form_value": typed}

    foreign = await town.world.click(town.other, form.message_id, action)
    assert foreign.toast["content"] == "You may not do this."
    card = await town.card(town.root, "/feishu list")
    elsewhere = await town.world.click(town.root, card.message_id, action)
    assert "no longer valid" in elsewhere.toast["content"]
    assert await names(town) == ["desk"]

    assert (await town.world.click(town.root, form.message_id, action)).toast["type"] == "success"
    await town.service.remove(town.bot.root, "new")
    replayed = await town.world.click(town.root, form.message_id, action)
    assert "no longer valid" in replayed.toast["content"]
    assert await names(town) == ["desk"]


async def test_another_superusers_form_is_not_mine(town, superusers) -> None:
    superusers.add(town.other.open_id(town.app))
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    result = await town.click(town.other, form, "Submit", name="new", app_id="cli_x", app_secret=CANARY)
    assert result.toast["content"] == "This was for somebody else."
    result = await town.click(town.root, form, "Submit", name="new", app_id="cli_x", app_secret=CANARY)
    assert result.toast["type"] == "success"


async def test_who_is_no_superuser_any_more_adds_nothing(town, owned, superusers) -> None:
    import nonebot

    await owned("theirs", town.root)
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    nonebot.get_driver().config.superusers.discard(town.root.open_id(town.app))
    result = await town.click(town.root, form, "Submit", name="new", app_id="cli_x", app_secret=CANARY)
    assert result.toast["content"] == "You may not do this."
    assert await names(town) == ["desk", "theirs"]


async def test_a_form_can_be_cancelled(town) -> None:
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    await town.click(town.root, form, "Cancel")
    assert town.read(form).endswith("Cancelled.")
    assert town.buttons(form) == []


async def test_a_form_of_a_removed_connector_changes_no_other(town, owned) -> None:
    app = await owned("mine", town.root)
    await town.ask(town.root, "/feishu set mine")
    form = await town.form(town.root)
    await town.service.remove(town.bot.root, "mine")
    app = await owned("mine", town.root)
    result = await town.click(town.root, form, "Submit", app_id=app.app_id, app_secret=CANARY)
    assert "no longer valid" in result.toast["content"]
    kept = await town.service.get(town.bot.root, "mine")
    assert kept.spec.app_secret.get_secret_value() == app.app_secret


async def test_a_secret_is_found_nowhere(town, logged, tmp_path: Path) -> None:
    """Typed rightly, typed wrongly, and sent with a form that is no longer good."""
    app = town.world.add_app("New", app_secret=CANARY)
    await town.ask(town.root, "/feishu add")
    form = await town.form(town.root)
    typed = {"app_secret": CANARY, "verification_token": CANARY, "encrypt_key": CANARY}
    submit = next(one for one in town.buttons(form) if one["text"]["content"] == "Submit")
    await town.click(town.root, form, "Submit", name="Not Good", app_id=app.app_id, **typed)
    await town.click(town.root, form, "Submit", name="new", app_id=app.app_id, **typed)
    stale = {"tag": "button", "value": submit["behaviors"][0]["value"], "form_value": typed}
    await town.world.click(town.root, form.message_id, stale)
    await town.world.click(town.other, form.message_id, stale)
    # As a form would be whose button has no value of its own.
    await town.world.click(town.root, form.message_id, {"tag": "button", "form_value": typed})
    await town.click(town.root, form, "Verify")
    assert (await town.service.get(town.bot.root, "new")).verified_at is not None
    await town.settled()
    await town.bot.runtime.management.logbook.flush()

    assert any("card.action.trigger" in line or "CardActionEvent" in line for line in logged)
    assert not [line for line in logged if CANARY in line]
    assert not [m for m in town.world.messages.values() if CANARY in str(m.content)]
    dump, types = dumped(tmp_path)
    assert CANARY not in dump
    assert types == {"im.message.receive_v1"}


async def test_an_owner_cannot_choose_the_platform(town, owned) -> None:
    """A platform says who its senders are: one of their own could send a superuser's open_id."""
    await owned("theirs", town.owner)
    await town.ask(town.owner, "/feishu set theirs")
    form = await town.form(town.owner)
    assert "domain" not in fields(form, town)
    before = await town.service.get(town.bot.root, "theirs")
    typed = {"app_id": before.spec.app_id, "app_secret": CANARY, "domain": "http://127.0.0.1:1"}
    await town.click(town.owner, form, "Submit", **typed)
    assert (await town.service.get(town.bot.root, "theirs")).spec.domain is None
    said = await town.told(town.owner, "/feishu set theirs domain=http://127.0.0.1:1")
    assert said == "You may not do this."
    assert (await town.service.get(town.bot.root, "theirs")).spec.domain is None
    assert (await town.denials())[-1].detail["by"] == town.owner.open_id(town.app)
    said = await town.told(town.root, "/feishu set theirs domain=http://127.0.0.1:1")
    assert "Changed theirs: domain" in said
