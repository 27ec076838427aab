"""A message's story: what the log and the inbox know of it, for those who may see it."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from nonebot_plugin_feishu_ws.delivery import (
    Accepted,
    Handling,
    LogAction,
    LogBook,
    LogLevel,
    Said,
    Screening,
    Story,
    Taker,
    why,
)
from nonebot_plugin_feishu_ws.filters import Reason
from nonebot_plugin_feishu_ws.storage import Database, EventState
from nonebot_plugin_feishu_ws.texts.doctor import WhyTexts

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
async def log(database: Database) -> AsyncIterator[LogBook]:
    log = LogBook(database, retry_first=0.01, now=lambda: AT)
    log.start()
    yield log
    await log.stop()


def english(story: Story) -> str:
    """The story; in Chinese it has as many lines."""
    lines = WhyTexts("en_US").story(story)
    assert len(lines) == len(WhyTexts("zh_CN").story(story))
    return "\n".join(lines)


def note(log: LogBook, action: LogAction, app: str = "cli_a", message: str = "om_1", **detail: Any) -> None:
    log.write(action, connector=app, name=f"name of {app}", event_id="ev1", message_id=message, detail=detail)


async def test_the_whole_story_in_order(
    database: Database, log: LogBook, make_inbox: Callable[..., Any], message: Callable[..., Any]
) -> None:
    inbox = await make_inbox(database, now=lambda: AT)
    taken = await inbox.accept(message(1))
    assert isinstance(taken, Accepted)
    note(log, LogAction.WS_ROUTED, admitted=True, trace=["stale=pass", "chat_not_allowed=skip"])
    note(log, LogAction.WS_FILTERED, reason="duplicate")
    note(log, LogAction.WS_OUTBOUND, sent="om_2", to=None, type="post", error=None)
    note(log, LogAction.WS_OUTBOUND, sent=None, to=None, type="text", error="no permission (code 230027)")
    note(
        log,
        LogAction.WS_ROUTED,
        matchers=[{"plugin": "weather", "error": None}, {"plugin": "jokes", "error": "KeyError"}],
    )
    inbox.done(taken.row_id)
    await inbox.flush()
    (story,) = await why(database, log, "om_1", ["cli_a", "cli_b"])
    assert (story.app_id, story.connector, story.message_id) == ("cli_a", "name of cli_a", "om_1")
    assert story.arrival is not None
    assert (story.arrival.state, story.arrival.received_at, story.arrival.attempts) == (
        EventState.DONE,
        AT,
        1,
    )
    assert story.chapters == (
        Screening(AT, "ev1", (("stale", "pass"), ("chat_not_allowed", "skip")), True, None),
        Screening(AT, "ev1", (), False, "duplicate"),
        Said(AT, "om_2", "post", None),
        Said(AT, None, "text", "no permission (code 230027)"),
        Handling(AT, "ev1", (Taker("weather", None), Taker("jokes", "KeyError"))),
    )
    said = english(story)
    for part in (
        "✓ stale – chat_not_allowed",
        "pushed it again",
        "Answered: om_2 (post)",
        "failed (text): no permission (code 230027)",
        "weather, jokes (failed: KeyError)",
        "finished",
    ):
        assert part in said
    assert "No plugin" not in said


async def test_only_connectors_the_reader_may_see(database: Database, log: LogBook) -> None:
    for app in ("cli_a", "cli_b", "cli_c"):
        note(log, LogAction.WS_FILTERED, app, reason="stale")
        note(log, LogAction.WS_FILTERED, app, "om_other", reason="stale")
    assert [story.app_id for story in await why(database, log, "om_1", ["cli_c", "cli_a"])] == [
        "cli_a",
        "cli_c",
    ]
    assert await why(database, log, "om_1", ["cli_x"]) == []
    assert await why(database, log, "om_1", []) == []
    assert await why(database, log, "om_unknown", ["cli_a"]) == []
    for locale in ("zh_CN", "en_US"):
        assert "om_unknown" in WhyTexts(locale).unknown("om_unknown")


async def test_stopped_for_all_or_only_not_meant_for_the_butler(database: Database, log: LogBook) -> None:
    note(log, LogAction.WS_FILTERED, admitted=False, trace=["stale=fail"], reason="stale")
    note(log, LogAction.WS_FILTERED, "cli_b", admitted=True, trace=["mine=error"], reason="mine")
    stopped, ignored = [english(story) for story in await why(database, log, "om_1", ["cli_a", "cli_b"])]
    assert "✗ stale" in stopped
    assert "Stopped: it is too old [stale]" in stopped
    assert "✗! mine" in ignored
    assert "Not for the Butler: mine; other plugins get it" in ignored


async def test_an_event_that_waits_has_no_line_yet(
    database: Database, log: LogBook, make_inbox: Callable[..., Any], message: Callable[..., Any]
) -> None:
    first = await make_inbox(database)
    await first.accept(message(1))
    await first.stop()
    second = await make_inbox(database)
    assert [left.attempts async for left in second.unfinished()] == [2]
    assert await why(database, log, "om_1", ["cli_b"]) == []  # not for the reader's eyes
    (story,) = await why(database, log, "om_1", ["cli_a"])
    assert (story.connector, story.chapters) == (None, ())
    assert "not finished yet, attempt 2" in english(story)


async def test_a_dead_letter_says_why(
    database: Database, log: LogBook, make_inbox: Callable[..., Any], message: Callable[..., Any]
) -> None:
    inbox = await make_inbox(database)
    inbox.dead((await inbox.accept(message(1))).row_id, "ValueError: odd")
    await inbox.flush()
    (story,) = await why(database, log, "om_1", ["cli_a"])
    assert story.arrival is not None
    assert (story.arrival.state, story.arrival.error) == (EventState.DEAD, "ValueError: odd")
    assert "given up: ValueError: odd" in english(story)


async def test_nobody_took_it(
    database: Database, log: LogBook, make_inbox: Callable[..., Any], message: Callable[..., Any]
) -> None:
    inbox = await make_inbox(database)
    row = (await inbox.accept(message(1))).row_id
    note(log, LogAction.WS_ROUTED, admitted=True, trace=[])
    (story,) = await why(database, log, "om_1", ["cli_a"])
    assert "No plugin's matcher took it" not in english(story)  # it may yet be
    inbox.done(row)
    await inbox.flush()
    (story,) = await why(database, log, "om_1", ["cli_a"])
    assert "No plugin's matcher took it" in english(story)


async def test_lines_of_an_earlier_version_and_of_other_kinds(database: Database, log: LogBook) -> None:
    note(log, LogAction.WS_ROUTED, trace=["stale=pass"])
    note(log, LogAction.WS_AUTH_CARD, card=1)
    log.write(LogAction.WS_DEAD_LETTER, level=LogLevel.ERROR, connector="cli_a", message_id="om_1")
    (story,) = await why(database, log, "om_1", ["cli_a"])
    assert story.chapters == (Screening(AT, "ev1", (("stale", "pass"),), True, None),)


async def test_reading_by_message_uses_the_index(sqlite_url: str) -> None:
    """On SQLite alone: PostgreSQL's planner prefers a scan while a table is small."""
    database = Database(sqlite_url)
    await database.start()
    async with database.session() as session:
        plan = await (await session.connection()).execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM feishu_ws_log WHERE message_id = 'x' AND connector IN ('a', 'b')"
            )
        )
        assert "message_id" in str(plan.all())
        plan = await (await session.connection()).execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM feishu_ws_event WHERE message_id = 'x' AND connector IN ('a', 'b')"
            )
        )
        assert "connector=? AND message_id=?" in str(plan.all())
    await database.close()


def test_every_reason_has_words() -> None:
    for locale in ("zh_CN", "en_US"):
        for reason in Reason:
            assert f"[{reason}]" in WhyTexts(locale).reason(reason)
        assert WhyTexts(locale).reason("mine") == "mine"
