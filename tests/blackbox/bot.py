"""A bot with something to see: what it did is in a ledger that nobody can take back."""

import asyncio
import os
from pathlib import Path

import nonebot

nonebot.init()
assert nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot import on_message
from nonebot.adapters import Event

from nonebot_plugin_feishu_ws import CardActionEvent, butler, cards, on_card_action

LEDGER, GATE = Path("ledger"), Path("gate")


def note(what: str) -> None:
    with LEDGER.open("a") as ledger:
        ledger.write(what + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())
    print(f"NOTED {what}", flush=True)


def closed() -> bool:
    return not GATE.exists()


def says(word: str):
    async def rule(event: Event) -> bool:
        return event.get_type() == "message" and event.get_plaintext().startswith(word)

    return rule


ping = on_message(rule=says("ping"), priority=0, block=True)


@ping.handle()
async def _(event: Event) -> None:
    text = event.get_plaintext()
    note(text)
    await ping.finish(text.replace("ping", "pong"), reply_message=True)


endless = on_message(rule=says("endless"), priority=0, block=True)


@endless.handle()
async def _(event: Event) -> None:
    text = event.get_plaintext()
    note(f"begin {text}")
    if closed():
        await asyncio.Event().wait()
    note(f"end {text}")
    await endless.finish(text, reply_message=True)


NEW = cards.card("Card", cards.text("Clicked."))


@on_card_action("toast").handle()
async def _(event: CardActionEvent) -> None:
    note("toast")
    await event.respond("Toasted", "success")


@on_card_action("renew").handle()
async def _(event: CardActionEvent) -> None:
    await event.respond("Renewed", card=NEW)


@on_card_action("late").handle()
async def _(event: CardActionEvent) -> None:
    await asyncio.sleep(3)  # longer than Feishu waits
    await event.respond(card=NEW)


@butler.tool(requires_approval=True)
async def deploy(service: str) -> str:
    """Deploy a service."""
    note(f"deployed {service}")
    return f"{service} is deployed"


nonebot.run(loop=os.environ.get("TEST_LOOP", "auto"))  # uvicorn's: asyncio, uvloop, or what is there
