"""`replay`: events that were given up are seen, and handled after all by whoever is allowed to ask."""

import json
from datetime import timedelta
from typing import Any

from nonebot_plugin_feishu_ws.storage import EventRow, EventState, utc_now


async def given_up(counter: Any, app_id: str, *event_ids: str) -> None:
    async def work(session: Any) -> None:
        for number, event_id in enumerate(event_ids):
            session.add(
                EventRow(
                    connector=app_id,
                    event_id=event_id,
                    event_type="im.message.receive_v1",
                    chat_id="oc_1",
                    message_id=f"om_{event_id}",
                    payload=json.dumps({}).encode(),
                    state=EventState.DEAD,
                    attempts=5,
                    owner="gone",
                    received_at=utc_now() + timedelta(seconds=number),
                    error="the process died while it was handled",
                )
            )

    await counter.management.database.write(work)


async def states(counter: Any) -> dict[str, str]:
    from sqlmodel import select

    async with counter.management.database.session() as session:
        return {row.event_id: row.state.value for row in (await session.exec(select(EventRow))).all()}


async def test_none(make_counter: Any) -> None:
    counter = await make_counter()
    await counter.added("butler")
    answer = await counter.says("replay butler")
    assert (answer.text, answer.data, answer.failed) == ("No event was given up.", [], False)


async def test_what_was_given_up_is_listed_with_the_reason(make_counter: Any) -> None:
    counter = await make_counter()
    app = await counter.added("butler")
    await given_up(counter, app.app_id, "ev1", "ev2")
    answer = await counter.says("replay butler")
    assert [row[0] for row in answer.table.rows] == ["ev2", "ev1"]
    assert "the process died while it was handled" in answer.text
    assert "om_ev1" in answer.text
    assert "/feishu replay butler all" in answer.text


async def test_one_is_handled_after_all_and_the_others_stay(make_counter: Any) -> None:
    counter = await make_counter()
    app = await counter.added("butler")
    await given_up(counter, app.app_id, "ev1", "ev2")
    answer = await counter.says("replay butler ev1")
    assert answer.text == "1 event will be handled again within seconds."
    assert await states(counter) == {"ev1": "received", "ev2": "dead"}
    assert (await counter.says("replay butler ev1")).failed, "it is no dead letter any more"


async def test_all(make_counter: Any) -> None:
    counter = await make_counter()
    app = await counter.added("butler")
    await given_up(counter, app.app_id, "ev1", "ev2")
    assert (await counter.says("replay butler all")).data == {"replayed": 2}
    assert set((await states(counter)).values()) == {"received"}
    assert (await counter.says("replay butler all")).data == {"replayed": 0}


async def test_an_event_of_another_connector_is_none_of_its(make_counter: Any) -> None:
    counter = await make_counter()
    await counter.added("butler")
    other = await counter.added("clerk")
    await given_up(counter, other.app_id, "ev1")
    answer = await counter.says("replay butler ev1")
    assert answer.failed
    assert await states(counter) == {"ev1": "dead"}


async def test_somebody_else_is_told_of_no_such_connector_and_it_is_noted(make_counter: Any) -> None:
    counter = await make_counter()
    app = await counter.added("butler")
    await given_up(counter, app.app_id, "ev1")
    answer = await counter.says("replay butler all", who="ou_other", superuser=False)
    assert answer.failed
    assert "butler" in answer.text
    assert await states(counter) == {"ev1": "dead"}
    await counter.management.logbook.flush()
    page = await counter.management.logbook.read(limit=5)
    assert page.entries[0].detail["verb"] == "replay"


async def test_who_asked_is_noted(make_counter: Any) -> None:
    counter = await make_counter()
    app = await counter.added("butler")
    await given_up(counter, app.app_id, "ev1")
    await counter.says("replay butler ev1")
    await counter.management.logbook.flush()
    entry = (await counter.management.logbook.read(app.app_id, limit=1)).entries[0]
    assert entry.action == "ws_dead_letter"
    assert entry.detail == {"by": "root", "from": "shell", "replayed": 1, "event": "ev1"}
