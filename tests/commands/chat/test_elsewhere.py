"""The same commands on other adapters: text answers, superusers by their ids there, secrets asked for in private."""

from typing import Any

import nonebot
import pytest
from nonebot.adapters import Adapter, Bot, Event, Message, MessageSegment
from nonebot.message import handle_event
from typing_extensions import override

SECRET = "c4nary-elsewhere"


class Segment(MessageSegment["Words"]):
    @classmethod
    @override
    def get_message_class(cls) -> type["Words"]:
        return Words

    @override
    def __str__(self) -> str:
        return str(self.data["text"])

    @override
    def is_text(self) -> bool:
        return True


class Words(Message[Segment]):
    @classmethod
    @override
    def get_segment_class(cls) -> type[Segment]:
        return Segment

    @staticmethod
    @override
    def _construct(msg: str):
        yield Segment("text", {"text": msg})


class MessageEvent(Event):
    user: str
    text: str
    message_id: int
    anonymous: dict[str, Any] | None = None

    @override
    def get_type(self) -> str:
        return "message"

    @override
    def get_event_name(self) -> str:
        return "message"

    @override
    def get_event_description(self) -> str:
        return "a message"

    @override
    def get_user_id(self) -> str:
        return self.user

    @override
    def get_session_id(self) -> str:
        return f"{type(self).__name__}_{self.user}"

    @override
    def get_message(self) -> Words:
        return Words(self.text)

    @override
    def is_tome(self) -> bool:
        return False


class PrivateMessageEvent(MessageEvent):
    pass


class OneBot(Adapter):
    """Speaks to nobody; remembers what was called."""

    name = "OneBot V11"
    broken = False

    @classmethod
    @override
    def get_name(cls) -> str:
        return cls.name

    @override
    async def _call_api(self, bot: Bot, api: str, **data: Any) -> Any:
        if self.broken:
            raise RuntimeError("no such message")
        bot.calls.append((api, data))


class Chatter(Bot):
    def __init__(self, adapter: Adapter, self_id: str) -> None:
        super().__init__(adapter, self_id)
        self.said: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    @override
    async def send(self, event: Event, message: Any, **kwargs: Any) -> Any:
        self.said.append(str(message))


class Elsewhere:
    def __init__(self, town: Any, kind: type[OneBot] = OneBot) -> None:
        self.town = town
        self.bot = Chatter(kind(nonebot.get_driver()), "bot")
        self.count = 0

    async def says(
        self, text: str, user: str = "10001", kind: type[MessageEvent] = PrivateMessageEvent, **more: Any
    ) -> list[str]:
        """Write, and read all answers."""
        self.count += 1
        self.bot.said.clear()
        await handle_event(self.bot, kind(user=user, text=text, message_id=self.count, **more))
        return list(self.bot.said)

    async def names(self) -> list[str]:
        return [one.spec.name for one in await self.town.service.visible(self.town.bot.root)]


@pytest.fixture
def elsewhere(town: Any, superusers: set[str]) -> Elsewhere:
    superusers.add("onebot:10001")
    return Elsewhere(town)


@pytest.mark.parametrize("kind", [MessageEvent, PrivateMessageEvent])
async def test_text_answers(elsewhere, kind) -> None:
    (said,) = await elsewhere.says("/feishu list", kind=kind)
    assert said == f"🟢 connected desk ({elsewhere.town.app.app_id})"
    (said,) = await elsewhere.says("/feishu disable desk", kind=kind)
    assert said == "desk is disabled and disconnected."
    assert await elsewhere.says("feishu list", kind=kind) == []


async def test_a_removal_is_said_twice(elsewhere) -> None:
    (said,) = await elsewhere.says("/feishu remove desk")
    assert said == (
        "Remove desk and its secrets? This cannot be undone.\nIf so, send: /feishu remove desk --yes"
    )
    assert await elsewhere.names() == ["desk"]
    (said,) = await elsewhere.says("/feishu remove dusk")
    assert "no connector dusk" in said
    (said,) = await elsewhere.says("/feishu remove desk --yes")
    assert said.startswith("Removed desk")
    assert await elsewhere.names() == []


