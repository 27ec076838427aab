"""The pages of the documentation, taken apart, and a bot with the plugins they show."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from reading import plain

from feishu_sandbox import App, Chat, Message, Rules, Sandbox, User

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# file: (\w+\.py)\n")


@dataclass(frozen=True)
class Block:
    """A fenced block. A Python block whose first line is `# file: name.py` is a whole file that is run."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        found = _FILE.match(self.text)
        return found[1] if found else None


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        prose: the text without its blocks.
    """

    path: Path
    prose: str
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text."""
        return [(len(m[1]), m[2]) for m in re.finditer(r"^(#+) (.+)$", self.prose, re.MULTILINE)]

    @property
    def tables(self) -> list[list[list[str]]]:
        """The cells of each table's rows, without the heading."""
        found = re.findall(r"(?:^\|.*\n)+", self.prose, re.MULTILINE)
        return [[_cells(row) for row in table.splitlines()[2:]] for table in found]

    def written(self, folder: Path, *, tests: bool) -> list[Path]:
        """Write the files of this page, tests or the others, to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        paths: list[Path] = []
        for block in self.blocks:
            if block.file and block.file.startswith("test_") is tests:
                paths.append(folder / block.file)
                paths[-1].write_text(block.text, encoding="utf-8")
        return paths


def _cells(row: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def _page(name: str) -> Page:
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    blocks = tuple(
        Block(m[2], re.sub(rf"^{m[1]}", "", m[3], flags=re.MULTILINE)) for m in _BLOCK.finditer(text)
    )
    return Page(path, _BLOCK.sub("", text), blocks)


@pytest.fixture(scope="session")
def read() -> Callable[[str], Page]:
    """Reads a page, named by its path from the root."""
    return _page


@dataclass
class Office:
    """A bot in a process of its own with every plugin shown in one language, on a sandbox."""

    folder: Path
    sandbox: Sandbox
    app: App
    user: User
    process: asyncio.subprocess.Process

    @property
    def direct(self) -> Chat:
        return self.sandbox.world.direct_chat(self.user, self.app)

    async def told(self, text: str) -> list[Message]:
        """Say something that is answered; all the bot sent until it had answered something said after that."""
        asked = await self._asked(text)
        await self._asked("whoami")
        return [m for m in self.sandbox.world.messages.values() if m.parent_id == asked.message_id]

    async def _asked(self, text: str) -> Message:
        world = self.sandbox.world
        asked = await world.say(self.user, self.direct, text)
        await world.wait_for(lambda m: m.sender is self.app and m.parent_id == asked.message_id, timeout=15)
        return asked

    async def answers(self, text: str) -> list[str]:
        return [plain(message) for message in await self.told(text)]

    def output(self) -> str:
        return (self.folder / "output.txt").read_text(encoding="utf-8")

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 15)


@pytest.fixture(scope="module", params=["en_US", "zh_CN"])
def locale(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
async def office(locale: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    chinese = locale == "zh_CN"
    names = (
        "plugins.md",
        "cards.md",
        "filters.md",
        "from-adapter.md",
        "from-lark-oapi.md",
        "from-webhook.md",
    )
    for name in ("README.zh.md" if chinese else "README.md", *(f"docs/{'zh/' * chinese}{n}" for n in names)):
        assert _page(name).written(folder / "plugins", tests=False), f"{name} shows no plugin"
    settings = _page("docs/settings.md")
    bot = next(block.text for block in settings.blocks if "nonebot.run()" in block.text)
    bot = bot.replace('load_plugin("nonebot_plugin_feishu_ws")', 'load_plugins("plugins")')
    (folder / "bot.py").write_text(bot, encoding="utf-8")
    async with Sandbox(rules=Rules(sends_per_second=1000)) as sandbox:
        app, user = sandbox.world.add_app("Butler"), sandbox.world.add_user("Ada")
        connector = {"name": "butler", "app_id": app.app_id, "app_secret": app.app_secret}
        with (folder / "output.txt").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "bot.py",
                cwd=folder,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "DRIVER": "~none",
                    "FEISHU_WS__URL": sandbox.url,
                    "FEISHU_WS__LOCALE": locale,
                    "FEISHU_WS__CONNECTORS": json.dumps([connector]),
                    "SUPERUSERS": json.dumps([user.open_id(app)]),
                },
                stdout=output,
                stderr=output,
            )
        office = Office(folder, sandbox, app, user, process)
        try:
            await sandbox.hub.wait_connected(app, timeout=30)
            yield office
        finally:
            await office.stop()
