"""What is in `deploy/`, taken apart, and run as far as this machine can: the image's files in a directory."""

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from processes import BotProcess

from feishu_sandbox import App, Sandbox

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@dataclass(frozen=True)
class Stage:
    """A stage of the Dockerfile.

    Attributes:
        base: The image or stage it begins with.
        steps: Instruction and arguments, in order.
    """

    base: str
    steps: tuple[tuple[str, str], ...]

    def of(self, instruction: str) -> list[str]:
        """The arguments of every such instruction."""
        return [arguments for name, arguments in self.steps if name == instruction]

    def command(self, instruction: str) -> list[str]:
        """The words of the one CMD or HEALTHCHECK, options left out."""
        (arguments,) = self.of(instruction)
        return json.loads(arguments[arguments.index("[") :])


@pytest.fixture(scope="session")
def stages() -> list[Stage]:
    """The Dockerfile's."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in text.splitlines():
        name, _, arguments = " ".join(line.split()).partition(" ")
        if name == "FROM":
            found.append((arguments.split(" AS ")[0], []))
        elif name and name[0] != "#" and found:
            found[-1][1].append((name, arguments))
    return [Stage(base, tuple(steps)) for base, steps in found]


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """The compose file, as YAML."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def variables() -> dict[str, list[str]]:
    """The variables of the compose file, and how each is asked for: `?` must be given, `-` has a default."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for match in _VARIABLE.finditer(text):
        found.setdefault(match[1], []).append(match[2] or "")
    return found


@pytest.fixture(scope="session")
def examples() -> Mapping[str, str | None]:
    """What the example of compose's `.env` sets."""
    return dotenv_values(DEPLOY / ".env.example", interpolate=False)


def filled(value: str, given: Mapping[str, str]) -> str:
    """A value as compose fills it in."""

    def fill(match: re.Match[str]) -> str:
        name, how, rest = match.groups()
        if given.get(name):
            return given[name]
        assert how == "-", f"{name}: {rest}"
        return rest

    return _VARIABLE.sub(fill, value)


class Deployed:
    """The image's files in a directory, and bots that run there with the compose file's environment.

    Args:
        place: Where the files go.
        stage: The last one of the Dockerfile.
        environment: What the compose file gives a bot.
    """

    def __init__(self, place: Path, stage: Stage, environment: Mapping[str, str]) -> None:
        self.place = place
        self.stage = stage
        self._bin = str(Path(sys.executable).parent)
        self._environment = environment
        self._running: list[BotProcess] = []
        for arguments in stage.of("COPY"):
            *sources, _target = arguments.split()
            if not sources[0].startswith("--from"):
                for source in sources:
                    shutil.copy(ROOT / source, place)

    def environment(self, replica: int) -> dict[str, str]:
        """Of one of the bots. Each has a home of its own, as each container has."""
        home = self.place / f"data-{replica}"
        home.mkdir(exist_ok=True)
        return {**self._environment, "HOME": str(home), "PATH": f"{self._bin}:{os.environ['PATH']}"}

    async def start(self, replica: int, **more: str) -> BotProcess:
        """Run the image's command."""
        program, *arguments = self.stage.command("CMD")
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            cwd=self.place,
            env={**self.environment(replica), **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._running.append(bot := BotProcess(process))
        return bot

    async def run(self, *command: str, replica: int = 1) -> tuple[int, str]:
        """Run something beside a bot, as `docker compose exec` does; the exit code and standard output."""
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.place, env=self.environment(replica), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def close(self) -> None:
        for bot in self._running:
            await bot.kill()


Deploy = Callable[..., Deployed]


@pytest.fixture
async def deploy(
    stages: list[Stage], compose: Any, postgres: Any, feishu_sandbox: Sandbox, tmp_path: Path
) -> AsyncIterator[Deploy]:
    """Deploys bots for some apps; the platform is the sandbox, the database a new one."""
    made: list[Deployed] = []

    def make(*apps: App, superusers: tuple[str, ...] = ()) -> Deployed:
        declared = [
            {"name": app.name.lower(), "app_id": app.app_id, "app_secret": app.app_secret} for app in apps
        ]
        given = {
            "POSTGRES_PASSWORD": "canary",
            "FEISHU_WS__SECRET_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "FEISHU_WS__URL": feishu_sandbox.url,
            "FEISHU_WS__CONNECTORS": json.dumps(declared),
            "SUPERUSERS": json.dumps(superusers),
        }
        environment = {
            name: filled(str(value), given)
            for name, value in compose["services"]["bot"]["environment"].items()
        }
        url = postgres.create_database()  # the same, but for where it is
        assert shlex.quote(environment["FEISHU_WS__DATABASE_URL"]).startswith(
            "postgresql+asyncpg://bot:canary@"
        )
        environment["FEISHU_WS__DATABASE_URL"] = url
        place = tmp_path / "image"
        place.mkdir()
        made.append(Deployed(place, stages[-1], environment))
        return made[-1]

    yield make
    for one in made:
        await one.close()