@pytest.mark.parametrize("line", ["/feishu list", "/feishu remove desk", "/feishu add new"])
async def test_only_superusers(elsewhere, superusers, line) -> None:
    superusers.add("telegram:10002")
    for user in ("10002", "telegram:10001", "Root"):
        assert await elsewhere.says(line, user=user) == ["You may not do this."]
    assert await elsewhere.says(line, user="") == []
    assert await elsewhere.says(line, anonymous={"name": "10001"}) == []
    assert await elsewhere.names() == ["desk"]
    assert len(await elsewhere.town.denials()) == 5


async def test_an_id_without_its_adapter_is_a_superuser_too(elsewhere, superusers) -> None:
    """As for NoneBot's own SUPERUSER."""
    superusers.add("10003")
    (said,) = await elsewhere.says("/feishu list", user="10003")
    assert "desk" in said


async def test_an_open_id_typed_elsewhere_is_nobody(elsewhere, owned) -> None:
    await owned("theirs", elsewhere.town.owner)
    open_id = elsewhere.town.owner.open_id(elsewhere.town.app)
    assert await elsewhere.says("/feishu list", user=open_id) == ["You may not do this."]


async def test_a_link_to_the_console_is_for_private_chats(elsewhere) -> None:
    elsewhere.town.bot.runtime.management.console_url = "http://127.0.0.1:8080"
    (said,) = await elsewhere.says("/feishu console", kind=MessageEvent)
    assert said == "The link is for your eyes only; send console in a direct chat."
    (said,) = await elsewhere.says("/feishu console")
    assert "http://127.0.0.1:8080/feishu/console/sign-in#" in said
    assert "For other machines set FEISHU_WS__CONSOLE_URL" in said


async def test_a_connector_is_added_step_by_step(elsewhere) -> None:
    app = elsewhere.town.world.add_app("New", app_secret=SECRET)
    (said,) = await elsewhere.says("/feishu add")
    assert said.startswith("Send name")
    (said,) = await elsewhere.says("Not Good")
    assert said.startswith("Send app_id")
    (said,) = await elsewhere.says(app.app_id)
    assert said.startswith("Send app_secret")
    assert "NoneBot writes messages" in said
    (said,) = await elsewhere.says(SECRET)
    assert "name is not valid" in said
    assert "Send name" in said
    assert elsewhere.bot.calls == [("delete_msg", {"message_id": 4})]
    (said,) = await elsewhere.says("new")
    assert said.startswith("Added new")
    added = await elsewhere.town.service.get(elsewhere.town.bot.root, "new")
    assert added.spec.app_secret.get_secret_value() == SECRET
    assert added.spec.owner == "onebot:10001"
    assert await elsewhere.says("hello") == []


async def test_secrets_are_set_step_by_step(elsewhere) -> None:
    (said,) = await elsewhere.says("/feishu set desk")
    assert said.startswith("Send app_secret")
    (said,) = await elsewhere.says("-")
    assert said.startswith("Send verification_token")
    await elsewhere.says("token")
    await elsewhere.says("-")
    (said,) = await elsewhere.says("-")
    assert said == "Changed desk: verification_token."
    assert elsewhere.bot.calls == [("delete_msg", {"message_id": 3})]
    (said,) = await elsewhere.says("/feishu set nothing")
    assert "no connector nothing" in said


async def test_not_where_others_read(elsewhere) -> None:
    (said,) = await elsewhere.says("/feishu add new", kind=MessageEvent)
    assert said == "Secrets are only asked for in private; write to me there."
    assert await elsewhere.says("new", kind=MessageEvent) == []


async def test_it_can_be_cancelled(elsewhere) -> None:
    await elsewhere.says("/feishu add")
    assert await elsewhere.says("cancel") == ["Cancelled."]
    assert await elsewhere.says("new") == []
    assert await elsewhere.names() == ["desk"]


async def test_who_is_no_superuser_any_more_adds_nothing(elsewhere) -> None:
    await elsewhere.says("/feishu add new app_id=cli_x")
    nonebot.get_driver().config.superusers.discard("onebot:10001")
    assert await elsewhere.says(SECRET) == ["You may not do this."]
    assert await elsewhere.names() == ["desk"]


@pytest.mark.parametrize("broken", [True, False])
async def test_where_nothing_can_be_recalled_the_person_is_told(elsewhere, broken) -> None:
    class Other(OneBot):
        name = "OneBot V11" if broken else "OneBot Console"

    Other.broken = broken
    other = Elsewhere(elsewhere.town, Other)
    await other.says("/feishu add new app_id=cli_x")
    (said,) = await other.says(SECRET)
    assert said.startswith("Please delete the message with the secret")
    assert "Added new" in said
