"""The local Feishu and a model's server in one process, and with one clock: `python -m benchmarks.answers`.

Asked in lines of JSON, `{"answers": N, "pieces": M}`: somebody asks so many questions, one after the other, each of
which the model answers with so many pieces of text.
"""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from feishu_sandbox import App, Sandbox
from feishu_sandbox.world import ChangeKind

from . import children
from .crowd import answering

_THINKS = 0.6  # seconds until the first token
_PACE = 0.02  # seconds between two pieces
_PIECES = ("Clouds ", "from ", "the ", "west, ", "and ", "later ", "some ", "rain. ")
_WITHIN = 60.0  # seconds for one answer


@dataclass
class Answer:
    """One, as it comes about. Times are of one clock."""

    pieces: int
    first_token: float | None = None
    first_text: float | None = None
    """When it is on the card."""
    last_text: float | None = None
    operations: list[float] = field(default_factory=list[float])
    """On the card that is streamed."""
    refused: int = 0
    """Of all calls."""


class Scene:
    """One app; Alice asks it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world
        self.app: App = self._world.add_app("Butler")
        self._alice = self._world.add_user("Alice")
        self._chat = self._world.direct_chat(self._alice, self.app)
        self._answer = Answer(0)

    async def do(self, asked: dict[str, int]) -> object:
        """See above.

        Returns:
            For each answer: `latency`, ms from the model's first token to the first text on the card; `operations`, the
            most on its card in any second; `seconds` it took; `refused` calls.
        """
        await self._sandbox.hub.wait_connected(self.app, timeout=_WITHIN)
        return [await self._ask(asked["pieces"]) for _ in range(asked["answers"])]

    async def _ask(self, pieces: int) -> dict[str, float]:
        self._answer = answer = Answer(pieces)
        with self._world.subscribe() as changes:
            since = time.monotonic()
            question = await self._world.say(self._alice, self._chat, "how is the weather?")
            async with asyncio.timeout(_WITHIN):
                async for change in changes:
                    now, message = time.monotonic(), change.message
                    if message is not None and message.parent_id == question.message_id:
                        shown = json.dumps(message.content)
                        if answer.first_text is None and _PIECES[0].strip() in shown:
                            answer.first_text = now
                        if "feishu_stop" not in shown and answer.first_text is not None:
                            answer.last_text = now
                            break
                    elif change.kind is ChangeKind.API_CALL:
                        if change.data["code"]:
                            answer.refused += 1
                        if "/cardkit/v1/cards/" in change.data["path"]:
                            answer.operations.append(now)
        assert answer.first_token is not None
        assert answer.first_text is not None
        return {
            "latency": (answer.first_text - answer.first_token) * 1000,
            "operations": busiest(answer.operations),
            "seconds": answer.last_text - since,
            "refused": answer.refused,
        }

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/chat/completions`, streamed (https://platform.openai.com/docs/api-reference/chat-streaming)."""
        model = (await request.json())["model"]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)

        async def send(delta: dict[str, str], finish: str | None = None) -> None:
            chunk = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1700000000,
                "model": model,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

        with suppress(ConnectionError):
            await send({"role": "assistant", "content": ""})
            await asyncio.sleep(_THINKS)
            for number in range(self._answer.pieces):
                if number == 0:
                    self._answer.first_token = time.monotonic()
                await send({"content": _PIECES[number % len(_PIECES)]})
                await asyncio.sleep(_PACE)
            await send({}, "stop")
            await response.write(b"data: [DONE]\n\n")
        return response


def busiest(times: list[float]) -> int:
    """The most of them within any one second; they are in order."""
    return max((sum(since <= at < since + 1 for at in times) for since in times), default=0)


async def main() -> None:
    async with Sandbox() as sandbox:
        scene = Scene(sandbox)
        app = web.Application()
        app.router.add_post("/v1/chat/completions", scene.complete)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        model = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        about = {"app_id": scene.app.app_id, "app_secret": scene.app.app_secret}
        children.say({"url": sandbox.url, "model": model, **about})
        await answering(scene.do)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
