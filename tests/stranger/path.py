"""A stranger's first hour: a project by `nb create`, the wheel by `nb plugin install`, a connector from the shell, an
answer in a chat, an approval.

Run by `scripts/check-wheel`, which makes the environment: WHEEL_VENV names it, WHEEL the wheel that is in it. nb itself
is the one of the tests, as a stranger has it outside of the project; its list of plugins is one with ours in it.
"""

import asyncio
import json
import os
import socket
import sys
import tomllib
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import pytest
from processes import BotProcess
from reading import read, values
from terminal import Terminal

from feishu_sandbox import App, Message, Sandbox

pytestmark = pytest.mark.timeout(300)  # pip
ROOT = Path(__file__).parents[2]
NB = Path(sys.executable).with_name("nb")
NAME, MODULE = "nonebot-plugin-feishu-ws", "nonebot_plugin_feishu_ws"


@dataclass
class Project:
    """A folder in which somebody works, with the environment in `.venv`."""

    folder: Path
    env: dict[str, str]
    bots: list[BotProcess] = field(default_factory=list[BotProcess])

    async def run(self, *command: str | Path) -> str:
        """A command that ends well; what it writes."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=self.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def start(self) -> BotProcess:
        """`nb run`."""
        process = await asyncio.create_subprocess_exec(
            *(NB, "run"),
            cwd=self.folder,
            env=self.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.bots.append(bot := BotProcess(process))
        return bot

    @property
    def toml(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    def setting(self, line: str) -> None:
        """Write a line into the project's settings."""
        file = self.folder / ".env.prod"
        file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n{line}\n", encoding="utf-8")


Create = Callable[[bool], Awaitable[Project]]


def store(cache: Path) -> None:
    """nb's copy of NoneBot's store, as it would be with this plugin in it."""
    about = {"time": "2026-01-01T00:00:00Z", "desc": "", "author": "", "homepage": "", "tags": []}
    nonebot, adapter = {"version": version("nonebot2")}, {"version": version("nonebot-adapter-feishu")}
    entries = {
        "plugins": [{"name": "飞书长连接", "module_name": MODULE, "project_link": NAME, "version": "0.1.0"}],
        "adapters": [
            {
                "name": "飞书",
                "module_name": "nonebot.adapters.feishu",
                "project_link": "nonebot-adapter-feishu",
                **adapter,
            }
        ],
        "drivers": [
            {"name": "FastAPI", "module_name": "~fastapi", "project_link": "nonebot2[fastapi]", **nonebot}
        ],
    }
    cache.mkdir(parents=True)
    for name, listed in entries.items():
        (cache / f"{name}.json").write_text(json.dumps([about | entry for entry in listed]), encoding="utf-8")


@pytest.fixture
async def create(feishu_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Create]:
    """Answers the questions of `nb create`, with the Feishu adapter chosen or not."""
    store(tmp_path / ".cache" / "nb-cli")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "en_US.UTF-8",
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
        "PIP_FIND_LINKS": str(Path(os.environ["WHEEL"]).parent),
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    made: list[Project] = []

    async def answer(adapter: bool) -> Project:
        nb = await Terminal.open(str(NB), "create", "--template", "bootstrap", cwd=tmp_path, env=env)
        await nb.shows("Project Name")
        nb.type("mybot\r")
        await nb.shows("Which adapter(s)")
        nb.type(" \r" if adapter else "\r")
        if not adapter:
            await nb.shows("haven't chosen any adapter")
            nb.type("y\r")
        await nb.shows("Which driver(s)")
        nb.type("\r")  # the one that is chosen
        await nb.shows("local storage")
        nb.type("\r")
        await nb.shows("Install dependencies now")
        nb.type("n\r")  # done below, in the environment that is there
        assert await nb.ended() == 0, nb.text
        await nb.close()
        project = Project(tmp_path / "mybot", env)
        (project.folder / ".venv").symlink_to(os.environ["WHEEL_VENV"])
        made.append(project)
        return project

    yield answer
    for project in made:
        for bot in project.bots:
            await bot.stop()


async def install(project: Project) -> None:
    """What `nb create` would have installed, then the plugin by nb."""
    python = project.folder / ".venv/bin/python"
    await project.run(python, "-m", "pip", "install", "--quiet", *project.toml["project"]["dependencies"])
    await project.run(NB, "plugin", "install", NAME)
    assert project.toml["tool"]["nonebot"]["plugins"][NAME] == [MODULE]


