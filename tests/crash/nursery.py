"""Starts bots that start fast: a process that has imported what the plugin depends on, and forks.

Reads a line of JSON (environment, directory), answers with the process's id, and when it has ended with its exit code;
then the next. Nothing of ours and no state of NoneBot's is there before the fork: every bot loads the plugin itself.
"""

import gc
import importlib
import json
import os
import runpy
import sys
from pathlib import Path

_DEPENDENCIES = (
    "aiohttp",
    "aiosqlite",
    "alembic.command",
    "arclet.alconna",
    "asyncpg",
    "cryptography.hazmat.primitives.ciphers.aead",
    "google.protobuf.message",
    "nonebot.adapters.feishu",
    "nonebot.drivers.none",
    "rich.progress",
    "rich.table",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.ext.asyncio",
    "sqlmodel.ext.asyncio.session",
)


def main() -> None:
    """Serve until standard input ends."""
    for name in _DEPENDENCIES:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _live(order["environment"], order["directory"])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _live(environment: dict[str, str], directory: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, target)
    code = 0
    try:
        runpy.run_path(str(Path(__file__).with_name("bot.py")), run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
        if isinstance(end.code, str):
            os.write(2, end.code.encode())
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    os._exit(code)


if __name__ == "__main__":
    main()
