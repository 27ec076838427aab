"""One person's data: exported in full, and then nowhere any more."""

import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.runtime.people import InHand, StillNamed, find, forget
from nonebot_plugin_feishu_ws.storage import (
    ApprovalCardRow,
    ApprovalRow,
    ApprovalState,
    Base,
    ConversationRow,
    Database,
    DatabaseUnavailable,
    EventRow,
    EventState,
    LogRow,
    MergedRow,
    OutboxRow,
    OutboxState,
    RunRow,
    RunState,
    SessionOrigin,
    SessionRow,
    SpendingRow,
    TurnRow,
    utc_now,
)

CANARY = "canary-4711"
OPEN, OTHER_OPEN = "ou_canary4711aaaaaaaa", "ou_canary4711bbbbbbbb"  # of two apps
UNION, USER = "on_canary4711cccccccc", "canary-user"
DIRECT, GROUP = "oc_canary4711dddddddd", "oc_everybody00000000"
BOB = "ou_bob0000000000000000"


def message(
    number: int, ids: dict[str, str], text: str, chat: str = GROUP, *, app: str = "cli_a", mentions: Any = ()
) -> EventRow:
    said = {
        "message_id": f"om_{number}",
        "chat_id": chat,
        "chat_type": "p2p" if chat == DIRECT else "group",
        "content": json.dumps({"text": text}),
        "mentions": list(mentions),
    }
    event = {"header": {"event_id": f"ev{number}"}, "event": {"sender": {"sender_id": ids}, "message": said}}
    return EventRow(
        connector=app,
        event_id=f"ev{number}",
        message_id=f"om_{number}",
        event_type="im.message.receive_v1",
        chat_id=chat,
        payload=json.dumps(event).encode(),
        state=EventState.DONE,
        owner="",
    )


def approval(number: int, event: int, **more: Any) -> ApprovalRow:
    values: dict[str, Any] = {
        "asked_by": BOB,
        "arguments": "{}",
        "state": ApprovalState.DONE,
        "finished_at": utc_now(),
        "message_id": f"om_{event}",
        **more,
    }
    return ApprovalRow(
        id=f"approval{number}",
        connector="cli_a",
        chat_id=GROUP,
        event_id=f"ev{event}",
        tool="deploy",
        arguments_hash="0f",
        nonce="n",
        expires_at=utc_now(),
        **values,
    )


def outgoing(
    number: int, event: int, content: str, state: OutboxState = OutboxState.SENT, chat: str = DIRECT
) -> OutboxRow:
    return OutboxRow(
        connector="cli_a",
        uuid=f"uuid{number}",
        event_id=f"ev{event}",
        msg_type="text",
        content=content,
        receive_id=chat,
        state=state,
        owner="",
    )


