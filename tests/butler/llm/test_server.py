"""The server the other tests use is like the real ones, says the official client."""

import openai
import pytest
from model_server import Failure, ModelServer, Reply

USAGE = {"include_usage": True}


async def test_the_official_client_reads_it(server: ModelServer) -> None:
    server.script = [
        Reply(text=["Hello ", "there"]),
        Reply(calls=[("look", '{"where": "here"}')]),
        Failure(429, "rate_limit_exceeded", headers={"Retry-After": "0"}),
        Failure(401, "invalid_api_key"),
        Reply(text=["half"], cut=True),
    ]
    async with openai.AsyncOpenAI(base_url=server.url, api_key="sk-x", max_retries=0) as client:
        ask = client.chat.completions.create
        question = [{"role": "user", "content": "hi"}]
        text, usage = "", None
        async for chunk in await ask(model="m", messages=question, stream=True, stream_options=USAGE):
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            usage = chunk.usage or usage
        assert text == "Hello there"
        assert usage is not None
        assert usage.total_tokens == 15
        async with client.chat.completions.stream(model="m", messages=question) as stream:
            final = await stream.get_final_completion()
        [call] = final.choices[0].message.tool_calls
        assert (call.function.name, call.function.arguments) == ("look", '{"where": "here"}')
        assert final.choices[0].finish_reason == "tool_calls"
        with pytest.raises(openai.RateLimitError) as limited:
            await ask(model="m", messages=question, stream=True)
        assert limited.value.request_id == "req_123"
        with pytest.raises(openai.AuthenticationError):
            await ask(model="m", messages=question, stream=True)
        with pytest.raises(openai.APIConnectionError):
            async for _ in await ask(model="m", messages=question, stream=True):
                pass
    assert server.headers[0]["Authorization"] == "Bearer sk-x"
