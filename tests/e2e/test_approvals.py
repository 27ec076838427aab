"""Approvals in bots of their own processes: killed at every step, on SQLite and on two replicas; a database that goes
away. What the tool did is in a file that no bot can take back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from processes import BotProcess
from reading import plain

from feishu_sandbox import App, Chat, Message, Sandbox, User

pytestmark = pytest.mark.long

SCRIPT = """
import asyncio, os, signal
from pathlib import Path

import nonebot
nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot_plugin_feishu_ws import butler
from nonebot_plugin_feishu_ws.butler.approvals import ApprovalStore

SEAM = os.environ.get("SEAM", "")
ARMED, LEDGER = Path("armed"), Path("ledger")

def passes(seam):
    if seam == SEAM and ARMED.exists():
        ARMED.unlink()
        print(f"KILLED AT {seam}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

def seam(owner, name, before=None, after=None):
    original = getattr(owner, name)
    async def wrapped(*args, **kwargs):
        passes(before)
        result = await original(*args, **kwargs)
        passes(after)
        return result
    setattr(owner, name, wrapped)

seam(ApprovalStore, "claim", "approved", "claimed")
seam(ApprovalStore, "finish", None, "finished")

async def work(service):
    with LEDGER.open("a") as ledger:
        ledger.write(service + "\\n")
        ledger.flush()
        os.fsync(ledger.fileno())
    passes("running")
    return service + " runs"

@butler.tool(requires_approval=True)
async def deploy(service: str) -> str:
    return await work(service)

nonebot.run()
"""


@dataclass
class Scene:
    """One app; Alice asks, Bob approves; bots that share a directory and a database."""

    sandbox: Sandbox
    app: App
    alice: User
    bob: User
    chat: Chat
    path: Path
    start: Callable[..., Awaitable[BotProcess]]

    def ledger(self) -> list[str]:
        file = self.path / "ledger"
        return file.read_text().split() if file.exists() else []

    def said(self, words: str) -> list[Message]:
        """The app's posts that say something."""
        posts = [
            m for m in self.sandbox.world.messages.values() if m.sender is self.app and m.msg_type == "post"
        ]
        return [message for message in posts if words in plain(message)]

    async def until_said(self, words: str, within: float = 30) -> None:
        await self.sandbox.world.wait_for(
            lambda m: m.sender is self.app and m.msg_type == "post" and words in plain(m), timeout=within
        )

    async def asked(self, text: str = "deploy web") -> Message:
        """The card of what Alice asks for."""
        said = await self.sandbox.world.say(self.alice, self.chat, text, mentions=[self.app])
        return await self.sandbox.world.wait_for(
            lambda m: m.msg_type == "interactive" and m.parent_id == said.message_id, timeout=15
        )

    async def click(self, card: Message, button: dict[str, Any]) -> Any:
        action = {"tag": "button", "value": button}
        return await self.sandbox.world.click(self.bob, card.message_id, action)

    async def shows(self, card: Message, title: str, within: float = 30) -> None:
        await self.sandbox.world.wait_for(
            lambda m: (
                m.message_id == card.message_id
                and title in json.dumps(m.content["header"], ensure_ascii=False)
            ),
            timeout=within,
        )


def approve(card: Message) -> dict[str, Any]:
    """What the button carries, for later, too."""
    found: list[dict[str, Any]] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "callback" and part["value"]["approved"]:
                found.append(part["value"])
            part = list(part.values())
        for inner in part if isinstance(part, list) else ():
            walk(inner)

    walk(card.content)
    return found[0]


@pytest.fixture
def scene(feishu_sandbox: Sandbox, start_bot: Any, tmp_path: Path) -> Callable[..., Scene]:
    script = tmp_path / "bot.py"
    script.write_text(SCRIPT)

    def make(**settings: str) -> Scene:
        world = feishu_sandbox.world
        app, alice, bob = world.add_app("Butler"), world.add_user("Alice"), world.add_user("Bob")
        connector = {
            "name": "butler",
            "app_id": app.app_id,
            "app_secret": app.app_secret,
            "approvers": [bob.open_id(app)],
        }

        async def start(**more: str) -> BotProcess:
            bot = await start_bot(
                script,
                FEISHU_WS__URL=feishu_sandbox.url,
                FEISHU_WS__LOCALE="en_US",
                FEISHU_WS__CONNECTORS=json.dumps([connector]),
                **settings,
                **more,
            )
            await bot.line("butler: connected")
            return bot

        chat = world.add_group("Everyone", [alice, bob, app])
        return Scene(feishu_sandbox, app, alice, bob, chat, tmp_path, start)

    return make


ENDS = {
    "approved": ("deploy: done", ["web"], "web runs"),
    "claimed": ("outcome unknown", [], "nobody knows how far it came"),
    "running": ("outcome unknown", ["web"], "nobody knows how far it came"),
    "finished": ("deploy: done", ["web"], "web runs"),
}


@pytest.mark.parametrize("seam", ENDS)
async def test_killed_and_started_again(scene: Any, seam: str) -> None:
    """faults.md 43, 44: SIGKILL at a step; the next run does what was not begun, and says what it cannot know."""
    here = scene()
    first = await here.start(SEAM=seam)
    card = await here.asked()
    button = approve(card)
    (here.path / "armed").touch()
    await here.click(card, button)
    await first.line(f"KILLED AT {seam}")
    await first.kill()
    await here.start()
    title, ran, words = ENDS[seam]
    await here.until_said(words)
    await here.shows(card, title)
    assert (here.ledger(), len(here.said(words))) == (ran, 1)
    assert (await here.click(card, button)).toast["content"].startswith("Too late.")
    assert here.ledger() == ran


@pytest.mark.parametrize(
    ("seam", "words"), [("approved", "web runs"), ("running", "nobody knows how far it came")]
)
async def test_a_replica_is_killed(scene: Any, postgres: Any, seam: str, words: str) -> None:
    """faults.md 43, 44, with two replicas: the other one takes over, within 15 s."""
    here = scene(FEISHU_WS__DATABASE_URL=postgres.create_database())
    bots = [await here.start(SEAM=seam), await here.start(SEAM=seam)]
    card = await here.asked()
    (here.path / "armed").touch()
    assert (await here.click(card, approve(card))).toast["type"] == "success"
    ends = [asyncio.create_task(bot.process.wait()) for bot in bots]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=15)
    assert [end.done() for end in ends].count(True) == 1
    await here.until_said(words, within=20)
    assert (here.ledger(), len(here.said(words))) == (["web"], 1)


async def test_killed_before_the_click(scene: Any) -> None:
    """faults.md 43: a restart between ask and click; the card that was sent before still works, once."""
    here = scene()
    first = await here.start()
    card = await here.asked()
    button = approve(card)
    await first.kill()
    await here.start()
    assert (await here.click(card, button)).toast["type"] == "success"
    await here.until_said("web runs")
    assert here.ledger() == ["web"]


async def test_a_click_while_the_database_is_down(scene: Any, postgres: Any) -> None:
    """faults.md 45: an error toast in time; the next click works."""
    here = scene(FEISHU_WS__DATABASE_URL=postgres.create_database())
    await here.start()
    card = await here.asked()
    button = approve(card)
    postgres.stop()
    try:
        away = await here.click(card, button)
    finally:
        postgres.start()
    assert away.error is None
    assert away.toast == {"content": "The database is away. Please click again in a moment.", "type": "error"}
    assert here.ledger() == []
    async with asyncio.timeout(15):
        while (await here.click(card, button)).toast["type"] == "error":
            pass
    await here.until_said("web runs")
    assert here.ledger() == ["web"]
