"""People who write to the bots, and what they see in return."""

import asyncio
import time
from collections import Counter
from itertools import takewhile
from random import Random

from reading import plain

from feishu_sandbox import App, ChangeKind, Chat, Message, Sandbox, User

HANDLERS = ("butler", "plain")
_STALE = 30.0  # seconds after which an event no longer keeps others from being sent


class Traffic:
    """Sends numbered messages, as many as are released, and counts their answers.

    Args:
        feishu: The platform.
        apps: Whom to write to.
        people: How many write to each of them.
        window: How many messages may be without both answers.
        random: Decides who writes.
    """

    def __init__(self, feishu: Sandbox, apps: int, people: int, window: int, random: Random) -> None:
        world = feishu.world
        self.apps = [world.add_app(f"bot-{n}") for n in range(apps)]
        users = [world.add_user(f"Person {n}") for n in range(people)]
        self._chats: list[tuple[User, App, Chat]] = [
            (user, app, world.direct_chat(user, app)) for user in users for app in self.apps
        ]
        self._feishu = feishu
        self._window = window
        self._random = random
        self._released = 0
        self._open: dict[int, float] = {}
        self._moved = asyncio.Event()
        self.sent: dict[int, Message] = {}
        """By number."""
        self.shown: Counter[tuple[str, int]] = Counter()
        """How often each handler's answer to a number is to be seen."""
        self.strays: list[str] = []
        """Whatever else the bots said."""
        self.last_news = time.monotonic()

    def release(self, events: int) -> None:
        """Let that many be sent in all."""
        self._released = max(self._released, events)
        self._moved.set()

    async def send(self, events: int, patience: float) -> None:
        """Send until there were that many, or nothing moved for `patience` seconds."""
        self.last_news = time.monotonic()
        while len(self.sent) < events and time.monotonic() - self.last_news < patience:
            ready = [chat for chat in self._chats if self._feishu.online(chat[1])]
            if len(self.sent) >= self._released or self._waiting() >= self._window or not ready:
                await self._next()
                continue
            user, _, chat = self._random.choice(ready)
            number = len(self.sent) + 1
            self._open[number] = self.last_news = time.monotonic()
            self.sent[number] = await self._feishu.world.say(user, chat, f"record {number}")
            await asyncio.sleep(0)

    async def watch(self) -> None:
        """Count what the bots say, until cancelled."""
        with self._feishu.world.subscribe() as changes:
            async for change in changes:
                message = change.message
                if change.kind is ChangeKind.MESSAGE_CREATED and message and isinstance(message.sender, App):
                    self._heard(plain(message))

    async def quiet(self, patience: float) -> None:
        """Wait until everything is answered, or nothing new was to be seen for `patience` seconds."""
        self.last_news = time.monotonic()
        while self._open and time.monotonic() - self.last_news < patience:
            await self._next()

    def _heard(self, text: str) -> None:
        handler, _, number = text.partition(" ")
        if handler not in HANDLERS or not number.isdecimal():
            self.strays.append(text)
            return
        self.shown[handler, int(number)] += 1
        self.last_news = time.monotonic()
        if all(self.shown[name, int(number)] for name in HANDLERS):
            self._open.pop(int(number), None)
            self._moved.set()

    def _waiting(self) -> int:
        """How many have no answers yet; what is old enough to be lost keeps nobody from sending."""
        since = time.monotonic() - _STALE
        return sum(1 for _ in takewhile(lambda at: at > since, reversed(self._open.values())))

    async def _next(self) -> None:
        """Something moved, or a moment has passed: connections come without a word."""
        self._moved.clear()
        try:
            async with asyncio.timeout(0.05):
                await self._moved.wait()
        except TimeoutError:
            pass
