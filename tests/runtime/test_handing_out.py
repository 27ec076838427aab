"""From a frame's bytes to what is stored and handed out: without its token, screened before an event is made of it, and
at once where nothing has to be waited for."""

import gc
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.adapter import Reading, event_of
from nonebot_plugin_feishu_ws.gateway import Inbound
from nonebot_plugin_feishu_ws.runtime import spare_what_is_loaded
from nonebot_plugin_feishu_ws.runtime.intake import Envelope

TOKENS = st.text(min_size=1, max_size=8) | st.sampled_from(["token", "a1b2", "event_id", '"', "\\u0061"])
SAID = st.text(max_size=20) | st.sampled_from(["token", '"token":"a1b2"', "a1b2", "你好\ud800"])


def stored(raw: bytes) -> bytes:
    envelope = Envelope.of(json.loads(raw), Inbound("event", raw, "m1", "t1"))
    return envelope.stored(envelope.take_token())


def without_token(payload: dict[str, Any]) -> dict[str, Any]:
    return {**payload, "header": {key: payload["header"][key] for key in payload["header"] if key != "token"}}


@given(
    token=TOKENS,
    said=SAID,
    named=st.sampled_from(["text", "token"]),
    compact=st.booleans(),
    escaped=st.booleans(),
)
def test_what_is_stored_is_what_came_without_its_token(
    token: str, said: str, named: str, compact: bool, escaped: bool
) -> None:
    payload = {
        "schema": "2.0",
        "header": {"event_id": "e1", "token": token, "event_type": "im.message.receive_v1"},
        "event": {"message": {"content": json.dumps({named: said}), named: said}},
    }
    separators = (",", ":") if compact else None
    raw = json.dumps(payload, separators=separators, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    kept = json.loads(stored(raw))
    assert kept["header"].pop("token", "") == ""
    assert kept == without_token(payload)


def test_what_came_is_not_written_anew() -> None:
    raw = b'{"schema":"2.0","header":{"token":"a1b2","event_id":"e1"},"event":{"n":1.0}}'
    assert stored(raw) == raw.replace(b"a1b2", b"")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"header":{"token": "secret-1","event_id":"e1"}}',
        b'{"header":{"\\u0074oken":"secret-1","event_id":"e1"}}',
        b'{"header":{"token":"secret-1","token":"secret-1","event_id":"e1"}}',
        '{"header":{"token":"secret-1","event_id":"e1"}}'.encode("utf-16"),
        '{"header":{"token":"secret-1","event_id":"e1"}}'.encode("utf-16-le"),
        b'{"uuid":"e1","token":"secret-1","event":{}}',
    ],
)
def test_no_way_of_writing_it_keeps_a_token(raw: bytes) -> None:
    assert b"secret-1" not in stored(raw)
    assert "secret-1" not in stored(raw).decode()


def test_ids_are_found_in_what_is_stored_however_they_were_written() -> None:
    raw = b'{"schema":"2.0","header":{"event_id":"e1"},"event":{"user_id":"\\u5f20\\u4e09"}}'
    assert '"张三"' in stored(raw).decode()


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[1] / "adapter" / "payloads").rglob("*.json")),
    ids=lambda path: path.stem,
)
def test_a_reading_says_what_its_event_says(path: Path) -> None:
    payload = json.loads(path.read_text("utf-8"))
    reading = Reading(payload, app_id="cli_1")
    event = event_of(reading)
    assert reading.event_id == event.event_id
    assert (reading.message_id or None) == (event.message_id or None)
    assert (reading.chat_id or None) == (event.chat_id or None)
    assert (reading.created_at or event.received_at) == event.created_at
    if reading.kind == "message":
        assert event.get_message() is reading.message
        assert event.get_message() == event.original_message


async def test_a_filtered_message_is_logged_as_ever_and_takes_no_task(connect: Any, monkeypatch: Any) -> None:
    company = await connect(user_whitelist=["ou_somebody"])
    await company.acked(await company.ask("first"))
    await company.runtime.drained()
    begun: list[object] = []
    spawn = company.runtime._dispatcher._spawn
    monkeypatch.setattr(
        company.runtime._dispatcher, "_spawn", lambda *args: begun.append(args) or spawn(*args)
    )
    asked = await company.ask("help")
    assert await company.acked(asked) == 200
    await company.runtime.drained()
    assert begun == []
    row = (await company.logged("ws_filtered"))[-1]
    assert (row.message_id, row.event_id) == (asked.message_id, company.event_of(asked))
    assert row.detail == {
        "admitted": False,
        "reason": "user_not_allowed",
        "trace": [
            "connector_disabled=pass",
            "token_mismatch=skip",
            "duplicate=pass",
            "stale=pass",
            "own_message=pass",
            "bot_message=pass",
            "dm_not_allowed=pass",
            "group_not_allowed=skip",
            "chat_not_allowed=skip",
            "user_not_allowed=fail",
        ],
    }


def test_the_collector_has_room_and_stays_as_somebody_set_it() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        spare_what_is_loaded()
        assert gc.get_threshold() == (50_000, 10, 10)
        for chosen in ((0, 10, 10), (100_000, 5, 5)):
            gc.set_threshold(*chosen)
            spare_what_is_loaded()
            assert gc.get_threshold() == chosen
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
