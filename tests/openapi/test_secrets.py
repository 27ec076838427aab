"""Canaries: no secret shows in a log, a repr, an error, or a traceback with its locals."""

import asyncio
import logging
import traceback
from pathlib import Path

import pytest
from aiohttp import web
from loguru import logger

from nonebot_plugin_feishu_ws.openapi import FeishuError, InvalidRequest

CARD_TOKEN = "c-canary-card-token"
CALLS = {
    "card": lambda client: client.update_card_by_token(CARD_TOKEN, {}),
    "send": lambda client: client.send_message("oc_1", "text", {"text": "hello"}),
    "query": lambda client: client.request("GET", "im/v1/chats", params={"q": "canary-query"}),
    "download": lambda client: client.download_resource("om_1", "k", "file"),
    "upload": lambda client: client.upload_file(b"x", "a.txt"),
}


async def hanging(_, __):
    await asyncio.Event().wait()


async def cut(request, _):
    request.transport.abort()
    return web.Response()


async def echoing(_, call):
    """Feishu (or something in between) quotes what it was sent, everywhere it can."""
    quoted = f"{call.token} {call.body.decode()}"
    error = {"troubleshooter": f"see https://x/?{quoted}", "helps": [{"url": f"https://x/?t={call.token}"}]}
    return web.json_response({"code": 230001, "msg": f"bad {quoted}", "error": error}, status=400)


async def refusing(_, call):
    return web.json_response({"code": 99991663, "msg": f"invalid token {call.token}"})


async def not_json(_, call):
    return web.Response(text=f"<html>{call.token} {call.body.decode()}</html>", status=502)


@pytest.fixture
def logged():
    """All records of stdlib and loguru, down to the lowest level, loguru's tracebacks with variables."""
    lines = []

    class Sink(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    sink, root = Sink(level=1), logging.getLogger()
    level = root.level
    root.addHandler(sink)
    root.setLevel(1)
    number = logger.add(
        lines.append, level=0, diagnose=True, backtrace=False, format="{message}\n{exception}"
    )
    yield lines
    logger.remove(number)
    root.setLevel(level)
    root.removeHandler(sink)


@pytest.fixture
def outside(tmp_path):
    """Calls from a file of one line, so that no line of this one (full of canaries) is in the traceback."""
    source = tmp_path / "outside.py"
    source.write_text("async def call(make, client):\n    return await make(client)\n")
    names = {}
    exec(compile(source.read_text(), str(source), "exec"), names)

    async def run(make, client):
        task = asyncio.create_task(names["call"](make, client))
        await asyncio.wait([task], timeout=20)
        return task.exception()

    return run


def everything_on(error):
    """What the greediest of formatters prints of a chain: our frames with all locals, every attribute."""
    shown = []
    while error is not None:
        summary = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
        frames = [frame for frame in summary.stack if "/tests/" not in frame.filename]
        shown += [
            f"{Path(frame.filename).name} {name}={value}"
            for frame in frames
            for name, value in (frame.locals or {}).items()
        ]
        shown += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return shown


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("reply", [hanging, cut, echoing, refusing, not_json])
async def test_no_canary_of_a_failed_call(platform, make_client, answers, logged, outside, reply, name):
    platform.reply = reply
    client = make_client(timeout=0.3, media_timeout=0.3)
    error = await outside(CALLS[name], client)
    assert isinstance(error, FeishuError)
    logger.opt(exception=error).critical("it failed")
    logging.getLogger("somebody").critical("it failed", exc_info=error)

    ours = [line for line in logged if "HTTP/1.1" not in line]  # the platform's own access log has the query
    assert sum("it failed" in line and type(error).__name__ in line for line in ours) >= 2
    for secret in (answers.secret, platform.token, CARD_TOKEN, "canary-query"):
        assert [line for line in [*ours, str(error), repr(error)] if secret in line] == []
    # With locals, what the caller itself handed in (the card token, the query) stands in its own frame.
    for secret in (answers.secret, platform.token):
        assert [line for line in everything_on(error) if secret in line] == []


async def test_an_answer_that_quotes_the_secret(platform, client, answers):
    platform.always(lambda: answers.refusal(230001, f"no, {answers.secret}!"))
    with pytest.raises(InvalidRequest) as caught:
        await client.bot_info()
    assert caught.value.msg == "no, ***!"


@pytest.mark.parametrize("grant", [hanging, cut, echoing, not_json])
async def test_no_canary_of_a_failed_grant(
    platform, make_client, answers, logged, outside, monkeypatch, grant
):
    monkeypatch.setattr("nonebot_plugin_feishu_ws.openapi.caller.TOKEN_TIMEOUT", 0.3)
    platform.grant = grant
    error = await outside(lambda client: client.bot_info(), make_client())
    assert isinstance(error, FeishuError)
    logger.opt(exception=error).critical("it failed")
    assert [line for line in [*logged, *everything_on(error)] if answers.secret in line] == []
    assert ("***" in str(error)) == (grant is echoing)


async def test_reprs(make_client, platform, answers):
    client = make_client()
    await client.tenant_access_token()
    caller = client._caller
    for part in (client, caller, caller._transport, caller.tokens, caller.tokens._current):
        assert answers.secret not in f"{part!r} {part}"
        assert platform.token not in f"{part!r} {part}"
    assert repr(client) == f"FeishuClient({answers.app_id!r}, base_url={client.base_url!r})"