def everything() -> list[Base]:
    """What one person leaves behind, and Bob beside them. Every text of theirs holds the canary."""
    alice = {"open_id": OPEN, "union_id": UNION, "user_id": USER}
    at_alice = {"key": "@_user_1", "id": alice, "name": CANARY}
    return [
        message(1, alice, f"my secret is {CANARY}", DIRECT),
        message(2, alice, CANARY),
        message(
            3, {"open_id": BOB, "union_id": "on_bob000000000000", "user_id": "bob"}, "hi", mentions=[at_alice]
        ),
        message(4, {"open_id": OTHER_OPEN, "union_id": UNION, "user_id": USER}, CANARY, app="cli_b"),
        message(5, {"open_id": BOB}, "nobody is meant"),
        outgoing(1, 1, json.dumps({"text": f"you said {CANARY}"})),
        outgoing(2, 5, json.dumps({"text": "hello Bob"}), chat=GROUP),
        approval(1, 2, asked_by=OPEN, arguments=json.dumps({"what": CANARY}), reason=CANARY, result=CANARY),
        approval(2, 5, decided_by=OPEN, arguments=json.dumps({"where": "here"})),
        ApprovalCardRow(approval_id="approval2", receive_id=OPEN),
        ConversationRow(
            connector="cli_a", chat_id=DIRECT, messages=json.dumps([{"content": CANARY}]), people=[OPEN]
        ),
        ConversationRow(
            connector="cli_a", chat_id=GROUP, summary=f"somebody said {CANARY}", people=[BOB, OPEN]
        ),
        ConversationRow(connector="cli_a", chat_id="oc_bobs", messages='["hello"]', people=[BOB]),
        RunRow(
            connector="cli_a",
            event_id="ev2",
            chat_id=GROUP,
            state=RunState.DONE,
            owner="",
            messages=json.dumps([CANARY]),
        ),
        MergedRow(connector="cli_a", event_id="ev1", turn="ev2", position=0, text=CANARY),
        SpendingRow(connector="cli_a", open_id=OPEN, day="2026-11-20", turns=3, tokens=5),
        SpendingRow(connector="cli_a", open_id=BOB, day="2026-11-20", turns=1, tokens=2),
        SessionRow(id="hash", origin=SessionOrigin.CHAT, who=OPEN, app_id="cli_a"),
        LogRow(
            level="error",
            action="ws_outbound",
            connector="cli_a",
            message_id="om_1",
            detail={"error": CANARY},
        ),
        LogRow(
            level="info",
            action="update_connector",
            connector="cli_a",
            detail={"by": OPEN, "fields": ["name"]},
        ),
        LogRow(
            level="info", action="ws_routed", connector="cli_a", event_id="ev5", message_id="om_5", detail={}
        ),
    ]


Fill = Callable[..., Awaitable[None]]


@pytest.fixture
def fill() -> Fill:
    async def fill(database: Database, *rows: Base) -> None:
        async def work(session: AsyncSession) -> None:
            session.add_all(rows)

        await database.write(work)

    return fill


async def dump(database: Database) -> str:
    """Every value of every table; of SQLite every byte of its files, too."""
    from sqlalchemy import text

    parts: list[str] = []
    async with database.session() as session:
        connection = await session.connection()
        for table in Base.metadata.sorted_tables:
            rows = (await connection.execute(text(f"SELECT * FROM {table.name}"))).all()
            parts += [repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)) for row in rows]
    if database.path is not None:
        files = database.path.parent.glob(f"{database.path.name}*")
        parts += [file.read_bytes().decode("latin-1") for file in files]
    return "\n".join(parts)


async def test_export(management: Any, people: Any, fill: Fill) -> None:
    await fill(management.database, *everything())
    lines = [json.loads(line) for line in await management.export_user(people.shell, [USER])]
    who, *rows = lines
    assert who["person"]["ids"] == sorted([OPEN, OTHER_OPEN, UNION, USER])
    assert who["person"]["direct_chats"] == [DIRECT]
    tables = sorted(row["table"].removeprefix("feishu_ws_") for row in rows)
    assert tables == sorted(
        ["event"] * 3
        + ["outbox"]
        + ["approval"] * 2
        + ["approvalcard", "run", "merged", "spending", "session"]
        + ["conversation"] * 2
        + ["log"] * 2
    )
    said = [
        row["row"]["payload"]["event"]["message"]["content"]
        for row in rows
        if row["table"] == "feishu_ws_event"
    ]
    assert f"my secret is {CANARY}" in "".join(said)
    (group,) = [
        r["row"] for r in rows if r["table"] == "feishu_ws_conversation" and r["row"]["chat_id"] == GROUP
    ]
    assert "summary" not in group, "others have spoken there"
    assert not any({"nonce", "proof", "arguments_hash"} & row["row"].keys() for row in rows)
    assert "hello Bob" not in json.dumps(lines)


