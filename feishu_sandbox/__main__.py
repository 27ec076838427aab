"""``python -m feishu_sandbox``: a local Feishu until Ctrl-C."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence

from . import Sandbox, populate
from .world import App

_TEXT = """
飞书沙盒已启动 · the local Feishu is running

  聊天页面 chat page    {url}/
  平台地址 platform     {url}

把下面几行放进机器人的 .env · put these lines into the bot's .env:

FEISHU_WS__URL={url}
FEISHU_WS__CONNECTORS={connectors}

按 Ctrl-C 结束 · Ctrl-C ends it
"""


def _app(value: str) -> tuple[str, str]:
    app_id, _, secret = value.partition(":")
    if not app_id or not secret:
        raise argparse.ArgumentTypeError("expected ID:SECRET")
    return app_id, secret


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m feishu_sandbox", description="本地飞书 · a local Feishu")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="loopback unless told otherwise: it trusts whoever reaches it (default %(default)s)",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    parser.add_argument("--locale", choices=("zh_CN", "en_US"), default="zh_CN", help="the page's language")
    parser.add_argument(
        "--app",
        type=_app,
        action="append",
        metavar="ID:SECRET",
        help="an app, repeatable; also FEISHU_SANDBOX_APPS=ID:SECRET,… (default: a made-up one)",
    )
    return parser.parse_args(argv)


def _apps(sandbox: Sandbox, credentials: Sequence[tuple[str, str]]) -> list[App]:
    name, add = "管家" if sandbox.locale == "zh_CN" else "Butler", sandbox.world.add_app
    return [
        add(name if n == 1 else f"{name} {n}", app_id=app_id, app_secret=secret)
        for n, (app_id, secret) in enumerate(credentials, start=1)
    ] or [add(name)]


async def _run(arguments: argparse.Namespace, credentials: Sequence[tuple[str, str]]) -> None:
    sandbox = Sandbox(host=arguments.host, port=arguments.port, locale=arguments.locale)
    async with sandbox:
        apps = _apps(sandbox, credentials)
        populate(sandbox, apps)
        connectors = [
            {"name": f"sandbox-{n}", "app_id": app.app_id, "app_secret": app.app_secret}
            for n, app in enumerate(apps, start=1)
        ]
        sys.stdout.write(_TEXT.format(url=sandbox.url, connectors=json.dumps(connectors)))
        sys.stdout.flush()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
                loop.add_signal_handler(number, ended.set)
        await ended.wait()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the sandbox as the command line says."""
    arguments = _arguments(argv)
    credentials: list[tuple[str, str]] = list(arguments.app or ())
    if not credentials and (listed := os.environ.get("FEISHU_SANDBOX_APPS")):
        try:
            credentials = [_app(one.strip()) for one in listed.split(",")]
        except argparse.ArgumentTypeError as error:
            sys.exit(f"FEISHU_SANDBOX_APPS: {error}")
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_run(arguments, credentials))
        except OSError as error:
            sys.exit(f"{arguments.host}:{arguments.port}: {error.strerror or error}")


if __name__ == "__main__":
    main()
