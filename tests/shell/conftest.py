"""A bot's project as `nb create` makes it, and the command line used in it as a person or a script uses it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from terminal import Terminal

from feishu_sandbox import App, Sandbox

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

PYPROJECT = """\
[project]
name = "mybot"
version = "0.1.0"
description = "mybot"
readme = "README.md"
requires-python = ">=3.10, <4.0"
dependencies = ["nonebot2[fastapi,httpx,websockets]>=2.4.3", "nonebot-adapter-feishu>=2.7.2"]

[tool.nonebot]
plugin_dirs = []
builtin_plugins = ["echo"]

[tool.nonebot.adapters]
nonebot-adapter-feishu = [
    { name = "飞书", module_name = "nonebot.adapters.feishu" }
]
"@local" = []

[tool.nonebot.plugins]
"@local" = []
nonebot-plugin-feishu-ws = ["nonebot_plugin_feishu_ws"]
"""


@dataclass
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


@dataclass
class Project:
    """A directory with a bot in it. Whatever runs there must not show the secrets of its apps."""

    path: Path
    sandbox: Sandbox
    env: dict[str, str]
    secrets: list[str] = field(default_factory=list[str])
    bots: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    terminals: list[Terminal] = field(default_factory=list[Terminal])

    def app(self, name: str = "Butler") -> App:
        """A new app whose secret is to be kept."""
        app = self.sandbox.world.add_app(name)
        self.secrets.append(app.app_secret)
        return app

    async def run(self, *command: str, stdin: str = "", below: str = "", **env: str) -> Result:
        """A command in the project's directory, or in one below it."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.path / below,
            env={**self.env, **env},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        finally:
            if process.returncode is None:
                process.kill()
        result = Result(process.returncode or 0, out.decode(), err.decode())
        self.keeps(result.out + result.err)
        return result

    async def nb(self, *arguments: str, stdin: str = "") -> Result:
        """`nb feishu-ws …`: NoneBot's log comes first, and nb-cli drops the exit code."""
        return await self.run("nb", "feishu-ws", *arguments, stdin=stdin)

    async def says(self, *arguments: str, stdin: str = "", **env: str) -> Result:
        """`feishu-ws …`: the same, for scripts."""
        return await self.run("feishu-ws", *arguments, stdin=stdin, **env)

    async def done(self, *arguments: str, stdin: str = "", **env: str) -> Result:
        """`feishu-ws …`, which must succeed."""
        result = await self.says(*arguments, stdin=stdin, **env)
        assert result.code == 0, result
        return result

    async def added(self, name: str, *fields: str) -> App:
        """A connector for a new app, verified."""
        app = self.app(name.title())
        await self.done(
            "add",
            name,
            f"app_id={app.app_id}",
            *fields,
            "--secrets-stdin",
            stdin=f"app_secret={app.app_secret}",
        )
        await self.done("verify", name)
        return app

    async def on_terminal(self, *command: str) -> Terminal:
        """A command on a terminal of its own."""
        terminal = await Terminal.open(*command, cwd=self.path, env={**self.env, "TERM": "xterm-256color"})
        self.terminals.append(terminal)
        return terminal

    async def start_bot(self) -> None:
        """`bot.py`, with everything logged."""
        with (self.path / "bot.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(ROOT / "bot.py"),
                cwd=self.path,
                env={**self.env, "DRIVER": "~none", "LOG_LEVEL": "TRACE"},
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        self.bots.append(process)

    async def stop(self) -> None:
        for terminal in self.terminals:
            await terminal.close()
            self.keeps(terminal.text)
        for bot in self.bots:
            if bot.returncode is None:
                bot.terminate()
            await asyncio.wait_for(bot.wait(), 15)
        if self.bots:
            log = (self.path / "bot.log").read_text()
            self.keeps(log)
            assert "Traceback" not in log

    def keeps(self, text: str) -> None:
        for secret in self.secrets:
            assert secret not in text


@pytest.fixture
async def project(feishu_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Project]:
    path = tmp_path / "mybot"
    path.mkdir()
    (path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (path / ".env").write_text(
        "ENVIRONMENT=dev\nDRIVER=~fastapi+~httpx+~websockets\nLOCALSTORE_USE_CWD=true\n"
        f"FEISHU_WS__URL={feishu_sandbox.url}\n"
    )
    (path / ".env.dev").write_text("LOG_LEVEL=DEBUG\n")
    env = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "en_US.UTF-8",
        "USER": "alice",
    }
    project = Project(path, feishu_sandbox, env)
    yield project
    await project.stop()
