"""A company whose connector is stored, too: somebody owns it, and somebody may approve."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from reading import plain, values

from feishu_sandbox import Chat, Message, User


@dataclass
class House:
    """Alice asks, Bob may approve.

    Attributes:
        name: Of the connector they speak through.
        other: Of one nobody here owns.
    """

    company: Any
    bob: User
    group: Chat
    name: str
    other: str

    @property
    def world(self) -> Any:
        return self.company.sandbox.world

    @property
    def app(self) -> Any:
        return self.company.app

    @property
    def service(self) -> Any:
        return self.company.runtime.management.service

    async def ask(self, text: str, **how: Any) -> Message:
        """Alice asks in the group."""
        return await self.company.ask(text, self.group, mentions=[self.app], **how)

    async def told(self, text: str, **how: Any) -> str:
        return plain(await self.company.answer(await self.ask(text, **how)))

    async def approved(self, text: str) -> str:
        """What comes of something Alice asks for and Bob approves."""
        asked = await self.ask(text)
        await self.click(asked)
        return await self.outcome(asked)

    async def click(self, asked: Message) -> None:
        """Bob approves what was asked for."""
        card = await self.world.wait_for(
            lambda m: m.parent_id == asked.message_id and m.msg_type == "interactive", timeout=10
        )
        self.card = json.dumps(card.content, ensure_ascii=False)
        value = next(value for value in values(card) if value["approved"])
        await self.world.click(self.bob, card.message_id, {"tag": "button", "value": value})

    async def outcome(self, asked: Message) -> str:
        """What came of it."""
        end = await self.world.wait_for(
            lambda m: (
                m.parent_id == asked.message_id and m.msg_type == "post" and "waits for" not in plain(m)
            ),
            timeout=10,
        )
        return plain(end)

    async def enabled(self, name: str) -> bool:
        return next(c.spec.enabled for c in await self.service.everything() if c.spec.name == name)


Settle = Callable[..., Awaitable[House]]


@pytest.fixture
async def settle(connect: Any, people: Any, superusers: set[str]) -> AsyncIterator[Settle]:
    """Makes a house in which Alice has a role: `superuser`, `owner` or `other`."""
    made: list[tuple[Any, str]] = []

    async def house(role: str = "other", **policy: Any) -> House:
        company = await connect(**policy)
        world, service = company.sandbox.world, company.runtime.management.service
        bob = world.add_user("Bob")
        group = world.add_group("House", [company.alice, bob, company.app])
        alice_id = company.alice.open_id(company.app)
        names: list[str] = []
        for app, owner in (
            (company.app, alice_id if role == "owner" else "ou_owner"),
            (world.add_app("Other"), None),
        ):
            name = f"c-{app.app_id[-12:]}".lower().replace("_", "-")
            fields = {"name": name, "app_id": app.app_id, "app_secret": app.app_secret, "owner": owner}
            await service.create(people.root, {**fields, "domain": company.sandbox.url})
            await service.verify(people.root, name)
            made.append((service, name))
            names.append(name)
        await service.set_enabled(people.root, names[0], True)
        if role == "superuser":
            superusers.add(alice_id)
        link = company.runtime._supervisor.get(company.app.app_id)
        link.spec = link.spec.model_copy(update={"approvers": (bob.open_id(company.app),)})
        return House(company, bob, group, *names)

    yield house
    for service, name in made:
        await service.remove(people.root, name)
