"""Random lives of an inbox against a model: accepted exactly when no key is known, replayed what is left."""

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.delivery import Accepted, Duplicate, Inbox, Incoming
from nonebot_plugin_feishu_ws.storage import Database

MESSAGE, REACTION = "im.message.receive_v1", "im.message.reaction.created_v1"
few = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("push"), few, few, st.sampled_from([MESSAGE, REACTION]), st.booleans()),
    st.tuples(st.just("done"), few),
    st.tuples(st.just("dead"), few),
    st.tuples(st.just("crash")),
)
_examples = itertools.count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=25))
async def test_random_lives(database: Database, make_inbox: Callable[..., Inbox], life: list[Any]) -> None:
    app = f"cli_{next(_examples)}"  # the database is shared by the examples, the keys are not
    inbox = make_inbox(database)
    event_keys: set[str] = set()
    message_keys: set[str] = set()
    open_rows: dict[int, str] = {}
    for step in life:
        match step:
            case ("push", event, message, kind, with_message):
                event_id, message_id = f"ev{event}", f"om{message}" if with_message else None
                key = message_id if kind == MESSAGE else None
                answer = await inbox.accept(Incoming(app, event_id, kind, b"{}", message_id))
                if event_id in event_keys or (key and key in message_keys):
                    assert answer == Duplicate()
                else:
                    assert isinstance(answer, Accepted)
                    open_rows[answer.row_id] = event_id
                    event_keys.add(event_id)
                    message_keys |= {key} if key else set()
            case ("done" | "dead" as how, number):
                if number < len(open_rows):
                    row_id = sorted(open_rows)[number]
                    del open_rows[row_id]
                    inbox.done(row_id) if how == "done" else inbox.dead(row_id, "why")
                    await inbox.flush()
            case _:
                inbox = make_inbox(database)
                left = [event async for event in inbox.unfinished() if event.incoming.app_id == app]
                assert {event.row_id: event.incoming.event_id for event in left} == open_rows
                assert [event.row_id for event in left] == sorted(open_rows)
    await inbox.stop()
