"""The bot that is killed: every message is answered twice, by the Butler and by a plain NoneBot matcher."""

import os
from pathlib import Path

import nonebot
from crash.ledger import Ledger
from crash.seams import Crash, install
from nonebot import on_message
from nonebot.adapters.feishu import MessageEvent

nonebot.init()
if nonebot.load_plugin("nonebot_plugin_feishu_ws") is None:
    raise SystemExit("The plugin did not load; the log above says why.")

from nonebot_plugin_feishu_ws import butler

ledger = Ledger(Path(os.environ["CRASH_LEDGER"]))
crash = Crash(os.environ.get("CRASH_AT", ""), ledger)
install(crash, ledger)


def work(handler: str, number: int) -> None:
    """What a handler is for; it must not be lost, and is done again only where nobody could know."""
    ledger.write("started", handler, number)
    crash.passes("started")
    ledger.write("completed", handler, number)
    crash.passes("completed")


@butler.tool
async def record(number: int) -> str:
    """Take note of a number.

    Args:
        number: It.
    """
    work("butler", number)
    return f"butler {number}"


@nonebot.get_driver().on_bot_connect
async def ready() -> None:
    Path(os.environ["CRASH_READY"]).touch()  # noqa: ASYNC240 - it is nobody else's


plain = on_message(priority=50, block=False)


@plain.handle()
async def answer(event: MessageEvent) -> None:
    number = int(event.get_plaintext().split()[1])
    work("plain", number)
    await plain.send(f"plain {number}")


if __name__ == "__main__":
    nonebot.run()