@pytest.mark.parametrize("known_as", [OPEN, OTHER_OPEN, UNION, USER])
async def test_forget(management: Any, people: Any, fill: Fill, rows_of: Any, known_as: str) -> None:
    database = management.database
    await fill(database, *everything())
    assert CANARY in await dump(database)

    counted = await management.forget_user(people.shell, [known_as], really=False)
    assert CANARY in await dump(database), "only counted"
    done = await management.forget_user(people.shell, [known_as], really=True)
    assert (counted.changed, counted.deleted) == (done.changed, done.deleted)

    await management.logbook.flush()
    after = await dump(database)
    for trace in (CANARY, OPEN, OTHER_OPEN, UNION, DIRECT, f'"{USER}"', f"'{USER}'"):
        assert trace not in after, trace

    async with database.session() as session:
        told = await session.get(ApprovalRow, "approval2")
        asked = await session.get(ApprovalRow, "approval1")
        assert (told.decided_by, told.state, told.arguments) == (
            done.alias,
            ApprovalState.DONE,
            '{"where": "here"}',
        )
        assert (asked.asked_by, asked.state, asked.tool) == (done.alias, ApprovalState.DONE, "deploy")
    for rest in (BOB, "hello Bob", "nobody is meant", "oc_bobs", "ev1", "om_1"):
        assert rest in after, f"{rest} is others', or a key"
    actions = {row.action: row for row in await rows_of(management)}
    assert actions["update_connector"].detail["by"] == done.alias
    assert actions["forget_user"].detail["as"] == done.alias
    assert actions["ws_routed"].message_id == "om_5"
    again = await management.forget_user(people.shell, [known_as], really=True)
    assert not again.changed
    assert not again.deleted


@pytest.mark.parametrize(
    "unfinished",
    [
        lambda: message(9, {"open_id": OPEN}, "later"),
        lambda: outgoing(9, 1, "{}", OutboxState.QUEUED),
        lambda: approval(9, 1, asked_by=OPEN, finished_at=None, state=ApprovalState.PENDING),
        lambda: RunRow(connector="cli_a", event_id="ev1", chat_id=DIRECT, state=RunState.WAITING, owner=""),
    ],
    ids=["event", "message", "approval", "run"],
)
async def test_what_is_in_hand_is_not_touched(
    management: Any, people: Any, fill: Fill, unfinished: Callable[[], Any]
) -> None:
    row = unfinished()
    if isinstance(row, EventRow):
        row.state = EventState.RECEIVED
    await fill(management.database, *everything(), row)
    before = await dump(management.database)
    with pytest.raises(InHand) as refused:
        await management.forget_user(people.shell, [OPEN], really=True)
    assert sum(refused.value.counts.values()) == 1
    assert await dump(management.database) == before


