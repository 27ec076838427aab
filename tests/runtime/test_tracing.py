"""Traces: one for each event, over receiving, handling, tools and calls, and nothing in them that was said."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from nonebot_plugin_feishu_ws.butler import tools
from nonebot_plugin_feishu_ws.telemetry import Kind, span, trace_id_of

CANARY = "canary-4711"
MESSAGE = "im.message.receive_v1"


@pytest.fixture
def parrot() -> Iterator[None]:
    @tools.tool("parrot")
    async def parrot(word: str) -> str:
        """Say it.

        Args:
            word: What.
        """
        if word == "fail":
            raise ValueError(CANARY)
        return word

    yield
    tools.remove("parrot")


@pytest.mark.usefixtures("parrot")
async def test_one_trace_for_an_event(company: Any, spans: list[ReadableSpan]) -> None:
    asked = await company.ask(f"parrot {CANARY}")
    await company.answer(asked)
    await company.runtime.drained()
    await company.runtime._outbox.drained()

    app_id, event_id = company.app.app_id, company.event_of(asked)
    mine = [one for one in spans if f"{one.context.trace_id:032x}" == trace_id_of(app_id, event_id)]
    by_name = {one.name: one for one in mine}
    reply = "POST im/v1/messages/:id/reply"
    assert {f"receive {MESSAGE}", f"handle {MESSAGE}", "execute_tool parrot", reply} <= by_name.keys()
    received, handled = by_name[f"receive {MESSAGE}"], by_name[f"handle {MESSAGE}"]
    assert received.parent is not None
    assert received.parent.is_remote, "the event itself is the root"
    assert handled.parent == received.parent
    assert by_name["execute_tool parrot"].parent.span_id == handled.context.span_id
    assert by_name[reply].attributes["feishu.code"] == "0"
    assert received.kind is trace.SpanKind.CONSUMER
    assert received.attributes["messaging.message.id"] == event_id
    assert received.attributes["messaging.system"] == "feishu"
    assert by_name["execute_tool parrot"].attributes["gen_ai.tool.name"] == "parrot"

    text = "".join(one.to_json() for one in spans)
    assert not [
        one for one in (CANARY, company.app.app_secret, company.alice.open_id(company.app)) if one in text
    ]


@pytest.mark.usefixtures("parrot")
async def test_a_failure_is_marked_without_its_words(company: Any, spans: list[ReadableSpan]) -> None:
    await company.told("parrot fail")
    (failed,) = [one for one in spans if one.name == "execute_tool parrot"]
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert failed.attributes["error.type"] == "ValueError"
    assert not failed.events
    assert CANARY not in failed.to_json()


def test_where_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from nonebot_plugin_feishu_ws.telemetry import about, tracing

    monkeypatch.setattr(tracing, "_api", lambda: None)
    with about("butler", "cli_a", "ev1"), span("x", Kind.CLIENT, a="b") as one:
        one.set_attribute("c", 1)
    with pytest.raises(ValueError, match="as it was"), span("x"):
        raise ValueError("as it was")


def test_trace_ids() -> None:
    """The same in every process; another for each event and each app."""
    ids = {trace_id_of("cli_a", "ev1"), trace_id_of("cli_a", "ev2"), trace_id_of("cli_b", "ev1")}
    assert len(ids) == 3
    assert all(len(one) == 32 and int(one, 16) for one in ids)
    assert trace_id_of("cli_a", "ev1") == trace_id_of("cli_a", "ev1")
