"""Who is measured, and how each is started."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .children import ROOT, python
from .frames import APP_ID, SECRET

Store = Literal["sqlite", "postgresql"]
NODE = ROOT / "benchmarks" / "clients" / "node"


@dataclass(frozen=True, slots=True)
class Contender:
    """A client.

    Attributes:
        name: Of it among the raw figures.
        title: What it is, in a table.
        program: A module of `clients`, or a JavaScript file.
        store: The database it is given, if any.
        settings: What it is told besides the address and the database.
        events: How many it is sent in a round of `events`, 256 under way; the slow ones fewer.
        single: The same, one at a time.
        handles: Whether what it acks is handled.
    """

    name: str
    title: str
    program: str
    store: Store | None = None
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    events: int = 10_000
    single: int = 400
    handles: bool = True

    def command(self, url: str, database: str | None) -> tuple[str, ...]:
        told = {"url": url, "database": database, **self.settings}
        if self.program.endswith(".js"):
            node = shutil.which("node") or "node"
            return (node, str(NODE / self.program), json.dumps(told | {"appId": APP_ID, "appSecret": SECRET}))
        return python(f"benchmarks.clients.{self.program}", told)

    def missing(self) -> str | None:
        """What must be installed for it to run, if it is not; the Node SDK is installed here, where npm is."""
        if self.program == "lark_channel" and importlib.util.find_spec("lark_channel") is None:
            return "lark-channel-sdk is not installed"
        if self.program.endswith(".js"):
            return _node_missing()
        return None


def _node_missing() -> str | None:
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        return "node and npm are not installed"
    if not (NODE / "node_modules" / "@larksuiteoapi").is_dir():
        command = (npm, "install", "--no-package-lock", "--no-audit", "--no-fund")
        if subprocess.run(command, cwd=NODE, check=False, capture_output=True, timeout=200).returncode:
            return "npm could not install the SDK"
    return None


_DEAF = {"policy": {"allow_group_mention": False}}
_UVLOOP, _ASYNCIO = {"loop": "uvloop"}, {"loop": "asyncio"}

FLOOR = Contender("floor", "the floor: aiohttp, protobuf, `json.loads`", "floor", events=20_000)
GATEWAY = Contender("gateway", "ours, the gateway alone", "gateway", events=20_000)
INBOX = Contender("inbox", "ours, with the durable inbox (SQLite)", "inbox", "sqlite", events=20_000)
INBOX_PG = Contender(
    "inbox-pg", "ours, with the durable inbox (PostgreSQL)", "inbox", "postgresql", events=6_000
)
PLUGIN = Contender("plugin", "ours, whole, one matcher (SQLite)", "plugin", "sqlite", events=5_000)
PLUGIN_PG = Contender(
    "plugin-pg", "ours, whole, one matcher (PostgreSQL)", "plugin", "postgresql", events=3_000
)
FILTERED = Contender("filtered", "ours, whole, not for us (SQLite)", "plugin", "sqlite", _DEAF, handles=False)
FILTERED_PG = Contender(
    "filtered-pg",
    "ours, whole, not for us (PostgreSQL)",
    "plugin",
    "postgresql",
    _DEAF,
    events=3_000,
    handles=False,
)
LARK_OAPI = Contender("lark-oapi", "lark-oapi `ws.Client`", "lark_oapi_ws")
LARK_CHANNEL = Contender("lark-channel", "lark-channel-sdk `ws.Client`", "lark_channel")
NODE_SDK = Contender("node", "Node SDK `WSClient`", "client.js", events=20_000)
STOCK = Contender("stock", "stock adapter, one matcher (uvloop)", "stock", None, _UVLOOP, events=3_000)
STOCK_ASYNCIO = Contender(
    "stock-asyncio", "stock adapter, one matcher (asyncio)", "stock", None, _ASYNCIO, events=3_000
)

CLIENTS = tuple(one.name for one in vars().copy().values() if isinstance(one, Contender))
