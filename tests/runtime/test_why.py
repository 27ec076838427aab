"""Which matchers took a message is noted, and `why` tells it."""

from collections.abc import Iterator

import pytest
from nonebot import on_message, on_notice
from nonebot.adapters import Event
from nonebot.matcher import Matcher

from nonebot_plugin_feishu_ws.delivery import Handling, Said, Screening, Story, why


@pytest.fixture
def matchers() -> Iterator[list[type[Matcher]]]:
    made: list[type[Matcher]] = []
    yield made
    for matcher in made:
        matcher.destroy()


async def story_of(company, message_id: str) -> Story:
    await company.runtime.drained()
    await company.runtime._inbox.flush()
    management = company.runtime.management
    (story,) = await why(management.database, management.logbook, message_id, [company.app.app_id])
    return story


async def test_the_matchers_that_ran_and_how(company, matchers) -> None:
    async def told(event: Event) -> bool:
        return event.get_plaintext() == "weather?"

    fails = on_message(priority=1, block=False, rule=told)
    answers = on_message(priority=2, block=True, rule=told)
    deaf = on_message(priority=3, rule=told)
    matchers += [fails, answers, deaf]

    @fails.handle()
    async def fail() -> None:
        raise KeyError("secret of a user")

    @answers.handle()
    async def answer() -> None:
        await answers.finish("sunny")

    asked = await company.ask("weather?")
    reply = await company.answer(asked)
    story = await story_of(company, asked.message_id)
    screening, said, handling = story.chapters
    assert isinstance(screening, Screening)
    assert (screening.admitted, screening.reason) == (True, None)
    assert dict(screening.verdicts)["duplicate"] == "pass"
    assert isinstance(said, Said)
    assert said.message_id == reply.message_id
    assert isinstance(handling, Handling)
    assert [(taker.plugin, taker.error) for taker in handling.takers] == [
        (__name__, "KeyError"),
        (__name__, None),
    ]
    assert "secret of a user" not in str(story)
    assert story.arrival is not None
    assert story.arrival.state == "done"


async def test_the_butler_is_a_matcher_too(company) -> None:
    asked = await company.ask("whoami")
    await company.answer(asked)
    handling = (await story_of(company, asked.message_id)).chapters[-1]
    assert isinstance(handling, Handling)
    assert [taker.plugin for taker in handling.takers] == ["nonebot_plugin_feishu_ws"]


async def test_a_message_nobody_takes_has_no_more_lines_than_before(company) -> None:
    asked = await company.ask("good morning", company.group)
    await company.sandbox.hub.wait_delivery(company.event_of(asked), timeout=20)
    (screening,) = (await story_of(company, asked.message_id)).chapters
    assert isinstance(screening, Screening)
    assert (screening.admitted, screening.reason) == (True, "mention_required")


async def test_clicks_are_told_with_the_card(company, matchers) -> None:
    notice = on_notice(priority=1, block=True)
    matchers.append(notice)

    @notice.handle()
    async def nothing() -> None:
        pass

    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "x"}]}}
    link = company.runtime._supervisor.get(company.app.app_id)
    sent = await link.client.send_message(company.direct.chat_id, "interactive", card)
    await company.sandbox.world.click(company.alice, sent.message_id, {"tag": "button", "value": {}})
    story = await story_of(company, sent.message_id)
    assert story.arrival is None
    assert [type(chapter) for chapter in story.chapters] == [Screening, Handling]
