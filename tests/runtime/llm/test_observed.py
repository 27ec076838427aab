"""What metrics and traces tell of a model, and what they do not."""

from typing import Any

from office import Open, calls, says
from opentelemetry.sdk.trace import ReadableSpan
from pydantic_ai import ModelMessage

from nonebot_plugin_feishu_ws.config import ButlerLimits
from nonebot_plugin_feishu_ws.telemetry import trace_id_of

CANARY = "canary-4711"


async def test_an_answer_with_a_tool(open_office: Open, ran: list[str], spans: list[ReadableSpan]) -> None:
    """One trace: the model's answer in the handling of the event, the tool in the model's answer."""
    office = await open_office(calls(("look", {"where": CANARY})), says(f"Sunny in {CANARY}!"))
    asked = await office.ask(f"weather in {CANARY}?")
    await office.ended(asked, "Sunny")
    await office.company.runtime.drained()
    assert ran == [f"look {CANARY}"]

    app_id, event_id = office.company.app.app_id, office.company.event_of(asked)
    mine = [one for one in spans if f"{one.context.trace_id:032x}" == trace_id_of(app_id, event_id)]
    by_name = {one.name.partition(" ")[0]: one for one in mine}
    chat, tool, handled = by_name["chat"], by_name["execute_tool"], by_name["handle"]
    assert tool.parent.span_id == chat.context.span_id
    assert chat.parent.span_id == handled.context.span_id
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.usage.output_tokens"] > 0
    assert CANARY not in "".join(one.to_json() for one in spans)

    use = office.brain.use
    assert (use.turns["answered"], use.requests["sent"]) == (1, 2)
    assert use.tokens["input"] == chat.attributes["gen_ai.usage.input_tokens"]
    assert use.tokens["output"] == chat.attributes["gen_ai.usage.output_tokens"]


async def test_how_answers_end(open_office: Open, ran: list[str]) -> None:
    async def broken(_: list[ModelMessage]) -> Any:
        raise RuntimeError(CANARY)
        yield

    office = await open_office(
        calls(("deploy", {"service": "x"})),
        broken,
        says("word " * 1500),
        limits=ButlerLimits(daily_tokens=1000),
    )
    await office.approval(await office.ask("deploy x"))
    await office.reply(await office.ask("break"), "")
    await office.ended(await office.ask("talk"), "word")
    await office.reply(await office.ask("more"), "You have used up")
    await office.company.runtime.drained()
    turns = dict(office.brain.use.turns)
    assert turns == {("waiting",): 1, ("failed",): 1, ("answered",): 1, ("spent",): 1}
