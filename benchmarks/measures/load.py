"""What loading costs: CPU and memory of a fresh process, up to the moment before it would start."""

import compileall
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ..children import ROOT, started
from ..machine import CLIENT
from ..report import Goal, Options, Outcome, Table, middle

NAME = "load"

_MOST_CPU, _MOST_MEMORY = 0.4, 25 * 2**20  # seconds and bytes, on top of NoneBot and the stock adapter
_FEWEST_ROUNDS = 9  # a process is short, and what disturbs it is not

_NONEBOT = """
import nonebot
nonebot.init(driver={driver!r}, log_level="ERROR", _env_file=None)
"""
_ADAPTER = """
from nonebot.adapters.feishu import Adapter
"""
_REGISTERED = """
nonebot.get_driver().register_adapter(Adapter)
"""
_PLUGIN = """
assert nonebot.load_plugin("nonebot_plugin_feishu_ws")
"""
_NONE, _WEB = "~none", "~fastapi+~httpx+~websockets"
"""What the plugin needs at least, and what the stock adapter does."""

_SCRIPTS = {
    "bare Python": "",
    "`import lark_oapi`": "import lark_oapi",
    f"NoneBot, the stock adapter imported (`{_NONE}`)": _NONEBOT.format(driver=_NONE) + _ADAPTER,
    f"… and the plugin (`{_NONE}`)": _NONEBOT.format(driver=_NONE) + _ADAPTER + _PLUGIN,
    f"NoneBot, the stock adapter registered (`{_WEB}`)": _NONEBOT.format(driver=_WEB)
    + _ADAPTER
    + _REGISTERED,
    f"… and the plugin (`{_WEB}`)": _NONEBOT.format(driver=_WEB) + _ADAPTER + _REGISTERED + _PLUGIN,
}
_OVER = dict(zip(list(_SCRIPTS)[1::2], list(_SCRIPTS)[::2], strict=True))
"""What each is compared with."""

_TELL = """
import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/statm") as statm:
    pages = int(statm.read().split()[1])
print()
print(json.dumps([used.ru_utime + used.ru_stime, pages * resource.getpagesize()]), flush=True)
"""


async def measure(options: Options) -> Outcome:
    """In turns: each of the scripts, once a round."""
    rounds = 1 if options.quick else max(options.rounds, _FEWEST_ROUNDS)
    compileall.compile_dir(ROOT / "nonebot_plugin_feishu_ws", quiet=2)  # as pip does when it installs
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in _SCRIPTS}
    with TemporaryDirectory() as directory:
        for number in range(0 if options.quick else -1, rounds):
            for name, script in _SCRIPTS.items():
                figures = await _one(script + _TELL, Path(directory))
                if number >= 0:  # the first time the disk is read, and bytecode may be written
                    found[name].append(figures)
    return _outcome(found)


async def _one(script: str, directory: Path) -> tuple[float, int]:
    home = {"HOME": str(directory)}
    async with started(sys.executable, "-c", script, directory=directory, core=CLIENT, **home) as child:
        cpu, memory = await child.hear()
        await child.end()
        return cpu, memory


def _outcome(found: dict[str, list[tuple[float, int]]]) -> Outcome:
    rows: list[tuple[str, ...]] = []
    more: dict[str, tuple[float, float]] = {}
    for name, figures in found.items():
        seconds = [cpu for cpu, _ in figures]
        mebibytes = [memory / 2**20 for _, memory in figures]
        row = (
            name,
            middle(seconds, digits=2),
            f"{min(seconds):.2f}",
            middle(mebibytes, digits=0),
        )
        if name in _OVER:
            base = found[_OVER[name]]
            # The least: what a process needs is the same each time, what comes on top is others' doing.
            cpu = min(seconds) - min(cpu for cpu, _ in base)
            memory = min(memory for _, memory in figures) - min(memory for _, memory in base)
            more[name] = cpu, memory
            row += (f"+{cpu:.2f}", f"+{memory / 2**20:.0f}")
        else:
            row += ("", "")
        rows.append(row)
    head = ("", "CPU s", "least", "memory MiB", "more CPU s", "more MiB")
    lark, plain, web = more.values()
    peers = f"`import lark_oapi` +{lark[0]:.2f} s, +{lark[1] / 2**20:.0f} MiB"
    goals = [
        Goal(
            f"plugin load on top of NoneBot and the stock adapter, {driver}",
            peers,
            f"≤ +{_MOST_CPU} s, ≤ +{_MOST_MEMORY / 2**20:.0f} MiB",
            f"+{cpu:.2f} s, +{memory / 2**20:.0f} MiB",
            cpu <= _MOST_CPU and memory <= _MOST_MEMORY,
        )
        for driver, (cpu, memory) in (("no web server", plain), ("with FastAPI, httpx, websockets", web))
    ]
    return Outcome([Table(NAME, head, rows)], found, goals, rounds=len(found["bare Python"]))
