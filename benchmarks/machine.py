"""What it was measured on."""

import os
import platform
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

SERVER, CLIENT = 0, 1
"""The cores: the platform's, and the client's that is measured."""

PACKAGES = (
    "aiohttp",
    "protobuf",
    "nonebot2",
    "nonebot-adapter-feishu",
    "lark-oapi",
    "lark-channel-sdk",
    "uvloop",
    "sqlalchemy",
    "aiosqlite",
    "asyncpg",
)


def describe() -> dict[str, str]:
    """The machine, the versions, the day; how busy it was."""
    found = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        "disk": _file_system(Path(tempfile.gettempdir())),
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    if node := shutil.which("node"):
        found["Node"] = subprocess.check_output([node, "--version"], text=True).strip().removeprefix("v")
    return found


def sentence(found: dict[str, str], rounds: int) -> str:
    """The line under a table's heading."""
    about = ("date", "machine", "disk", "system", "load")
    versions = ", ".join(f"{name} {of}" for name, of in found.items() if name not in about)
    return (
        f"{found['date']}; {found['machine']}, {found['system']}, {found['disk']}, load {found['load']} at the start; "
        f"{versions}; {'one run' if rounds == 1 else f'{rounds} rounds, median [least..most]'}."
    )


def _processor() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.machine()


def _file_system(path: Path) -> str:
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[part] for part in (path, *path.parents) if part in mounts), "unknown file system")
