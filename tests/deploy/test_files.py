"""What is in `deploy/` names what exists, and is as closed as it says."""

import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from nonebot_plugin_feishu_ws.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
STOPS_WITHIN = 10  # seconds, as docs/deploy.md says
OF_NONEBOT = {"DRIVER", "LOG_LEVEL", "SUPERUSERS"}
PREFIX = "FEISHU_WS__"


def names_a_host(image: str) -> bool:
    """Whether an image's name says from where it comes."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


def exists(setting: str) -> bool:
    return setting in OF_NONEBOT or setting.removeprefix(PREFIX).lower() in Settings.model_fields


# The image


def test_everything_copied_exists_and_reaches_the_build(stages) -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    copied = {
        source
        for stage in stages
        for arguments in stage.of("COPY")
        if not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in let_in), source
    assert set(let_in) == copied, "nothing else is let in"


def test_what_is_installed_is_pinned_and_declared(stages) -> None:
    (install,) = [step for step in stages[0].of("RUN") if "pip install" in step]
    assert "--constraint constraints.txt" in install
    extras = re.search(r'"\.\[([\w,]+)\]"', install)
    assert extras is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "postgres" in extras[1].split(",")
    assert set(extras[1].split(",")) <= project["optional-dependencies"].keys()
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = packages["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(wheel) <= {word for arguments in stages[0].of("COPY") for word in arguments.split()}


def test_the_image_is_nobodys(stages) -> None:
    last = stages[-1]
    (user,) = last.of("USER")
    uid, _, gid = user.partition(":")
    assert int(uid) > 1000
    assert int(gid) > 1000
    steps = [name for name, _ in last.steps]
    assert steps.index("USER") > max(n for n, name in enumerate(steps) if name in ("RUN", "COPY"))
    assert not any(names_a_host(stage.base) for stage in stages)
    assert last.command("CMD") == ["python", "bot.py"]


# Compose


def test_settings_of_the_bot_exist(compose) -> None:
    environment = compose["services"]["bot"]["environment"]
    assert [name for name in environment if not exists(name)] == []


def test_the_example_sets_what_is_asked_for(variables, examples) -> None:
    assert examples.keys() == variables.keys()
    for name, asked in variables.items():
        required = "?" in asked
        assert bool(examples[name]) is not required, f"{name}: a secret is never an example"
        assert exists(name) or required


def test_bots_are_closed_and_have_time_to_stop(compose) -> None:
    bot, database = compose["services"]["bot"], compose["services"]["postgres"]
    assert bot["deploy"]["replicas"] == 2
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in bot["security_opt"]
    assert seconds(bot["stop_grace_period"]) > STOPS_WITHIN
    assert {bot["restart"], database["restart"]} == {"unless-stopped"}
    assert "ports" not in bot
    assert "ports" not in database
    assert database["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True


def test_what_compose_names_exists(compose, stages) -> None:
    services = compose["services"]
    build = services["bot"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    for name, condition in services["bot"]["depends_on"].items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in services[name]
    for service in services.values():
        assert not names_a_host(service["image"])
        assert set(service["networks"]) <= compose["networks"].keys()
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in compose["volumes"]
    url, database = (
        services["bot"]["environment"]["FEISHU_WS__DATABASE_URL"],
        services["postgres"]["environment"],
    )
    assert url.endswith(f"@postgres/{database['POSTGRES_DB']}")
    assert url.startswith(f"postgresql+asyncpg://{database['POSTGRES_USER']}:${{POSTGRES_PASSWORD")
    (home,) = [arguments for arguments in stages[-1].of("ENV") if "HOME=/data" in arguments]
    (data,) = [place for place in services["bot"]["tmpfs"] if place.startswith("/data")]
    (user,) = stages[-1].of("USER")
    assert home
    assert data == f"/data:uid={user.partition(':')[0]},gid={user.partition(':')[2]},mode=0700"


# systemd


def test_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "feishu-bot.service").read_text(encoding="utf-8")
    settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert int(settings["TimeoutStopSec"]) > STOPS_WITHIN
    assert settings["Restart"] == "always"
    program, script = settings["ExecStart"].split()
    assert (ROOT / script).is_file()
    home = re.search(r"HOME=(\S+)", settings["Environment"])
    assert home is not None
    assert home[1] == f"/var/lib/{settings['StateDirectory']}"
    assert settings["WorkingDirectory"] == str(Path(program).parents[2])

    checker = shutil.which("systemd-analyze")
    if checker is None:  # what it would have said of a misspelled setting
        known = {"Description", "Wants", "After", "Type", "ExecStart", "Restart", "DynamicUser", "WantedBy"}
        assert known <= settings.keys()
        return
    unit = tmp_path / "feishu-bot.service"
    unit.write_text(text.replace(program, sys.executable), encoding="utf-8")
    verified = subprocess.run([checker, "verify", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        [checker, "security", "--offline=yes", "--threshold=20", "--no-pager", unit],
        capture_output=True,
        text=True,
    )
    assert judged.returncode == 0, judged.stdout


@pytest.mark.parametrize("name", [path.name for path in DEPLOY.iterdir() if path.is_file()])
def test_no_secret_is_in_a_file(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert re.search(r"(?i)(password|secret|key)=[^\s$]{6,}", text.replace("HOME=", "")) is None
