"""The command `feishu-ws VERB …`: what `nb feishu-ws VERB …` does, for scripts.

nb-cli (seen in the source of 1.7.4: `CLIMainGroup._run_script_command` and its template `run_script.py`) starts NoneBot
with its log on standard output before it calls a script, and drops the script's exit code. This loads the bot just as
nb-cli does, from the project's `pyproject.toml` and without starting it, but standard output has the answer alone and
the exit code is the verb's.

A package of its own, because a NoneBot plugin must not be imported before NoneBot loads it.
"""

import importlib
import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

__all__ = ["main"]

_PLUGIN = "nonebot_plugin_feishu_ws"


def main() -> None:
    """Load the bot of the project around the current directory, and perform the verb."""
    here = Path.cwd()
    project = next((place for place in (here, *here.parents) if (place / "pyproject.toml").is_file()), None)
    if project is None:
        sys.exit(f"feishu-ws: there is no pyproject.toml in {here} or above it; go to your bot's directory")
    os.chdir(project)  # settings, plugins and data are found from there, as when the bot runs
    sys.path.insert(0, "")
    _load(tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8")))
    importlib.import_module(f"{_PLUGIN}.commands.shell").main("feishu-ws")


def _load(toml: dict[str, Any]) -> None:
    import nonebot
    from nonebot.log import default_filter, default_format, logger, logger_id

    logger.remove(logger_id)
    logger.add(sys.stderr, level="WARNING", filter=default_filter, format=default_format, diagnose=False)
    nonebot.init()
    driver = nonebot.get_driver()
    declared = toml.get("tool", {}).get("nonebot", {})
    for module in _adapters(declared.get("adapters", [])):
        driver.register_adapter(importlib.import_module(module).Adapter)  # pyright: ignore[reportUnknownMemberType] - NoneBot's **kwargs
    nonebot.load_builtin_plugins(*declared.get("builtin_plugins", []))
    nonebot.load_from_toml("pyproject.toml")
    if nonebot.get_plugin(_PLUGIN) is None:
        sys.exit(
            f"feishu-ws: {_PLUGIN} is not loaded; pyproject.toml names it under [tool.nonebot.plugins], "
            "or the log above says what is wrong"
        )


def _adapters(declared: object) -> Iterator[str]:
    """Modules of the adapters: a list of tables, or one such list for each package."""
    if isinstance(declared, dict):
        for tables in cast("dict[str, object]", declared).values():
            yield from _adapters(tables)
    elif isinstance(declared, list):
        for table in cast("list[dict[str, str]]", declared):
            yield table["module_name"]
