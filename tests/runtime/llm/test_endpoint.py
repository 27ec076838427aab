"""A model behind a server: streams, tools, and everything a server can do wrong, as people and the log are told."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest
from model_server import Failure, ModelServer, Reply, serving
from office import Office, Open

from nonebot_plugin_feishu_ws.butler.llm import model_of
from nonebot_plugin_feishu_ws.config import ButlerLimits

TOKEN = "sk-canary-0123456789"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def office(server: ModelServer, open_office: Open) -> Office:
    model = model_of("scripted", base_url=server.url, token=TOKEN, seconds=20)
    return await open_office(model=model)


async def test_streamed_with_a_tool(server: ModelServer, office: Office, ran: list[str]) -> None:
    gate = asyncio.Event()
    server.script = [
        Reply(text=["Let me see."], calls=[("look", '{"where": "up"}')]),
        Reply(text=["It is ", "sunny up."], gate=gate),
    ]
    asked = await office.ask("weather?")
    half = await office.reply(asked, "It is")
    assert half.msg_type == "interactive"
    gate.set()
    await office.ended(asked, "Let me see.\n\nIt is sunny up.")
    assert ran == ["look up"]
    first, second = server.requests
    assert first["stream"] is True
    [tool] = [tool["function"] for tool in first["tools"] if tool["function"]["name"] == "look"]
    assert tool["parameters"]["properties"] == {"where": {"type": "string"}}
    assert tool["parameters"]["additionalProperties"] is False
    assert second["messages"][-1]["role"] == "tool"
    assert "it is sunny up" in second["messages"][-1]["content"]
    assert server.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert not [sent for sent in server.requests if TOKEN in json.dumps(sent)]
    assert not [sent for sent in server.requests if office.company.app.app_secret in json.dumps(sent)]


NOW = {"Retry-After": "0"}
FAULTS = {
    "bad key": ([Failure(401, "invalid_api_key", f"No: {TOKEN}")], "does not accept the configured key", "HTTP 401"),
    "no model": ([Failure(404, "model_not_found")], "does not have the configured model", "HTTP 404"),
    "busy": ([Failure(429, "rate_limit_exceeded", headers=NOW)] * 3, "too many requests now", "HTTP 429"),
    "quota": ([Failure(429, "insufficient_quota", headers=NOW)] * 3, "quota", "HTTP 429"),
    "down": ([Failure(503, headers=NOW)] * 3, "does not work now", "HTTP 503"),
    "refused": ([Failure(400, "invalid_request_error")], "refused this request", "HTTP 400"),
    "too long": ([Failure(400, "context_length_exceeded")], "more than the model takes", "HTTP 400"),
    "broken off": ([Reply(text=["Once upon "], cut=True)], "the answer is not complete", "Error"),
    "filtered": ([Reply(finish="content_filter")], "content filter", "ContentFilterError"),
    "declined": ([Reply(refusal="I cannot help with that.")], "declined to answer", "ContentFilterError"),
    "garbage": ([Reply(text=["Well "], raw=b"data: {not json}\n\n")], "the answer is not complete", ""),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_are_told_in_a_sentence(
    server: ModelServer, office: Office, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence for people; for the log the facts, never the key, which some servers repeat."""
    steps, words, facts = FAULTS[fault]
    server.script = list(steps)
    logging.getLogger("nonebot_plugin_feishu_ws").addHandler(caplog.handler)
    try:
        asked = await office.ask("hello")
        shown = await _either(office, asked, words.split("|"))
    finally:
        logging.getLogger("nonebot_plugin_feishu_ws").removeHandler(caplog.handler)
    assert facts in caplog.text
    if facts.startswith("HTTP"):
        assert "req_123" in caplog.text
    assert TOKEN not in caplog.text
    assert TOKEN not in json.dumps(shown.content)
    assert "Traceback" not in caplog.text
    assert server.script == []
    if fault == "broken off":
        assert "Once upon" in json.dumps(shown.content)


async def test_what_passes_is_tried_again(server: ModelServer, office: Office) -> None:
    """429 with Retry-After, then 500: the third try brings the answer; a fourth there is not (see "busy")."""
    server.script = [Failure(429, headers=NOW), Failure(500, headers=NOW), Reply(text=["Here I am."])]
    await office.ended(await office.ask("hello"), "Here I am.")
    assert len(server.requests) == 3


async def test_malformed_calls_are_put_right_by_the_model(
    server: ModelServer, office: Office, ran: list[str]
) -> None:
    server.script = [
        Reply(calls=[("look", '{"where": "up')]),
        Reply(calls=[("look", '["up"]')]),
        Reply(text=["I give up."]),
    ]
    await office.ended(await office.ask("weather?"), "I give up.")
    assert ran == []


async def test_a_server_that_dawdles_is_left(server: ModelServer, open_office: Open) -> None:
    model = model_of("scripted", base_url=server.url, token=None, seconds=20)
    office = await open_office(
        model=model,
        limits=ButlerLimits.model_construct(
            requests=20, tool_calls=5, tokens=10_000, seconds=0.3, daily_turns=5, daily_tokens=10_000
        ),
    )
    gate = asyncio.Event()
    server.script = [Reply(text=["Well, ", "never"], gate=gate)]
    asked = await office.ask("hello")
    ended = await office.ended(asked, "took too long")
    assert "Well," in json.dumps(ended.content)
    gate.set()


async def _either(office: Office, asked, words: list[str]):
    return await office.world.wait_for(
        lambda m: (
            m.parent_id == asked.message_id
            and any(word in json.dumps(m.content) for word in words)
            and "feishu_stop" not in json.dumps(m.content)
        ),
        timeout=15,
    )
