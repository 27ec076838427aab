"""What only webhooks have: an address on the network, and whoever finds it (faults.md, Webhook)."""

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from feishu_sandbox import RequestFault

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def web(talking, house) -> Any:
    return talking(house, house.apps["webhook"])


async def post(url: str, body: Any = b"{}", headers: dict[str, str] | None = None) -> tuple[int, str]:
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=data, headers=headers or {}) as response,
    ):
        return response.status, await response.text()


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
async def test_who_is_there_is_told_to_nobody(house) -> None:
    """No such app, and one that has a long connection: the same answer."""
    nobody = await post(house.address(house.apps["ws"]).replace("cli_", "cli_x"))
    assert nobody == await post(house.address(house.apps["ws"]))
    assert nobody[0] == 404


SPOILED = {
    "bad_signature": [[403, 200]],
    "no_signature": [[403, 200]],
    "wrong_time": [[403, 200]],
    "oversized": [[413, 200], [200]],  # who is still sending may not hear the answer
    "replay": [[200, 403]],
}


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
async def test_strangers_are_sent_away(house, web) -> None:
    """faults.md, Webhook: no signature, a wrong one, a wrong time, a replay, a large body; none reaches the bot."""
    url = house.address(web.app)
    before = house.ledger()
    asked = await web.say("ping stranger")
    await web.answer(asked)
    envelope = web.delivery(asked).envelope
    plain = json.dumps(envelope).encode()
    assert (await post(url, plain))[0] == 403
    good = house.sandbox.posts.prepared(web.app, envelope)
    assert (await post(url, good.body))[0] == 403
    assert (await post(url, good.body + b" ", good.headers))[0] == 403
    assert [(await post(url, good.body, good.headers))[0] for _ in range(2)] == [200, 403]
    assert (await post(url, b"x" * (3 * 2**20)))[0] == 413
    assert (await post(url, pieces(3 * 2**20)))[0] == 413
    for how, expected in SPOILED.items():
        house.sandbox.faults.add(RequestFault(how=how, times=1, app_id=web.app.app_id))
        asked = await web.say(f"ping {how}")
        await web.answer(asked)
        assert [ack.code for ack in (await web.acked(asked)).acks] in expected
    heard = house.ledger() - before
    assert set(heard.values()) == {1}


async def pieces(size: int) -> Any:
    """A body whose size is not told."""
    for _ in range(0, size, 2**16):
        yield b"x" * 2**16


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
async def test_a_body_that_never_ends_is_not_waited_for(house, web) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.ports[0])
    head = f"POST /feishu/{web.app.app_id} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"
    writer.write(head.encode())
    async with asyncio.timeout(20):
        assert b"408" in await reader.readline()
    writer.close()


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
async def test_a_request_counts_once_whichever_replica_it_comes_to(house, web, second) -> None:
    """faults.md, Webhook: nonce store. A click, whose handler would run twice; and an event."""
    first, other = (house.address(web.app, port) for port in house.ports)
    before = house.ledger()["toast"]
    for action in (web.world.click(house.alice, web.card().message_id, button()), web.say("ping twice")):
        answers: list[Any] = []
        answered = asyncio.Event()

        async def copied(
            app: Any, envelope: Any, within: float, answers: list[Any] = answers, answered: Any = answered
        ) -> list[Any]:
            prepared = house.sandbox.posts.prepared(app, envelope)
            both = [house.sandbox.posts._send(url, prepared, 5) for url in (first, other)]
            answers += await asyncio.gather(*both)
            answered.set()
            return [next(one for one in answers if one.status == 200)]

        house.sandbox.posts.send, kept = copied, house.sandbox.posts.send
        try:
            await action
            await web.settled()
            async with asyncio.timeout(30):
                await answered.wait()
        finally:
            house.sandbox.posts.send = kept
        assert sorted(one.status for one in answers[:2]) == [200, 403]
    assert house.ledger()["toast"] == before + 1
    assert house.ledger()["ping twice"] == 1


