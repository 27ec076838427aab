"""Planted secrets, every action, every failure: they are in no table, log, repr, error or traceback."""

import contextlib
import io
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from nonebot.log import logger as loguru
from pydantic import SecretStr
from sqlalchemy import text

from feishu_sandbox import ApiFault, BootstrapFault, ClientConfig, HandshakeFault, Rules
from nonebot_plugin_feishu_ws.connectors import SECRETS, ConnectorError, ConnectorStore, rotate
from nonebot_plugin_feishu_ws.storage import Database, Vault, new_key

pytestmark = pytest.mark.usefixtures("pong")

PLANTED = {name: f"canary-{name.replace('_', '-')}-5e1f" for name in SECRETS}
PLANTED["proxy"] = f"http://user:{PLANTED['proxy']}@127.0.0.1:9"
ROLLED = "canary-rolled-77aa"
KEY, NEXT_KEY = new_key(), new_key()
NEEDLES = [
    *(value for name, value in PLANTED.items() if name != "proxy"),
    "canary-proxy-5e1f",
    ROLLED,
    KEY.rstrip("="),
    NEXT_KEY.rstrip("="),
]


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1))


class Ears(logging.Handler):
    """All that is logged, and the tracebacks with the locals of every frame of ours, as some loggers print them."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.heard = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self.heard.write(f"{record.getMessage()} {vars(record)!r}\n")
        if record.exc_info and record.exc_info[1]:
            self.heard.write(told(record.exc_info[1]))


def told(error: BaseException) -> str:
    """An error with all that belongs to it. Frames of tests hold what they planted: those are left out."""
    parts, seen = [], set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts.append(f"{error} {error!r} {vars(error)!r}")
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        parts += [
            f"{frame.name}: {frame.locals}" for frame in frames.stack if "/tests/" not in frame.filename
        ]
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return "\n".join(parts)


@pytest.fixture
def ears(caplog: pytest.LogCaptureFixture) -> Iterator[Ears]:
    caplog.set_level(0)
    ears = Ears()
    root = logging.getLogger()
    ours = logging.getLogger("nonebot_plugin_feishu_ws")
    for logger in (root, ours):
        logger.addHandler(ears)
    # As NoneBot's own sink, but with everything that loguru can show.
    sink = loguru.add(ears.heard, level=0, format="{message} {extra}", backtrace=True, diagnose=False)
    yield ears
    loguru.remove(sink)
    for logger in (root, ours):
        logger.removeHandler(ears)


async def dumped(database: Database) -> str:
    """Every row of every table."""
    tables = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'feishu%'"
        if database.is_sqlite
        else "SELECT tablename FROM pg_tables WHERE tablename LIKE 'feishu%'"
    )
    found: list[str] = []
    async with database.session() as session:
        names = [str(row[0]) for row in await session.exec(text(tables))]  # type: ignore[call-overload]
        assert "feishu_ws_connector" in names
        for name in names:
            found += [repr(tuple(row)) for row in await session.exec(text(f"SELECT * FROM {name}"))]  # type: ignore[call-overload]
    return "\n".join(found)


def clean(what: str, where: str, *more: str) -> None:
    for needle in (*NEEDLES, *more):
        spot = what.find(needle)
        assert spot == -1, f"{where} holds a secret: …{what[max(0, spot - 300) : spot + 80]}…"


@pytest.fixture
async def bot(launch: Any, feishu_sandbox: Any, database_url: str) -> Any:
    return await launch(feishu_sandbox, database_url, secret_key=SecretStr(KEY))


async def test_no_secret_is_anywhere(
    bot, manage, people, ears, feishu_sandbox, database_url, fields_of, caplog, capfd
) -> None:
    service, root, errors, seen = bot.service, bot.root, list[BaseException](), list[object]()
    world = feishu_sandbox.world
    app = world.add_app(
        "Butler", app_secret=PLANTED["app_secret"], verification_token=PLANTED["verification_token"]
    )

    async def fails(asked: Any) -> None:
        try:
            await asked
        except Exception as error:
            errors.append(error)
            return
        pytest.fail("should have been refused")

    # Adding, wrongly and rightly; as SecretStr and as plain words.
    plain: dict[str, object] = {**fields_of(app), **PLANTED, "owner": "ou_owner"}
    for wrong in (
        {"name": "NO"},
        {"proxy": PLANTED["encrypt_key"]},
        {"proxy": "http://user:canary-proxy-5e1f@host:port"},
        {"app_secret": PLANTED["app_secret"] + "\n.."},
        {"app_secret": PLANTED["app_secret"] * 100},
        {"app_secret": SecretStr(PLANTED["app_secret"] + "\ud800")},
        {"encrypt_key": [PLANTED["encrypt_key"]]},
        {"verification_token": {"x": PLANTED["verification_token"]}},
    ):
        await fails(service.create(root, {**plain, **wrong}))
    # Where no secret belongs it is in the locals, but in no text.
    for wrong in (
        {"domain": f"https://user:{PLANTED['app_secret']}@open.feishu.cn"},
        {"domain": f"https://open.feishu.cn/?x={PLANTED['app_secret']}"},
        {PLANTED["app_secret"]: 1},
        {"allow_dm": PLANTED["app_secret"]},
        {"owner": f"{PLANTED['app_secret']} and more"},
    ):
        await fails(service.create(root, {**plain, **wrong}))
        seen += [misplaced := errors.pop(), vars(misplaced)["problems"]]
    await fails(service.create(people.other, plain))
    seen.append(await service.create(root, plain))
    await fails(service.create(root, plain))
    await fails(service.update(root, "butler", {"app_secret": ""}))
    await fails(service.update(people.other, "butler", {"app_secret": ROLLED}))
    # The proxy answers nobody; without it Feishu is asked, which quotes the secret.
    await fails(service.verify(root, "butler"))
    seen.append(await service.update(root, "butler", {"proxy": ""}))
    quoting = {"code": 10014, "msg": f"bad secret {PLANTED['app_secret']}"}
    feishu_sandbox.faults.add(ApiFault(path=".*tenant_access_token.*", times=1, **quoting))
    await fails(service.verify(root, "butler"))
    feishu_sandbox.faults.add(ApiFault(path=".*/bot/v3/info", drop=True))
    await fails(service.verify(root, "butler"))
    feishu_sandbox.faults.clear()
    await fails(service.set_enabled(root, "butler", True))
    seen.append(await service.verify(root, "butler"))
    # Running, with everything that goes wrong there.
    seen.append(await service.set_enabled(root, "butler", True))
    await bot.connected(app)
    await bot.answers(app)
    link = bot.links["butler"]
    seen += [
        link,
        link.client,
        link._ways[0],
        link._ways[0]._facts,
        link._ways[0]._credentials,
        link.spec,
    ]
    seen += [
        bot.runtime,
        bot.runtime.management,
        bot.runtime._settings,
        service,
        bot.runtime.management.store,
    ]
    for fault in (
        BootstrapFault(times=1, **quoting),
        HandshakeFault(status=403, msg="forbidden", times=1),
        BootstrapFault(how="not_json", times=1),
    ):
        feishu_sandbox.faults.add(fault)
        count = len(feishu_sandbox.hub.opened(app))
        feishu_sandbox.hub.drop(app)
        await bot.unless(lambda link=link: link.status.attempt < 2)  # dropped, and then that
        status = link._ways[0].status
        seen += [link.status, status, status.error]
        errors.append(status.error)
        await service.set_connected(root, "butler", False)
        await bot.unless(lambda: "butler" in bot.links)
        feishu_sandbox.faults.clear()
        await service.set_connected(root, "butler", True)
        await feishu_sandbox.hub.wait_opened(app, count + 1, timeout=20)
        link = bot.links["butler"]
    # Changing, looking, rotating, locked.
    issued = [*feishu_sandbox.tokens._issued]
    issued += [connection.request.query["ticket"] for connection in feishu_sandbox.hub.opened(app)]
    assert len(issued) >= 4
    app.app_secret = ROLLED
    feishu_sandbox.tokens.invalidate(app.app_id)
    seen.append(await service.update(root, "butler", {"app_secret": ROLLED}))
    seen.append(await service.verify(people.owner, "butler"))
    seen += [
        await service.get(root, "butler"),
        await service.status(root),
        await service.logs(root, "butler", limit=500),
    ]
    stranger = await manage(database_url, secret_key=SecretStr(NEXT_KEY))
    await fails(stranger.service.update(root, "butler", {"app_secret": PLANTED["app_secret"]}))
    await fails(stranger.rotate_key(seen.append))
    vault = Vault([NEXT_KEY, KEY])
    await rotate(bot.runtime.management.database, vault, seen.append)
    seen += [vault, *await ConnectorStore(bot.runtime.management.database, vault).all()]
    await bot.runtime.management.logbook.flush()
    tables = await dumped(bot.runtime.management.database)
    await service.remove(root, "butler")
    await bot.runtime.management.logbook.flush()
    tables += await dumped(bot.runtime.management.database)
    await bot.stop()

    assert "v1." in tables, "the secrets are there, sealed"
    assert len(errors) >= 20
    assert any(isinstance(error, ConnectorError) for error in errors)
    clean(tables, "the database", *issued)
    clean(ears.heard.getvalue() + caplog.text, "the log", *issued)
    out = capfd.readouterr()
    clean(out.out + out.err, "the terminal", *issued)
    clean("\n".join(map(repr, seen)) + "\n".join(map(str, seen)), "a repr", *issued)
    for error in errors:
        clean(told(error), f"the traceback of {type(error).__name__}", *issued)


def test_the_test_can_find_something(ears) -> None:
    """What is planted where it must not be is found."""

    logging.getLogger("nonebot_plugin_feishu_ws.test").debug("%s", PLANTED["app_secret"])
    with pytest.raises(AssertionError, match="holds a secret"):
        clean(ears.heard.getvalue(), "the log")
    code = compile("def leak(secret):\n    raise ValueError(len(secret))\n", "/package/module.py", "exec")
    space: dict[str, Any] = {}
    exec(code, space)
    try:
        space["leak"](PLANTED["encrypt_key"])
    except ValueError as error:
        with pytest.raises(AssertionError, match="holds a secret"):
            clean(told(error), "a traceback")
