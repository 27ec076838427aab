"""Webhook connectors: what must be set, what they need of the driver, and nonces."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlmodel import update

from nonebot_plugin_feishu_ws.connectors import ConnectorSpec, InvalidFields
from nonebot_plugin_feishu_ws.delivery import Nonces
from nonebot_plugin_feishu_ws.storage import Database, NonceRow, utc_now

SECRET = SecretStr("s")


def test_a_webhook_that_cannot_tell_feishu_from_others_is_refused() -> None:
    """faults.md, Webhook: token required."""
    values = {"name": "butler", "app_id": "cli_1", "app_secret": SECRET, "transport": "webhook"}
    with pytest.raises(ValidationError, match="webhook needs encrypt_key"):
        ConnectorSpec.model_validate(values)
    for key in ("encrypt_key", "verification_token"):
        assert ConnectorSpec.model_validate({**values, key: SECRET}).transport == "webhook"


async def test_the_last_of_its_keys_cannot_be_taken_away(management: Any, people: SimpleNamespace) -> None:
    values = {"name": "butler", "app_id": "cli_1", "app_secret": SECRET, "encrypt_key": SecretStr("k")}
    service = management.service
    await service.create(people.root, {**values, "transport": "webhook"})
    with pytest.raises(InvalidFields) as caught:
        await service.update(people.root, "butler", {"encrypt_key": ""})
    assert "transport" in caught.value.problems
    await service.update(people.root, "butler", {"encrypt_key": "", "verification_token": SecretStr("t")})
    assert (await service.get(people.root, "butler")).spec.transport == "webhook"


async def test_a_driver_that_serves_no_http(bot: Any) -> None:
    """Blocked, with what to set; a long connection works there."""
    app = await bot.add("butler", transport="webhook", verification_token=SecretStr("t"))
    reported = await bot.state(app, "blocked")
    assert reported.reason == "no_server"
    assert "DRIVER" in reported.error
    assert "~fastapi" in reported.error
    await bot.service.update(bot.root, "butler", {"transport": "ws"})
    await bot.connected(app)
    await bot.state(app, "connected")


async def test_a_nonce_is_taken_once(management: Any) -> None:
    """faults.md, Webhook: nonce store. By whoever asks first, of any number of processes; each app has its own."""
    one, other = Nonces(management.database), Nonces(management.database)
    taken = await asyncio.gather(*((one, other)[n % 2].take("cli_1", "n") for n in range(10)))
    assert sorted(taken) == [False] * 9 + [True]
    assert await one.take("cli_2", "n")


async def test_old_nonces_are_forgotten(management: Any) -> None:
    database: Database = management.database
    nonces = Nonces(database)
    for nonce in ("old", "new"):
        await nonces.take("cli_1", nonce)
    long_ago = update(NonceRow).where(NonceRow.nonce == "old").values(taken_at=utc_now() - timedelta(hours=1))
    await database.write(lambda session: session.exec(long_ago))
    await nonces.prune()
    assert [await nonces.take("cli_1", nonce) for nonce in ("old", "new")] == [True, False]