def button() -> dict[str, Any]:
    return {"tag": "button", "value": {"action": "toast"}}


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
async def test_from_one_way_to_the_other_and_back_nothing_is_lost(house, talking) -> None:
    """Whenever Feishu is told, before or after us; what comes by both ways is taken once."""
    app = await house.connector("ws", name="turning")
    turning, service = talking(house, app), house.management.service
    hub, posts = house.sandbox.hub, house.sandbox.posts
    said = [await turning.say("ping, a long connection")]
    await service.update(house.root, "turning", {"transport": "webhook"})
    await state(house, app, lambda one: one.wanted == 0 and one.state == "connected")
    said.append(await turning.say("ping, Feishu does not know yet"))
    await turning.answer(said[-1])
    await hub.wait_connected(app)  # still
    await posts.save_url(app, house.address(app))
    said.append(await turning.say("ping, by webhook"))
    await turning.answer(said[-1])
    await hub.wait_disconnected(app, timeout=20)
    delivery = turning.delivery(said[-1])
    await service.update(house.root, "turning", {"transport": "ws"})
    (connection,) = await hub.wait_connected(app, timeout=20)
    said.append(await turning.say("ping, still by webhook"))
    await turning.answer(said[-1])
    for frame in hub._frames(delivery, connection, "event"):  # once more, by the other way
        delivery.pushes.append(connection.conn_id)
        await connection.send_frame(frame)
    await hub.wait_ack(delivery.event_id, 2, timeout=20)
    assert (await post(house.address(app)))[0] == 404  # the new way has brought something
    await posts.save_url(app, None)
    said.append(await turning.say("ping, a long connection again"))
    for asked in said:
        await turning.answer(asked)
        assert len(turning.answers(asked)) == 1
        assert house.ledger()[asked.text] == 1
    await service.remove(house.root, "turning")


async def state(house: Any, app: Any, true: Any) -> Any:
    """What the bot says of an app's connector, once that is so."""
    async with asyncio.timeout(20):
        while True:
            reported = (await house.management.statuses.all()).get(app.app_id)
            if reported is not None and true(reported):
                return reported
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
async def test_state_disconnect_connect_disable(house, talking) -> None:
    """As of a long connection; while it is not connected nobody is at its address."""
    app = await house.connector("webhook", name="listening")
    service, url = house.management.service, house.address(app)
    await state(
        house, app, lambda one: one.state == "connected" and one.last_heartbeat and not one.last_event_at
    )
    await talking(house, app).settled()
    await state(house, app, lambda one: one.last_event_at and one.connected_at and one.connections == 0)
    await post(url)
    refused = await state(house, app, lambda one: one.error)
    assert (refused.state, refused.reason) == ("connected", "request_refused")
    await service.set_connected(house.root, "listening", False)
    await state(house, app, lambda one: one.held and one.state == "disconnected")
    assert (await post(url))[0] == 404
    await service.set_connected(house.root, "listening", True)
    await state(house, app, lambda one: one.state == "connected")
    assert (await post(url))[0] == 403
    await service.set_enabled(house.root, "listening", False)
    await state(house, app, lambda one: one.state == "disconnected")
    assert (await post(url))[0] == 404
    await service.remove(house.root, "listening")


async def test_secrets_are_nowhere_but_in_the_vault(house, web) -> None:
    """faults.md, Redaction and At rest: not in the output at DEBUG level, not in the database."""
    await web.settled()
    secrets = [web.app.encrypt_key, web.app.verification_token, web.app.app_secret]
    seen = "".join("".join(bot.output) for bot in house.bots)
    if house.kind == "sqlite":
        files = [file.read_bytes() for file in house.where.glob("feishu.sqlite3*")]
        seen += b"".join(files).decode("latin-1")
    else:
        from sqlalchemy import text

        async with house.management.database.session() as session:
            for table in ("connector", "event", "log", "nonce", "outbox", "link"):
                rows = await (await session.connection()).execute(text(f"SELECT * FROM feishu_ws_{table}"))
                seen += "".join(map(str, rows.all()))
    assert len(seen) > 10_000
    assert [secret for secret in secrets if secret in seen] == []