def recorded(environment: Path | None = None) -> set[str]:
    """The plugin's files, as name, checksum and size: of what is installed, or of the wheel."""
    if environment is None:
        with zipfile.ZipFile(os.environ["WHEEL"]) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/RECORD")]
            text = wheel.read(name).decode()
    else:
        (record,) = environment.glob(f"lib/*/site-packages/{MODULE}-*.dist-info/RECORD")
        text = record.read_text(encoding="utf-8")
    return {line for line in text.splitlines() if ",sha256=" in line}


async def first_hour(project: Project, sandbox: Sandbox) -> None:
    """From a bot that runs to an approval."""
    world = sandbox.world
    app, alice, bob = world.add_app("Butler"), world.add_user("Alice"), world.add_user("Bob")
    project.setting(f"FEISHU_WS__URL={sandbox.url}")
    project.setting(f"PORT={free_port()}")
    project.setting("FEISHU_WS__LOCALE=en_US")
    project.setting(f"SUPERUSERS={json.dumps([alice.open_id(app)])}")
    bot = await project.start()
    await bot.line("Application startup complete")

    await add(project, app)
    shell = project.folder / ".venv/bin/feishu-ws"
    await project.run(shell, "set", "butler", f"approvers={bob.open_id(app)}")
    await project.run(shell, "verify", "butler")
    await project.run(shell, "enable", "butler")
    await sandbox.hub.wait_connected(app, timeout=30)

    async def answered(text: str, words: str) -> Message:
        asked = await world.say(alice, chat, text, mentions=[app])
        await world.wait_for(
            lambda m: m.sender is app and m.parent_id == asked.message_id and words in read(m), timeout=30
        )
        return asked

    chat = world.add_group("Everyone", [alice, bob, app])
    elsewhere = world.add_group("News", [bob, app])
    await answered("help", "whoami")
    asked = await answered(f"send-to-chat {elsewhere.chat_id} hello", "hello")
    card = next(m for m in world.messages.values() if m.parent_id == asked.message_id and values(m))
    assert not said(sandbox, "hello", elsewhere.chat_id)
    approve = next(value for value in values(card) if value["approved"])
    refused = await world.click(alice, card.message_id, {"tag": "button", "value": approve})
    assert refused.toast["type"] != "success"
    done = await world.click(bob, card.message_id, {"tag": "button", "value": approve})
    assert done.toast["type"] == "success"
    await world.wait_for(lambda m: m.chat is elsewhere, timeout=30)
    await world.click(bob, card.message_id, {"tag": "button", "value": approve})
    await answered("whoami", alice.open_id(app))
    assert len(said(sandbox, "hello", elsewhere.chat_id)) == 1
    await bot.stop()
    log = "".join(bot.output)
    assert "Traceback" not in log
    assert app.app_secret not in log


async def add(project: Project, app: App) -> None:
    """`feishu-ws add`, which asks for the secret and does not show it."""
    command = (str(project.folder / ".venv/bin/feishu-ws"), "add", "butler", f"app_id={app.app_id}")
    shell = await Terminal.open(*command, cwd=project.folder, env=project.env)
    await shell.shows("app_secret")
    shell.type(f"{app.app_secret}\r")
    assert await shell.ended(60) == 0, shell.text
    assert app.app_secret not in shell.text
    await shell.close()


def said(sandbox: Sandbox, text: str, chat_id: str) -> list[Message]:
    return [m for m in sandbox.world.messages.values() if m.chat.chat_id == chat_id and text in read(m)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_without_the_feishu_adapter(create: Create, feishu_sandbox: Sandbox) -> None:
    project = await create(False)
    python = project.folder / ".venv/bin/python"
    await project.run(python, "-m", "pip", "uninstall", "--quiet", "--yes", NAME)
    await install(project)
    assert recorded() <= recorded(project.folder / ".venv")
    await first_hour(project, feishu_sandbox)


async def test_with_the_feishu_adapter(create: Create, feishu_sandbox: Sandbox) -> None:
    """The stock adapter wants an HTTP client, which the default driver is not, and says so; aiohttp is there."""
    project = await create(True)
    await install(project)
    (adapter,) = project.toml["tool"]["nonebot"]["adapters"]["nonebot-adapter-feishu"]
    assert adapter["module_name"] == "nonebot.adapters.feishu"
    refused = await project.start()
    await refused.line("doesn't support http client requests")
    await refused.process.wait()
    settings = project.folder / ".env.prod"
    text = settings.read_text(encoding="utf-8")
    assert "DRIVER=~fastapi\n" in text
    settings.write_text(text.replace("DRIVER=~fastapi\n", "DRIVER=~fastapi+~aiohttp\n"), encoding="utf-8")
    await first_hour(project, feishu_sandbox)