async def test_interrupted_it_is_finished_by_the_next(
    management: Any, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it ends: what tells which rows are theirs goes last."""
    database = management.database
    await fill(database, *everything())
    write, allowed, tries = database.write, 0, 0

    async def limited(work: Any) -> Any:
        nonlocal allowed
        if allowed == 0:
            raise DatabaseUnavailable("gone")
        allowed -= 1
        return await write(work)

    monkeypatch.setattr(database, "write", limited)
    finished = False
    while not finished:
        tries += 1
        allowed = tries
        with contextlib.suppress(DatabaseUnavailable):
            await forget(database, await find(database, [OPEN]))
            finished = True
    assert tries > 3
    monkeypatch.undo()
    assert CANARY not in await dump(database)


async def test_what_was_given_up_is_not_in_hand(management: Any, people: Any, fill: Fill) -> None:
    """Of a connector that was removed nothing is ever finished; and it must not be begun again later."""
    event = message(9, {"open_id": OPEN}, CANARY)
    event.state = EventState.RECEIVED
    left = [
        event,
        outgoing(9, 9, json.dumps({"text": CANARY}), OutboxState.QUEUED),
        approval(9, 9, asked_by=OPEN, reason=CANARY, finished_at=None, state=ApprovalState.PENDING),
        RunRow(
            connector="cli_a", event_id="ev9", chat_id=GROUP, state=RunState.WAITING, owner="", answer=CANARY
        ),
        TurnRow(connector="cli_a", event_id="ev9", chat_id=GROUP, owner=""),
    ]
    for row in left:
        setattr(
            row, "received_at" if isinstance(row, EventRow) else "created_at", utc_now() - timedelta(days=3)
        )
    await fill(management.database, *left)
    done = await management.forget_user(people.shell, [OPEN], really=True)
    assert sum(done.changed.values()) == 3
    assert sum(done.deleted.values()) == 2
    after = await dump(management.database)
    assert CANARY not in after
    assert OPEN not in after
    async with management.database.session() as session:
        states = [
            (await session.exec(select(table.state))).all() for table in (EventRow, OutboxRow, ApprovalRow)
        ]
    assert states == [[EventState.DONE], [OutboxState.FAILED], [ApprovalState.EXPIRED]]


async def test_whoever_a_connector_names_is_named_there_first(
    management: Any, people: Any, fill: Fill, fields_of: Any, feishu_sandbox: Any
) -> None:
    """To empty a list of people would open the connector to everybody; to take an owner away would lock them out."""
    app = feishu_sandbox.world.add_app("Butler")
    await management.service.create(people.root, fields_of(app, user_whitelist=[UNION], approvers=[OPEN]))
    await fill(management.database, message(1, {"open_id": OPEN, "union_id": UNION}, CANARY))
    with pytest.raises(StillNamed) as refused:
        await management.forget_user(people.shell, [OPEN], really=True)
    assert {name: sorted(fields) for name, fields in refused.value.connectors.items()} == {
        "butler": ["approvers", "user_whitelist"]
    }
    lines = await management.export_user(people.shell, [OPEN])
    assert json.loads(lines[-1])["row"]["name"] == "butler"
    assert app.app_secret not in "".join(lines)


async def test_a_word_that_is_an_id_is_no_id_elsewhere(management: Any, people: Any, fill: Fill) -> None:
    """A user_id may be any word."""
    await fill(
        management.database,
        message(1, {"open_id": OPEN, "user_id": "admin"}, "hello"),
        message(2, {"open_id": BOB, "user_id": "bob1"}, "ask the admin"),
        ConversationRow(connector="cli_a", chat_id="oc_bobs", messages='["the admin"]', people=[BOB]),
        LogRow(
            level="info", action="ws_connected", connector="cli_a", name="admin", detail={"state": "admin"}
        ),
    )
    done = await management.forget_user(people.shell, ["admin"], really=True)
    assert (done.changed, done.deleted) == ({"feishu_ws_event": 1}, {})
    after = await dump(management.database)
    assert "ask the admin" in after
    assert "the admin" in after.split("oc_bobs", 1)[1]
    assert f'"{OPEN}"' not in after


async def test_many_rows(management: Any, people: Any, fill: Fill) -> None:
    """More than a page of each, with keys of several columns."""
    day = utc_now().date()
    days = [str(day - timedelta(days=number)) for number in range(700)]
    await fill(
        management.database,
        *(message(n, {"open_id": OPEN if n % 2 else BOB}, "x") for n in range(700)),
        *(SpendingRow(connector="cli_a", open_id=OPEN, day=day) for day in days),
        *(SpendingRow(connector="cli_a", open_id=BOB, day=day) for day in days),
    )
    person = await find(management.database, [OPEN])
    assert len(person.events) == 350
    done = await management.forget_user(people.shell, [OPEN], really=True)
    assert done.changed == {"feishu_ws_event": 350}
    assert done.deleted == {"feishu_ws_spending": 700}


def test_sqlite_can_be_read_by_others(tmp_path: Path) -> None:
    """The dump above reads what is there: a canary that was planted is found in the bytes."""
    with sqlite3.connect(tmp_path / "x") as connection:
        connection.execute("CREATE TABLE t (v TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (CANARY,))
    connection.close()
    assert CANARY.encode() in (tmp_path / "x").read_bytes()
