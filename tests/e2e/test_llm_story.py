"""A model's answers as people see them: they grow, are stopped, wait for somebody's yes, and go on."""

import asyncio

from model_server import ModelServer, Reply
from playwright.async_api import expect
from windows import SOON, Open

RESTARTED = "web was restarted (restarts so far: 1)."


async def test_the_story_with_a_model(stage: Open, server: ModelServer) -> None:
    """Alice asks in a direct chat; Bob, who approves, looks at his own."""
    told, never, known = asyncio.Event(), asyncio.Event(), asyncio.Event()
    server.script = [
        Reply(text=["Once upon", " a time", " it ended."], gate=told),
        Reply(text=["One, two", ", three"], gate=never),
        Reply(text=["I will restart it."], calls=[("restart", '{"service": "web"}')]),
        Reply(text=["It was down, and", " it runs again."], gate=known),
    ]
    here = await stage(
        "en-US",
        FEISHU_WS__BUTLER="llm",
        FEISHU_WS__BUTLER_BASE_URL=server.url,
        FEISHU_WS__BUTLER_API_TOKEN="sk-test",
        FEISHU_WS__BUTLER_MODEL="scripted",
    )
    alice, bob = await here.window(), await here.window("Bob")

    # It is written before her eyes.
    await alice.say("Tell me a story")
    answer = alice.answer_to("Tell me a story")
    await expect(answer).to_contain_text("Once upon a time", timeout=SOON)
    await expect(answer.get_by_test_id("streaming")).to_be_visible()
    await expect(answer).not_to_contain_text("it ended.")
    told.set()
    await expect(answer).to_contain_text("Once upon a time it ended.", timeout=SOON)
    await expect(answer.get_by_test_id("streaming")).to_have_count(0, timeout=SOON)
    await expect(alice.buttons).to_have_count(0)

    # She has heard enough.
    await alice.say("Count")
    answer = alice.answer_to("Count")
    await expect(answer).to_contain_text("One, two", timeout=SOON)
    await alice.click("Stop", "Stopping")
    await expect(answer).to_contain_text("Stopped", timeout=SOON)
    await expect(alice.buttons).to_have_count(0, timeout=SOON)
    never.set()

    # What she asks for needs somebody else's yes; what the model did until then is folded away.
    await alice.say("web is down")
    answer = alice.answer_to("web is down").first
    await expect(answer).to_contain_text("I will restart it.", timeout=SOON)
    await expect(answer).to_contain_text("restart: waiting for approval. I go on after that.", timeout=SOON)
    steps = answer.locator("details.panel")
    called = steps.get_by_text('Called restart {"service": "web"}')
    await expect(called).to_be_hidden()
    await steps.locator("summary").click()
    await expect(called).to_be_visible()
    await alice.click("Approve", "Somebody else must approve what you asked for.")
    await bob.sees("Approval needed: restart", '{"service":"web"}', "I will restart it.", "Asked by @Alice")
    await bob.goes_deaf()
    await bob.click("Approve", "restart: approved, about to run.")

    # It goes on with what came of it.
    await alice.sees("restart: done", f"Result: {RESTARTED}")
    await alice.sees("It was down, and")
    await expect(alice.messages).not_to_contain_text("it runs again.")
    known.set()
    await alice.sees("It was down, and it runs again.")
    await expect(alice.buttons).to_have_count(0, timeout=SOON)
    assert RESTARTED in server.requests[-1]["messages"][-1]["content"]
    await bob.click("Approve", "Too late. restart: done.")
    assert len(server.requests) == 4
    assert server.script == []
