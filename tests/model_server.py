"""A server that speaks OpenAI's chat completions as the real ones do: streamed, with usage, tools and faults.

Source: https://platform.openai.com/docs/api-reference/chat-streaming; judged by the official client in
`tests/butler/llm/test_server.py`.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Reply:
    """One answer, as it is streamed.

    Parameters:
        text: pieces.
        calls: tools, as (name, arguments): the arguments are cut into pieces, too.
        finish: reason.
        refusal: what a model says that declines, in place of a text.
        cut: break the connection off in place of the end.
        gate: waited for before the last piece.
        raw: sent in place of the end, as it is.
    """

    text: Sequence[str] = ()
    calls: Sequence[tuple[str, str]] = ()
    finish: str = ""
    refusal: str = ""
    cut: bool = False
    gate: asyncio.Event | None = None
    raw: bytes | None = None


@dataclass
class Failure:
    """An answer that is none."""

    status: int
    code: str = ""
    message: str = "no"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ModelServer:
    """Answers with a script, and keeps what it was sent."""

    url: str = ""
    script: list[Reply | Failure] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        step = self.script.pop(0)
        if isinstance(step, Failure):
            error = {"message": step.message, "type": "error", "param": None, "code": step.code or None}
            headers = {"x-request-id": "req_123", **step.headers}
            return web.json_response({"error": error}, status=step.status, headers=headers)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "x-request-id": "req_1"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self._stream(request, response, step, body)
        return response

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, step: Reply, body: dict[str, Any]
    ) -> None:
        async def send(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> None:
            choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
            chunk = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1700000000,
                "model": body["model"],
                "choices": choices,
                **more,
            }
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

        await send({"role": "assistant", "content": ""})
        if step.refusal:
            await send({"refusal": step.refusal})
        for number, piece in enumerate(step.text):
            if step.gate is not None and number == len(step.text) - 1:
                await step.gate.wait()
            await send({"content": piece})
        for index, (name, arguments) in enumerate(step.calls):
            function = {"name": name, "arguments": ""}
            start = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
            await send({"tool_calls": [start]})
            half = len(arguments) // 2
            for piece in (arguments[:half], arguments[half:]):
                await send({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        if step.cut:
            assert request.transport is not None
            request.transport.abort()
            return
        if step.raw is not None:
            await response.write(step.raw)
            return
        await send({}, step.finish or ("tool_calls" if step.calls else "stop"))
        if body.get("stream_options", {}).get("include_usage"):
            await send(None, usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
        await response.write(b"data: [DONE]\n\n")


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[ModelServer]:
    """A server on a port of its own; its base URL is `url`."""
    server = ModelServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
